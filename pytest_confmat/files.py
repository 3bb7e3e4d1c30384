"""Files that others give us are opened only where they are regular: a FIFO would wait for ever."""

from __future__ import annotations

import os
import stat
from errno import EINVAL
from io import BufferedReader
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO (named pipe)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def irregular(path: Path | str) -> str | None:
    """Return what is at `path`, links followed: ``a FIFO (named pipe)``.

    ``None``: a regular file, or nothing that can be looked at, which opening it will say.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (texts too)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    if stat.S_ISREG(mode):
        return None
    return next((kind for is_kind, kind in _KINDS if is_kind(mode)), "no regular file")


def open_file(path: Path) -> BufferedReader:
    """Open a regular file to read bytes.

    Raises
    ------
    OSError
        If it cannot be opened, or is anything else, which the ``strerror`` says.
    """
    if kind := irregular(path):
        raise OSError(EINVAL, f"it is {kind}, and only regular files are read", str(path))
    return path.open("rb")


def read_file(path: Path) -> bytes:
    """Return what a regular file holds; raises as `open_file` does."""
    with open_file(path) as stream:
        return stream.read()
