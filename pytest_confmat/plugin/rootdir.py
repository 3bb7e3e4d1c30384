"""The configuration that pytest took, where a path of ours has led it astray."""

from __future__ import annotations

import tomllib
from configparser import ConfigParser
from configparser import Error as NotIni
from itertools import pairwise
from pathlib import Path

import pytest

_PREFIX = "--confmat-"
_INI = {"pytest.ini": "pytest", ".pytest.ini": "pytest", "tox.ini": "pytest"}


def misled(config: pytest.Config) -> str | None:
    """Say so where pytest passed over the project's own configuration.

    Before it knows the options of plugins, pytest takes ``--confmat-model PATH`` for an option
    and a place to look for tests, and searches its configuration from there. It does not with
    ``--confmat-model=PATH``.
    """
    arguments = config.invocation_params.args
    apart = [
        f"{option} {value}"
        for option, value in pairwise(arguments)
        if str(option).startswith(_PREFIX) and "=" not in str(option) and Path(value).exists()
    ]
    here = config.invocation_params.dir
    own = next((path for folder in (here, *here.parents) if (path := _configuration(folder))), None)
    if not apart or own is None or own == config.inipath or config.getoption("inifilename", None):
        return None
    taken = f"took {config.inipath}" if config.inipath else "took none"
    return (
        f"pytest passed over the configuration {own} and {taken}, led there by {apart[0]!r}: write "
        f"{apart[0].replace(' ', '=', 1)!r}"
    )


def _configuration(folder: Path) -> Path | None:
    for name, section in _INI.items():
        if (path := folder / name).is_file() and (name != "tox.ini" or _has(path, section)):
            return path
    path = folder / "pyproject.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return path if "pytest" in values.get("tool", {}) else None


def _has(path: Path, section: str) -> bool:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (NotIni, ValueError):
        return False
    return parser.has_section(section)
