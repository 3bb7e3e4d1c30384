"""A file's content as blocks of bytes, decompressed as they are needed."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

Compression = Literal["", "GZIP", "ZLIB"]

WORDS = {"GZIP": "gzip", "ZLIB": "zlib"}
_WINDOW = {"GZIP": 16 + zlib.MAX_WBITS, "ZLIB": zlib.MAX_WBITS}
_PLAIN_BLOCK = 1 << 14  # small, so that the data of long records are not read to get past them
_INFLATED_BLOCK = 1 << 20


class StreamError(Exception):
    """A compressed stream that is cut, damaged, or followed by something else.

    The text continues a sentence that names the file.
    """


class Blocks(Protocol):
    """A content, going forward."""

    def block(self) -> bytes:
        """Return the next bytes, as many as are convenient; none at the end."""

    def skip(self, size: int) -> int:
        """Go forward; return by how much, less than `size` at the end."""


def magic(head: bytes) -> Compression:
    """Return the compression that the first bytes of a file announce."""
    if head.startswith(b"\x1f\x8b"):
        return "GZIP"
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
        return "ZLIB"
    return ""


def open_blocks(path: Path, compression: Compression) -> Blocks:
    """Open a file; it is closed with the last reference to what is returned.

    Raises
    ------
    OSError
        If the file cannot be opened, and later if it cannot be read.
    StreamError
        Later, where a compressed stream cannot be read on.
    """
    return _Inflated(path, compression) if compression else _Plain(path)


class _Plain:
    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._at = 0

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def block(self) -> bytes:
        self._file.seek(self._at)
        data = self._file.read(_PLAIN_BLOCK)
        self._at += len(data)
        return data

    def skip(self, size: int) -> int:
        done = min(size, self._size - self._at)
        self._at += done
        return done


class _Inflated:
    def __init__(self, path: Path, compression: Compression) -> None:
        self._file = path.open("rb", buffering=0)
        self._pieces = _inflate(self._file, compression)
        self._left = b""  # of a piece that was skipped in part

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def block(self) -> bytes:
        data, self._left = self._left, b""
        return data or next(self._pieces, b"")

    def skip(self, size: int) -> int:
        left = size
        while left and (data := self.block()):
            self._left = data[left:]
            left -= len(data) - len(self._left)
        return size - left


def _inflate(file: BinaryIO, compression: Compression) -> Iterator[bytes]:
    """Yield what a compressed file holds, in pieces that are never empty."""
    word = WORDS[compression]
    stream = zlib.decompressobj(_WINDOW[compression])
    while True:
        rest = stream.unconsumed_tail or stream.unused_data or file.read(_INFLATED_BLOCK)
        if stream.eof:
            if not rest:
                return
            if compression != "GZIP" or magic(rest) != "GZIP":
                raise StreamError(f"goes on after the end of its {word} stream")
            stream = zlib.decompressobj(_WINDOW[compression])  # gzip files may be chained
        before = stream.copy()
        try:
            # A bound on each piece: a few bytes can stand for gigabytes.
            piece = stream.decompress(rest, _INFLATED_BLOCK)
        except zlib.error:
            yield from _salvage(before, rest)
            raise StreamError(f"is damaged: its {word} stream cannot be read on") from None
        if piece:
            yield piece
        elif not rest and not stream.eof:
            raise StreamError(f"is cut: its {word} stream has no end")


def _salvage(stream: Any, rest: bytes) -> Iterator[bytes]:
    """Yield what comes before the damage, so that the last whole record can be named."""
    with contextlib.suppress(zlib.error):
        for at in range(len(rest)):
            if piece := stream.decompress(rest[at : at + 1], _INFLATED_BLOCK):
                yield piece


class Stream:
    """Reads and skips exact numbers of bytes."""

    def __init__(self, source: Blocks) -> None:
        self._source = source
        self._block = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end."""
        parts = []
        while True:
            part = self._block[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
            if not size:
                return b"".join(parts)
            self._block, self._at = self._source.block(), 0
            if not self._block:
                return b"".join(parts)

    def skip(self, size: int) -> int:
        """Go forward; return by how much, less than `size` at the end."""
        here = min(size, len(self._block) - self._at)
        self._at += here
        return here + (self._source.skip(size - here) if here < size else 0)
