"""What a run was called with, as it was written: before pytest makes options of it."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from pytest_confmat.files import read_file
from pytest_confmat.plugin.options import SINGLE, option_values


def expanded(arguments: Iterable[object]) -> Iterator[str]:
    """Yield arguments, and in place of ``@FILE`` the lines of that file, as pytest reads them."""
    for argument in map(str, arguments):
        if argument.startswith("@"):
            with contextlib.suppress(OSError):
                yield from read_file(Path(argument[1:])).decode(errors="replace").splitlines()
        else:
            yield argument


def of_command_line(config: pytest.Config) -> list[str]:
    """Return the arguments of the command line and of ``PYTEST_ADDOPTS``, the ini file's not."""
    return [*_of_environment(), *expanded(config.invocation_params.args)]


def require_single(config: pytest.Config) -> None:
    """Refuse an option with two values, of which argparse would silently take the last.

    The command line still goes before `addopts`, as with pytest's own options.

    Raises
    ------
    pytest.UsageError
        If an option has two values.
    """
    sources = config.getini("addopts"), _of_environment(), config.invocation_params.args
    for source in sources:
        given: dict[str, str] = {}
        for option, value in option_values(expanded(source)):
            if option in SINGLE and given.setdefault(option, value) != value:
                raise pytest.UsageError(
                    f"{option} is given twice, as {given[option]!r} and as {value!r}, and takes "
                    "one value: leave one of them out, or run pytest once for each"
                )


def _of_environment() -> list[str]:
    return shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
