"""One command for all that is claimed about speed: ``python -m benchmarks.bench``.

Each competitor runs in a process of its own, by turns with the others, on the same data and
model. What is printed is a median over the rounds; the ratios are medians of the ratios within a
round. ``--json PATH`` writes down every single measurement (beside those that stand there of other
workloads on the same machine), ``--docs PATH`` puts the tables into their place in that file, and
``--quick`` only tries whether everything runs and agrees, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.competitors import COMPETITORS, LOOPS
from benchmarks.measure import Usage, by_turns, median, ratio, run, without_plugins
from benchmarks.recalled import ROUNDS
from benchmarks.recalled import cost as cost_of_recalling
from benchmarks.tables import document, put
from benchmarks.unused import PAIRS, cost
from benchmarks.workloads import WORKLOADS, Workload, quick
from pytest_confmat.threads import cores

REPEATS = 3
# Of all examples, those that another batch size or order of sums may move.
AGREEMENT = 0.001
_PACKAGES = (
    "pytest-confmat",
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "numpy",
    "ai-edge-litert",
    "onnxruntime",
    "torch",
)
_LIMIT = ("pipeline alone", "forward alone")
_OURS, _GATE, _AGAIN, _WORKERS = "ours", "gate", "gate, cached", "gate -n 4"
_DEAF = "ours, no JPEG check"


class DisagreementError(Exception):
    """Two competitors count other things; no measurement of theirs is worth anything."""


@dataclass(frozen=True)
class Measured:
    """A workload, and what each competitor took in each round."""

    workload: Workload
    taken: Mapping[str, Sequence[Usage]]
    missing: Mapping[str, str]
    moved: Mapping[str, int]

    def limit(self, number: int) -> float:
        """Return the CPU seconds that reading and predicting take by themselves, in a round."""
        return sum(self.taken[name][number].cpu for name in _LIMIT)

    def ratios(self) -> dict[str, float]:
        """Return by which factor others take more than we, and how near we are to the limit."""
        ours = self.taken[_OURS]
        limits = [
            Usage(self.limit(number) / cores(), self.limit(number), 0)
            for number in range(len(ours))
        ]
        found = {}
        for what in ("cpu", "wall"):
            others = set(self.taken) & {"notebook loop", "predict + labels", "evaluate + metric"}
            others |= set(self.taken) & {"torchmetrics", *LOOPS.values()}
            for name in sorted(others):
                found[f"{name} / ours, {what}"] = ratio(self.taken[name], ours, what)
            if self.workload.picture is not None and _DEAF in self.taken:
                found[f"{_OURS} / {_DEAF}, {what}"] = ratio(ours, self.taken[_DEAF], what)
            found[f"limit / ours, {what}"] = ratio(limits, ours, what)
            if _AGAIN in self.taken:
                again, gate = self.taken[_AGAIN], self.taken[_GATE]
                found[f"{_AGAIN} / {_GATE}, {what}"] = ratio(again, gate, what)
            if _WORKERS in self.taken:
                workers, gate = self.taken[_WORKERS], self.taken[_GATE]
                found[f"{_WORKERS} / {_GATE}, {what}"] = ratio(workers, gate, what)
        return found


def measure(workload: Workload, repeats: int) -> Measured:
    """Let every competitor run `repeats` times on a workload.

    Raises
    ------
    DisagreementError
        If one of them counts otherwise than we do.
    """
    run([sys.executable, "-m", "benchmarks.workloads", workload.name])
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = tuple(name for name in COMPETITORS if name not in LOOPS.values())
        if workload.limit_alone:
            names = (
                _OURS,
                *_LIMIT,
                *([LOOPS[workload.stored]] if workload.stored in LOOPS else []),
            )
        measures: dict[str, Callable[[], Usage | None]] = {
            name: _pass(name, workload, folder, missing) for name in names
        }
        if not workload.limit_alone:
            measures |= _gates(workload, folder, missing)
        taken = by_turns(measures, repeats)
        moved = _moved(workload, folder, list(taken))
    return Measured(workload, taken, missing, moved)


def _pass(
    name: str, workload: Workload, folder: Path, missing: dict[str, str]
) -> Callable[[], Usage | None]:
    """Return what measures a competitor from where model and libraries are loaded."""

    def take() -> Usage | None:
        _say(f"{workload.name}: {name}")
        counts = ["--counts", str(folder / f"{name}.npy")]
        command = [sys.executable, "-m", "benchmarks.competitors", name, workload.name, *counts]
        printed, _ = run(command)
        found = json.loads(printed.splitlines()[-1])
        if "missing" in found:
            missing[name] = f"{found['missing']} is not installed"
            return None
        return Usage(**found)

    return take


def _gates(
    workload: Workload, folder: Path, missing: dict[str, str]
) -> dict[str, Callable[[], Usage | None]]:
    """Return what measures the gate as users start it, from the start of Python to its end."""

    def gate(name: str, *options: str, says: str = "") -> Callable[[], Usage]:
        def take() -> Usage:
            _say(f"{workload.name}: {name}")
            command = [sys.executable, "-m", "pytest", "-q", "thresholds.yaml"]
            command += ["--confmat-model", "model.keras", "-o", f"cache_dir={folder / 'cache'}"]
            bare = without_plugins("confmat", "xdist")
            printed, usage = run([*command, *bare, *options], workload.folder)
            if says not in printed:
                raise DisagreementError(f"{name} of {workload.name} does not say {says!r}")
            return usage

        return take

    off = "--confmat-cache=off"
    gates: dict[str, Callable[[], Usage | None]] = {_GATE: gate(_GATE, off)}
    gate(f"{_AGAIN}: once before", "--confmat-cache=on")()
    gates[_AGAIN] = gate(_AGAIN, "--confmat-cache=on", says="from the cache")
    if find_spec("xdist") is None:
        missing[_WORKERS] = "xdist is not installed"
    else:
        gates[_WORKERS] = gate(_WORKERS, off, "-n", "4")
    return gates


def _moved(workload: Workload, folder: Path, names: Sequence[str]) -> dict[str, int]:
    """Return how many examples each competitor puts into other cells than we do."""
    ours = np.load(folder / f"{_OURS}.npy")
    if ours.sum() != workload.examples:
        raise DisagreementError(f"{ours.sum()} of {workload.examples} examples were counted")
    moved = {}
    for name in names:
        path = folder / f"{name}.npy"
        if name == _OURS or not path.exists():
            continue
        moved[name] = int(np.abs(np.load(path) - ours).sum()) // 2
        if moved[name] > AGREEMENT * workload.examples:
            raise DisagreementError(
                f"{name} counts {moved[name]} of {workload.examples} examples of "
                f"{workload.name} otherwise than we do"
            )
    return moved


def machine() -> dict[str, Any]:
    """Return what the figures were measured on; nothing that names the machine."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"cpu": model, "cores": cores(), "system": platform.system()} | versions


def result(
    measured: Sequence[Measured], unused: Mapping[str, Any], recalled: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything as JSON values."""
    return {
        "machine": machine(),
        "unused": dict(unused),
        "recalled": dict(recalled),
        "workloads": {
            each.workload.name: {
                "title": each.workload.title,
                "examples": each.workload.examples,
                "seconds": {
                    name: {
                        "wall": round(median(taken, "wall"), 3),
                        "cpu": round(median(taken, "cpu"), 3),
                        "peak_rss_mb": round(median(taken, "peak_rss_mb")),
                        "rounds": [asdict(usage) for usage in taken],
                    }
                    for name, taken in each.taken.items()
                },
                "ratios": {name: round(value, 3) for name, value in each.ratios().items()},
                "moved": dict(each.moved),
                "missing": dict(each.missing),
            }
            for each in measured
        },
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure what the gate costs, beside others.")
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"rounds; default {REPEATS}")
    parser.add_argument("--quick", action="store_true", help="small sets: does everything run?")
    parser.add_argument(
        "--pairs", type=int, default=PAIRS, help=f"runs without a gate; default {PAIRS}, 0: none"
    )
    parser.add_argument(
        "--recalls", type=int, default=ROUNDS, help=f"recalled gates; default {ROUNDS}, 0: none"
    )
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    parser.add_argument("--docs", type=Path, help="put the tables into this file")
    given = parser.parse_args(arguments)
    workloads = [WORKLOADS[name] for name in given.only]
    if given.quick:
        workloads = [quick(workload) for workload in workloads]
    measured = [measure(workload, given.repeats) for workload in workloads]
    _say("the cost of the plugin when it is not used")
    unused = cost(given.pairs) if given.pairs else {}
    _say("the cost of a gate that is recalled")
    recalled = cost_of_recalling(given.recalls) if given.recalls else {}
    found = result(measured, unused, recalled)
    if given.quick:
        print(document(found))
        return
    if given.json is not None:
        found = with_earlier(found, given.json)
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    tables = document(found)
    print(tables)
    if given.docs is not None:
        put(given.docs, tables)


def with_earlier(found: dict[str, Any], path: Path) -> dict[str, Any]:
    """Add what stands in a file of other workloads, measured on the same machine."""
    if not path.exists():
        return found
    before = json.loads(path.read_text())
    if before["machine"] != found["machine"]:
        return found
    both = before["workloads"] | found["workloads"]
    ordered = {name: both[name] for name in WORKLOADS if name in both}
    once = {what: found[what] or before.get(what, {}) for what in ("unused", "recalled")}
    return {**found, "workloads": ordered, **once}


if __name__ == "__main__":
    main()
