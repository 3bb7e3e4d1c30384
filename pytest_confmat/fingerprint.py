"""Digests that say exactly which file was evaluated."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pytest_confmat.errors import ModelError
from pytest_confmat.files import open_file


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
