"""What the installed plugin costs a pytest run that does not ask for a gate.

Runs pairs of ``pytest`` and ``pytest -p no:confmat`` over one empty test, by turns, and takes the
median difference of their CPU times, and what only the first imports; other plugins are left out
of both. Run as ``python -m benchmarks.unused [PAIRS]``; part of ``benchmarks.bench``.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import run, without_plugins

PAIRS = 60
_WITHOUT = ("-p", "no:confmat")
_IMPORTED = "import pytest, sys; pytest.main(sys.argv[1:]); print(*sys.modules)"


def cost(pairs: int = PAIRS) -> dict[str, Any]:
    """Return medians of CPU time in milliseconds: without the plugin, and what it adds.

    And the names of the modules, but for its own, that are imported because of it.
    """
    options = ["-q", "-p", "no:cacheprovider", *without_plugins("confmat")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text("def test_empty(): pass\n")

        def seconds(*more: str) -> float:
            return run([sys.executable, "-m", "pytest", *options, *more], folder)[1].cpu

        def modules(*more: str) -> set[str]:
            printed, _ = run([sys.executable, "-c", _IMPORTED, *options, *more], folder)
            return set(printed.splitlines()[-1].split())

        for _ in range(3):  # byte code is made here
            seconds()
            seconds(*_WITHOUT)
        imported = modules() - modules(*_WITHOUT)
        measured = [(seconds(), seconds(*_WITHOUT)) for _ in range(pairs)]
    differences = [1000 * (installed - without) for installed, without in measured]
    return {
        "pairs": pairs,
        "median_without_ms": round(1000 * statistics.median(b for _, b in measured), 1),
        "median_difference_ms": round(statistics.median(differences), 1),
        "modules": len(imported),
        "foreign": sorted(name for name in imported if name.split(".")[0] != "pytest_confmat"),
    }


if __name__ == "__main__":
    print(json.dumps(cost(*map(int, sys.argv[1:]))))
