"""Changes to zip files and what is in them, and to HDF5 files."""

from __future__ import annotations

import io
import struct
import zipfile
from random import Random

from fuzz.mutators.raw import number, raw, repeat
from fuzz.mutators.texts import json_text
from fuzz.seeds import archive as zipped

_MODEL_NAMES = ("config.json", "metadata.json", "model.weights.h5", "a", "", "../a", "x" * 300)
_ARRAY_NAMES = ("header.npy", "0.true.npy", "1.score.npy", "0.weight.npy", "0.check.npy", "header")
_TYPES = (b"'<i2'", b"'<f4'", b"'<i8'", b"'<u8'", b"'|u1'", b"'|O'", b"'<U9'", b"'|S0'", b"'<c8'")
_BASELINE = b"pytest-confmat baseline"
_MOST_UNPACKED = 1 << 20


def keras(data: bytes, random: Random) -> bytes:
    """Change the zip members of a model file."""
    return _zip(data, random, _MODEL_NAMES)


def baseline(data: bytes, random: Random) -> bytes:
    """Change the JSON of either part of a baseline, or a block of the binary one."""
    first, newline, rest = data.partition(b"\n")
    header, second, blocks = rest.partition(b"\n")
    if not first.startswith(_BASELINE) or not newline or not second:
        return json_text(data, random)
    if random.random() < 0.6:
        header = json_text(header, random).replace(b"\n", b" ")
    else:
        blocks = raw(blocks, random)
    return b"\n".join((first, header, blocks))


def archive(data: bytes, random: Random) -> bytes:
    """Change a file of arrays: its zip members, their headers, the JSON in one of them."""
    return _zip(data, random, _ARRAY_NAMES)


def _zip(data: bytes, random: Random, names: tuple[str, ...]) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = {
                info.filename: file.read(info)
                for info in file.infolist()
                if info.file_size <= _MOST_UNPACKED and info.compress_type in (0, 8)
            }
    except Exception:  # a damaged one may raise anything
        return raw(data, random)
    if not members:
        return zipped({random.choice(names): b"{}"})
    name = random.choice(list(members))
    choice = random.randrange(8)
    if choice == 0:
        del members[name]
    elif choice == 1:
        members[random.choice(names)] = members.pop(name)
    else:
        members[name] = _member(members[name], random)
    way = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    made = zipped(members, way)
    return _record(made, random) if random.random() < 0.3 else made


def _member(content: bytes, random: Random) -> bytes:
    if content.startswith(b"\x93NUMPY"):
        (length,) = struct.unpack_from("<H", content, 8)
        head, body = content[10 : 10 + length], content[10 + length :]
        choice = random.random()
        if choice < 0.4 and body.startswith(b"{"):
            body = json_text(body, random)
            head = _with(head, b"'shape': (", b")", str(len(body)).encode() + b",")
        elif choice < 0.6:
            shape = ", ".join(str(number(random)) for _ in range(random.choice((1, 1, 2, 3))))
            head = _with(head, b"'shape': (", b")", shape.encode() + b",")
        elif choice < 0.8:
            head = _with(head, b"'descr': ", b",", random.choice(_TYPES))
        elif choice < 0.9:
            head = raw(head, random)
        else:
            body = random.choice((raw(body, random), body * repeat(random)))
        return content[:8] + struct.pack("<H", len(head)) + head + body
    return json_text(content, random) if random.random() < 0.8 else raw(content, random)


def _with(head: bytes, start: bytes, end: bytes, value: bytes) -> bytes:
    before, found, rest = head.partition(start)
    _, _, after = rest.partition(end)
    return before + start + value + end + after if found else head


def _record(data: bytes, random: Random) -> bytes:
    """Change a field of one of the records by which a zip file tells what is in it."""
    starts = [
        at for at in range(len(data)) if data[at : at + 4] in (b"PK\1\2", b"PK\3\4", b"PK\5\6")
    ]
    at = random.choice(starts) + random.randrange(4, 42, 2)
    return data[:at] + struct.pack("<H", number(random, 16)) + data[at + 2 :]
