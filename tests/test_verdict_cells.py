from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_confmat.matrix import ConfusionMatrix
from tests.support.strategies import matrices
from tests.support.verdicts import CONFIDENCES, RULES, drop, limit, one, two_models

LEVELS = {text: 1 - float(text) for text in CONFIDENCES}


def judged_cells(matrix: ConfusionMatrix, excluded=()) -> list[tuple[str, str, int, int]]:
    names = matrix.classes
    return [
        (a, p, int(matrix.counts[i, j]), int(matrix.support[i]))
        for i, a in enumerate(names)
        for j, p in enumerate(names)
        if i != j and (a, p) not in excluded
    ]


@given(
    matrices(max_classes=5),
    st.sampled_from(["0", "0.02", "0.2", "0.6", "1"]),
    st.sampled_from(RULES),
    st.sampled_from(CONFIDENCES),
    st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=6),
)
def test_confusions_hold_if_all_hold_and_break_if_one_breaks(
    matrix, text, rule, confidence, without
):
    names, k = matrix.classes, len(matrix.classes)
    excluded = frozenset((names[i], names[j]) for i, j in without if i != j and max(i, j) < k)
    declared = limit(
        "confusions", text, "at_most", rule=rule, confidence=confidence, excluded=excluded
    )
    verdict = one(declared, matrix)
    if 0 in matrix.support:
        assert (verdict.outcome, verdict.observed) == ("failed", None)
        return
    cells = judged_cells(matrix, excluded)
    bound, level = float(text), LEVELS[confidence]
    highest = max((Fraction(n, of) for *_, n, of in cells), default=Fraction(0))
    kept = [bound == 1 or binomtest(n, of, bound, "less").pvalue <= level for *_, n, of in cells]
    broken = [
        bound != 1 and len(cells) * binomtest(n, of, bound, "greater").pvalue <= level
        for *_, n, of in cells
    ]
    expected = {
        "estimate": "passed" if highest <= Fraction(text) else "failed",
        "proven": "passed" if all(kept) else "failed" if any(broken) else "undecided",
        "not_refuted": "failed" if any(broken) else "passed",
    }[rule]
    assert (verdict.observed, verdict.outcome) == (highest, expected)
    assert (verdict.interval, verdict.hits, verdict.needed) == (None, None, None)
    above = {cell for cell in cells if Fraction(cell[2], cell[3]) > Fraction(text)}
    if above:
        assert set(verdict.cells) == above
    else:
        assert len(verdict.cells) == (highest > 0)
        assert all(Fraction(n, of) == highest for *_, n, of in verdict.cells)


def test_two_classes_have_two_confusions():
    matrix = ConfusionMatrix(np.array([[95, 5], [0, 100]]), ("a", "b"))
    # 5 of 100 as one of two: alone the p-value at 0.02 is 0.0508, at 0.015 it is 0.0177.
    for text, outcome in (("0.02", "passed"), ("0.015", "failed")):
        declared = limit("confusions", text, "at_most", rule="not_refuted")
        assert one(declared, matrix).outcome == outcome
    value = binomtest(5, 100, 0.018, "greater").pvalue
    assert value <= 0.05 < 2 * value
    declared = limit("confusions", "0.018", "at_most", rule="not_refuted")
    assert one(declared, matrix).outcome == "passed"
    # The other cell is a limit of its own: this one is alone, at its full level.
    alone = limit(
        "confusions", "0.018", "at_most", rule="not_refuted", excluded=frozenset({("b", "a")})
    )
    assert one(alone, matrix).outcome == "failed"


def test_an_empty_cell_has_to_be_shown_too():
    # Nothing is confused: the class with 20 examples shows no share below 0.1, the other does.
    matrix = ConfusionMatrix(np.diag([20, 200]), ("a", "b"))
    every = limit("confusions", "0.1", "at_most", rule="proven")
    verdict = one(every, matrix)
    assert (verdict.outcome, verdict.observed, verdict.denominator) == ("undecided", 0, 20)
    assert (verdict.unprovable, verdict.least_trials, verdict.examples_needed) == (True, 29, 29)
    assert one(every, ConfusionMatrix(np.diag([29, 200]), ("a", "b"))).outcome == "passed"
    without = limit("confusions", "0.1", "at_most", rule="proven", excluded=frozenset({("a", "b")}))
    assert one(without, matrix).outcome == "passed"


@pytest.mark.parametrize("rule", RULES)
def test_all_cells_excluded_leave_nothing_to_break(rule):
    matrix = ConfusionMatrix(np.array([[1, 9], [9, 1]]), ("a", "b"))
    excluded = frozenset({("a", "b"), ("b", "a")})
    verdict = one(limit("confusions", "0", "at_most", rule=rule, excluded=excluded), matrix)
    assert (verdict.outcome, verdict.observed, verdict.cells) == ("passed", 0, ())


@pytest.mark.parametrize("rule", RULES)
def test_one_class_without_examples_leaves_all_confusions_undefined(rule):
    matrix = ConfusionMatrix(np.array([[9, 1], [0, 0]]), ("a", "b"))
    declared = limit("confusions", "0.5", "at_most", rule=rule, undecided="warn")
    verdict = one(declared, matrix)
    assert (verdict.outcome, verdict.blocks) == ("failed", True)
    assert verdict.undefined == "the share of class 'b' is undefined: it has no examples"


@given(
    st.lists(st.integers(0, 6), min_size=6, max_size=6),
    st.lists(st.integers(1, 40), min_size=3, max_size=3),
    st.sampled_from(["0.05", "0.2", "0.5"]),
)
def test_as_many_of_each_class_as_are_needed_decide(off, diagonal, text):
    (ab, ac, ba, bc, ca, cb), (a, b, c) = off, diagonal
    counts = np.array([[a, ab, ac], [ba, b, bc], [ca, cb, c]])
    declared = limit("confusions", text, "at_most", rule="proven")
    verdict = one(declared, ConfusionMatrix(counts, ("a", "b", "c")))
    if verdict.outcome != "undecided":
        assert verdict.examples_needed is None
        return
    if verdict.examples_needed is None:
        # One of them lies on the limit itself, and none beyond it.
        assert verdict.observed == Fraction(text)
        return
    assert verdict.examples_needed > verdict.denominator
    # Of each class so many, at the same shares.
    times = -(-verdict.examples_needed // verdict.denominator)
    outcome = one(declared, ConfusionMatrix(counts * times, ("a", "b", "c"))).outcome
    assert outcome == ("passed" if verdict.observed < Fraction(text) else "failed")


def test_a_rise_in_a_cell_in_which_nothing_moved_has_to_be_shown_too():
    n = 40
    true = [0] * n + [1] * n + [2] * n
    now = [*true[:-1], 1]
    models = two_models(true, true, now, k=3)
    verdict = one(drop("confusions", "0.05", rule="proven"), models.evaluation, models.comparison)
    # 1 newly of 40 is not shown to be below 0.05, nor are 0 of 40.
    assert (verdict.outcome, verdict.unprovable, verdict.least_trials) == ("undecided", True, 59)
    excluded = frozenset({("c2", "c1"), ("c2", "c0")})
    others = drop("confusions", "0.05", rule="proven", excluded=excluded)
    found = one(others, models.evaluation, models.comparison)
    assert (found.outcome, found.examples_needed) == ("undecided", 59)
