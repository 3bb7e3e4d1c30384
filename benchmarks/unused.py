"""What the installed plugin costs a pytest run that does not ask for a gate.

Runs pairs of ``pytest`` and ``pytest -p no:confmat`` over one empty test, by turns, and takes the
median difference of their CPU times. Other plugins are left out of both: Hypothesis alone takes
four times as long as pytest, and swings by more than all that is to be measured here. Run as
``python -m benchmarks.unused [PAIRS]``; part of ``benchmarks.bench``.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

from benchmarks.measure import run

PAIRS = 60
_WITHOUT = ("-p", "no:confmat")


def cost(pairs: int = PAIRS) -> dict[str, float]:
    """Return medians of CPU time in milliseconds: without the plugin, and what it adds."""
    others = {plugin.name for plugin in entry_points(group="pytest11")} - {"confmat"}
    bare = [f"-pno:{name}" for name in sorted(others)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text("def test_empty(): pass\n")

        def seconds(*options: str) -> float:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *bare]
            return run([*command, *options], folder)[1].cpu

        for _ in range(3):  # byte code is compiled once, and is no cost of a run
            seconds()
            seconds(*_WITHOUT)
        measured = [(seconds(), seconds(*_WITHOUT)) for _ in range(pairs)]
    differences = [1000 * (installed - without) for installed, without in measured]
    return {
        "pairs": pairs,
        "median_without_ms": round(1000 * statistics.median(b for _, b in measured), 1),
        "median_difference_ms": round(statistics.median(differences), 1),
    }


if __name__ == "__main__":
    print(json.dumps(cost(*map(int, sys.argv[1:]))))
