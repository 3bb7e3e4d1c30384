"""Only the first frame of a GIF costs anything, and has the pixels that all of them would give."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_confmat.data import open_source
from pytest_confmat.data.gif import first_frame
from pytest_confmat.data.headers import Header, ImageTrait, read_header
from pytest_confmat.errors import DataError
from pytest_confmat.spec import DirectorySpec, ImageSpec, ModelInput
from tests.support.gifs import gif, growing
from tests.support.images import frames
from tests.support.makers import collect, tree

SIZES = {
    "one": [(6, 8)],
    "all alike": [(6, 8)] * 3,
    "later ones smaller": [(6, 8), (3, 8), (6, 2)],
    "one larger": [(6, 8), (9, 8)],
    "one wider": [(6, 8), (2, 30)],
}


@pytest.mark.parametrize("name", SIZES)
def test_the_first_frame_alone_has_the_same_pixels(name):
    import tensorflow as tf

    content = gif(SIZES[name])
    whole, first = (
        tf.image.decode_image(each, channels=3, expand_animations=False).numpy()
        for each in (content, first_frame(content))
    )
    np.testing.assert_array_equal(first, whole)
    assert (len(first_frame(content)) < len(content)) == (
        name in ("all alike", "later ones smaller")
    )


def test_what_pillow_animates_is_cut_to_its_first_frame():
    many, one = frames("GIF", 40), frames("GIF", 1)
    assert len(first_frame(many)) < 2 * len(one)
    assert first_frame(one) == one
    assert read_header(many) == Header(*read_header(one)[:2], ImageTrait.ANIMATED)


def test_all_frames_count_where_all_of_them_are_decoded():
    assert read_header(growing()) == Header(30, 10, ImageTrait.ANIMATED)
    assert first_frame(growing()) == growing()


def test_damage_behind_the_first_frame_is_not_read(tmp_path, capfd):
    content = frames("GIF", 5)
    content = content[: len(content) // 2] + bytes(40)
    root = tree(tmp_path, {"a/x.gif": content, "b/x.gif": frames("GIF", 2)})
    source = open_source(DirectorySpec(root), ("a", "b"), ModelInput((7, 11, 3)))
    whole = collect(source)
    np.testing.assert_array_equal(whole["inputs"][:1], source.example(0).inputs)
    assert capfd.readouterr().err == ""


def test_the_word_over_a_gif_is_one_over_all_its_frames(tmp_path):
    from pytest_confmat.data.pipeline import words

    contents = [frames("GIF", number) for number in (4, 5)]
    root = tree(tmp_path, {"a/x.gif": contents[0], "b/x.gif": contents[1]})
    source = open_source(DirectorySpec(root), ("a", "b"), ModelInput((7, 11, 3)))
    assert collect(source)["check"].tolist() == words(contents).numpy().tolist()
    assert source.example(0).check.tolist() == words(contents[:1]).numpy().tolist()


def test_hundreds_of_large_frames_take_the_memory_of_one(tmp_path):
    # Decoded in full these are some gigabytes.
    sizes = [(3000, 3000)] * 3
    body = gif(sizes)
    end = len(first_frame(body)) - 1
    frame = body[13 + 3 * 256 : end]
    content = body[:end] + frame * 400 + b";"
    root = tree(tmp_path, {"a/x.gif": content, "b/x.gif": content})
    spec = DirectorySpec(root, images=ImageSpec(max_pixels=9_000_000))
    source = open_source(spec, ("a", "b"), ModelInput((8, 8, 3)))
    assert set(source.example(0).inputs.numpy().ravel()) == {60.0}
    smaller = DirectorySpec(root, images=ImageSpec(max_pixels=8_999_999))
    source = open_source(smaller, ("a", "b"), ModelInput((8, 8, 3)))
    with pytest.raises(DataError) as caught:
        source.example(0)
    assert str(caught.value) == "is 3,000 x 3,000 pixels, more than max_pixels 8,999,999"
