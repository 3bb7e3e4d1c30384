"""Reading files that others give us: only regular ones, as a FIFO would wait forever."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from errno import EINVAL
from io import BufferedReader
from pathlib import Path

from pytest_confmat.errors import ModelError

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


def is_link(entry: os.DirEntry[str] | Path) -> bool:
    """Whether an entry leads elsewhere: by a symbolic link, or a junction of Windows."""
    if entry.is_symlink():
        return True
    if sys.platform != "win32":
        return False
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return found.st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT


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


def is_lfs_pointer(head: bytes) -> bool:
    """Whether a file that starts with `head` is what git-lfs leaves in place of the file itself."""
    return head.startswith(b"version https://git-lfs.github.com/spec/")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a model file in hexadecimal, read in blocks.

    Raises
    ------
    ModelError
        If the file cannot be read.
    """
    try:
        with open_file(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
