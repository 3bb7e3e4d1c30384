"""Every row of the table: the gate is run, and must end, and speak, as the row says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import tests.faults.loaded  # noqa: F401
from tests.faults.page import PAGE, code, page, prose
from tests.faults.project import Project
from tests.faults.table import VARIES, Section, sections

EXITS = {"refused": 4, "fails": 1, "noted": 0, "works": 0}
# Where every run begins and ends; each of these would only cost time.
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:xdist")
SECTIONS = sections()
ROWS = {f"{each.title}: {row.what}": (each, row) for each in SECTIONS for row in each.faults}


class Run:
    """One run of the gate in a project, and what came of it."""

    def __init__(
        self, project: Project, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        arguments = ["--confmat-report=out", *WITHOUT, *project.options]
        if project.environment is None:
            result = pytester.runpytest_inprocess(*arguments)
        else:
            for name, value in project.environment.items():
                monkeypatch.setenv(name, value)
            result = pytester.runpytest_subprocess(*arguments)
        self.exit = int(result.ret)
        said = f"{result.stdout.str()}\n{result.stderr.str()}"
        self.said = " ".join(said.replace(f"{project.path}/", "").split())
        self.report: dict[str, Any] | None = None
        report = project.path / "out" / "confmat.json"
        if report.is_file():
            self.report = json.loads(report.read_text())

    def tells(self, text: str) -> bool:
        """Whether a text stands in what is shown, lines joined, `VARIES` being anything."""
        parts = [re.escape(" ".join(part.split())) for part in text.split(VARIES)]
        return re.search(".*?".join(parts), self.said) is not None


def require_whole_verdicts(run: Run, examples: int) -> None:
    """Hold that there is no verdict, or that all verdicts are on all examples."""
    assert run.report is not None
    if run.report["verdicts"]:
        assert run.report["dataset"]["examples"] == examples
        assert sum(run.report["dataset"]["support"]) == examples
        assert [each["support"] for each in run.report["verdicts"]] == [examples]


@pytest.mark.parametrize("name", ROWS)
def test_fault(name, pytester, monkeypatch):
    section, fault = ROWS[name]
    _require(section)
    project = Project(pytester.path)
    section.base(project)
    fault.make(project)
    run = Run(project, pytester, monkeypatch)
    assert run.exit == EXITS[fault.outcome], run.said
    assert run.tells(fault.says), run.said
    if fault.faulty:
        assert run.tells(f"{fault.faulty} of {project.examples} examples cannot be "), run.said
    assert "Traceback (most recent call last)" not in run.said
    assert "unforeseen" not in run.said
    if fault.outcome == "refused":
        # There is none where the folder itself is what is wrong, or another's file stands there.
        assert (run.report or {}).get("outcome", "error") == "error"
        return
    assert run.report is not None
    require_whole_verdicts(run, project.examples)
    if fault.outcome == "fails":
        assert len(run.report["faults"]) == fault.faulty or not fault.faulty
    assert bool(run.report["verdicts"]) or fault.outcome not in ("noted", "works")
    if fault.outcome == "noted":
        assert any(_alike(note, fault.says) for note in run.report["notes"]), run.report["notes"]


def _require(section: Section) -> None:
    for name in section.needs:
        pytest.importorskip(name, reason=f"{section.title}: {name} is not installed")


def _alike(note: str, says: str) -> bool:
    return re.fullmatch(".*?".join(map(re.escape, says.split(VARIES))), note) is not None


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_without_a_fault_the_gate_is_green(section: Section, pytester, monkeypatch):
    _require(section)
    project = Project(pytester.path)
    section.base(project)
    run = Run(project, pytester, monkeypatch)
    assert run.exit == 0, run.said
    require_whole_verdicts(run, 6)
    assert run.report is not None
    assert run.report["outcome"] == "passed"
    usual = (
        *("digest of ", "the data do not say how many ", "image inferred", "label inferred"),
        "what goes into the model is 0..255, and it has no layer that rescales",
    )
    assert [note for note in run.report["notes"] if not note.startswith(usual)] == []


def test_there_are_many_faults_and_no_two_are_the_same():
    assert len(ROWS) == sum(len(section.faults) for section in SECTIONS)
    assert len(ROWS) >= 120
    for _, fault in ROWS.values():
        assert len(fault.says) > len(VARIES) + 8, fault


def test_the_page_is_made_of_the_table():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.faults"


def test_a_cell_of_the_page_is_escaped():
    assert code("plain") == "`plain`"
    assert code("run `git lfs pull`") == "`` run `git lfs pull` ``"
    assert code("a|b ``c") == r"`a\|b ``c`"
    assert prose("`a|b` <c> __d__ [e](f)") == r"`a\|b` \<c\> \_\_d\_\_ \[e\](f)"


def test_what_is_told_is_told_to_the_letter():
    run = object.__new__(Run)
    run.said = "ERROR thresholds.yaml:4: no a.b here"
    assert run.tells("thresholds.yaml:4: no a.b here")
    assert run.tells("thresholds.yaml:4: [...] here")
    assert not run.tells("thresholds.yaml:4: no axb here")
    assert not run.tells("thresholds.yaml:5: [...]")
