"""--confmat-look: an evaluation and its report, and no verdict."""

from __future__ import annotations

import json

import pytest

from tests.support.gates import RED, WORKERS

BARE = "version: 1\nclasses: [cat, dog, fox]\n"


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
@pytest.mark.parametrize("limits", ["", "thresholds: {recall: 0.99}\n"])
def test_nothing_is_judged(project, limits, workers):
    project.policy(BARE + limits)
    project.scores(RED)
    result = project.run("--confmat-look", "--confmat-report=out", *workers)
    assert result.ret == 0
    result.assert_outcomes(passed=1)
    found = json.loads((project.path / "out/confmat.json").read_text())
    assert found["outcome"] == "incomplete"
    assert (found["verdicts"], found["unchecked"]) == ([], [])
    assert found["matrix"] == RED
    text = result.stdout.str()
    assert "confmat: INCOMPLETE  judged nothing, as --confmat-look says, on 50 examples" in text
    assert "no limit is judged (--confmat-look), 3 classes" in text
    page = (project.path / "out/report.html").read_text("utf-8")
    assert "INCOMPLETE</span>: judged nothing, as --confmat-look says" in page
    assert "passed" not in page.partition("<main>")[0].partition("<header")[2]


def test_a_set_that_is_wrong_is_an_error_all_the_same(project):
    project.policy(BARE)
    project.scores([[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    result = project.run("--confmat-look")
    assert result.ret == 1
    assert "1 of 3 classes have no example among 2: 'fox'" in result.stdout.str()


@pytest.mark.parametrize("option", ["--confmat-save-baseline=base", "--confmat-tighten"])
def test_what_needs_verdicts_is_refused(project, option):
    result = project.run("--confmat-look", option)
    assert result.ret == 4
    name = option.partition("=")[0]
    assert (
        f"ERROR: --confmat-look judges nothing, and {name} needs verdicts: leave one of them out"
    ) in result.stderr.str()


def test_without_it_a_policy_needs_limits(project):
    project.policy(BARE)
    result = project.run()
    assert result.ret == 4
    assert "thresholds is missing" in result.stderr.str()


def test_a_policy_that_is_wrong_is_refused(project):
    project.policy(BARE + "without: 1\n")
    result = project.run("--confmat-look")
    assert result.ret == 4
    assert "unknown key 'without'" in result.stderr.str()
