"""What a gate costs whose evaluation is recalled from the cache: the shipped example, run again.

Runs the gate and a bare ``pytest`` over one empty test by turns, and takes the median difference
of their CPU times; other plugins are left out of both. Warm, all byte code is there. In a fresh
environment there is what ``pip install`` made, and nothing that pytest itself keeps of modules
whose asserts it rewrites. Run as ``python -m benchmarks.recalled [ROUNDS]``; part of
``benchmarks.bench``.
"""

from __future__ import annotations

import compileall
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import run, without_plugins

ROUNDS = 15
_HERE = Path(__file__).resolve().parents[1]
_GATE = ("thresholds.yaml", "--confmat-model", "examples/digits/digits.keras", "--confmat-cache=on")
_BARE = ("test_empty.py",)
_RECALLED = "from the cache"


class NotRecalledError(Exception):
    """The gate computed anew what it was to recall."""


def cost(rounds: int = ROUNDS) -> dict[str, Any]:
    """Return medians of CPU time in milliseconds: of a bare pytest, and what the gate adds."""
    with tempfile.TemporaryDirectory() as name:
        project, installed = _project(Path(name, "project")), _installed(Path(name, "installed"))

        def taken(what: tuple[str, ...], says: str = "", *, fresh: bool) -> float:
            if fresh:
                _forget_rewritten(installed)
            command = [sys.executable, "-m", "pytest", "-q", *without_plugins("confmat"), *what]
            printed, usage = run(command, project, {"PYTHONPATH": str(installed)})
            if says not in printed:
                raise NotRecalledError(printed)
            return usage.cpu

        taken(_GATE, fresh=False)  # computes, and keeps
        found: dict[str, Any] = {"rounds": rounds}
        for when, fresh in (("warm", False), ("fresh", True)):
            taken(_GATE, _RECALLED, fresh=False)  # byte code is made here
            pairs = [
                (taken(_GATE, _RECALLED, fresh=fresh), taken(_BARE, fresh=fresh))
                for _ in range(rounds)
            ]
            bare = statistics.median(bare for _, bare in pairs)
            more = statistics.median(gate - bare for gate, bare in pairs)
            found[when] = {"bare_ms": round(1000 * bare), "more_ms": round(1000 * more)}
    return found


def _project(folder: Path) -> Path:
    """Copy the shipped example to a folder, with a test of nothing beside it."""
    shutil.copytree(_HERE / "examples" / "digits", folder / "examples" / "digits")
    shutil.copy(_HERE / "thresholds.yaml", folder)
    (folder / "pytest.ini").touch()
    (folder / "test_empty.py").write_text("def test_empty(): pass\n")
    return folder


def _installed(folder: Path) -> Path:
    """Copy the package to a folder, with the byte code that pip makes."""
    shutil.copytree(
        _HERE / "pytest_confmat",
        folder / "pytest_confmat",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    compileall.compile_dir(folder, quiet=1)
    return folder


def _forget_rewritten(folder: Path) -> None:
    """Remove the byte code of modules that pytest rewrote."""
    for path in folder.rglob("__pycache__/*-pytest-*.pyc"):
        path.unlink()


if __name__ == "__main__":
    print(json.dumps(cost(*map(int, sys.argv[1:]))))
