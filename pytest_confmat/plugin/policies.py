"""Thresholds files on disk: in a folder, below one, and among the arguments of a run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pytest_confmat.files import read_file

NAMES = ("thresholds.yaml", "thresholds.yml")
SUFFIXES = (".yaml", ".yml")
# A file of another name is a policy if it has this key at its top, in block or in flow style.
_LIMITS = re.compile(rb"""^(?:\{.*)?["']?thresholds["']?\s*:""", re.MULTILINE)


def policy_in(folder: Path) -> Path | None:
    """Return the policy that lies in a folder by its usual name.

    Raises
    ------
    pytest.UsageError
        If there is one by each of both names.
    """
    found = [folder / name for name in NAMES if (folder / name).exists()]
    if len(found) > 1:
        raise pytest.UsageError(
            f"there are both {found[0]} and {found[1]}: keep one of them, or name the one that "
            "is meant"
        )
    return found[0] if found else None


def policies_below(folder: Path, unwanted: Sequence[str]) -> Iterator[Path]:
    """Yield the policies in a folder and below it that have the usual name.

    Virtual environments, and folders whose name matches a pattern in `unwanted`, are passed over.
    """
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not _is_unwanted(Path(place, name), unwanted)
        )
        if not set(NAMES).isdisjoint(files) and (found := policy_in(Path(place))):
            yield found


def named_policies(arguments: Iterable[str], here: Path) -> list[Path]:
    """Return the policies that arguments name by path or by the id of an item."""
    paths = (path_of(argument, here) for argument in arguments)
    found = (path for path in paths if path.suffix in SUFFIXES and is_policy(path))
    return list(dict.fromkeys(path.resolve() for path in found))


def named_folders(arguments: Iterable[str], here: Path) -> list[Path]:
    """Return the folders that arguments name."""
    paths = (path_of(argument, here) for argument in arguments)
    return list(dict.fromkeys(path.resolve() for path in paths if path.is_dir()))


def path_of(argument: str, here: Path) -> Path:
    """Return the path that an argument begins with; an id has more behind it."""
    return here / argument.partition("::")[0]


def is_policy(path: Path) -> bool:
    """Whether a file has the name of a policy, or limits in it."""
    if path.name in NAMES:
        return path.exists()
    try:
        return _LIMITS.search(read_file(path)) is not None
    except OSError:
        return False


def _is_unwanted(folder: Path, patterns: Sequence[str]) -> bool:
    if any(fnmatch(str(folder) if os.sep in each else folder.name, each) for each in patterns):
        return True
    return folder.name == "__pycache__" or (folder / "pyvenv.cfg").is_file()
