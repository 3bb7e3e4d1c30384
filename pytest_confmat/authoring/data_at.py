"""What kind of data a path leads to; no example is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_confmat.errors import RequestError
from pytest_confmat.kinds import KINDS, DataKind


@dataclass(frozen=True)
class Place:
    """Where an evaluation set is.

    Attributes
    ----------
    path
        As a policy in the folder it was asked for would name it.
    """

    kind: DataKind[Any]
    path: str


def find_place(text: str, here: Path, folder: Path) -> Place:
    """Find out what `text`, a path or a glob pattern, stands for.

    Parameters
    ----------
    here
        What a relative path is relative to.
    folder
        Of the policy.

    Raises
    ------
    RequestError
        If nothing is there, or a folder holds shards of several sets.
    """
    path = here / Path(text).expanduser()
    # Those of a project's own know best what is theirs, and any folder may be one of classes.
    for kind in reversed(list(KINDS)):
        if (found := kind.find(path, text, path_from(folder, path))) is not None:
            return Place(kind, found)
    raise RequestError(f"there is nothing at {path}")


def path_from(folder: Path, path: Path) -> str:
    """Return the path that a policy in `folder` says: short below it, else as it was given."""
    flat, base = Path(os.path.normpath(path)), Path(os.path.normpath(folder))
    if flat.is_relative_to(base):
        return flat.relative_to(base).as_posix()
    try:
        relative = Path(os.path.relpath(flat, base)).as_posix()
    except ValueError:  # another drive
        return flat.as_posix()
    # Up to a common folder, but not by way of the root.
    common = os.path.commonpath([flat, base])
    return flat.as_posix() if Path(common) == Path(flat.anchor) else relative
