"""Protocol buffers, TFRecord frames and Examples at the level of bytes, right or wrong at will."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

from pytest_confmat.data.tfrecord.crc import masked_crc

# A field: its number, its wire type, and what follows: an integer, or bytes.
Field = tuple[int, int, int | bytes]
Values = Sequence[bytes] | Sequence[int] | Sequence[float]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_SIZES = {FIXED64: 8, FIXED32: 4}
_HEADER = struct.Struct("<QI")


def varint(value: int) -> bytes:
    """Return an integer of at most 64 bits in groups of seven, the lowest first."""
    value &= 2**64 - 1
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def encode(fields: Sequence[Field]) -> bytes:
    """Return a message of these fields."""
    parts = []
    for number, kind, value in fields:
        parts.append(varint(number << 3 | kind))
        if isinstance(value, int):
            parts.append(varint(value))
        else:
            parts += [varint(len(value)), value] if kind == BYTES else [value]
    return b"".join(parts)


def decode(data: bytes) -> list[Field] | None:
    """Return the fields of a message, or ``None`` if it is none."""
    found: list[Field] = []
    at = 0
    try:
        while at < len(data):
            tag, at = _varint(data, at)
            number, kind = tag >> 3, tag & 7
            value: int | bytes
            if kind == VARINT:
                value, at = _varint(data, at)
            elif kind == BYTES or kind in _SIZES:
                size, at = _varint(data, at) if kind == BYTES else (_SIZES[kind], at)
                value, at = data[at : at + size], at + size
            else:
                return None
            found.append((number, kind, value))
    except IndexError:
        return None
    return found if at == len(data) else None


def feature(values: Values) -> bytes:
    """Return a Feature of bytes, floats or integers."""
    if values and isinstance(values[0], bytes):
        return encode([(1, BYTES, encode([(1, BYTES, value) for value in values]))])  # type: ignore[misc]
    if values and isinstance(values[0], float):
        packed = struct.pack(f"<{len(values)}f", *values)
        return encode([(2, BYTES, encode([(1, BYTES, packed)]))])
    packed = b"".join(varint(int(value)) for value in values)
    return encode([(3, BYTES, encode([(1, BYTES, packed)]))])


def example(features: Mapping[str, Values]) -> bytes:
    """Return a serialised Example."""
    entries: list[Field] = [
        (1, BYTES, encode([(1, BYTES, key.encode()), (2, BYTES, feature(values))]))
        for key, values in features.items()
    ]
    return encode([(1, BYTES, encode(entries))])


def frame(record: bytes) -> bytes:
    """Return a record as TFRecord files hold it."""
    length = struct.pack("<Q", len(record))
    head, foot = (struct.pack("<I", masked_crc(data)) for data in (length, record))
    return length + head + record + foot


def unframe(data: bytes) -> Iterator[bytes]:
    """Yield the records of a TFRecord file, as far as it is whole; checksums are not looked at."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, _ = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        if at + length + 4 > len(data):
            return
        yield data[at : at + length]
        at += length + 4


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift > 63:
            return value & 2**64 - 1, at
