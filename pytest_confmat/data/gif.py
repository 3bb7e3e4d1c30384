"""GIF files: only their first frame is read, so only that is handed to the decoder.

It would unpack all of them, some bytes into a picture each.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_SIZE = struct.Struct("<HHB")
_EXTENSION, _FRAME, _TRAILER = b"\x21\x2c\x3b"


class Gif(NamedTuple):
    """Height and width that are made room for; number of frames; where the first of them ends.

    The decoder makes room for the largest frame. Where that is not the first, all of them must be
    decoded, and `end` is 0.
    """

    height: int
    width: int
    frames: int
    end: int


def read(data: bytes) -> Gif:
    """Walk the blocks of a GIF.

    Raises
    ------
    struct.error
        If it is cut in its header.
    """
    width, height, flags = _SIZE.unpack_from(data, 6)
    at, end, sizes = 13 + _color_table(flags), 0, []
    while at + 10 <= len(data) and data[at] in (_EXTENSION, _FRAME):
        is_frame = data[at] == _FRAME
        if is_frame:
            wide, high, flags = _SIZE.unpack_from(data, at + 5)
            sizes.append((high, wide))
            at += 11 + _color_table(flags)
        else:
            at += 2
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
        if is_frame and len(sizes) == 1:
            end = at
    highest = max((high for high, _ in sizes), default=0)
    widest = max((wide for _, wide in sizes), default=0)
    if sizes and sizes[0] != (highest, widest):
        end = 0
    return Gif(max(height, highest), max(width, widest), len(sizes), end)


def first_frame(data: bytes) -> bytes:
    """Return a GIF without what follows its first frame, where that gives the same pixels."""
    gif = read(data)
    return data[: gif.end] + bytes([_TRAILER]) if gif.frames > 1 and gif.end else data


def _color_table(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
