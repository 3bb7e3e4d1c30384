"""Changes to encoded images: sizes and sections of each format, checksums and lengths kept."""

from __future__ import annotations

import struct
import zlib
from random import Random

from fuzz.mutators.raw import Mutator, number, raw, repeat

_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
_SECTIONS = (
    b"\xff\xe1" + struct.pack(">H", 2 + len(_TIFF)) + _TIFF,
    b"\xff\xfe\x00\x04hi",
    b"\xff\xff\xff",
    b"\xff\x01",
    b"\xff\xd8",
    b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01",
    b"\xff\xdc\x00\x04\xff\xff",
    b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x02",
    b"\xff\xdd\x00\x04\x00\x01",
    b"junk",
)
_CHUNKS = (
    (b"tRNS", b"\0\1\2"),
    (b"acTL", struct.pack(">II", 2, 0)),
    (b"eXIf", _TIFF[6:]),
    (b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)),
    (b"PLTE", bytes(range(12))),
    (b"IDAT", zlib.compress(bytes(4096))),
    (b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 20))),
    (b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20))),
    (b"IEND", b""),
)
_WEBP_CHUNKS = (
    (b"VP8X", b"\x1a\0\0\0" + b"\xff\xff\xff" * 2),
    (b"EXIF", _TIFF),
    (b"ALPH", b"\0" * 8),
    (b"ANIM", bytes(6)),
    (b"ICCP", bytes(10)),
)
_GIF_BLOCKS = (
    b"\x21\xf9\x04\x01\x00\x00\x00\x00",
    b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",
    b"\x2c\x00\x00\x00\x00\x10\x27\x10\x27\x00\x02\x02\x4c\x01\x00",
    b"\x2c\xff\xff\xff\xff\x01\x00\x01\x00\x00\x02\x02\x4c\x01\x00",
    b"\x3b",
)


def picture(data: bytes, random: Random) -> bytes:
    """Change an encoded image as its format allows; what is none is changed as bytes."""
    for start, mutator in _FORMATS:
        if data.startswith(start) and random.random() < 0.9:
            try:
                return mutator(data, random)
            except (IndexError, struct.error):
                break
    return raw(data, random)


def _side(random: Random) -> int:
    """Return a length in pixels: one like those of the seeds, or a remarkable one."""
    return random.choice((1, 7, 9, 1023, 1024, 1025, 20000, number(random, 16), number(random)))


def _png(data: bytes, random: Random) -> bytes:
    chunks, at = [], len(_PNG)
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        chunks.append((name, data[at + 8 : at + 8 + length]))
        at += 12 + length
    at = random.randint(0, len(chunks))
    choice = random.randrange(5)
    if choice == 0:
        chunks[at : at + 1] = []
    elif choice == 1:
        chunks[at:at] = chunks[at : at + 1] * repeat(random)
    elif choice == 2:
        chunks.insert(at, random.choice(_CHUNKS))
    elif choice == 3 and chunks and len(chunks[0][1]) == 13:
        chunks[0] = (chunks[0][0], _png_head(chunks[0][1], random))
    else:
        chunks[at : at + 1] = [(name, raw(body, random)) for name, body in chunks[at : at + 1]]
    return _PNG + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def _png_head(body: bytes, random: Random) -> bytes:
    width, height, *rest = struct.unpack(">IIBBBBB", body)
    choice = random.randrange(3)
    if choice == 0:
        width = _side(random) & 0xFFFFFFFF
    elif choice == 1:
        height = _side(random) & 0xFFFFFFFF
    else:
        rest[random.randrange(5)] = random.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    return struct.pack(">IIBBBBB", width, height, *rest)


def _jpeg(data: bytes, random: Random) -> bytes:
    starts, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        starts.append(at)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    starts.append(min(at, len(data)))
    index = random.randrange(len(starts))
    start = starts[index]
    end = starts[index + 1] if index + 1 < len(starts) else len(data)
    choice = random.randrange(6)
    if choice == 0:
        return data[:start] + data[end:]
    if choice == 1:
        return data[:start] + data[start:end] * repeat(random) + data[end:]
    if choice == 2:
        return data[:start] + random.choice(_SECTIONS) + data[start:]
    frames = [at for at in starts if data[at + 1 : at + 2] in (b"\xc0", b"\xc1", b"\xc2")]
    if choice == 3 and frames:
        at = random.choice(frames) + random.choice((5, 7))
        return data[:at] + struct.pack(">H", _side(random) & 0xFFFF) + data[at + 2 :]
    if choice == 4 and frames:
        at = random.choice(frames) + random.choice((1, 4, 9, 10, 11))
        byte = random.choice((0, 1, 2, 3, 4, 8, 0x11, 0x22, 0x44, 0xC0, 0xC2, 0xC9, 255))
        return data[:at] + bytes([byte]) + data[at + 1 :]
    return data[:start] + raw(data[start:end], random) + data[end:]


def _gif(data: bytes, random: Random) -> bytes:
    choice = random.randrange(4)
    if choice == 0:
        at = random.choice((6, 8))
        return data[:at] + struct.pack("<H", _side(random) & 0xFFFF) + data[at + 2 :]
    if choice == 1:
        return data[:10] + bytes([random.getrandbits(8)]) + data[11:]
    at = data.find(b"\x2c", 13)
    if at < 0 or choice == 2:
        place = random.choice((13 + 768, max(at, 13), max(len(data) - 1, 13)))
        return data[:place] + random.choice(_GIF_BLOCKS) + data[place:]
    at += random.choice((1, 3, 5, 7))
    return data[:at] + struct.pack("<H", _side(random) & 0xFFFF) + data[at + 2 :]


def _bmp(data: bytes, random: Random) -> bytes:
    at, form = random.choice(
        (
            (18, "<i"),
            (18, "<i"),
            (22, "<i"),
            (22, "<i"),
            (28, "<H"),
            (10, "<I"),
            (14, "<I"),
            (30, "<I"),
        )
    )
    bits = 8 * struct.calcsize(form)
    value = _side(random) & (1 << bits) - 1
    if at == 28:
        value = random.choice((1, 4, 8, 16, 24, 32, value))
    if form == "<i":
        value = random.choice((value, -value)) % 2**32
        value -= 2**32 if value >= 2**31 else 0
    return data[:at] + struct.pack(form, value) + data[at + bits // 8 :]


def _webp(data: bytes, random: Random) -> bytes:
    chunks, at = [], 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        chunks.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    at = random.randint(0, len(chunks))
    choice = random.randrange(5)
    if choice == 0:
        chunks[at : at + 1] = []
    elif choice == 1:
        chunks[at:at] = chunks[at : at + 1] * repeat(random)
    elif choice == 2:
        chunks.insert(random.choice((0, at)), random.choice(_WEBP_CHUNKS))
    elif choice == 3 and chunks:
        chunks[0] = (chunks[0][0], _webp_head(*chunks[0], random))
    else:
        chunks[at : at + 1] = [(name, raw(body, random)) for name, body in chunks[at : at + 1]]
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(part)) + part + bytes(len(part) % 2) for name, part in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_head(name: bytes, body: bytes, random: Random) -> bytes:
    """Change the size that a WebP declares, where its first chunk holds it."""
    at, form = {b"VP8 ": (6, "<I"), b"VP8L": (1, "<I")}.get(name, (4, "<I"))
    if len(body) < at + 4:
        return raw(body, random)
    return body[:at] + struct.pack(form, random.getrandbits(32)) + body[at + 4 :]


_FORMATS: tuple[tuple[bytes, Mutator], ...] = (
    (_PNG, _png),
    (b"\xff\xd8", _jpeg),
    (b"GIF8", _gif),
    (b"BM", _bmp),
    (b"RIFF", _webp),
)
