"""Annotations of GitHub Actions."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pytest_confmat.errors import Location
from pytest_confmat.report.github import Annotation, annotation_commands, command
from pytest_confmat.result import GateResult
from tests.support.results import gate, limit

FORM = re.compile(r"::error file=([^,:]*),line=(\d+),title=([^,:]*)::(.*)")


def parsed(line: str) -> tuple[str, int, str, str]:
    file, number, title, message = FORM.fullmatch(line).groups()
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%25", "%")):
        file, title, message = (t.replace(code, character) for t in (file, title, message))
    return file, int(number), title, message


def failing(k: int) -> GateResult:
    """Class i has i of 200 right: the first is the worst."""
    counts = np.zeros((k, k), int)
    for i in range(k):
        counts[i, i] = i
        counts[i, (i + 1) % k] = 200 - i
    names = [f"c{i}" for i in range(k)]
    return gate(counts, names, [limit("recall", "0.99", actual=n, line=9) for n in names[::-1]])


def test_a_limit_is_annotated_on_its_line(tmp_path):
    (line,) = annotation_commands([failing(2)], None)[1:]
    file, number, title, message = parsed(line)
    assert (file, number, title) == ("thresholds.yaml", 9, "recall[c1]")
    assert message.splitlines()[:2] == [
        "recall of 'c1' is 0.0050, below 0.99      thresholds.yaml:9",
        "  1 of 200 recognized; 198 were needed",
    ]
    assert "%0A  1 of 200 recognized" in line
    assert "95 %25 confidence" in line


def test_ten_are_shown_and_more_are_counted():
    titles = [parsed(line)[2] for line in annotation_commands([failing(10)], None)]
    assert titles == [f"recall[c{i}]" for i in range(10)]
    lines = annotation_commands([failing(12)], None)
    assert [parsed(line)[2] for line in lines[:-1]] == [f"recall[c{i}]" for i in range(9)]
    counted = "and 3 more did not pass: the summary of this step has them"
    assert lines[-1] == f"::error file=thresholds.yaml,line=1,title=other limits::{counted}"
    assert len(lines) == 10


def test_a_thousand_failing_limits_are_ten_annotations():
    result = gate(
        np.ones((1000, 1000), int), [f"c{i}" for i in range(1000)],
        [limit("recall", "0.5", actual=f"c{i}") for i in range(1000)],
    )  # fmt: skip
    lines = annotation_commands([result], None)
    assert len(lines) == 10
    assert "::and 991 more did not pass" in lines[-1]


def test_what_passed_is_not_annotated():
    assert annotation_commands([gate([[5]], "a", [limit("accuracy", "1")])], None) == []


def test_what_ended_a_gate_comes_first():
    ended = GateResult(Path("b.yaml"), "error", error="2 faults:\n  a.png: empty")
    missing = gate([[5]], "a", outcome="failed", unchecked=("accuracy",))
    lines = annotation_commands([failing(2), ended, missing], None)
    assert lines[0] == "::error file=b.yaml,line=1,title=not evaluated::2 faults:%0A  a.png: empty"
    assert lines[1].endswith("title=not checked::1 of 1 limit not checked")
    assert len(lines) == 4


def test_an_undefined_metric_is_worse_than_any_number():
    limits = [limit("recall", "0.9", actual="a"), limit("precision", "0.1", actual="b")]
    lines = annotation_commands([gate([[1, 0], [9, 0]], "ab", limits)], None)
    assert [parsed(line)[2] for line in lines] == ["precision[b]"]
    limits.append(limit("recall", "0.9", actual="b"))
    lines = annotation_commands([gate([[1, 0], [9, 0]], "ab", limits)], None)
    assert [parsed(line)[2] for line in lines] == ["precision[b]", "recall[b]"]


def test_paths_are_relative_to_the_checkout(tmp_path, monkeypatch):
    (tmp_path / "gates").mkdir()
    monkeypatch.chdir(tmp_path / "gates")
    annotated = Annotation("no", Location(Path("thresholds.yaml"), 3), "t")
    assert command(annotated, tmp_path).startswith("::error file=gates/thresholds.yaml,line=3,")
    assert command(annotated, None).startswith("::error file=thresholds.yaml,line=3,")
    outside = Annotation("no", Location(Path("/elsewhere/a.yaml"), 3), "t")
    assert command(outside, tmp_path).startswith("::error file=/elsewhere/a.yaml,line=3,")


def test_no_name_ends_a_command_or_begins_one():
    name = "a,b:c%\r\n::error::x##[error]y\u202e"
    result = gate([[1, 9], [0, 1]], (name, "b"), [limit("recall", "0.9", actual=name)])
    (line,) = annotation_commands([result], None)
    assert line.isprintable()
    file, _, title, message = parsed(line)
    assert file == "thresholds.yaml"
    assert title.startswith("recall[a,b:c%")
    assert "a,b:c%" in message
    assert "##[" not in line


def test_a_message_without_a_place():
    assert command(Annotation("50 %\nof it"), None) == "::error ::50 %25%0Aof it"
