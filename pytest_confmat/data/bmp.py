"""BMP files: what in them TensorFlow does not read."""

from __future__ import annotations

import struct

from pytest_confmat.text import plural

_DEPTHS = (8, 24, 32)
_OS2_HEADER = 12
_GRAYS = bytes(value for gray in range(256) for value in (gray, gray, gray))
_PLAIN = (0, 3)  # as they are; in places that are those of most programs
_COMPRESSIONS = {
    1: "a run-length encoded BMP image",
    2: "a run-length encoded BMP image",
    4: "a BMP image that wraps a JPEG",
    5: "a BMP image that wraps a PNG",
}


def obstacle(data: bytes) -> str | None:
    """Return what keeps TensorFlow from reading a BMP as it is meant; ``None``: nothing.

    Raises
    ------
    struct.error
        If it is cut in its header.
    """
    (header,) = struct.unpack_from("<I", data, 14)
    if header == _OS2_HEADER:
        return _unread("a BMP image of OS/2")
    depth, compression = struct.unpack_from("<HI", data, 28)
    if compression in _COMPRESSIONS:
        return _unread(_COMPRESSIONS[compression])
    if compression not in _PLAIN:
        return _unread(f"a BMP image of compression {compression}")
    if depth not in _DEPTHS:
        return _unread(f"a BMP image of {plural(depth, 'bit')} a pixel")
    if depth == 8 and not _is_gray(data, 14 + header):
        # It takes the numbers of the colors for shades of gray.
        return _unread("a BMP image with a color palette")
    return None


def _is_gray(data: bytes, start: int) -> bool:
    """Whether the palette of an image of 8 bits a pixel gives each number its own shade of gray."""
    (used,) = struct.unpack_from("<I", data, 46)
    size = min(used or 256, 256)
    colors = data[start : start + 4 * size]
    named = bytes(value for at, value in enumerate(colors) if at % 4 < 3)  # blue, green, red, 0
    return len(colors) == 4 * size and named == _GRAYS[: 3 * size]


def _unread(what: str) -> str:
    return f"is {what}, which TensorFlow does not read; convert it, for instance to PNG"
