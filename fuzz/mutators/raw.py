"""Changes to bytes that know nothing of what the bytes mean."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

Mutator = Callable[[bytes, Random], bytes]

# Where numbers wrap, overflow, or change their sign.
NUMBERS = (
    *(0, 1, 2, 3, 7, 8, 15, 16, 127, 128, 255, 256, 1000, 4096, 16383, 16384, 32767, 32768),
    *(65535, 65536, 2**24 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1),
)
_FORMATS = tuple(order + size for order in "<>" for size in "BHIQ")
_LONGEST = 64


def raw(data: bytes, random: Random) -> bytes:
    """Flip, set, cut, double, insert or overwrite some bytes."""
    return random.choice(_RAW)(data, random)


def splice(data: bytes, other: bytes, random: Random) -> bytes:
    """Return the start of one and the end of the other."""
    return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]


def number(random: Random, bits: int = 64) -> int:
    """Return an integer from 0 up, of at most `bits` bits; most are remarkable ones."""
    if random.random() < 0.2:
        return random.getrandbits(bits)
    found = random.choice(NUMBERS) + random.choice((-1, 0, 0, 0, 1))
    return found & (1 << bits) - 1


def repeat(random: Random) -> int:
    """Return how often something is repeated: mostly a few times."""
    return random.choice((2, 2, 3, 5, 17, 100))


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.randint(0, _LONGEST))


def _flip(data: bytes, random: Random) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _set(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:start] + bytes([random.choice((0, 255, 0x7F, 0x20))]) * (end - start) + data[end:]


def _delete(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[end:]


def _double(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[start:end] * repeat(random) + data[end:]


def _insert(data: bytes, random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.randbytes(random.randint(1, 8)) + data[at:]


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: random.randint(0, len(data))]


def _overwrite(data: bytes, random: Random) -> bytes:
    form = random.choice(_FORMATS)
    packed = struct.pack(form, number(random, 8 * struct.calcsize(form)))
    at = random.randint(0, max(0, len(data) - len(packed)))
    return data[:at] + packed + data[at + len(packed) :]


_RAW: tuple[Mutator, ...] = (_flip, _set, _delete, _double, _insert, _truncate, _overwrite)
