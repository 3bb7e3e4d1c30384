"""Files that begin with a digest of their content, so that damage is noticed."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from pytest_confmat.files import read_file
from pytest_confmat.writing import write_atomically

_DIGEST = 32


def write_checksummed(path: Path, content: bytes) -> None:
    """Write `content` behind its digest, atomically."""
    write_atomically(path, _digest(content) + content)


def read_checksummed(path: Path) -> bytes | None:
    """Return what `write_checksummed` wrote, or ``None`` if that is not what the file holds.

    Raises
    ------
    OSError
        If the file cannot be read; `FileNotFoundError` if it is not there.
    """
    whole = read_file(path)
    content = whole[_DIGEST:]
    return content if whole[:_DIGEST] == _digest(content) else None


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGEST).digest()
