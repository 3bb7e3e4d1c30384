"""Digests of files' contents, without reading again what has not changed.

As in git, each digest is stored with what `stat` returned for the file before it was read, and is
used as long as `stat` returns the same. A file that was touched so shortly before
it was read that a later change might have the same times is read again, and so is one on a file
system whose times say nothing.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.cache.checksummed import read_checksummed, write_checksummed
from pytest_confmat.cache.mounts import untrusted_times
from pytest_confmat.threads import cores

# The coarsest clock of a file system in use is FAT's: two changes within 2 s have one time.
RACY_NS = 2_000_000_000
DIGEST = 16
_FORMAT = 1  # of an index
_WHOLE = 4 << 20  # bytes; larger files are read in blocks
_CHUNK = 256  # files a task at most, so that handing out tasks costs nothing
_POSITIVE = 2**63 - 1
_SIZE, _MTIME, _CTIME, _INODE, _DEVICE = range(5)
_COLUMNS = 5

Digests = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Index:
    """What is known of some files.

    Attributes
    ----------
    names
        Of the files, in any order.
    stats
        Size, mtime and ctime in nanoseconds, inode and device, int64 (n, 5).
    taken
        When each row of `stats` was taken, before the file was read; nanoseconds, int64 (n,).
    digests
        uint8 (n, 16).
    """

    names: tuple[str, ...]
    stats: NDArray[np.int64]
    taken: NDArray[np.int64]
    digests: Digests

    @classmethod
    def empty(cls) -> Self:
        """Nothing is known."""
        return cls.unknown((), np.zeros((0, _COLUMNS), np.int64))

    @classmethod
    def unknown(cls, names: tuple[str, ...], stats: NDArray[np.int64]) -> Self:
        """Return rows that are not to be trusted, for digests to come."""
        n = len(names)
        return cls(names, stats, np.zeros(n, np.int64), np.zeros((n, DIGEST), np.uint8))

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """Which rows would differ had the file changed since, bool (n,)."""
        touched = self.stats[:, [_MTIME, _CTIME]].max(axis=1)
        return np.asarray(touched + RACY_NS < self.taken)

    def select(self, names: tuple[str, ...]) -> _Index:
        """Return the rows of `names`; those of files that are not known are not trusted."""
        if names == self.names:
            return self
        place = {name: row for row, name in enumerate(self.names)}
        rows = np.fromiter((place.get(name, -1) for name in names), np.int64, len(names))
        known = rows >= 0
        found = _Index.unknown(names, np.zeros((len(names), _COLUMNS), np.int64))
        found.stats[known] = self.stats[rows[known]]
        found.taken[known] = self.taken[rows[known]]
        found.digests[known] = self.digests[rows[known]]
        return found

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        names = np.frombuffer("\0".join(self.names).encode("utf-8", "surrogateescape"), np.uint8)
        buffer = io.BytesIO()
        arrays: dict[str, NDArray[Any]] = {
            "names": names, "stats": self.stats, "taken": self.taken, "digests": self.digests
        }  # fmt: skip
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` returned."""
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            text = stored["names"].tobytes().decode("utf-8", "surrogateescape")
            names = tuple(text.split("\0")) if text else ()
            found = cls(names, stored["stats"], stored["taken"], stored["digests"])
        n = len(names)
        for array, dtype, shape in (
            (found.stats, np.int64, (n, _COLUMNS)),
            (found.taken, np.int64, (n,)),
            (found.digests, np.uint8, (n, DIGEST)),
        ):
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"an index of {n} names holds an array of shape {array.shape}")
        return found


class DigestIndex:
    """Knows the contents of files by their digests.

    Parameters
    ----------
    folder
        Where indexes are kept from run to run; ``None``: nowhere. One that cannot be written to
        costs reading the files again, and is no error.
    verify
        Take nothing for granted that this object has not read itself.

    Attributes
    ----------
    untrusted
        The kinds of file systems met whose file times say nothing.
    """

    def __init__(self, folder: Path | None = None, *, verify: bool = False) -> None:
        self._folder = folder
        self._verify = verify
        self._indexes: dict[Path, _Index] = {}
        self.untrusted: set[str] = set()

    def digests(self, root: str, names: Sequence[str]) -> Digests:
        """Return a digest of the content of each file `names` below `root`, uint8 (n, 16).

        Raises
        ------
        OSError
            If one cannot be read.
        """
        wanted = tuple(names)
        paths = [os.path.join(root, name) for name in wanted]  # noqa: PTH118 (60,000 of them)
        key = self._file_of(root, wanted)
        known = self._known(key).select(wanted)
        taken = time.time_ns()
        stats = _stats(paths)
        same = known.trusted & (stats == known.stats).all(axis=1)
        stale = np.flatnonzero(~(same & self._times_tell(paths, stats)))
        if len(stale) or known is not self._indexes[key]:
            fresh = _Index(wanted, stats, known.taken.copy(), known.digests.copy())
            fresh.digests[stale] = _read([paths[row] for row in stale])
            fresh.taken[stale] = taken
            self._keep(key, fresh)
        return self._indexes[key].digests

    def _times_tell(self, paths: Sequence[str], stats: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which files lie where their times tell every change, bool (n,)."""
        _, first, of = np.unique(stats[:, _DEVICE], return_index=True, return_inverse=True)
        kinds = [untrusted_times(paths[row]) for row in first]
        self.untrusted.update(filter(None, kinds))
        return np.array([kind is None for kind in kinds], np.bool_)[of]

    def _file_of(self, root: str, names: tuple[str, ...]) -> Path:
        # Files that lie anywhere have no root by which their index could be found.
        origin = f"{_FORMAT}\0{root}" if root else f"{_FORMAT}\0\0" + "\0".join(names)
        name = blake2b(origin.encode("utf-8", "surrogateescape"), digest_size=DIGEST).hexdigest()
        return Path(self._folder or "", f"{name}.index")

    def _known(self, path: Path) -> _Index:
        if path not in self._indexes:
            self._indexes[path] = _Index.empty()
            if self._folder is not None and not self._verify:
                # Whatever is wrong with it, the files themselves are there to be read; damage
                # takes many forms.
                with suppress(Exception):
                    if (found := read_checksummed(path)) is not None:
                        self._indexes[path] = _Index.from_bytes(found)
                        os.utime(path)
        return self._indexes[path]

    def _keep(self, path: Path, index: _Index) -> None:
        self._indexes[path] = index
        if self._folder is not None:
            with suppress(OSError):
                write_checksummed(path, index.to_bytes())


def _stats(paths: Sequence[str]) -> NDArray[np.int64]:
    stat = os.stat
    # An inode may take all 64 bits of a number without a sign, and a time may be of any century.
    found = [
        (s.st_size, _time(s.st_mtime_ns), _time(s.st_ctime_ns), s.st_ino & _POSITIVE,
         s.st_dev & _POSITIVE)
        for s in map(stat, paths)
    ]  # fmt: skip
    return np.array(found, np.int64).reshape(len(paths), _COLUMNS)


def _time(nanoseconds: int) -> int:
    return min(max(nanoseconds, -_POSITIVE), _POSITIVE)


def _read(paths: Sequence[str]) -> Digests:
    """Return digests of files, read by several threads: hashing and reading let others run."""
    workers = min(8, cores())
    size = max(1, min(_CHUNK, len(paths) // (4 * workers)))
    chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        found = b"".join(pool.map(_read_some, chunks))
    return np.frombuffer(found, np.uint8).reshape(len(paths), DIGEST)


def _read_some(paths: Sequence[str]) -> bytes:
    return b"".join(map(_digest_of, paths))


def _digest_of(path: str) -> bytes:
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 (60,000 of them)
        if os.fstat(stream.fileno()).st_size > _WHOLE:
            return file_digest(stream, lambda: blake2b(digest_size=DIGEST)).digest()
        return blake2b(stream.read(), digest_size=DIGEST).digest()
