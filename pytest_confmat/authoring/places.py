"""What a path to data leads to: class directories, or TFRecord shards; nothing is read."""

from __future__ import annotations

import glob
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_confmat.errors import RequestError

_NUMBERED = re.compile(r"(.*)-[0-9]{5,}-of-([0-9]{5,})(.*)", re.DOTALL)
_SHARD = re.compile(r"\.tfrec(?:ords?)?(?![a-z])|-[0-9]{5,}-of-[0-9]{5,}", re.IGNORECASE)
_SHOWN = 5


@dataclass(frozen=True)
class Place:
    """Where an evaluation set is.

    Attributes
    ----------
    path
        As a policy in the folder it was asked for would name it.
    """

    kind: Literal["directory", "tfrecord"]
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
    if path.is_dir():
        pattern = _shards_in(path)
        if pattern is None:
            return Place("directory", _from(folder, path))
        return Place("tfrecord", f"{glob.escape(_from(folder, path))}/{pattern}")
    if path.exists() or glob.has_magic(text):
        return Place("tfrecord", _from(folder, path))
    raise RequestError(f"there is nothing at {path}")


def _from(folder: Path, path: Path) -> str:
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


def _shards_in(path: Path) -> str | None:
    """Return the pattern of the one set of shards in a folder; ``None``: there are none."""
    entries = [entry for entry in os.scandir(path) if not entry.name.startswith(".")]
    shards = sorted(entry.name for entry in entries if entry.is_file())
    shards = [name for name in shards if _SHARD.search(name)]
    if not shards:
        return None
    if folders := sorted(entry.name for entry in entries if entry.is_dir()):
        raise RequestError(
            f"{path} holds shards such as {shards[0]!r}, and folders such as {folders[0]!r}: name "
            "the one or the other, shards by a pattern"
        )
    sets = defaultdict(list)
    for name in shards:
        sets[_pattern(name)].append(name)
    if len(sets) > 1:
        named = ", ".join(repr(pattern) for pattern in list(sets)[:_SHOWN])
        more = f" and {len(sets) - _SHOWN} more" if len(sets) > _SHOWN else ""
        raise RequestError(
            f"{path} holds shards of {len(sets)} sets: {named}{more}; name one, as "
            f"'{path}/{next(iter(sets))}'"
        )
    ((pattern, names),) = sets.items()
    return glob.escape(names[0]) if len(names) == 1 else pattern


def _pattern(name: str) -> str:
    """Return the pattern of the shards that belong with the one called `name`."""
    if match := _NUMBERED.fullmatch(name):
        prefix, total, suffix = (glob.escape(part) for part in match.groups())
        return f"{prefix}-*-of-{total}{suffix}"
    return "*".join(glob.escape(part) for part in re.split(r"[0-9]+", name))
