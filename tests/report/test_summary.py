from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from pytest_confmat.errors import Location
from pytest_confmat.limits import Exemption, Weighting
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.report.class_view import ClassView
from pytest_confmat.report.console import ConsoleText
from pytest_confmat.report.summary import summary, verdict_line
from pytest_confmat.report.tables import class_table
from pytest_confmat.result import GateResult
from tests.support.results import POLICY, bound, evaluation, gate, limit, random_counts

ANIMALS = ("cat", "dog", "fox")
COUNTS = [[159, 21, 9], [0, 200, 0], [3, 0, 507]]
LIMITS = [
    limit("recall", "0.95", actual="cat", line=14),
    limit("recall", "0.95", actual="dog", line=14),
    limit("precision", "0.98", actual="cat", line=16),
    limit("accuracy", "0.9", line=9),
]


def lines(result: GateResult, width: int = 80) -> list[str]:
    return summary(result, width, color=False).split("\n")


def test_the_whole_page_of_a_blocked_model():
    result = gate(
        COUNTS,
        ANIMALS,
        LIMITS,
        notes=("image and label were inferred",),
        exemptions=(Exemption("recall", "fox", Location(POLICY, 15)),),
    )
    assert summary(result, 80, color=False) == (
        "confmat: BLOCKED  1 of 4 limits failed: recall[cat]\n"
        "\n"
        "model m.keras, data directory data/test, 899 examples, limits thresholds.yaml\n"
        "input: 8 x 8 rgb, pixels 0..255 as stored, no rescale\n"
        "overall: accuracy 0.9633 (at least 0.9)\n"
        "\n"
        "failed limits\n"
        "  recall of 'cat' is 0.8413, below 0.95      thresholds.yaml:14\n"
        "\n"
        "   class  support  recall    true recall  precision      f1    bound\n"
        "--------------------------------------------------------------------\n"
        "!  cat        189  0.8413  0.790 - 0.884     0.9815  0.9060  >= 0.95\n"
        "   dog        200  1.0000  0.985 - 1.000     0.9050  0.9501  >= 0.95\n"
        "   fox        510  0.9941                    0.9826  0.9883   exempt\n"
        "\n"
        "confusion matrix: rows are true classes, columns predicted\n"
        "     cat  dog  fox\n"
        "------------------\n"
        "cat  159   21    9\n"
        "dog    .  200    .\n"
        "fox    3    .  507\n"
        "\n"
        "note: image and label were inferred\n"
        "exempt: recall of 'fox' (thresholds.yaml:15)"
    )


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (gate(COUNTS, ANIMALS, LIMITS[1:]), "passed  3 limits on 899 examples"),
        (gate([[1]], "a", [limit("accuracy", "1")]), "passed  1 limit on 1 example"),
        (
            gate(COUNTS, ANIMALS, [limit("recall", "1", actual=n) for n in ANIMALS]),
            "BLOCKED  2 of 3 limits failed: recall[cat], recall[fox]",
        ),
        (
            gate(COUNTS, ANIMALS, LIMITS, unchecked=("f1_macro",)),
            "BLOCKED  1 of 5 limits failed, 1 not checked: recall[cat]",
        ),
        (
            gate(COUNTS, ANIMALS, LIMITS[1:], "failed", unchecked=("f1_macro", "recall[fox]")),
            "BLOCKED  2 of 5 limits not checked: f1_macro, recall[fox]",
        ),
        (
            gate(COUNTS, ANIMALS, LIMITS[1:], "incomplete", unchecked=("f1_macro", "recall[fox]")),
            "INCOMPLETE  3 of 5 limits passed, 2 left out",
        ),
        (
            GateResult(POLICY, "incomplete", unchecked=("accuracy",)),
            "INCOMPLETE  none of 1 limit checked, 1 left out",
        ),
        (
            GateResult(POLICY, "error", error="2 faults:\n a: empty", unchecked=("a", "b")),
            "ERROR  2 of 2 limits not checked: 2 faults:",
        ),
        (GateResult(POLICY, "error"), "ERROR  the evaluation could not be done"),
    ],
)  # fmt: skip
def test_the_verdict_is_one_line(result, line):
    assert verdict_line(result) == f"confmat: {line}"
    assert lines(result)[0] == f"confmat: {line}"


def test_the_verdict_line_names_what_fits():
    names = [f"class-{i}" for i in range(50)]
    result = gate(np.ones((50, 50), int), names, [limit("recall", actual=n) for n in names])
    assert verdict_line(result, 80) == (
        "confmat: BLOCKED  50 of 50 limits failed: recall[class-0], recall[class-1], ..."
    )
    assert verdict_line(result, 110) == (
        "confmat: BLOCKED  50 of 50 limits failed: recall[class-0], recall[class-1], "
        "recall[class-2], ..."
    )
    assert verdict_line(result, 10) == verdict_line(result, 80)


def test_an_error_is_told_line_by_line():
    error = "\n".join(["30 of 899 examples are at fault:", *(f"{i}.jpg: empty" for i in range(30))])
    result = GateResult(POLICY, "error", error=error, unchecked=("recall[cat]", "accuracy"))
    text = lines(result)
    assert text[0] == "confmat: ERROR  2 of 2 limits not checked: 30 of 899 examples are at fault:"
    assert "not checked: recall[cat], accuracy" in text
    at = text.index("  0.jpg: empty")
    assert text[at + 23 : at + 25] == ["  23.jpg: empty", "  and 6 more lines"]
    assert len(text) == at + 25


def test_lists_are_capped():
    names = [f"c{i}" for i in range(25)]
    result = gate(
        np.ones((25, 25), int),
        names,
        [limit("recall", actual=n) for n in names],
        unchecked=tuple(f"f1[c{i}]" for i in range(25)),
        notes=tuple(f"note {i}" for i in range(25)),
    )
    text = "\n".join(lines(result))
    assert "recall of 'c19' is" in text
    assert "recall of 'c20' is" not in text
    assert "\n  and 5 more\n" in text
    assert "note: note 19\nand 5 more notes" in text
    assert re.sub(r"\n  ", " ", text).count("f1[c19] and 5 more") == 1


def test_the_notes_of_the_evaluation_are_told_once():
    found = evaluation(COUNTS, ANIMALS, notes=("a", "b"))
    text = lines(GateResult(POLICY, "passed", evaluation=found, notes=("b", "c")))
    assert [line for line in text if line.startswith("note")] == ["note: b", "note: c", "note: a"]


def test_a_number_is_not_rounded_across_its_bound():
    matrix = ConfusionMatrix(np.array([[94_999_999, 5_000_001], [0, 9]]), ("a", "b"))
    console = ConsoleText(80, color=False)
    table, _ = class_table(ClassView(matrix, {("recall", "a"): (bound("0.95"),)}), 80)
    console.block(table)
    assert console.text().split("\n")[2].split() == (
        ["a", "100,000,000", "0.94999999", "1.0000", "0.9744", ">=", "0.95"]
    )


def test_undefined_is_a_dash():
    text = lines(gate([[0, 0, 0], [0, 5, 0], [0, 2, 0]], ANIMALS))
    assert "cat          0       -          -       -" in text
    assert "fox          2  0.0000          -  0.0000" in text


def test_a_bound_on_the_diagonal_that_is_recall_is_a_bound_on_recall():
    plain, other = Weighting("inverse_frequency"), Weighting("balanced", "all")
    limits = [
        limit("weighted_diagonal", "0.7", actual="cat", weighting=plain),
        limit("weighted_diagonal", "0.1", actual="dog", weighting=other),
        limit("recall", "0.8", actual="cat"),
        limit("recall", "0.99", "at_most", actual="dog"),
    ]
    text = lines(gate(COUNTS, ANIMALS, limits))
    assert "   cat        189  0.8413  0.790 - 0.884     0.9815  0.9060   >= 0.8" in text
    assert "!  dog        200  1.0000  0.985 - 1.000     0.9050  0.9501  <= 0.99" in text


@pytest.mark.parametrize("width", [1, 40, 61, 80, 132])
@pytest.mark.parametrize("classes", [1, 2, 3, 14, 41, 120])
def test_tables_keep_to_the_width(width, classes):
    names = [f"class number {i}" for i in range(classes)]
    limits = [limit("recall", "0.9251", actual=name) for name in names]
    result = gate(random_counts(classes, 150, 0.9), names, limits, notes=("word " * 60,))
    text = lines(result, width)
    whole = {0, *(i for i, line in enumerate(text) if re.match(r"  recall of|  and \d", line))}
    laid_out = [line for i, line in enumerate(text) if i not in whole]
    assert max(map(cell_len, laid_out)) <= max(width, 40)
    assert all(line == line.rstrip() for line in text)
    assert "…" not in "".join(text)
    assert text == lines(result, width)


def test_narrow_tables_leave_columns_out():
    result = gate(COUNTS, ANIMALS, LIMITS[:2])
    assert "   class  support  recall    bound" in lines(result, 40)
    assert "   class  support  recall  precision      f1    bound" in lines(result, 60)


def test_of_many_classes_those_that_fail_and_the_worst_are_shown():
    names = [f"c{i}" for i in range(100)]
    counts = np.diag(np.full(100, 99))
    counts[np.arange(100), (np.arange(100) + 1) % 100] = 1
    counts[7, 9], counts[30, 9], counts[31, 9] = 60, 20, 10
    limits = [limit("recall", "0.9", actual=n) for n in names[:40]]
    text = lines(gate(counts, names, limits))
    rows = [line.split() for line in text if re.match(r"(!  |   )c\d", line)]
    assert [row[:2] for row in rows[:2]] == [["!", "c7"], ["!", "c30"]]
    assert [row[0] for row in rows[2:]] == ["c31", "c0", "c1", "c2", "c3", "c4", "c5", "c6"]
    assert "90 of 100 classes are not shown" in text
    limits = [limit("recall", "1", actual=n) for n in names]
    text = lines(gate(counts, names, limits))
    assert "60 of 100 classes are not shown, 60 of which fail" in text


def test_a_matrix_that_finds_no_room_becomes_its_worst_cells():
    names = [f"c{i}" for i in range(30)]
    counts = np.diag(np.full(30, 50))
    counts[0, 1], counts[2, 1], counts[3, 1] = 7, 7, 1
    counts[2, 2] = 10
    text = lines(gate(counts, names))
    at = text.index("most frequent confusions")
    assert text[at + 1 :] == [
        "true class      predicted  count   share",
        "----------------------------------------",
        "c2          ->  c1             7  41.2 %",
        "c0          ->  c1             7  12.3 %",
        "c3          ->  c1             1   2.0 %",
    ]
    counts[4:20, 0] = 2
    assert lines(gate(counts, names))[-1] == "and 9 more"


def test_without_a_mistake_no_confusions_are_listed():
    text = lines(gate(np.diag(np.full(40, 9)), [f"c{i}" for i in range(40)]))
    assert "confusion" not in "\n".join(text)


def test_columns_are_numbered_where_names_find_no_room():
    names = [f"quite a long name {i}" for i in range(10)]
    text = lines(gate(np.diag(np.arange(1, 11)), names))
    at = text.index("confusion matrix: rows are true classes, columns predicted")
    assert text[at + 1] == " " * 24 + "1  2  3  4  5  6  7  8  9  10"
    assert text[at + 3] == " 1 quite a long name 0  1  .  .  .  .  .  .  .  .   ."
    assert text[at + 12] == "10 quite a long name 9  .  .  .  .  .  .  .  .  .  10"


def test_wide_characters_are_aligned():
    text = lines(gate(COUNTS, ("猫猫", "d", "é")))
    at = text.index("confusion matrix: rows are true classes, columns predicted")
    table = text[at + 1 :]
    assert table[2] == "猫猫   159   21    9"
    assert table[3] == "d        .  200    ."
    assert len({cell_len(line) for line in table}) == 1


def test_color_changes_nothing_but_the_color(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    result = gate(COUNTS, ANIMALS, LIMITS)
    colored = summary(result, 80, color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == summary(result, 80, color=False)
    assert "\x1b[1;31mconfmat: BLOCKED" in colored
    assert "\x1b[2m  .\x1b[0m" in colored
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in summary(result, 80, color=False)


def test_frames_are_ascii():
    result = gate(random_counts(12, 100, 0.8), [f"c{i}" for i in range(12)], LIMITS[3:])
    assert summary(result, 80, color=False).isascii()


def test_a_policy_elsewhere_is_named_by_its_whole_path():
    result = GateResult(Path("/very/long/path/a.yaml"), "incomplete", unchecked=("accuracy",))
    assert lines(result)[2] == "limits /very/long/path/a.yaml"


def test_of_many_failed_limits_the_worst_stand_first():
    counts = [[i, 200 - i] + [0] * 48 for i in range(30)] + [[0] * 50 for _ in range(20)]
    counts = np.array([np.roll(row, number) for number, row in enumerate(counts)])
    names = [f"c{i}" for i in range(50)]
    limits = [limit("recall", "0.9", actual=name) for name in reversed(names[:30])]
    printed = lines(gate(counts, names, limits))
    assert printed[0].startswith("confmat: BLOCKED  30 of 30 limits failed: recall[c0], recall[c1]")
    start = printed.index("failed limits")
    named = [line.split("'")[1] for line in printed[start + 1 : start + 21]]
    assert named == names[:20]
    assert printed[start + 21] == "  and 10 more"
    few = lines(gate(counts, names, limits[:20]))
    start = few.index("failed limits")
    assert few[start + 1].startswith("  recall of 'c29' is ")


@pytest.mark.parametrize("width", [80, 200])
def test_long_names_can_be_told_apart(width):
    names = [f"n{number:08} a wordy name of a class" for number in range(1000)]
    counts = random_counts(1000, each=40, right=0.8)
    limits = [limit("recall", "0.9", actual=name) for name in names]
    printed = lines(gate(counts, names, limits), width)
    head = next(at for at, line in enumerate(printed) if line.startswith("   class"))
    assert ("true recall" in printed[head]) == (width == 200)
    shown = printed[head + 2 : head + 42]
    assert all(line.startswith("!  n0") for line in shown)
    assert len({line[3:12] for line in shown}) == 40
    assert max(map(len, shown)) <= width
    assert re.fullmatch(
        r"960 of 1,000 classes are not shown, \d+ of which fail", printed[head + 42]
    )


def test_the_end_is_for_notes():
    digest = "digest of the evaluation set: sha256:" + "ab" * 32
    result = gate(COUNTS, ANIMALS, LIMITS, notes=(digest,), timing={"evaluate": 2.0})
    *_, note, time = summary(result, 200, color=False).split("\n")
    assert note == f"note: {digest}"
    assert time == "time: evaluate 2.0 s, 450 examples/s"
