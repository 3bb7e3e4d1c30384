"""The digest of a model: of its file, or of all files that it is made of."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from pytest_confmat.errors import ModelError
from pytest_confmat.files import sha256_of
from pytest_confmat.models.formats import format_called
from pytest_confmat.models.look import look_at


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files that a model is made of, by its format.

    Raises
    ------
    ModelError
        If it is no model, or they cannot be listed.
    """
    return format_called(look_at(path).format).files(path)


def files_of_any(path: Path) -> tuple[Path, ...]:
    """Return the files of a model, or all that lie at a path that is none: they tell it apart.

    What is no model to us may be one to a project's own fixture.
    """
    try:
        return files_of(path)
    except ModelError:
        if path.is_dir():
            return tuple(sorted(each for each in path.rglob("*") if each.is_file()))
        return (path,)


def sha256_of_model(path: Path) -> str:
    """Return the SHA-256 of a model in hexadecimal; every file is read, in blocks.

    Of a model of one file that is the file's. Of several it is that of what
    ``find * -type f | LC_ALL=C sort | xargs sha256sum`` prints inside a model's directory, or
    beside its file.

    Raises
    ------
    ModelError
        If it is no model, or a file of it cannot be read.
    """
    return sha256_of_files(path, files_of(path))


def sha256_of_files(path: Path, files: Sequence[Path]) -> str:
    """Return the SHA-256 of the files at a path; see `sha256_of_model`."""
    if tuple(files) == (path,):
        return sha256_of(path)
    folder = path if path.is_dir() else path.parent
    named = {os.fsencode(Path(os.path.relpath(each, folder)).as_posix()): each for each in files}
    digest = hashlib.sha256()
    for name in sorted(named):
        digest.update(sha256_of(named[name]).encode() + b"  " + name + b"\n")
    return digest.hexdigest()
