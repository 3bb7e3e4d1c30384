"""A run that is killed, and one that goes on where it was."""

from __future__ import annotations

import json

from tests.faults.project import Project

# Each part is kept at once; where KILL_AFTER says so, the process ends there.
CONFTEST = """
import os
import signal

from pytest_confmat.cache import kept_parts
from pytest_confmat.cache.store import EntryStore
from pytest_confmat.data import part_plan

kept_parts.KEEP_EVERY = 0
part_plan.PART_EXAMPLES = 1
put, written = EntryStore.put_beside, []


def put_and_die(store, key, what, content):
    put(store, key, what, content)
    written.append(what)
    if len(written) == int(os.environ.get("KILL_AFTER", 0)):
        os.kill(os.getpid(), signal.SIGKILL)


EntryStore.put_beside = put_and_die
"""


def test_a_killed_run_is_continued_and_says_so(pytester, monkeypatch):
    project = Project(pytester.path)
    project.images()
    project.write("conftest.py", CONFTEST)

    def run(*given):
        return pytester.runpytest_subprocess(
            *project.options, "-p", "no:hypothesispytest", "-p", "no:xdist", *given
        )

    monkeypatch.setenv("KILL_AFTER", "4")
    assert run().ret == -9
    kept = list(project.path.glob(".pytest_cache/d/confmat/*.outcomes"))
    assert len(kept) == 4
    monkeypatch.delenv("KILL_AFTER")
    result = run("--confmat-report=out")
    assert result.ret == 0, result.stdout.str()
    said = (
        "4 of 6 parts were done by an earlier run that did not finish; --confmat-cache=off "
        "evaluates all of them anew"
    )
    found = json.loads((project.path / "out/confmat.json").read_text())
    assert said in found["notes"]
    assert sum(found["dataset"]["support"]) == 6
    assert list(project.path.glob(".pytest_cache/d/confmat/*.outcomes")) == []
    assert len(list(project.path.glob(".pytest_cache/d/confmat/*.evaluation"))) == 1
