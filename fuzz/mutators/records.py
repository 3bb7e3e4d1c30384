"""Changes to serialised Examples, and to the frames and streams of shards."""

from __future__ import annotations

import gzip
import struct
import zlib
from random import Random

from fuzz.mutators.pictures import picture
from fuzz.mutators.raw import number, raw, repeat
from fuzz.wire import BYTES, Field, decode, encode, feature, frame, unframe, varint
from pytest_confmat.data.tfrecord.blocks import magic
from pytest_confmat.data.tfrecord.crc import masked_crc

_KEYS = (b"image", b"image/encoded", b"label", b"image/class/label", b"image/class/text", b"w", b"")
_FLOATS = (0.0, 1.0, 0.5, -1.0, 1e-40, 3.4e38, float("inf"), float("-inf"), float("nan"))
_TEXTS = (b"cat", b"dog", b"", b"\xff\xfe", b"ca", bytes(12), bytes(11), b"dog\0", b"a" * 300)
# How the bytes of an Example nest: a number says that messages stand in that field.
_EXAMPLE, _FEATURES, _ENTRY, _FEATURE, _LIST = range(5)
_INSIDE = {_EXAMPLE: _FEATURES, _FEATURES: _ENTRY, _ENTRY: _FEATURE, _FEATURE: _LIST}
_MOST_INFLATED = 1 << 22


def example(data: bytes, random: Random) -> bytes:
    """Change one field of an Example, at any depth; lengths above it follow."""
    fields = decode(data)
    if fields is None:
        return raw(data, random)
    return encode(_fields(fields, _EXAMPLE, random))


def shard(data: bytes, random: Random) -> bytes:
    """Change the records, the frames or the compressed stream of a shard."""
    compression = magic(data)
    choice = random.random()
    if compression and choice < 0.3:
        return random.choice((raw(data, random), data * 2, data[: -random.randint(1, 9)]))
    plain = data
    if compression:
        stream = zlib.decompressobj(32 + zlib.MAX_WBITS)
        try:
            plain = stream.decompress(data, _MOST_INFLATED)
        except zlib.error:
            return raw(data, random)
    changed = _frames(list(unframe(plain)), random) if choice < 0.8 else _header(plain, random)
    way = random.choice((*[compression] * 6, "", "", "GZIP", "ZLIB", "bomb"))
    if way == "bomb":
        changed += bytes(random.choice((12, 16, 1 << 10, 1 << 20)))
    if way in ("GZIP", "bomb"):
        return gzip.compress(changed, mtime=0)
    return zlib.compress(changed) if way == "ZLIB" else changed


def _fields(fields: list[Field], level: int, random: Random) -> list[Field]:
    at = random.randrange(len(fields)) if fields else 0
    if fields and random.random() < 0.75:
        return [*fields[:at], _field(fields[at], level, random), *fields[at + 1 :]]
    choice = random.randrange(4)
    if choice == 0 or not fields:
        new = _entry(random) if level == _FEATURES else (random.choice((1, 2, 3, 4)), BYTES, b"")
        return [*fields[:at], new, *fields[at:]]
    if choice == 1:
        return fields[:at] + fields[at + 1 :]
    if choice == 2:
        return fields[:at] + fields[at : at + 1] * repeat(random) + fields[at:]
    return [*fields[:at], (number(random, 29), BYTES, random.choice(_TEXTS)), *fields[at:]]


def _field(field: Field, level: int, random: Random) -> Field:
    name, kind, value = field
    if random.random() < 0.1:
        return (random.choice((1, 2, 3, 4, 1000)), kind, value)
    if isinstance(value, int) or kind != BYTES:
        return (name, 0, number(random))
    if level == _ENTRY and name == 1:
        return (name, kind, random.choice(_KEYS))
    inside = decode(value) if level in _INSIDE and random.random() < 0.9 else None
    if inside is not None:
        return (name, kind, encode(_fields(inside, _INSIDE[level], random)))
    if level == _LIST and random.random() < 0.5:
        return (name, kind, picture(value, random))
    choice = random.randrange(4)
    if choice == 0:
        return (name, kind, random.choice(_TEXTS))
    if choice == 1:
        return (name, kind, varint(number(random)) * random.choice((1, 2, 3)))
    if choice == 2:
        return (name, kind, struct.pack("<f", random.choice(_FLOATS)) * random.choice((1, 5)))
    return (name, kind, raw(value, random))


def _entry(random: Random) -> Field:
    values = random.choice(
        (
            [random.choice(_TEXTS)],
            [number(random)],
            [random.choice(_FLOATS)],
            [0, 1],
            [0.0, 1.0],
            [0.5] * 5,
            [random.choice(_TEXTS)] * 2,
            [],
        )
    )
    made = feature(values)
    return (1, BYTES, encode([(1, BYTES, random.choice(_KEYS)), (2, BYTES, made)]))


def _frames(records: list[bytes], random: Random) -> bytes:
    at = random.randint(0, len(records))
    choice = random.randrange(6)
    if choice == 0:
        records[at : at + 1] = []
    elif choice == 1:
        records[at:at] = records[at : at + 1] * repeat(random)
    elif choice == 2:
        records.insert(at, random.choice((b"", b"x", bytes(100))))
    else:
        records[at : at + 1] = [example(record, random) for record in records[at : at + 1]]
    return b"".join(map(frame, records))


def _header(plain: bytes, random: Random) -> bytes:
    """Put a wrong length with a right checksum into one of the headers, or break a checksum."""
    starts, at = [], 0
    for record in unframe(plain):
        starts.append(at)
        at += 16 + len(record)
    at = random.choice([*starts, at])
    if random.random() < 0.3:
        return plain[: at + 8] + random.randbytes(4) + plain[at + 12 :]
    length = struct.pack("<Q", number(random))
    return plain[:at] + length + struct.pack("<I", masked_crc(length)) + plain[at + 12 :]
