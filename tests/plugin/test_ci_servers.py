"""What a run leaves for GitHub Actions and for readers of JUnit XML."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from pytest_confmat.files import sha256_of
from pytest_confmat.plugin.github import SUMMARY_BYTES
from tests.support.gates import RED, WORKERS
from tests.support.markdown import rendered

K = 1000
MANY = f"""
import numpy as np
import pytest


@pytest.fixture(scope="session")
def confmat_model():
    return lambda classes: np.eye({K}, dtype=np.float32)[np.asarray(classes, np.int64)[:, 0]]


@pytest.fixture(scope="session")
def confmat_dataset():
    true = np.arange({K})
    return [((true[i : i + 50, None] + 1) % {K}, true[i : i + 50]) for i in range(0, {K}, 50)]
"""


@pytest.fixture
def github(project, monkeypatch):
    """The environment of a step; return the file of its summary."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "step.md"))
    return project.path / "step.md"


def annotated(result) -> list[str]:
    return [line for line in result.outlines if line.startswith("::")]


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_a_blocked_gate_on_github(project, github, workers):
    project.scores(RED)
    result = project.run("--confmat-report=report", *workers)
    assert result.ret == 1
    lines = annotated(result)
    assert [line.partition("::recall")[0].partition("::acc")[0] for line in lines] == [
        "::error file=thresholds.yaml,line=6,title=recall[cat]",
        "::error file=thresholds.yaml,line=4,title=accuracy",
    ]
    # The report's folder has the same, under a mark for whoever posts it.
    assert github.read_text() == "\n" + (project.path / "report/summary.md").read_text()
    assert "BLOCKED: 2 of 5 limits failed" in rendered(github.read_text()).text
    last = result.outlines.index("report: report/report.html")
    assert result.outlines.index(lines[-1]) == last - 1
    assert "short test summary" in result.outlines[last + 1]


def test_elsewhere_there_are_no_annotations(project):
    project.scores(RED)
    assert annotated(project.run()) == []
    assert not (project.path / "step.md").exists()


def test_a_gate_that_passes_is_summed_up_and_not_annotated(project, github):
    result = project.run()
    assert result.ret == 0
    assert annotated(result) == []
    assert "Passed: 5 limits on 50 examples" in github.read_text()


def test_a_plugin_that_annotates_every_failure_is_left_to_it(project, github):
    project.scores(RED)
    name = "pytest_github_actions_annotate_failures"
    (project.path / f"{name}.py").write_text("")
    result = project.run("-p", name)
    assert result.ret == 1
    assert annotated(result) == []
    assert github.exists()


def test_a_run_that_is_refused_says_why(project, github):
    project.policy("version: 1\nclasses: [cat, dog, fox]\nthresholds: {acuracy: 0.9}\n")
    result = project.run()
    assert result.ret == 4
    (line,) = annotated(result)
    assert line.startswith("::error file=thresholds.yaml,line=3,title=not run::")
    assert "unknown key 'acuracy' in thresholds; did you mean 'accuracy'?" in line
    assert "nothing was checked" in github.read_text()
    assert "acuracy" in rendered(github.read_text()).text


def test_an_evaluation_that_fails_is_annotated_once(project, github):
    project.scores([[19, 1, 0], [2, 18, 0], [0, 0, 10], [0, 0, 1]])
    result = project.run()
    (line,) = annotated(result)
    assert line.startswith("::error file=thresholds.yaml,line=1,title=not evaluated::")
    assert "label 3 is none of the 3 classes" in line
    assert "label 3 is none of the 3 classes" in github.read_text()


def test_a_thousand_failing_limits(project, github):
    (project.path / "labels.txt").write_text("".join(f"c{i:03}\n" for i in range(K)))
    (project.path / "conftest.py").write_text(MANY)
    project.policy("version: 1\nclasses: labels.txt\nthresholds: {recall: 0.9}\n")
    before = "x" * 300_000 + "\n"
    github.write_text(before)
    result = project.run("--confmat-report=report", "--tb=no", "-q")
    assert f"{K} failed" in result.outlines[-1]
    assert len(annotated(result)) == 10
    assert annotated(result)[-1].endswith(
        "::and 991 more did not pass: the summary of this step has them"
    )
    assert 400_000 < github.stat().st_size < SUMMARY_BYTES
    assert github.read_text().startswith(before)
    assert f"BLOCKED: {K:,} of {K:,} limits failed" in github.read_text()
    assert (project.path / "report/summary.md").stat().st_size < 64_000


def test_several_gates_share_the_room_of_a_step(project, github):
    project.scores(RED, "a")
    project.scores(RED, "b")
    (project.path / "conftest.py").unlink()
    (project.path / "thresholds.yaml").unlink()
    policy = "version: 1\nclasses: [cat, dog, fox]\nthresholds: {recall: 0.9, accuracy: 0.1}\n"
    paths = [project.policy(policy, f"{name}/thresholds.yaml") for name in "ab"]
    github.write_bytes(b"x" * (SUMMARY_BYTES - 5000))
    result = project.run("--confmat-report=report", *map(str, paths), gate=False)
    assert result.ret == 1
    text = github.read_text().lstrip("x")
    assert len(re.findall("BLOCKED: 1 of 4 limits failed", text)) == 2
    assert SUMMARY_BYTES - 2500 < github.stat().st_size < SUMMARY_BYTES
    assert "report: report" in result.outlines

    github.write_bytes(b"x" * (SUMMARY_BYTES - 100))
    result = project.run("--confmat-report=report", *map(str, paths), gate=False)
    assert github.stat().st_size == SUMMARY_BYTES - 100
    full = "note: the summary of this step is full: what it has no room for is left out"
    assert full in result.outlines


def test_a_summary_that_cannot_be_written_blocks_no_release(project, github):
    github.mkdir()
    result = project.run()
    assert result.ret == 0
    assert any("the summary of this step could not be written" in line for line in result.outlines)


def properties(case) -> dict[str, str]:
    return {p.get("name"): p.get("value") for p in case.iter("property")}


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_junit_xml_carries_numbers_and_digests(project, workers):
    project.policy(
        "version: 1\nclasses: [cat, dog, fox]\nthresholds: {recall: 0.9, f1_macro: 0.1}\n"
    )
    project.run("--confmat-report=report", "--junitxml=out.xml", *workers)
    tree = ET.parse(project.path / "out.xml")
    cases = {case.get("name"): case for case in tree.iter("testcase")}
    assert properties(cases["recall[cat]"]) == {
        "confmat_metric": "recall",
        "confmat_class": "cat",
        "confmat_outcome": "passed",
        "confmat_observed": "0.9500",
        "confmat_kind": "at_least",
        "confmat_bound": "0.9",
        "confmat_support": "20",
        "confmat_interval": "0.783 - 0.998",
    }
    assert "confmat_interval" not in properties(cases["f1_macro"])
    digests = properties(cases["evaluation"])
    assert set(digests) == {"confmat_dataset_digest", "confmat_policy_sha256"}
    assert digests["confmat_policy_sha256"] == sha256_of(project.path / "thresholds.yaml")
    assert re.fullmatch("sha256:[0-9a-f]{64}", digests["confmat_dataset_digest"])
    (suite,) = tree.iter("testsuite")
    of_suite = suite.find("properties")
    # In the worker that evaluates there is no suite to add to.
    assert (properties(of_suite) if of_suite is not None else None) == (
        None if workers else digests
    )


def test_several_gates_in_one_suite_keep_their_digests_apart(project):
    policy = "version: 1\nclasses: [cat, dog, fox]\nthresholds: {recall: 0.1}\n"
    paths = [project.policy(policy, f"{name}/thresholds.yaml") for name in "ab"]
    project.run("--junitxml=out.xml", *map(str, paths), gate=False)
    (suite,) = ET.parse(project.path / "out.xml").iter("testsuite")
    names = set(properties(suite.find("properties")))
    assert {f"confmat_policy_sha256[{name}/thresholds.yaml]" for name in "ab"} < names


def test_an_item_of_many_limits_counts_them(project):
    k = 2100
    (project.path / "labels.txt").write_text("".join(f"c{i:04}\n" for i in range(k)))
    (project.path / "conftest.py").write_text(MANY.replace(str(K), str(k)))
    project.policy("version: 1\nclasses: labels.txt\nthresholds: {recall: 0.9}\n")
    project.run("--junitxml=out.xml", "--tb=no", "-q")
    cases = {case.get("name"): case for case in ET.parse(project.path / "out.xml").iter("testcase")}
    assert properties(cases["recall[*]"]) == {
        "confmat_limits": "2100",
        "confmat_passed": "0",
        "confmat_failed": "2100",
        "confmat_undecided": "0",
    }
