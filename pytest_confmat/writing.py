"""Files that are whole or not there: every file this project writes goes through here.

A file is first written under another name in its folder. Whoever writes it holds a lock on it,
which the system releases if the process dies: a file that nobody holds was left by one that died,
and the next one who writes there removes it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from errno import EEXIST
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".part"
# Where a file system has no locks, only age tells that nobody is writing any more.
_ABANDONED = 24 * 60 * 60  # seconds
_WAITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # seconds between tries, on Windows


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, making its folder; a reader sees the old or the new file."""
    with _unfinished(path) as (part, stream):
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
        # mkstemp makes files private; what we write is for whoever may read its folder.
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        _replace(part, stream, path)


@dataclass(frozen=True)
class Beside:
    """A file that is there for a while.

    Attributes
    ----------
    path
        Where it is.
    """

    path: Path
    _stream: BinaryIO

    def become(self, target: Path) -> None:
        """Make it `target`, where no file is yet.

        Raises
        ------
        FileExistsError
            If one has come up meanwhile.
        """
        try:
            os.link(self.path, target)  # never in place of another
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(target):
                raise FileExistsError(EEXIST, "it has come up", str(target)) from None
            _replace(self.path, self._stream, target)


@contextlib.contextmanager
def written_beside(path: Path, text: str) -> Iterator[Beside]:
    """Have `text` in a file beside `path` for a while: what it names is relative to that folder."""
    with _unfinished(path) as (part, stream):
        stream.write(text.encode("utf-8"))
        stream.flush()
        yield Beside(part, stream)


def _replace(part: Path, stream: BinaryIO, path: Path) -> None:
    """Rename a file that is complete; on Windows neither it nor `path` may be open meanwhile."""
    if sys.platform != "win32":
        part.replace(path)
        return
    stream.close()
    for wait in _WAITS:
        try:
            part.replace(path)
            return
        except PermissionError:  # a reader has it open, or a scanner of viruses
            time.sleep(wait)
    part.replace(path)


def remove_leftovers(folder: Path, of: str = ".+") -> None:
    """Remove what processes that died left unfinished in `folder`.

    Parameters
    ----------
    of
        Regular expression: the names of the files that they were writing.
    """
    unfinished = re.compile(rf"\.(?:{of})\.[a-z0-9_]+{re.escape(_SUFFIX)}", re.DOTALL)
    # What cannot be looked at or removed stays; it does no harm.
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if unfinished.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    remove_unless_held(Path(entry.path))


def is_unfinished(path: Path) -> bool:
    """Whether `path` is a file that is being written, or was left over."""
    return path.name.startswith(".") and path.suffix == _SUFFIX


@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new file beside `path` for writing; it is gone afterwards, unless it was renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent, re.escape(path.name))
    part, stream = _open_held(path)
    try:
        with stream:
            yield part, stream
    finally:
        part.unlink(missing_ok=True)


def _open_held(path: Path) -> tuple[Path, BinaryIO]:
    while True:
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX
        )
        _hold(descriptor)
        part = Path(name)
        # Before it was held, someone may have come by and removed it.
        if part.exists():
            return part, os.fdopen(descriptor, "wb")
        os.close(descriptor)


if sys.platform == "win32":

    def _hold(descriptor: int) -> None:
        """Do nothing: nobody can remove a file that is open."""

    def remove_unless_held(path: Path) -> None:
        """Remove a file that no process has open.

        Raises
        ------
        OSError
            If one has, or it cannot be removed.
        """
        path.unlink()

else:
    import fcntl

    def _hold(descriptor: int) -> None:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)

    def remove_unless_held(path: Path) -> None:
        """Remove a file that no process holds a lock on.

        Raises
        ------
        OSError
            If it cannot be removed.
        """
        with path.open("r+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            except OSError:
                if time.time() - path.stat().st_mtime < _ABANDONED:
                    return
            path.unlink()
