"""The structure of shards, made byte by byte."""

from __future__ import annotations

import contextlib
import gzip
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.data.tfrecord import blocks, crc, shards
from pytest_confmat.data.tfrecord.shards import RecordReader, Shard, scan, scan_shard
from pytest_confmat.errors import DataError
from tests.support.makers import frame, tree

RECORDS = [b"record %d " % number * (number * 40 % 97) for number in range(20)]
PLAIN = b"".join(map(frame, RECORDS))
STARTS = [sum(len(frame(record)) for record in RECORDS[:n]) for n in range(len(RECORDS))]
SEVENTH = STARTS[7]
PACKED = {"": PLAIN, "GZIP": gzip.compress(PLAIN), "ZLIB": zlib.compress(PLAIN)}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(here: Path, content: bytes) -> Path:
    return tree(here, {"a.tfrecord": content}) / "a.tfrecord"


def reference_crc(data: bytes) -> int:
    crc32c = 0xFFFFFFFF
    for byte in data:
        crc32c ^= byte
        for _ in range(8):
            crc32c = crc32c >> 1 ^ (0x82F63B78 if crc32c & 1 else 0)
    crc32c ^= 0xFFFFFFFF
    return ((crc32c >> 15 | crc32c << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_the_checksum_of_the_standard_example():
    # "123456789" has the CRC-32C e3069283.
    masked = ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert reference_crc(b"123456789") == crc.masked_crc(b"123456789") == masked


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, 70))
def test_the_checksum_of_short_and_long_contents(data, times):
    data = data * times
    assert crc.masked_crc(data) == reference_crc(data)


def test_frames_are_those_of_tensorflow(here):
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(here / "theirs")) as writer:
        for record in RECORDS:
            writer.write(record)
    assert (here / "theirs").read_bytes() == PLAIN


@pytest.mark.parametrize("compression", PACKED)
def test_whole_shards_are_counted_and_read(here, compression):
    found = scan_shard(write(here, PACKED[compression]))
    assert found == Shard(here / "a.tfrecord", compression, 20, len(PACKED[compression]))
    reader = RecordReader()
    for number in (3, 4, 19, 0, 7, 7):
        assert reader.read(found, number) == RECORDS[number]


@pytest.mark.parametrize("kind", ["GZ", "ZLIB"])
def test_shards_compressed_by_tensorflow(here, kind):
    import tensorflow as tf

    options = tf.io.TFRecordOptions("GZIP" if kind == "GZ" else kind)
    with tf.io.TFRecordWriter(str(here / "theirs"), options) as writer:
        for record in RECORDS:
            writer.write(record)
    assert scan_shard(here / "theirs").records == 20


def test_gzip_files_may_be_chained(here):
    content = gzip.compress(PLAIN[:700]) + gzip.compress(PLAIN[700:])
    assert scan_shard(write(here, content)).records == 20


@pytest.mark.parametrize("length", [0x8B1F, 0x9C78])
def test_a_length_that_looks_like_compression_is_a_length(here, length):
    # 35,615 bytes begin as a gzip file does, 40,056 as zlib.
    content = frame(bytes(length))
    assert blocks.magic(content) != ""
    assert scan_shard(write(here, content)) == Shard(here / "a.tfrecord", "", 1, len(content))


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=30),
    st.integers(1, 70),
    st.sampled_from(["", "GZIP", "ZLIB"]),
)
def test_counting_does_not_depend_on_the_blocks(tmp_path_factory, lengths, size, compression):
    content = b"".join(frame(bytes(length)) for length in lengths)
    packed = {"": lambda data: data, "GZIP": gzip.compress, "ZLIB": zlib.compress}
    path = tmp_path_factory.mktemp("shards") / "x"
    path.write_bytes(packed[compression](content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_PLAIN_BLOCK", size)
        patch.setattr(blocks, "_INFLATED_BLOCK", size)
        assert scan_shard(path).records == len(lengths)


@settings(deadline=None)
@given(st.integers(1, len(PLAIN) - 1))
def test_a_cut_that_is_not_at_a_boundary_is_found(tmp_path_factory, end):
    path = tmp_path_factory.mktemp("shards") / "x"
    path.write_bytes(PLAIN[:end])
    if end in STARTS:
        assert scan_shard(path).records == STARTS.index(end)
    else:
        with pytest.raises(DataError):
            scan_shard(path)


def cut_packed(end: int) -> bytes:
    return gzip.compress(PLAIN[:end])


AGAIN = "write or fetch it again"
FAULTS = [
    (b"", f"is empty (0 bytes); a shard holds at least one record, so {AGAIN}"),
    (
        PLAIN[:5],
        "is no TFRecord file, or its first bytes are damaged: it starts with "
        r"b'\x00\x00\x00\x00\x00'",
    ),
    (
        b"cat,dog\n1,2\n",
        r"is no TFRecord file, or its first bytes are damaged: it starts with b'cat,dog\n1,2\n'",
    ),
    (
        b"PK\x03\x04" + bytes(100),
        "is no TFRecord file, or its first bytes are damaged: it is a zip archive",
    ),
    (
        b"version https://git-lfs.github.com/spec/v1\n",
        "is a git-LFS pointer; run `git lfs pull`",
    ),
    (
        PLAIN[: SEVENTH + 5],
        f"is cut inside the header of record #7, which starts at byte {SEVENTH:,}; the last whole "
        f"record is #6; {AGAIN}",
    ),
    (
        PLAIN[: SEVENTH + 15],
        f"is cut inside record #7, which starts at byte {SEVENTH:,}; the last whole record is #6; "
        f"{AGAIN}",
    ),
    (
        PLAIN[: STARTS[8] - 1],
        f"is cut inside record #7, which starts at byte {SEVENTH:,}; the last whole record is #6; "
        f"{AGAIN}",
    ),
    (
        frame(b"only one")[:-1],
        f"is cut inside record #0, which starts at byte 0; no record in it is whole; {AGAIN}",
    ),
    (
        PLAIN[: SEVENTH + 1] + b"\x07" + PLAIN[SEVENTH + 2 :],
        f"is damaged in the header of record #7, which starts at byte {SEVENTH:,}; the last whole "
        f"record is #6; {AGAIN}",
    ),
    (
        PLAIN[:SEVENTH] + PLAIN[SEVENTH + 1 :],
        f"is damaged in the header of record #7, which starts at byte {SEVENTH:,}; the last whole "
        f"record is #6; {AGAIN}",
    ),
    (
        PACKED["GZIP"][:-8],
        f"is cut: its gzip stream has no end; the last whole record is #19; {AGAIN}",
    ),
    (
        PACKED["ZLIB"][:-4],
        f"is cut: its zlib stream has no end; the last whole record is #19; {AGAIN}",
    ),
    (
        PACKED["GZIP"][:12],
        f"is cut: its gzip stream has no end, and no record in it is whole; {AGAIN}",
    ),
    (
        cut_packed(SEVENTH + 15),
        f"is cut inside record #7, which starts at byte {SEVENTH:,} of its gzip stream; the last "
        f"whole record is #6; {AGAIN}",
    ),
    (
        PACKED["GZIP"][:-8] + bytes(8),
        f"is damaged: its gzip stream cannot be read on; the last whole record is #19; {AGAIN}",
    ),
    (
        PACKED["GZIP"] + bytes(20),
        "goes on after the end of its gzip stream; the last whole record is #19; " + AGAIN,
    ),
    (
        PACKED["ZLIB"] + PACKED["ZLIB"],
        "goes on after the end of its zlib stream; the last whole record is #19; " + AGAIN,
    ),
    (
        gzip.compress(b"hello, this is text"),
        "is a gzip file without TFRecords in it: it starts with b'hello, this '",
    ),
    (gzip.compress(b""), "is a gzip file without TFRecords in it: it is empty"),
    (
        gzip.compress(PACKED["GZIP"]),
        "is a gzip file without TFRecords in it: it is a gzip file",
    ),
]


@pytest.mark.parametrize(("content", "message"), FAULTS)
def test_shards_that_are_not_whole(here, content, message):
    with pytest.raises(DataError) as caught:
        scan_shard(write(here, content))
    assert str(caught.value) == f"the shard a.tfrecord {message}"


def test_of_many_shards_the_first_that_is_not_whole_is_named(here):
    tree(here, {"0": PLAIN, "1": PLAIN[:-1], "2": b""})
    with pytest.raises(DataError, match=r"^the shard 1 is cut inside record #19"):
        scan([here / name for name in "012"])


def test_a_shard_that_has_gone(here):
    with pytest.raises(DataError) as caught:
        scan_shard(here / "gone")
    assert str(caught.value) == "the shard gone cannot be read: No such file or directory"


def test_a_header_of_a_huge_record_does_not_cost_memory(here):
    length = struct.pack("<Q", 2**62)
    content = length + struct.pack("<I", crc.masked_crc(length)) + bytes(1000)
    with pytest.raises(DataError) as caught:
        scan_shard(write(here, frame(b"x") + content))
    assert str(caught.value) == (
        "the shard a.tfrecord is cut inside record #1, which starts at byte 17; the last whole "
        f"record is #0; {AGAIN}"
    )


@pytest.mark.parametrize("compression", PACKED)
@pytest.mark.parametrize("place", [SEVENTH + 9, SEVENTH + 14, STARTS[8] - 2])
def test_a_damaged_record_is_told_from_its_neighbors(here, compression, place):
    damaged = bytearray(PLAIN)
    damaged[place] ^= 1  # the header's checksum, the data, or their checksum
    packed = {"": bytes, "GZIP": gzip.compress, "ZLIB": zlib.compress}[compression]
    found = scan_shard(write(here, packed(bytes(damaged))))
    reader = RecordReader()
    assert reader.read(found, 6) == RECORDS[6]
    with pytest.raises(DataError) as caught:
        reader.read(found, 7)
    assert str(caught.value) == "record is damaged (checksum)"
    assert reader.read(found, 8) == RECORDS[8]


def test_a_shard_that_changed_after_it_was_counted(here):
    path = write(here, PLAIN)
    found = scan_shard(path)
    path.write_bytes(PLAIN[:SEVENTH])
    reader = RecordReader()
    reasons = []
    for number in (7, 3, 19):
        try:
            assert reader.read(found, number) == RECORDS[number]
        except DataError as error:
            reasons.append(str(error))
    path.unlink()
    with pytest.raises(DataError) as caught:
        reader.read(found, 0)
    reasons.append(str(caught.value))
    ends = "cannot be read any more: its shard has changed (it ends earlier)"
    assert reasons[:2] == [ends, ends]
    assert reasons[2].startswith("cannot be read any more: its shard has changed ([Errno 2] No")


def test_nothing_but_our_error_comes_out_of_any_bytes(tmp_path_factory):
    @settings(deadline=None)
    @given(st.binary(max_size=60), st.sampled_from([b"", b"\x1f\x8b\x08", b"\x78\x9c", PLAIN]))
    def check(data, start):
        path = tmp_path_factory.mktemp("fuzz") / "x"
        path.write_bytes(start + data)
        with contextlib.suppress(DataError):
            assert scan_shard(path).records > 0

    check()


def test_a_reader_going_forward_opens_a_compressed_shard_once(here, monkeypatch):
    found = scan_shard(write(here, PACKED["GZIP"]))
    opened = []
    original = shards.open_blocks

    def counting(*arguments):
        opened.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(shards, "open_blocks", counting)
    reader = RecordReader()
    assert [reader.read(found, number) for number in range(20)] == RECORDS
    assert len(opened) == 1
