"""Starting over where a path of ours led pytest to another root directory or configuration.

Before pytest knows the options of plugins, it takes the value in ``--confmat-model PATH`` for a
place to look for tests, and searches its configuration and its root directory from there. With
``--confmat-model=PATH`` it does not. Both spellings must mean the same.
"""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as NotIni
from pathlib import Path

import pytest

from pytest_confmat.filenames import common_folder
from pytest_confmat.plugin.arguments import expanded
from pytest_confmat.plugin.options import WITH_VALUE

_AGAIN = pytest.StashKey[list[str]]()
_ADDOPTS = "PYTEST_ADDOPTS"
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


def starts_over(config: pytest.Config, args: list[str]) -> bool:
    """Whether pytest must start over, as a path of ours changed its root or configuration.

    If so, `args` is emptied and no conftest is loaded: `run_again` then does what was asked for.
    """
    given = list(expanded(config.invocation_params.args))
    by_environment = shlex.split(os.environ.get(_ADDOPTS, ""))
    together = _joined(given), _joined(by_environment)
    if together == (given, by_environment) or not _is_misled(config):
        return False
    config.stash[_AGAIN] = together[0]
    config.known_args_namespace.noconftest = True
    args.clear()
    return True


def run_again(config: pytest.Config) -> int | None:
    """Run pytest with our options joined to their values; ``None``: it need not start over."""
    args = config.stash.get(_AGAIN, None)
    if args is None:
        return None
    before = os.environ.get(_ADDOPTS)
    if before is not None:
        os.environ[_ADDOPTS] = shlex.join(_joined(shlex.split(before)))
    try:
        return pytest.main(args, plugins=config.invocation_params.plugins)
    finally:
        if before is not None:
            os.environ[_ADDOPTS] = before


def _joined(args: Sequence[str]) -> list[str]:
    """Return arguments with ``--confmat-model PATH`` as ``--confmat-model=PATH``."""
    found: list[str] = []
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            return [*found, arg, *rest]
        value = next(rest, None) if arg in WITH_VALUE else None
        if value is None:
            found.append(arg)
        elif value.startswith("-"):
            found += arg, *_joined([value, *rest])
        else:
            found.append(f"{arg}={value}")
    return found


def _is_misled(config: pytest.Config) -> bool:
    """Whether pytest took another root directory or configuration than it would without us."""
    asked = config.known_args_namespace
    if asked.inifilename:
        return False
    taken = config.inipath
    if taken is not None and not _configures(taken):
        taken = None
    own = _configuration(_starts(config))
    return own != taken or not (asked.rootdir or _root(config) == config.rootpath)


def _root(config: pytest.Config) -> Path:
    """Return the root directory that pytest would have found, as its documentation says."""
    starts, here = _starts(config), config.invocation_params.dir
    if found := _configuration(starts) or next(_upwards(starts, _PROJECT), None):
        return found.parent
    common = common_folder([here, starts[0]])
    return common if common and common != Path(common.anchor) else starts[0]


def _starts(config: pytest.Config) -> list[Path]:
    """Return the folders that pytest should have searched upwards from, one after the other."""
    here = config.invocation_params.dir
    given = [here / str(arg).partition("::")[0] for arg in config.known_args_namespace.file_or_dir]
    named = [Path(os.path.normpath(path)) for path in given if path.exists()]
    folders = [path if path.is_dir() else path.parent for path in named] or [here]
    return [common_folder(folders) or folders[0], *folders]


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
