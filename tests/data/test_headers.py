"""What headers say, with Pillow as the oracle; and that no bytes upset who reads them."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_confmat.data.headers import Header, ImageTrait, read_header
from tests.support.images import MARKED, PLAIN, H, W, exif, png_of, save


def test_plain_images_have_a_size_and_no_traits():
    for name, content in PLAIN.items():
        assert read_header(content) == Header(H, W, 0), name


@pytest.mark.parametrize("name", MARKED)
def test_traits(name):
    content, traits = MARKED[name]
    assert read_header(content) == Header(H, W, traits)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_pillows(orientation):
    content = save("JPEG", exif=exif(orientation))
    assert Image.open(io.BytesIO(content)).getexif()[0x0112] == orientation
    assert read_header(content).traits == (ImageTrait.ROTATED if orientation > 1 else 0)


@given(
    st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP"]),
    st.integers(1, 400),
    st.integers(1, 400),
)
def test_sizes_are_pillows(form, width, height):
    content = save(form, "RGB" if form != "GIF" else "P", (width, height))
    assert Image.open(io.BytesIO(content)).size == (width, height)
    assert read_header(content)[:2] == (height, width)


def test_sizes_that_no_image_has():
    assert read_header(png_of(2**32 - 1, 2**32 - 1))[:2] == (2**32 - 1, 2**32 - 1)
    top_down = bytearray(save("BMP"))
    top_down[22:26] = struct.pack("<i", -H)
    assert read_header(bytes(top_down))[:2] == (H, W)
    wide = bytearray(save("WEBP", exif=exif(1)))
    wide[24:30] = b"\xff\xff\xff\xff\xff\xff"
    assert read_header(bytes(wide))[:2] == (2**24, 2**24)


def test_the_frames_of_a_gif_may_be_larger_than_its_screen():
    gif = bytearray(save("GIF", "P"))
    gif[6:10] = struct.pack("<HH", 1, 1)
    assert read_header(bytes(gif)) == Header(H, W, 0)


def test_stray_bytes_and_filling_before_the_frame_of_a_jpeg():
    content = PLAIN["JPEG"]
    for stray in (b"\x00\x12stray", b"\xff\xff\xff", b"\xff\x00\xff\x01"):
        assert read_header(content[:2] + stray + content[2:]) == Header(H, W, 0)


@pytest.mark.parametrize("content", [*PLAIN.values(), *(c for c, _ in MARKED.values())])
def test_what_is_cut_has_its_size_or_none(content):
    size = read_header(content)[:2]
    for end in range(min(len(content), 700)):
        assert read_header(content[:end])[:2] in (size, (0, 0))


@pytest.mark.parametrize("content", [b"", b"x", b"garbage", b"BM", b"RIFF0000WAVE", b"\xff\xd8"])
def test_what_is_no_image_has_no_size(content):
    assert read_header(content) == Header(0, 0, 0)


STARTS = [content[:40] for content in (*PLAIN.values(), *(c for c, _ in MARKED.values()))]


@given(st.sampled_from(STARTS), st.binary(max_size=200), st.integers(0, 40))
def test_no_bytes_upset_it(start, more, end):
    header = read_header(start[:end] + more)
    assert header.height >= 0
    assert header.width >= 0


def test_a_walk_through_a_million_segments_ends():
    header = read_header(b"\xff\xd8" + b"\xff\xe0\x00\x02" * 10**6)
    assert header == Header(0, 0, 0)
