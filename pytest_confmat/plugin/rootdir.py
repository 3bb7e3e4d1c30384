"""Configuration and root directory, where a path of ours leads pytest to those of somebody else.

Before it knows the options of plugins, pytest takes ``--confmat-model PATH`` for an option and a
place to look for tests, and searches its configuration and its root directory from there. It does
not with ``--confmat-model=PATH``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as NotIni
from itertools import pairwise
from pathlib import Path

import pytest

_PREFIX = "--confmat-"
# In pytest's order. None: such a file is a configuration whatever is in it.
_SECTIONS = {
    "pytest.toml": None,
    ".pytest.toml": None,
    "pytest.ini": None,
    ".pytest.ini": None,
    "pyproject.toml": "pytest",
    "tox.ini": "pytest",
    "setup.cfg": "tool:pytest",
}
_PROJECT = ("pyproject.toml", "setup.py")


def require_own_configuration(config: pytest.Config) -> None:
    """Refuse a run with another configuration than that of the project.

    Raises
    ------
    pytest.UsageError
        If an option of ours has led pytest to another one, or past the project's.
    """
    apart = _apart(config.invocation_params.args)
    if not apart or config.getoption("inifilename", None):
        return
    taken = config.inipath
    if taken is not None and not _configures(taken):
        taken = None
    own = _configuration(_starts(config))
    if own == taken:
        return
    passed_over = f"passed over the configuration {own}" if own else ""
    took = f"took {taken}" if taken else "took none"
    raise pytest.UsageError(
        f"pytest {' and '.join(filter(None, (passed_over, took)))}, led there by {apart[0]!r}: "
        f"write {apart[0].replace(' ', '=', 1)!r}"
    )


def keep_cache_at_home(config: pytest.Config, parser: pytest.Parser, args: Sequence[str]) -> None:
    """Let pytest's cache lie where it would without our options: nothing is written to a model.

    A root directory cannot be changed once pytest has chosen it; the default of ``cache_dir`` can.
    """
    if not _apart(args) or config.known_args_namespace.rootdir:
        return
    root = _root(config)
    if root != config.rootpath:
        parser.addini("cache_dir", "Cache directory path", default=str(root / ".pytest_cache"))


def _apart(args: Iterable[object]) -> list[str]:
    """Return the options of ours whose value stands apart, and is a path that exists."""
    return [
        f"{option} {value}"
        for option, value in pairwise(map(str, args))
        if option.startswith(_PREFIX) and "=" not in option and Path(value).exists()
    ]


def _root(config: pytest.Config) -> Path:
    """Return the root directory that pytest would have found, as its documentation says."""
    starts, here = _starts(config), config.invocation_params.dir
    if found := _configuration(starts) or next(_upwards(starts, _PROJECT), None):
        return found.parent
    common = Path(os.path.commonpath([here, starts[0]]))
    return common if common != Path(common.anchor) else starts[0]


def _starts(config: pytest.Config) -> list[Path]:
    """Return the folders that pytest should have searched upwards from, one after the other."""
    here = config.invocation_params.dir
    given = [here / str(arg).partition("::")[0] for arg in config.known_args_namespace.file_or_dir]
    named = [Path(os.path.normpath(path)) for path in given if path.exists()]
    folders = [path if path.is_dir() else path.parent for path in named] or [here]
    return [Path(os.path.commonpath(folders)), *folders]


def _configuration(starts: Iterable[Path]) -> Path | None:
    return next(filter(_configures, _upwards(starts, tuple(_SECTIONS))), None)


def _upwards(starts: Iterable[Path], names: Sequence[str]) -> Iterator[Path]:
    """Yield the files of these names in each folder and above it, in the order of a search."""
    for start in starts:
        for folder in (start, *start.parents):
            yield from (path for name in names if (path := folder / name).is_file())


def _configures(path: Path) -> bool:
    """Whether a file holds configuration of pytest's."""
    section = _SECTIONS.get(path.name)
    if section is None:
        return True
    if path.suffix != ".toml":
        return _has(path, section)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return section in values.get("tool", {})


def _has(path: Path, section: str) -> bool:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (NotIni, ValueError):
        return False
    return parser.has_section(section)
