"""What the installed plugin costs a pytest run that does not ask for a gate.

Runs pairs of ``pytest`` and ``pytest -p no:confmat`` over one empty test, by turns, and takes the
median difference of their CPU times. Run as ``python -m benchmarks.unused [PAIRS]``; part of
``benchmarks.bench``.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import run

PAIRS = 30
_WITHOUT = ("-p", "no:confmat")


def cost(pairs: int = PAIRS) -> dict[str, float]:
    """Return medians of CPU time in milliseconds: without the plugin, and what it adds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text("def test_empty(): pass\n")

        def seconds(*options: str) -> float:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
            return run(command, folder)[1].cpu

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
