"""Shards whose bytes are not what they should be."""

from __future__ import annotations

import bz2
import gzip
import struct
import zlib
from collections.abc import Callable

from pytest_confmat.data.tfrecord.crc import masked_crc
from tests.faults.images import LFS
from tests.faults.project import Project, picture, record
from tests.faults.table import Fault, Make, Section, file
from tests.support.makers import frame

SHARD = "test.tfrecord"
Change = Callable[[bytes], bytes]


def frames(number: int = 6) -> list[bytes]:
    return [frame(record(n)) for n in range(number)]


def shard(change: Change) -> Make:
    """Return what writes the six records, as `change` leaves their bytes."""
    return lambda project: project.write(SHARD, change(b"".join(frames())))


def beyond_ascii(project: Project) -> None:
    project.plain_locale()
    project.policy("tfrecord: 'données-*.tfrecord'", "classes: nöms.txt\n")
    project.write("nöms.txt", "café\ndog\n")
    (project.path / SHARD).rename(project.path / "données-é.tfrecord")


def cut(back: int) -> Make:
    """Return what cuts the last of six records, `back` bytes before its end."""
    return shard(lambda content: content[:-back])


def cut_in_header(content: bytes) -> bytes:
    return content[: -len(frames()[-1]) + 5]


def cut_after_four(_: bytes) -> bytes:
    return b"".join(frames(4))


def flipped(at: int, number: int = 3) -> Make:
    """Return what flips a bit of record `number`, at a place of its frame."""

    def change(_: bytes) -> bytes:
        parts = [bytearray(each) for each in frames()]
        parts[number][at] ^= 1
        return b"".join(parts)

    return shard(change)


def all_flipped(_: bytes) -> bytes:
    parts = [bytearray(each) for each in frames()]
    for each in parts:
        each[40] ^= 1
    return b"".join(parts)


def damaged_gzip(content: bytes) -> bytes:
    packed = bytearray(gzip.compress(content))
    half = len(packed) // 2
    packed[half : half + 40] = bytes(40)
    return bytes(packed)


def huge_length(_: bytes) -> bytes:
    length = struct.pack("<Q", 2**40)
    return b"".join(frames(5)) + length + struct.pack("<I", masked_crc(length)) + b"x"


SECTION = Section(
    "TFRecord shards",
    "One shard of six records, unless the row says otherwise.",
    Project.shards,
    [
        Fault(
            "an empty shard",
            file(SHARD, b""),
            "the shard test.tfrecord is empty (0 bytes); a shard holds at least "
            "one record, so write or fetch it again",
        ),
        Fault(
            "a git-LFS pointer in place of a shard",
            file(SHARD, LFS),
            "the shard test.tfrecord is a git-LFS pointer; run `git lfs pull`",
        ),
        Fault(
            "a shard cut inside a record",
            cut(100),
            "the shard test.tfrecord is cut inside record #5, which starts at byte "
            "[...]; the last whole record is #4; write or fetch it again",
        ),
        Fault(
            "a shard cut inside the last checksum",
            cut(2),
            "the shard test.tfrecord is cut inside record #5, which starts at byte "
            "[...]; the last whole record is #4; write or fetch it again",
        ),
        Fault(
            "a shard cut inside a header",
            shard(cut_in_header),
            "the shard test.tfrecord is cut inside the header of record #5, which "
            "starts at byte [...]; the last whole record is #4; write or fetch it "
            "again",
        ),
        Fault(
            "a shard cut inside its first record",
            shard(lambda all_: all_[:50]),
            "the shard test.tfrecord is cut inside record #0, which starts at byte "
            "0; no record in it is whole; write or fetch it again",
        ),
        Fault(
            "a shard cut inside its first header",
            shard(lambda all_: all_[:7]),
            "the shard test.tfrecord is no TFRecord file, or its first bytes are "
            "damaged: it starts with [...]",
        ),
        Fault(
            "text after the last record",
            shard(lambda all_: all_ + b"the end"),
            "the shard test.tfrecord is cut inside the header of record #6, which "
            "starts at byte [...]; the last whole record is #5; write or fetch it "
            "again",
        ),
        Fault(
            "a length that no shard has",
            shard(huge_length),
            "the shard test.tfrecord is cut inside record #5, which starts at byte "
            "[...]; the last whole record is #4; write or fetch it again",
        ),
        Fault(
            "a flipped bit in a header",
            flipped(3),
            "the shard test.tfrecord is damaged in the header of record #3, which "
            "starts at byte [...]; the last whole record is #2; write or fetch it "
            "again",
        ),
        Fault(
            "a flipped bit in the first header",
            flipped(3, 0),
            "the shard test.tfrecord is no TFRecord file, or its first bytes are "
            "damaged: it starts with [...]",
        ),
        Fault(
            "a flipped bit in a record",
            flipped(40),
            "test.tfrecord#3 record is damaged (checksum)",
            faulty=1,
        ),
        Fault(
            "a flipped bit in a checksum",
            flipped(-1),
            "test.tfrecord#3 record is damaged (checksum)",
            faulty=1,
        ),
        Fault(
            "a flipped bit in the first record",
            flipped(40, 0),
            "test.tfrecord#0 record is damaged (checksum)",
            faulty=1,
        ),
        Fault(
            "a flipped bit in every record",
            shard(all_flipped),
            "test.tfrecord#0: record is damaged (checksum)",
        ),
        Fault(
            "gzip without its trailer",
            shard(lambda all_: gzip.compress(all_)[:-8]),
            "the shard test.tfrecord is cut: its gzip stream has no end; the last "
            "whole record is #5; write or fetch it again",
        ),
        Fault(
            "gzip cut in the middle",
            shard(lambda all_: gzip.compress(all_)[:300]),
            "the shard test.tfrecord is cut: its gzip stream has no end; [...]; "
            "write or fetch it again",
        ),
        Fault(
            "gzip damaged in the middle",
            shard(damaged_gzip),
            "the shard test.tfrecord is damaged[...]; write or fetch it again",
        ),
        Fault(
            "gzip with a wrong checksum",
            shard(lambda all_: gzip.compress(all_)[:-8] + bytes(8)),
            "the shard test.tfrecord is damaged: its gzip stream cannot be read "
            "on; the last whole record is #5; write or fetch it again",
        ),
        Fault(
            "gzip with something after its end",
            shard(lambda all_: gzip.compress(all_) + b"x"),
            "the shard test.tfrecord goes on after the end of its gzip stream; the "
            "last whole record is #5; write or fetch it again",
        ),
        Fault(
            "gzip of nothing",
            shard(lambda _: gzip.compress(b"")),
            "the shard test.tfrecord is a gzip file without TFRecords in it: it is empty",
        ),
        Fault(
            "gzip of a text",
            shard(lambda _: gzip.compress(b"id,label\n" * 9)),
            "the shard test.tfrecord is a gzip file without TFRecords in it: it "
            "starts with b'id,label\\nid,'",
        ),
        Fault(
            "gzip of records of which the last is cut",
            shard(lambda all_: gzip.compress(all_[:-9])),
            "the shard test.tfrecord is cut inside record #5, which starts at byte "
            "[...] of its gzip stream; the last whole record is #4; write or fetch "
            "it again",
        ),
        Fault(
            "zlib cut in the middle",
            shard(lambda all_: zlib.compress(all_)[:300]),
            "the shard test.tfrecord is cut: its zlib stream has no end; [...]; "
            "write or fetch it again",
        ),
        Fault(
            "names that are not ASCII under `LC_ALL=C`, without Python's UTF-8 mode",
            beyond_ascii,
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a gzip shard, which needs no word",
            shard(gzip.compress),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a bzip2 file",
            shard(bz2.compress),
            "the shard test.tfrecord is no TFRecord file, or its first bytes are "
            "damaged: it is a bzip2 file",
        ),
        Fault(
            "a zstd file",
            file(SHARD, b"\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00\x00\x00\x00\x00"),
            "the shard test.tfrecord is no TFRecord file, or its first bytes are "
            "damaged: it is a zstd file",
        ),
        Fault(
            "a text file",
            file(SHARD, "id,label\n1,cat\n"),
            "the shard test.tfrecord is no TFRecord file, or its first bytes are "
            "damaged: it starts with b'id,label\\n1,c'",
        ),
        Fault(
            "an image",
            file(SHARD, picture),
            "the shard test.tfrecord is no TFRecord file, or its first bytes are "
            "damaged: it is a PNG image",
        ),
        Fault(
            "a Parquet file",
            file(SHARD, b"PAR1\x15\x04\x15\x10\x15\x14\x4c\x15\x02"),
            "the shard test.tfrecord is no TFRecord file, or its first bytes are "
            "damaged: it is a Parquet file",
        ),
        Fault(
            "an ArrayRecord file",
            file(SHARD, b"ARRAYRECORD-----"),
            "the shard test.tfrecord is no TFRecord file, or its first bytes are "
            "damaged: it is an ArrayRecord file",
        ),
    ],
)
