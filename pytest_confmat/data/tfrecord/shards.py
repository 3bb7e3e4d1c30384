"""The structure of TFRecord files, read without TensorFlow: how many records, all of them whole.

A record is a header of 12 bytes (its length, and a checksum of that), the data, and 4 bytes of
checksum. The format knows no end: a file cut in the wrong place reads as a shorter one. So the
boundaries of all records are walked before a pass.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pytest_confmat.data.part_plan import PART_BYTES, PART_EXAMPLES
from pytest_confmat.data.sniff import LFS_REASON, looks_like
from pytest_confmat.data.tfrecord.blocks import (
    WORDS,
    Blocks,
    Compression,
    Stream,
    StreamError,
    magic,
    open_blocks,
)
from pytest_confmat.data.tfrecord.crc import masked_crc
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path
from pytest_confmat.files import is_lfs_pointer, open_file

_HEADER = struct.Struct("<QI")
_FOOTER = 4
_FRAME = _HEADER.size + _FOOTER
# What is filled up with zeros is no row of empty records, of which a stream can hold millions.
_CHECK_OF_EMPTY = masked_crc(bytes(8))
_AGAIN = "write or fetch it again"
_AT_ONCE = 16  # shards that one thread scans: small ones are not worth a call each


@dataclass(frozen=True)
class Shard:
    """A TFRecord file whose boundaries are whole.

    Attributes
    ----------
    size
        In bytes.
    cuts
        Where a range of its records begins that is a part of its own, after the first: which
        record, and at which byte. A compressed file has none, as it is read from its start.
    """

    path: Path
    compression: Compression
    records: int
    size: int = 0
    cuts: tuple[tuple[int, int], ...] = ()


def scan(paths: Sequence[Path]) -> tuple[Shard, ...]:
    """Walk the boundaries of all shards.

    Raises
    ------
    DataError
        For the first shard that is not whole: which, where, and the last whole record.
    """
    several = [paths[at : at + _AT_ONCE] for at in range(0, len(paths), _AT_ONCE)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        scanned = pool.map(lambda few: tuple(map(scan_shard, few)), several)
        return tuple(shard for few in scanned for shard in few)


def scan_shard(path: Path) -> Shard:
    """Walk the boundaries of one shard; see `scan`."""
    try:
        compression = _compression(path)
        try:
            records, whole, cuts = _walk(open_blocks(path, compression))
        except StreamError:
            whole = False
        if not whole:
            _diagnose(path, compression)
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"the shard {short_path(path)} cannot be read: {error.strerror}") from error
    return Shard(path, compression, records, size, () if compression else cuts)


def plain_records(path: Path) -> int | None:
    """Return how many records a shard holds; ``None``: it is compressed, and would be unpacked.

    Raises
    ------
    DataError
        If it is no shard.
    OSError
        If it cannot be read.
    """
    compression = _compression(path)
    return None if compression else _walk(open_blocks(path, compression))[0]


class RecordReader:
    """Reads single records; going forward in a shard is cheap, also in a compressed one."""

    def __init__(self) -> None:
        self._shard: Shard | None = None
        self._stream: Stream | None = None
        self._next = 0

    def read(self, shard: Shard, number: int) -> bytes:
        """Return the data of a record.

        Raises
        ------
        DataError
            If its checksum is wrong, or the shard has changed and does not hold it any more.
        """
        try:
            return self._read(shard, number)
        except (OSError, StreamError) as error:
            self._shard = None
            raise DataError(f"cannot be read any more: its shard has changed ({error})") from error

    def _read(self, shard: Shard, number: int) -> bytes:
        stream = self._stream
        if stream is None or self._shard != shard or number < self._next:
            stream = self._stream = Stream(open_blocks(shard.path, shard.compression))
            self._shard, self._next = shard, 0
        while self._next < number:
            stream.skip(_length(stream.read(_HEADER.size)) + _FOOTER)
            self._next += 1
        header = stream.read(_HEADER.size)
        data, footer = stream.read(_length(header)), stream.read(_FOOTER)
        self._next += 1
        if len(footer) < _FOOTER:
            raise StreamError("it ends earlier")
        if not _is_header(header) or masked_crc(data) != int.from_bytes(footer, "little"):
            raise DataError("record is damaged (checksum)")
        return data


def _length(header: bytes) -> int:
    if len(header) < _HEADER.size:
        raise StreamError("it ends earlier")
    return int(_HEADER.unpack(header)[0])


def _walk(source: Blocks) -> tuple[int, bool, tuple[tuple[int, int], ...]]:
    """Walk the headers of a content.

    Returns
    -------
    How many records begin; whether the last one ends where the content does; see `Shard.cuts`.
    """
    unpack = _HEADER.unpack_from
    records = place = 0  # of the block, in the content
    cuts = [(0, 0)]
    next_record, next_byte = PART_EXAMPLES, PART_BYTES
    carry = b""  # the part of a header that stood at the end of the block before
    while block := source.block():
        block = carry + block
        size = len(block)
        last = size - _HEADER.size
        at = 0
        while at <= last:
            if records >= next_record or place + at >= next_byte:
                cuts.append((records, place + at))
                next_record, next_byte = records + PART_EXAMPLES, place + at + PART_BYTES
            length, check = unpack(block, at)
            if not length and check != _CHECK_OF_EMPTY:
                return records, False, ()
            at += _FRAME + length
            records += 1
        carry = block[at:]
        place += at
        if at > size and source.skip(at - size) < at - size:
            return records, False, ()
    return records, not carry, tuple(cuts[1:])


def _is_header(head: bytes) -> bool:
    return len(head) == _HEADER.size and masked_crc(head[:8]) == _HEADER.unpack(head)[1]


def _compression(path: Path) -> Compression:
    """Return how a shard is compressed, proven by the checksum of its first header.

    The first bytes of a plain shard are a length, and may look like anything.
    """
    with open_file(path) as file:
        head = file.read(64)
    if _is_header(head[: _HEADER.size]):
        return ""
    name = f"the shard {short_path(path)}"
    if not head:
        raise DataError(
            f"{name} is empty (0 bytes); a shard holds at least one record, so {_AGAIN}"
        )
    if is_lfs_pointer(head):
        raise DataError(f"{name} {LFS_REASON}")
    if compression := magic(head):
        try:
            inner = Stream(open_blocks(path, compression)).read(_HEADER.size)
        except StreamError as error:
            raise DataError(f"{name} {error}, and no record in it is whole; {_AGAIN}") from None
        if _is_header(inner):
            return compression
        what = looks_like(inner) if inner else "it is empty"
        raise DataError(f"{name} is a {WORDS[compression]} file without TFRecords in it: {what}")
    raise DataError(
        f"{name} is no TFRecord file, or its first bytes are damaged: {looks_like(head)}"
    )


def _diagnose(path: Path, compression: Compression) -> NoReturn:
    """Say where a shard stops being one: walk it again, with the headers' checksums."""
    stream = Stream(open_blocks(path, compression))
    number = offset = 0
    try:
        while True:
            head = stream.read(_HEADER.size)
            if len(head) < _HEADER.size:
                fault = f"is cut inside the header of record #{number}"
                break
            if not _is_header(head):
                fault = f"is damaged in the header of record #{number}"
                break
            length = _HEADER.unpack(head)[0] + _FOOTER
            if stream.skip(length) < length:
                fault = f"is cut inside record #{number}"
                break
            offset += _HEADER.size + length
            number += 1
        where = f", which starts at byte {offset:,}"
        if compression:
            where += f" of its {WORDS[compression]} stream"
    except StreamError as error:
        fault, where = str(error), ""
    last = f"the last whole record is #{number - 1}" if number else "no record in it is whole"
    raise DataError(f"the shard {short_path(path)} {fault}{where}; {last}; {_AGAIN}")
