"""All errors as CSV: complete, in order, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.evaluation import UNPREDICTED, Evaluation, Fault
from pytest_confmat.parts import Column
from pytest_confmat.report.folder import EVALUATION, MISTAKES
from pytest_confmat.report.mistakes import COLUMNS, write_mistakes
from pytest_confmat.result import GateResult
from tests.support.evaluations import part
from tests.support.gates import RED
from tests.support.results import POLICY, gate

CLASSES = ("cat", "dog", "fox")


def written(result, tmp_path, **more):
    path = tmp_path / "mistakes.csv"
    note = write_mistakes(result, path, **more)
    with path.open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    return head, [dict(zip(head, row, strict=True)) for row in rows], note


def result_of(evaluation, **more):
    return GateResult(POLICY, "passed", evaluation=evaluation, **more)


def test_each_error_has_a_row(tmp_path):
    result = gate(RED, CLASSES)
    head, rows, note = written(result, tmp_path)
    assert tuple(head) == COLUMNS
    expected = result.evaluation.mistakes(limit=100)
    assert [(row["id"], row["true"], row["predicted"], row["score"]) for row in rows] == [
        (m.id, m.actual, m.predicted, f"{m.score:.3f}") for m in expected
    ]
    assert {row["rank"] for row in rows} == {"1"}
    assert {row["newly_wrong"] for row in rows} == {""}
    assert note is None


def test_a_green_result_has_the_head_alone(tmp_path):
    _, rows, note = written(gate(np.eye(3, dtype=int), CLASSES), tmp_path)
    assert rows == []
    assert note is None


def test_examples_at_fault_come_last_with_their_reason(tmp_path):
    found = part([0, 1, 2], [UNPREDICTED, 2, 0], ids=("a", "b", "c"), score=[np.nan, 0.1, 0.9])
    evaluation = Evaluation(CLASSES, (found,), faults=(Fault("a", "cannot be decoded", "cat"),))
    _, rows, _ = written(result_of(evaluation), tmp_path)
    assert [(row["id"], row["predicted"], row["fault"]) for row in rows] == [
        ("c", "cat", ""),
        ("b", "fox", ""),
        ("a", "", "cannot be decoded"),
    ]
    assert (rows[2]["score"], rows[2]["rank"]) == ("", "")


def test_what_the_baseline_had_right_is_newly_wrong(tmp_path):
    found = part([0, 0, 1, 1], [1, 1, 0, 0], ids=tuple("abcd"))
    true = np.array([0, 0, 1])
    ranks = np.array([0, 1, 1]), np.array([1, 1, 1])
    before, now = np.array([0, 1, 0]), np.array([1, 1, 0])
    comparison = Comparison(CLASSES, true, before, now, *ranks, np.array([0, 1, 2]), added=("d",))
    result = result_of(Evaluation(CLASSES, (found,)), comparison=comparison)
    _, rows, _ = written(result, tmp_path)
    assert {row["id"]: row["newly_wrong"] for row in rows} == {
        "a": "yes",
        "b": "no",
        "c": "no",
        "d": "",
    }


def test_runner_up_and_columns_are_there(tmp_path):
    found = part(
        [0, 1],
        [1, 2],
        ids=("a", "b"),
        score=[0.6, 0.5],
        runner_up=np.array([2, UNPREDICTED]),
        runner_up_score=np.float32([0.3, np.nan]),
        columns={"site": Column.of(["=north", None])},
    )
    head, rows, _ = written(result_of(Evaluation(CLASSES, (found,))), tmp_path)
    assert head[-1] == "site"
    assert [(r["runner_up"], r["runner_up_score"], r["site"]) for r in rows] == [
        ("fox", "0.300", "'=north"),
        ("", "", ""),
    ]


def test_a_cut_list_says_so(tmp_path):
    _, rows, note = written(gate(RED, CLASSES), tmp_path, most=4)
    assert len(rows) == 4
    assert note == "mistakes.csv lists 4 of 6 errors, those with the highest scores"
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)


@given(st.lists(st.text(min_size=1), min_size=2, max_size=3, unique=True), st.text(min_size=1))
def test_no_cell_is_run_and_every_text_survives(tmp_path_factory, names, example):
    found = part([0], [1], ids=(example,))
    result = result_of(Evaluation(tuple(names), (found,)))
    _, (row,), _ = written(result, tmp_path_factory.mktemp("c"))
    for key, text in (("id", example), ("true", names[0]), ("predicted", names[1])):
        assert not row[key].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert row[key].removeprefix("'") == text.removeprefix("'") or row[key] == text


@pytest.mark.parametrize("name", ["\udcff.png", "a,b", 'a"b', "a\nb"])
def test_odd_names_can_be_written(tmp_path, name):
    found = part([0], [1], ids=(name,))
    _, (row,), _ = written(result_of(Evaluation(CLASSES, (found,))), tmp_path)
    assert row["id"] == name.encode("utf-8", "backslashreplace").decode()


def test_the_files_are_known_as_ours(tmp_path):
    result = gate(RED, CLASSES)
    for file in (MISTAKES, EVALUATION):
        path = tmp_path / file.name
        assert file.written(result, path) is None
        assert file.is_ours(path)
    assert Evaluation.load(tmp_path / "evaluation.npz") == result.evaluation
    np.savez(tmp_path / "other.npz", header=np.arange(3))
    assert not EVALUATION.is_ours(tmp_path / "other.npz")
    (tmp_path / "other.csv").write_text("id,true,label\n")
    assert not MISTAKES.is_ours(tmp_path / "other.csv")
    without = GateResult(POLICY, "error")
    for file in (MISTAKES, EVALUATION):
        assert file.written(without, tmp_path / "none") is None
        assert not (tmp_path / "none").exists()
