"""Runs processes by turns and says what each took: wall and CPU time, memory, ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What one process took, with its children: seconds, and its highest resident memory in MB."""

    wall: float
    cpu: float
    peak_rss_mb: float


class ProcessError(Exception):
    """A measured process failed; the text is its own last words."""


def run(
    command: Sequence[str], folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> tuple[str, Usage]:
    """Run a process to its end; return what it printed, and what it took.

    Parameters
    ----------
    folder
        Where it runs; the current one unless it is given.
    variables
        What its environment has besides this one's.

    Raises
    ------
    ProcessError
        If its exit status is not 0.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**_environment(), **(variables or {})},
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    # The kernel's own account of this child and those it has waited for, and of no other.
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        tail = "\n".join(printed.splitlines()[-20:])
        raise ProcessError(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    return printed, Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _environment() -> dict[str, str]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    # Byte code is compiled once, and is no cost of a run.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def without_plugins(*kept: str) -> list[str]:
    """Return the options with which pytest leaves out all installed plugins but `kept`.

    Hypothesis alone takes three times as long to import as pytest, and swings by more than all
    that is to be measured here.
    """
    names = {plugin.name for plugin in entry_points(group="pytest11")} - set(kept)
    return [f"-pno:{name}" for name in sorted(names)]


def by_turns(
    measures: Mapping[str, Callable[[], Usage | None]], repeats: int
) -> dict[str, list[Usage]]:
    """Take each measure once a round, each round in another order, `repeats` rounds.

    A measure that returns ``None`` cannot be taken here, and is left out.
    """
    names = list(measures)
    taken: dict[str, list[Usage]] = {name: [] for name in names}
    for number in range(repeats):
        first = number % len(names)
        # Whoever comes after whom is not always the same: caches and clocks are shared.
        for name in names[first:] + names[:first]:
            usage = measures[name]() if name in taken else None
            if usage is None:
                taken.pop(name, None)
            else:
                taken[name].append(usage)
    return taken


def median(usages: Sequence[Usage], what: str) -> float:
    """Return the median of one field."""
    return statistics.median(getattr(usage, what) for usage in usages)


def ratio(these: Sequence[Usage], those: Sequence[Usage], what: str) -> float:
    """Return the median, over the rounds, of how many times `these` took what `those` took.

    Round by round, because a busy machine slows down what is measured next to each other.
    """
    pairs = zip(these, those, strict=True)
    return statistics.median(getattr(a, what) / getattr(b, what) for a, b in pairs)
