"""JPEG files: what in them TensorFlow does not read, and what its decoder's warnings mean."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
SOS, EOI, APP1 = 0xDA, 0xD9, 0xE1
_APP0 = 0xE0
# 8 x 8 pixels, of which none is there.
CUT = (
    b"\xff\xd8\xff\xdb\0\x43\0%b\xff\xc0\0\x0b\x08\0\x08\0\x08\1\1\x11\0"
    b"\xff\xc4\0\x14\0\1%b\xff\xc4\0\x14\x10\1%b\xff\xda\0\x08\1\1\0\0\x3f\0\xff\xd9"
) % (b"\1" * 64, bytes(16), bytes(16))
# Each costs a walk over all pixels; encoders make about ten.
MOST_SCANS = 100

_CONVERT = "which TensorFlow does not read; convert it, for instance to PNG"
_READ = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_PROGRESSIVE = {0xC2, 0xCA}
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# In the data of a scan a marker is what is neither a stuffed byte, filling nor a restart.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAME = struct.Struct(">BHHB")
_SCAN = struct.Struct("BBB")
_COEFFICIENTS = 64

_EXTRANEOUS = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0x([0-9a-f]+)")
# What some encoders fill a scan up with is of few values; compressed pixels are of many.
_MOST_FILLING_VALUES = 4


class Frame(NamedTuple):
    """What the header of a frame says."""

    process: int
    precision: int
    height: int
    width: int
    channels: int


def segments(data: bytes, at: int = 2) -> Iterator[tuple[int, int]]:
    """Yield marker and place of each segment, and go from scan to scan until the image ends.

    Raises
    ------
    IndexError
        If the data end before.
    """
    while True:
        if data[at] != 0xFF:
            # Stray bytes, which a decoder skips.
            at = _found(data.find(b"\xff", at))
        marker = data[at + 1]
        if marker in (0xFF, 0x00):  # filling; a byte that is no marker
            at += 1
            continue
        yield marker, at
        if marker == EOI:
            return
        if marker in _ALONE:
            at += 2
            continue
        at += 2 + max(2, data[at + 2] << 8 | data[at + 3])
        if marker == SOS:
            next_one = _MARKER.search(data, at)
            at = _found(next_one.start() if next_one else -1)


def frame_at(data: bytes, at: int) -> Frame:
    """Return what the frame header at `at` says."""
    precision, height, width, channels = _FRAME.unpack_from(data, at + 4)
    return Frame(data[at + 1], precision, height, width, channels)


def obstacle(data: bytes) -> str | None:
    """Return what keeps a JPEG from being decoded as it is meant, as far as markers tell.

    Raises
    ------
    IndexError, struct.error
        If it is cut off before that is known.
    """
    walk = segments(data)
    for marker, at in walk:
        if marker in SOF:
            return obstacle_behind(data, frame_at(data, at), walk)
        if marker in (SOS, EOI):
            break
    return None


def obstacle_behind(data: bytes, frame: Frame, walk: Iterator[tuple[int, int]]) -> str | None:
    """Return the same, once `walk`, of `segments`, has come to the frame's header."""
    if frame.process in _LOSSLESS:
        return f"is a lossless JPEG, {_CONVERT}"
    if frame.process not in _READ:
        return f"is a hierarchical JPEG, {_CONVERT}"
    if frame.precision != 8:
        return f"is a {frame.precision}-bit JPEG, {_CONVERT}"
    return _obstacle_in_scans(data, frame, walk)


def _obstacle_in_scans(data: bytes, frame: Frame, walk: Iterator[tuple[int, int]]) -> str | None:
    progressive = frame.process in _PROGRESSIVE
    missing: dict[int, list[int]] = {}  # bits of each coefficient, of each component
    for scan, at in enumerate(at for marker, at in walk if marker == SOS):
        if scan == MOST_SCANS:
            return f"is a JPEG of more than {MOST_SCANS} scans, which is not decoded; convert it"
        components = data[at + 4]
        if not progressive and not scan and components >= frame.channels:
            return None  # all in one, of whose end the decoder warns
        first, last, bits = _SCAN.unpack_from(data, at + 5 + 2 * components)
        if not progressive:
            first, last, bits = 0, _COEFFICIENTS - 1, 0
        for number in range(components):
            left = missing.setdefault(data[at + 5 + 2 * number], [1] * _COEFFICIENTS)
            left[first : last + 1] = [bits & 15] * len(left[first : last + 1])
    if len(missing) == frame.channels and not any(map(any, missing.values())):
        return None
    return (
        "is a JPEG without the last of its scans, as if it were cut, and TensorFlow makes up some "
        "of its pixels; replace it"
    )


def tidied(data: bytes) -> bytes:
    """Return a JPEG without what the decoder would warn of though no pixel depends on it.

    It warns once a file, so that what comes first hides what may follow.
    """
    parts, end, sequential = [data[:2]], 2, False
    try:
        for marker, at in segments(data):
            size = 2 if marker in _ALONE else 2 + (data[at + 2] << 8 | data[at + 3])
            segment = bytearray(data[at : at + size])
            if marker in SOF:
                sequential = marker not in _PROGRESSIVE
            if marker == _APP0 and segment[4:9] == b"JFIF\0":
                segment[9] = 1  # the revision's number
            if marker == SOS and sequential:
                segment[-3:] = (0, _COEFFICIENTS - 1, 0)
            parts.append(bytes(segment))
            end = at + size
            if marker in (SOS, EOI):
                break
    except IndexError:
        return data
    return b"".join(parts) + data[end:]


def meaning(warning: str, data: bytes) -> str | None:
    """Return the fault that a warning of the decoder means; ``None``: harmless stray bytes."""
    stray = _EXTRANEOUS.fullmatch(warning)
    if stray is None:
        return f"is a damaged JPEG, and TensorFlow makes up some of its pixels: {warning}"
    number, marker = int(stray[1]), int(stray[2], 16)
    if marker == EOI:
        end = _end(data)
        left = data[max(0, end - number) : end]
        if len(set(left)) <= _MOST_FILLING_VALUES:
            return None
    # The decoder was out of step: it had all pixels of a scan, and data were left.
    return f"is a damaged JPEG, and some of its pixels may not be what they were: {warning}"


def _end(data: bytes) -> int:
    """Return where the end-of-image marker stands."""
    try:
        return next(at for marker, at in segments(data) if marker == EOI)
    except (IndexError, StopIteration):
        return len(data)


def _found(at: int) -> int:
    if at < 0:
        raise IndexError("the data end within a segment")
    return at
