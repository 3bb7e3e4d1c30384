from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_confmat.judging import judge
from pytest_confmat.limits import Weighting
from pytest_confmat.matrix import ConfusionMatrix
from tests.support.strategies import matrices
from tests.support.verdicts import CONFIDENCES, RULES, limit, of_two, one, pairs_of_models

SHARES = ("recall", "precision", "specificity", "jaccard", "weighted_diagonal")
BOUNDS = st.sampled_from(["0", "0.01", "0.3", "0.5", "0.75", "0.9", "0.99", "1"])


def counts_of(metric: str, matrix: ConfusionMatrix, i: int) -> tuple[int, int]:
    """Count hits and trials on the cells themselves."""
    c, outside = matrix.counts, matrix.unpredicted
    right, row, column = c[i, i], c[i].sum() + outside[i], c[:, i].sum()
    total = c.sum() + outside.sum()
    hits, trials = {
        "recall": (right, row),
        "weighted_diagonal": (right, row),
        "precision": (right, column),
        "specificity": (total - row - (column - right), total - row),
        "jaccard": (right, row + column - right),
        "f1": (right, row + column - right),
    }[metric]
    return int(hits), int(trials)


def expected(hits: int, trials: int, bound: float, kind: str, rule: str, confidence: float) -> str:
    """Decide as the rules are written, by the tests of scipy."""
    if rule == "estimate":
        return "passed" if holds(Fraction(hits, trials), bound, kind) else "failed"
    above = binomtest(hits, trials, bound, "greater").pvalue <= 1 - confidence
    below = binomtest(hits, trials, bound, "less").pvalue <= 1 - confidence
    kept, broken = (above, below) if kind == "at_least" else (below, above)
    # No share is below 0 or above 1.
    kept = kept or bound == (0 if kind == "at_least" else 1)
    broken = broken and bound != (0 if kind == "at_least" else 1)
    if rule == "proven" and kept:
        return "passed"
    if broken:
        return "failed"
    return "undecided" if rule == "proven" else "passed"


def holds(value: Fraction, bound: float, kind: str) -> bool:
    exact = Fraction(str(bound))
    return value >= exact if kind == "at_least" else value <= exact


def others(metric: str) -> dict:
    weighting = Weighting("inverse_frequency")
    return {"weighting": weighting} if metric == "weighted_diagonal" else {}


@given(
    matrices(),
    st.sampled_from(SHARES),
    BOUNDS,
    st.sampled_from(["at_least", "at_most"]),
    st.sampled_from(RULES),
    st.sampled_from(CONFIDENCES),
)
def test_every_share_is_judged_as_scipy_judges_it(matrix, metric, text, kind, rule, confidence):
    for i, name in enumerate(matrix.classes):
        declared = limit(
            metric, text, kind, actual=name, rule=rule, confidence=confidence, **others(metric)
        )
        verdict = one(declared, matrix)
        hits, trials = counts_of(metric, matrix, i)
        if not trials:
            assert (verdict.outcome, verdict.interval) == ("failed", None)
            assert verdict.undefined
            continue
        assert (verdict.hits, verdict.trials, verdict.denominator) == (hits, trials, trials)
        assert verdict.outcome == expected(hits, trials, float(text), kind, rule, float(confidence))
        assert verdict.confidence == (float(confidence),) * 2


@given(
    matrices(max_classes=4),
    st.sampled_from(["0.01", "0.3", "0.5", "0.75", "0.9", "0.99"]),
    st.sampled_from(RULES),
    st.sampled_from(CONFIDENCES),
)
def test_f1_is_judged_through_jaccard(matrix, text, rule, confidence):
    for i, name in enumerate(matrix.classes):
        verdict = one(limit("f1", text, actual=name, rule=rule, confidence=confidence), matrix)
        hits, trials = counts_of("f1", matrix, i)
        if not trials:
            assert verdict.outcome == "failed"
            continue
        bound = Fraction(text)
        jaccard = bound / (2 - bound)
        if rule == "estimate":
            right = Fraction(2 * hits, trials + hits) >= bound
            assert verdict.outcome == ("passed" if right else "failed")
        else:
            level = float(confidence)
            assert verdict.outcome == expected(
                hits, trials, float(jaccard), "at_least", rule, level
            )
        low, high = (
            binomtest(hits, trials, alternative=side).proportion_ci(float(confidence))
            for side in ("greater", "less")
        )
        ends = [2 * end / (1 + end) for end in (low.low, high.high)]
        assert verdict.interval == pytest.approx(ends, rel=1e-9)
        assert verdict.denominator == trials


@given(matrices(), BOUNDS, st.sampled_from(RULES), st.sampled_from(CONFIDENCES))
def test_accuracy_is_judged_as_a_share(matrix, text, rule, confidence):
    assume(matrix.total)
    verdict = one(limit("accuracy", text, rule=rule, confidence=confidence), matrix)
    hits, trials = int(np.trace(matrix.counts)), matrix.total
    level = float(confidence)
    assert verdict.outcome == expected(hits, trials, float(text), "at_least", rule, level)


@given(
    pairs_of_models(max_classes=5),
    st.sampled_from(["0.3", "0.75", "0.9"]),
    st.sampled_from(RULES),
    st.integers(1, 3),
)
def test_top_k_is_judged_as_a_share(models, text, rule, k):
    verdict = one(limit(f"top_{k}_accuracy", text, rule=rule), models.evaluation)
    own = models.whose != 1
    among_first = (models.rank_now < k) & (models.now >= 0)
    hits, trials = int(np.sum(among_first[own])), int(np.sum(own))
    assert (verdict.hits, verdict.trials, verdict.support) == (hits, trials, trials)
    assert verdict.outcome == expected(hits, trials, float(text), "at_least", rule, 0.95)
    assert verdict.unpredicted == np.sum(models.now[own] < 0)


@given(
    matrices(),
    st.sampled_from([*SHARES, "f1"]),
    st.sampled_from(["0.01", "0.3", "0.5", "0.75", "0.9", "0.99"]),
    st.sampled_from(["at_least", "at_most"]),
    st.sampled_from(["proven", "not_refuted"]),
    st.sampled_from(["none", "holm"]),
)
def test_the_interval_shows_what_was_decided(matrix, metric, text, kind, rule, family):
    limits = [
        limit(metric, text, kind, actual=name, rule=rule, family=family, **others(metric))
        for name in matrix.classes
    ]
    for verdict in judge(limits, matrix):
        if verdict.interval is None:
            assert verdict.undefined
            continue
        lower, upper = verdict.interval
        bound = float(text)
        assert lower <= float(verdict.observed) <= upper
        above, below = lower > bound, upper < bound
        kept, broken = (above, below) if kind == "at_least" else (below, above)
        assert (verdict.outcome == "failed") == broken
        if rule == "proven":
            assert (verdict.outcome == "passed") == kept
            assert (verdict.outcome == "undecided") == (not kept and not broken)
        else:
            assert (verdict.outcome == "passed") == (not broken)


@pytest.mark.parametrize(
    ("hits", "outcomes"),
    [
        # Recall at least 0.9 of 100: shown by 96 or more, refuted by 84 or fewer.
        (96, ("passed", "passed", "passed")),
        (95, ("passed", "undecided", "passed")),
        (90, ("passed", "undecided", "passed")),
        (89, ("failed", "undecided", "passed")),
        (85, ("failed", "undecided", "passed")),
        (84, ("failed", "failed", "failed")),
    ],
)
def test_the_three_rules_differ_where_chance_may_decide(hits, outcomes):
    found = [one(limit("recall", "0.9", actual="a", rule=r), of_two(hits, 100)) for r in RULES]
    assert tuple(verdict.outcome for verdict in found) == outcomes
    # What is shown is the same for all: the rule alone differs.
    assert len({verdict.interval for verdict in found}) == 1


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("hits", [1, 19])
@pytest.mark.parametrize("metric", ["recall", "f1", "precision"])
def test_too_few_examples_decide_nothing(rule, hits, metric):
    # 19 examples of a, and all that is predicted as it is of it.
    matrix = of_two(hits, 19)
    n = {"recall": 19, "f1": 19, "precision": hits}[metric]
    enough = one(limit(metric, "0.5", actual="a", rule=rule, min_support=n), matrix)
    assert (enough.too_few, enough.denominator) == (False, n)
    short = one(limit(metric, "0.5", actual="a", rule=rule, min_support=n + 1), matrix)
    assert (short.too_few, short.denominator) == (True, n)
    assert (short.outcome, short.blocks, short.examples_needed) == ("undecided", True, n + 1)
    # Not one hit more would have been enough.
    assert short.needed is None


def test_too_few_examples_decide_no_composite_either():
    for least, outcome in ((20, "passed"), (21, "undecided")):
        verdict = one(limit("f1_macro", "0.5", min_support=least), of_two(15, 19))
        assert (verdict.outcome, verdict.too_few) == (outcome, outcome == "undecided")
        assert verdict.denominator == 20
        assert verdict.interval is None


def test_min_support_is_about_the_denominator():
    # 5 examples of a, of which 2 were predicted so, and 3 of b: 5 predictions and 8 in the union.
    matrix = ConfusionMatrix(np.array([[2, 3], [3, 40]]), ("a", "b"))
    denominators = {"recall": 5, "precision": 5, "jaccard": 8, "f1": 8, "specificity": 43}
    for metric, n in denominators.items():
        for least, too_few in ((n, False), (n + 1, True)):
            verdict = one(limit(metric, "0.1", actual="a", min_support=least), matrix)
            assert (verdict.denominator, verdict.too_few) == (n, too_few)
    cells = one(limit("confusions", "0.9", "at_most", min_support=6), matrix)
    assert (cells.too_few, cells.denominator, cells.outcome) == (True, 5, "undecided")


def test_an_undefined_value_fails_whatever_the_support_asked_for():
    matrix = ConfusionMatrix(np.array([[0, 0], [1, 5]]), ("a", "b"))
    for rule in RULES:
        declared = limit("recall", "0.5", actual="a", rule=rule, min_support=9, undecided="warn")
        verdict = one(declared, matrix)
        assert (verdict.outcome, verdict.blocks) == ("failed", True)
        assert (verdict.interval, verdict.confidence, verdict.too_few) == (None, None, False)


@pytest.mark.parametrize(
    ("hits", "undecided", "blocks"),
    [
        (100, "fail", False),
        (90, "fail", True),
        (90, "warn", False),
        (50, "fail", True),
        (50, "warn", True),
    ],
)
def test_what_is_undecided_blocks_unless_it_is_let_pass(hits, undecided, blocks):
    declared = limit("recall", "0.9", actual="a", rule="proven", undecided=undecided)
    assert one(declared, of_two(hits, 100)).blocks == blocks


@pytest.mark.parametrize("rule", ["proven", "not_refuted"])
@pytest.mark.parametrize(
    ("kind", "text", "hits", "outcome"),
    [("at_least", "0", 0, "passed"), ("at_most", "1", 5, "passed")],
)
def test_what_nothing_can_break_passes(rule, kind, text, hits, outcome):
    for metric in ("recall", "f1"):
        verdict = one(limit(metric, text, kind, actual="a", rule=rule), of_two(hits, 5))
        assert (verdict.outcome, verdict.unprovable) == (outcome, False)


@pytest.mark.parametrize(
    ("kind", "text", "hits", "outcomes"),
    [
        ("at_least", "1", 5, ("passed", "undecided", "passed")),
        ("at_least", "1", 4, ("failed", "failed", "failed")),
        ("at_most", "0", 0, ("passed", "undecided", "passed")),
        ("at_most", "0", 1, ("failed", "failed", "failed")),
    ],
)
def test_perfection_can_be_refuted_and_not_be_proven(kind, text, hits, outcomes):
    found = [one(limit("recall", text, kind, actual="a", rule=r), of_two(hits, 5)) for r in RULES]
    assert tuple(verdict.outcome for verdict in found) == outcomes
    proven = found[1]
    assert (proven.unprovable, proven.least_trials) == (True, None)
    assert proven.examples_needed is None


def test_a_composite_is_an_estimate():
    verdict = one(limit("f1_macro", "0.5"), of_two(9, 10))
    assert (verdict.outcome, verdict.interval, verdict.confidence) == ("passed", None, None)
    assert (verdict.unprovable, verdict.examples_needed) == (False, None)
