"""Where inputs become files, since files are what the readers read."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from zlib import crc32


@cache
def folder(name: str) -> Path:
    """Return a folder of this process's own, the same one each time; it goes at the end."""
    path = _root() / name
    path.mkdir()
    return path


def put(path: Path, content: bytes) -> Path:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def one_in(number: int, data: bytes) -> bool:
    """Whether `data` is among the one in `number` inputs that also take a slower way.

    By their content, so that an input that was found takes the same way again.
    """
    return crc32(data) % number == 0


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="confmat-fuzz-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root
