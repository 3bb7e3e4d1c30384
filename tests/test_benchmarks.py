from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bench import with_earlier
from benchmarks.measure import ProcessError, Usage, by_turns, median, ratio, run
from benchmarks.recalled import cost
from benchmarks.tables import document, put
from benchmarks.workloads import WORKLOADS, named, quick

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["records", "photos"])
def test_what_is_measured_agrees_with_scikit_learn(name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def python(*arguments: str) -> str:
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout

    python("benchmarks.workloads", f"{name}-quick")
    workload = named(f"{name}-quick")
    assert workload.folder.is_relative_to(tmp_path)
    counts = {}
    for competitor in ("ours", "predict + labels"):  # the latter counts by scikit-learn
        path = tmp_path / f"{competitor}.npy"
        printed = python(
            "benchmarks.competitors", competitor, f"{name}-quick", "--counts", str(path)
        )
        assert json.loads(printed.splitlines()[-1])["cpu"] > 0
        counts[competitor] = np.load(path)
    assert np.array_equal(counts["ours"], counts["predict + labels"])
    assert counts["ours"].sum() == workload.examples
    # Predictions fall on most classes, so that counting wrongly would show.
    assert np.count_nonzero(counts["ours"].sum(axis=0)) > workload.classes / 2


def test_what_was_measured_before_stays_on_the_same_machine_alone(tmp_path):
    def found(machine, unused, recalled=None, **workloads):
        once = {"unused": unused, "recalled": recalled or {}}
        return {"machine": machine, **once, "workloads": workloads}

    path = tmp_path / "performance.json"
    now = found({"cores": 2}, {}, records=1)
    assert with_earlier(now, path) == now
    recalled = {"rounds": 15}
    earlier = found({"cores": 2}, {"pairs": 60}, recalled, photos=2, records=3)
    path.write_text(json.dumps(earlier))
    both = with_earlier(now, path)
    assert both == found({"cores": 2}, {"pairs": 60}, recalled, records=1, photos=2)
    assert list(both["workloads"]) == ["records", "photos"]
    other = found({"cores": 4}, {}, records=1)
    assert with_earlier(other, path) == other


def test_small_workloads_are_others_than_the_real_ones():
    for workload in WORKLOADS.values():
        small = quick(workload)
        assert small == named(f"{workload.name}-quick")
        assert small.examples < workload.examples
        assert small.folder != workload.folder


def test_everyone_has_a_turn_in_each_round_and_who_cannot_is_left_out():
    order = []

    def taking(name, usage):
        def take():
            order.append(name)
            return usage

        return take

    one = Usage(1, 1, 1)
    taken = by_turns({"a": taking("a", one), "b": taking("b", None), "c": taking("c", one)}, 2)
    assert order == ["a", "b", "c", "c", "a"]
    assert taken == {"a": [one, one], "c": [one, one]}


def test_a_ratio_is_taken_within_a_round():
    quiet, busy = Usage(1, 2, 0), Usage(10, 20, 0)
    twice = [Usage(2, 4, 0), Usage(20, 40, 0), Usage(2, 6, 0)]
    assert ratio(twice, [quiet, busy, quiet], "cpu") == 2
    assert median(twice, "wall") == 2


def test_a_process_is_measured_with_its_children(tmp_path):
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); print(1)"
    printed, usage = run([sys.executable, "-c", code], tmp_path)
    assert printed == "1\n"
    assert usage.cpu >= 0.3
    assert usage.peak_rss_mb > 1


def test_a_process_that_fails_says_why():
    with pytest.raises(ProcessError, match=r"ended with 3:\n(.|\n)*no such thing"):
        run([sys.executable, "-c", "import sys; print('no such thing'); sys.exit(3)"])


def test_tables_are_put_in_their_place(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured -->\nold\n<!-- end of what was measured -->\nafter\n")
    put(page, "new")
    put(page, "newer")
    assert page.read_text() == (
        "before\n<!-- measured -->\n\nnewer\n\n<!-- end of what was measured -->\nafter\n"
    )
    page.write_text("nothing")
    with pytest.raises(ValueError, match="has no place for tables"):
        put(page, "new")


def test_a_recalled_gate_is_measured_beside_a_bare_run():
    found = cost(1)
    assert found["rounds"] == 1
    for took in (found["warm"], found["fresh"]):
        assert took["bare_ms"] > 0
        assert took["more_ms"] > 0
    page = document({"machine": {}, "workloads": {}, "unused": {}, "recalled": found})
    for name in ("warm", "fresh environment"):
        assert f"| {name} |" in page
