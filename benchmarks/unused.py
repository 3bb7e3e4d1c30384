"""What the installed plugin costs a pytest run that does not ask for a gate.

Runs pairs of ``pytest`` and ``pytest -p no:confmat`` over one empty test, alternating, and prints
the median difference of their CPU times. Usage: ``python benchmarks/unused.py [pairs]``.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def cpu_seconds(folder: Path, *options: str) -> float:
    """Return user plus system seconds of one pytest run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(pairs: int = 30) -> None:
    """Measure and print, times in milliseconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text("def test_empty(): pass\n")
        for _ in range(3):  # byte code is compiled once, and is no cost of a run
            cpu_seconds(folder)
            cpu_seconds(folder, "-p", "no:confmat")
        measured = [
            (cpu_seconds(folder), cpu_seconds(folder, "-p", "no:confmat")) for _ in range(pairs)
        ]
    differences = [1000 * (installed - without) for installed, without in measured]
    result = {
        "pairs": pairs,
        "median_without_ms": round(1000 * statistics.median(b for _, b in measured), 1),
        "median_difference_ms": round(statistics.median(differences), 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
