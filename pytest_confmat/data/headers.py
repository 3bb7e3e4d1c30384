"""What the headers of encoded images say: their size, and what of them a decoder drops.

Plain Python on the first bytes, some microseconds an image: building and running the same look as
TensorFlow operations took many times as long as decoding small images does. Nothing here decodes,
and nothing goes further into a file than to where its pixels begin; but GIFs, whose frames may be
larger than their header says, and JPEGs of several scans are walked to the end.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntFlag, auto
from typing import NamedTuple

from pytest_confmat.data import bmp, gif, jpeg


class ImageTrait(IntFlag):
    """What is special in an image, or in an input of a project's own; see `TRAITS`."""

    ROTATED = auto()
    SIXTEEN_BITS = auto()
    ALPHA = auto()
    CMYK = auto()
    ANIMATED = auto()
    NOT_FINITE = auto()
    STRAY = auto()


# The notes on images that are decoded otherwise than a viewer shows them, and of a project's
# own inputs that may or may not be meant so; of one and of many.
TRAITS = {
    ImageTrait.ROTATED: (
        "carries an EXIF rotation that TensorFlow ignores",
        "carry an EXIF rotation that TensorFlow ignores",
    ),
    ImageTrait.SIXTEEN_BITS: (
        "has 16 bits a channel, of which the upper 8 are read",
        "have 16 bits a channel, of which the upper 8 are read",
    ),
    ImageTrait.ALPHA: ("has transparency, which is dropped", "have transparency, which is dropped"),
    ImageTrait.CMYK: (
        "is a CMYK image, which TensorFlow converts without its color profile",
        "are CMYK images, which TensorFlow converts without their color profiles",
    ),
    ImageTrait.ANIMATED: (
        "is animated, and its first frame is read",
        "are animated, and their first frames are read",
    ),
    ImageTrait.NOT_FINITE: ("holds NaN or infinite inputs", "hold NaN or infinite inputs"),
    ImageTrait.STRAY: (
        "holds extraneous bytes in its JPEG data, which TensorFlow skips",
        "hold extraneous bytes in their JPEG data, which TensorFlow skips",
    ),
}

_ORIENTATION = 0x0112
_PNG_CHUNK = struct.Struct(">I4s")
_RIFF_CHUNK = struct.Struct("<4sI")
_PNG_HEAD = struct.Struct(">IIBB")


class Header(NamedTuple):
    """Height and width as declared, and its traits.

    Both sizes are 0 where there are none, or where TensorFlow would not read all pixels as they
    are meant.
    """

    height: int
    width: int
    traits: int


_NOTHING = Header(0, 0, 0)


def read_header(data: bytes) -> Header:
    """Read the header of an encoded image, of any format or of none. Never raises."""
    reader = _READERS.get(data[:2])
    if reader is None:
        return _NOTHING
    try:
        return reader(data)
    except (struct.error, IndexError):  # it is cut
        return _NOTHING


def _png(data: bytes) -> Header:
    width, height, depth, colors = _PNG_HEAD.unpack_from(data, 16)
    traits = (ImageTrait.SIXTEEN_BITS if depth == 16 else 0) | (
        ImageTrait.ALPHA if colors in (4, 6) else 0
    )
    at, end = 33, len(data) - 8
    while at <= end:
        length, name = _PNG_CHUNK.unpack_from(data, at)
        if name == b"IDAT":
            break
        if name == b"tRNS":
            traits |= ImageTrait.ALPHA
        elif name == b"acTL":
            traits |= ImageTrait.ANIMATED
        elif name == b"eXIf":
            traits |= _rotation(data, at + 8)
        at += 12 + length
    return Header(height, width, traits)


def _jpeg(data: bytes) -> Header:
    traits, walk = 0, jpeg.segments(data)
    for marker, at in walk:
        if marker in jpeg.SOF:
            frame = jpeg.frame_at(data, at)
            if jpeg.obstacle_behind(data, frame, walk):
                break
            traits |= ImageTrait.CMYK if frame.channels == 4 else 0
            return Header(frame.height, frame.width, traits)
        if marker in (jpeg.SOS, jpeg.EOI):
            break
        if marker == jpeg.APP1 and data[at + 4 : at + 10] == b"Exif\0\0":
            traits |= _rotation(data, at + 10)
    return _NOTHING


def _bmp(data: bytes) -> Header:
    width, height = struct.unpack_from("<ii", data, 18)
    if bmp.obstacle(data):
        return _NOTHING
    # A negative height is that of an image whose first row is the top one.
    return Header(abs(height), max(width, 0), 0)


def _webp(data: bytes) -> Header:
    if data[8:12] != b"WEBP":
        return _NOTHING
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header(height & 0x3FFF, width & 0x3FFF, 0)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        alpha = ImageTrait.ALPHA if bits >> 28 & 1 else 0
        return Header(1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF), alpha)
    if kind != b"VP8X":
        return _NOTHING
    flags, low, mid, high, low_y, mid_y, high_y = struct.unpack_from("<B3x3B3B", data, 20)
    traits = (ImageTrait.ALPHA if flags & 0x10 else 0) | (
        ImageTrait.ANIMATED if flags & 0x02 else 0
    )
    if flags & 0x08:
        traits |= _riff_rotation(data)
    width, height = (
        1 + (a | b << 8 | c << 16) for a, b, c in ((low, mid, high), (low_y, mid_y, high_y))
    )
    return Header(height, width, traits)


def _riff_rotation(data: bytes) -> int:
    at = 12
    while at + 8 <= len(data):
        name, length = _RIFF_CHUNK.unpack_from(data, at)
        if name == b"EXIF":
            return _rotation(data, at + (14 if data[at + 8 : at + 12] == b"Exif" else 8))
        at += 8 + length + length % 2
    return 0


def _gif(data: bytes) -> Header:
    found = gif.read(data)
    # All frames count that the decoder unpacks.
    height = found.height if found.end else found.height * max(found.frames, 1)
    return Header(height, found.width, ImageTrait.ANIMATED if found.frames > 1 else 0)


def _rotation(data: bytes, at: int) -> int:
    """Return `ImageTrait.ROTATED` if the EXIF at `at` says so; 0 if not, or if it is damaged."""
    order = {b"II": "<", b"MM": ">"}.get(data[at : at + 2])
    if order is None:
        return 0
    try:
        (table,) = struct.unpack_from(f"{order}I", data, at + 4)
        (count,) = struct.unpack_from(f"{order}H", data, at + table)
        for entry in range(count):
            tag, value = struct.unpack_from(f"{order}H6xH", data, at + table + 2 + 12 * entry)
            if tag == _ORIENTATION:
                return ImageTrait.ROTATED if 2 <= value <= 8 else 0
    except struct.error:
        pass
    return 0


_READERS: dict[bytes, Callable[[bytes], Header]] = {
    b"\x89P": _png,
    b"\xff\xd8": _jpeg,
    b"GI": _gif,
    b"BM": _bmp,
    b"RI": _webp,
}
