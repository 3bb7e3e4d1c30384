from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from pytest_confmat.evidence.proof import Cells, F1Share, Pairs, Share
from pytest_confmat.limits import FLIPS, Weighting
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.measuring import NO_BASELINE, Cell, Measurements
from tests.support.strategies import matrices
from tests.support.verdicts import drop, limit, pairs_of_models, two_models

CATS = ConfusionMatrix(
    np.array([[159, 21, 9], [5, 180, 4], [2, 8, 90]]), ("cat", "dog", "fox"), np.array([0, 1, 0])
)


@pytest.mark.parametrize(
    ("metric", "more", "test"),
    [
        ("recall", {"actual": "dog"}, Share(180, 190)),
        ("precision", {"actual": "cat"}, Share(159, 166)),
        ("specificity", {"actual": "cat"}, Share(283, 290)),
        ("jaccard", {"actual": "cat"}, Share(159, 196)),
        ("f1", {"actual": "cat"}, F1Share(159, 196)),
        ("accuracy", {}, Share(429, 479)),
        ("confusion", {"actual": "cat", "predicted": "fox"}, Share(9, 189)),
        (
            "weighted_diagonal",
            {"actual": "dog", "weighting": Weighting("inverse_frequency")},
            Share(180, 190),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_counts_behind_each_metric(metric, more, test):
    found = Measurements(CATS).of(limit(metric, "0.5", **more))
    assert (found.test, found.trials) == (test, test.trials)


@pytest.mark.parametrize(
    ("metric", "more", "trials"),
    [
        ("f1_macro", {}, 479),
        ("cohen_kappa", {}, 479),
        (
            "weighted_diagonal",
            {"actual": "cat", "weighting": Weighting("balanced", "pred")},
            189,
        ),
        (
            "weighted_diagonal",
            {"actual": "fox", "weighting": Weighting("inverse_frequency", "all")},
            100,
        ),
    ],
    ids=["f1_macro", "kappa", "balanced", "of all"],
)
def test_composites_have_an_estimate_and_a_support(metric, more, trials):
    found = Measurements(CATS).of(limit(metric, "0.5", **more))
    assert found.measured.value is not None
    assert (found.test, found.trials, found.support) == (None, trials, trials)


def test_what_is_undefined_has_no_test():
    never = ConfusionMatrix(np.array([[0, 2], [0, 3]]), ("a", "b"))
    found = Measurements(never).of(limit("precision", "0.5", actual="a"))
    assert (found.measured.undefined, found.test) == ("it was never predicted", None)
    found = Measurements(ConfusionMatrix(np.array([[0, 0], [0, 3]]), ("a", "b"))).of(
        limit("f1", "0.5", actual="a")
    )
    assert found.test is None


@given(matrices(max_classes=5))
def test_all_cells_off_the_diagonal_are_tested_but_those_excluded(matrix):
    names = matrix.classes
    excluded = frozenset({(names[0], names[1]), (names[1], names[0])})
    found = Measurements(matrix).of(limit("confusions", "0.1", "at_most", excluded=excluded))
    if 0 in matrix.support:
        assert (found.measured.value, found.test) == (None, None)
        return
    k = len(names)
    judged = {
        (i, j): (int(matrix.counts[i, j]), int(matrix.support[i]))
        for i in range(k)
        for j in range(k)
        if i != j and (names[i], names[j]) not in excluded
    }
    if not judged:
        assert (found.measured.value, found.test, found.cells) == (0, None, ())
        return
    assert isinstance(found.test, Cells)
    assert found.test.count == len(judged)
    # Cells with the same counts are the same test.
    assert {(test.hits, test.trials) for test in found.test.tests} == set(judged.values())
    assert found.trials == min(trials for _, trials in judged.values())
    assert found.measured.value == max(Fraction(*cell) for cell in judged.values())
    filled = {Cell(*place, *cell) for place, cell in judged.items() if cell[0]}
    assert set(found.cells) == filled
    shares = [cell.share for cell in found.cells]
    assert shares == sorted(shares, reverse=True)


@given(pairs_of_models())
def test_all_rises_are_tested_but_those_excluded(models):
    names, common = models.classes, models.common
    excluded = frozenset({(names[0], names[1])})
    found = Measurements(models.evaluation, models.comparison).of(
        drop("confusions", "0.1", excluded=excluded)
    )
    true, before, now = (a[common] for a in (models.true, models.before, models.now))
    judged = {}
    for i in range(models.k):
        for j in range(models.k):
            if i != j and (i, j) != (0, 1):
                was, is_now = before[true == i] == j, now[true == i] == j
                judged[i, j] = Pairs(
                    int(np.sum(is_now & ~was)), int(np.sum(was & ~is_now)), int(np.sum(true == i))
                )
    assert isinstance(found.test, Cells)
    assert found.test.count == len(judged)
    assert set(found.test.tests) == set(judged.values())
    rises = {
        place: pair.newly_wrong - pair.newly_right
        for place, pair in judged.items()
        if pair.newly_wrong > pair.newly_right
    }
    assert {(c.actual, c.predicted): c.count for c in found.cells} == rises
    highest = max((Fraction(n, judged[place].trials) for place, n in rises.items()), default=0)
    assert found.measured.value == highest


def test_every_cell_excluded_leaves_nothing_to_test():
    models = two_models([0, 1], [0, 1], [1, 0], k=2)
    excluded = frozenset({("c0", "c1"), ("c1", "c0")})
    found = Measurements(models.evaluation, models.comparison).of(
        drop("confusions", "0", excluded=excluded)
    )
    assert (found.measured.value, found.test, found.cells) == (0, None, ())


@pytest.mark.parametrize(
    "declared",
    [
        drop("recall", "0.1", actual="cat"),
        drop("accuracy", "0.1"),
        drop("f1_macro", "0.1"),
        drop("confusions", "0.1"),
        drop(FLIPS, "0.1"),
    ],
    ids=lambda declared: declared.id,
)
def test_a_drop_without_a_baseline_has_no_value(declared):
    found = Measurements(CATS).of(declared)
    assert (found.measured.value, found.measured.undefined) == (None, NO_BASELINE)


@pytest.mark.parametrize(
    "declared",
    [
        drop("recall", "0.1", actual="c0"),
        drop("specificity", "0.1", actual="c1"),
        drop("accuracy", "0.1"),
        drop("top_1_accuracy", "0.1"),
        drop("confusion", "0.1", actual="c0", predicted="c1"),
        drop(FLIPS, "0.1"),
    ],
    ids=lambda declared: declared.id,
)
def test_a_drop_without_common_examples_has_no_value(declared):
    models = two_models([0, 1], [0, 1], [1, 0], k=2, whose=[1, 2])
    found = Measurements(models.evaluation, models.comparison).of(declared)
    assert found.measured.value is None
    assert found.measured.undefined == "none of its examples is in the baseline"
    assert found.test is None


def test_a_class_without_common_examples_leaves_the_highest_rise_undefined():
    models = two_models([0, 1], [0, 1], [1, 0], k=2, whose=[0, 2])
    found = Measurements(models.evaluation, models.comparison).of(drop("confusions", "0.1"))
    assert found.measured.undefined == (
        "the share of class 'c1' is undefined: none of its examples is in the baseline"
    )
