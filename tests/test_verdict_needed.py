from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.judging import judge
from pytest_confmat.matrix import ConfusionMatrix
from tests.support.verdicts import CONFIDENCES, RULES, drop, limit, of_two, one, recalls, two_models

TEXTS = st.sampled_from(["0", "0.05", "0.33", "0.5", "0.9", "0.95", "1"])


def overlapping(right: int, row: int, column: int) -> ConfusionMatrix:
    """Return a matrix of a and b with these hits, examples and predictions of a."""
    return ConfusionMatrix(np.array([[right, row - right], [column - right, 7]]), ("a", "b"))


@given(
    st.integers(1, 40),
    st.integers(0, 40),
    TEXTS,
    st.sampled_from(["at_least", "at_most"]),
    st.sampled_from(RULES),
    st.sampled_from(CONFIDENCES),
)
def test_needed_is_the_least_with_which_the_verdict_passes(n, hits, text, kind, rule, confidence):
    declared = limit("recall", text, kind, actual="a", rule=rule, confidence=confidence)
    passing = [h for h in range(n + 1) if one(declared, of_two(h, n)).outcome == "passed"]
    verdict = one(declared, of_two(min(hits, n), n))
    if not passing:
        assert verdict.needed is None
        assert verdict.unprovable
    else:
        assert verdict.needed == (min(passing) if kind == "at_least" else max(passing))
        # All that is beyond it passes too.
        assert len(passing) == (n - min(passing) if kind == "at_least" else max(passing)) + 1


@given(
    st.integers(1, 25),
    st.integers(1, 25),
    TEXTS,
    st.sampled_from(["at_least", "at_most"]),
    st.sampled_from(["jaccard", "f1"]),
)
def test_what_an_overlap_needs_with_as_many_examples_and_predictions(
    row, column, text, kind, metric
):
    declared = limit(metric, text, kind, actual="a")
    most = min(row, column)
    verdicts = {h: one(declared, overlapping(h, row, column)) for h in range(most + 1)}
    passing = [h for h, verdict in verdicts.items() if verdict.outcome == "passed"]
    for verdict in verdicts.values():
        needed = verdict.needed
        if metric == "f1":  # which counts them twice
            needed = -(-needed // 2) if kind == "at_least" else needed // 2
        if kind == "at_least":
            assert needed == min(passing) if passing else needed > most
        else:
            assert min(needed, most) == max(passing)


@pytest.mark.parametrize("metric", ["jaccard", "f1"])
@pytest.mark.parametrize("rule", ["proven", "not_refuted"])
def test_what_would_show_an_overlap_is_not_told_in_hits(metric, rule):
    assert one(limit(metric, "0.9", actual="a", rule=rule), overlapping(5, 9, 8)).needed is None


@settings(max_examples=settings().max_examples // 2)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=2, max_size=4),
    st.sampled_from(["0.5", "0.9"]),
    st.sampled_from(["proven", "not_refuted"]),
)
def test_needed_goes_by_the_adjusted_level_where_it_can_be_told(rows, text, rule):
    rows = [(min(hits, trials), trials) for hits, trials in rows]
    names = [f"c{i}" for i in range(len(rows))]
    limits = [limit("recall", text, actual=n, rule=rule, family="holm") for n in names]

    def outcome(of_first: int) -> str:
        return judge(limits, recalls((of_first, rows[0][1]), *rows[1:]))[0].outcome

    first = judge(limits, recalls(*rows))[0]
    passing = [hits for hits in range(rows[0][1] + 1) if outcome(hits) == "passed"]
    if rule == "not_refuted" and first.outcome == "failed":
        # With more hits it would be judged at another level, by where the others stand.
        assert first.needed is None
    else:
        assert first.needed == min(passing, default=None)


@given(
    st.integers(1, 25),
    st.integers(0, 25),
    st.sampled_from(["0.1", "0.5", "0.8"]),
    st.sampled_from(["at_least", "at_most"]),
    st.sampled_from(["recall", "f1", "jaccard"]),
)
def test_as_many_examples_as_are_needed_decide_and_half_do_not(n, hits, text, kind, metric):
    hits = min(hits, n)
    declared = limit(metric, text, kind, actual="a", rule="proven")

    def times(many: int):
        return one(declared, of_two(hits * many, n * many))

    verdict = times(1)
    needed = verdict.examples_needed
    if verdict.outcome != "undecided":
        assert needed is None
        return
    if needed is None:
        bound = Fraction(text)
        assert verdict.observed == bound
        return
    assert needed > verdict.denominator
    enough = -(-needed // n)
    expected = "passed" if (verdict.observed > Fraction(text)) == (kind == "at_least") else "failed"
    assert times(enough).outcome == expected
    assert times(max(enough // 2, 1)).outcome == "undecided"


def test_0_92_of_25_does_not_show_0_90_and_of_enough_it_does():
    verdict = one(limit("recall", "0.9", actual="a", rule="proven"), of_two(23, 25))
    assert (verdict.outcome, verdict.needed, verdict.unprovable) == ("undecided", None, True)
    assert verdict.least_trials == 29
    times = -(-verdict.examples_needed // 25)
    assert one(verdict.limit, of_two(23 * times, 25 * times)).outcome == "passed"
    assert one(verdict.limit, of_two(23 * (times - 1), 25 * (times - 1))).outcome == "undecided"


def test_examples_needed_to_refute_go_by_the_adjusted_level():
    def needed(family: str) -> int:
        limits = [limit("recall", "0.9", actual=f"c{i}", rule="proven", family=family)
                  for i in range(3)]  # fmt: skip
        verdict = judge(limits, recalls((17, 20), (18, 20), (19, 20)))[0]
        assert verdict.outcome == "undecided"
        return verdict.examples_needed

    alone = one(
        limit("recall", "0.9", actual="c0", rule="proven", confidence=Fraction(59, 60)),
        recalls((17, 20), (18, 20), (19, 20)),
    )
    assert needed("none") < needed("holm") == alone.examples_needed


@given(
    st.integers(1, 80),
    st.sampled_from(["0.05", "0.5", "0.9", "0.95"]),
    st.sampled_from(["at_least", "at_most"]),
)
def test_what_no_result_could_pass_is_told(n, text, kind):
    declared = limit("recall", text, kind, actual="a", rule="proven")
    verdicts = [one(declared, of_two(hits, n)) for hits in range(n + 1)]
    possible = any(verdict.outcome == "passed" for verdict in verdicts)
    for verdict in verdicts:
        assert verdict.unprovable == (not possible)
        if not possible:
            least = verdict.least_trials
            assert least > n
            best = least if kind == "at_least" else 0
            assert one(declared, of_two(best, least)).outcome == "passed"
            assert one(declared, of_two(max(best - 1, 0), least - 1)).outcome != "passed"
        else:
            assert verdict.least_trials is None


@pytest.mark.parametrize("rule", ["estimate", "not_refuted"])
def test_only_proof_can_be_out_of_reach(rule):
    verdict = one(limit("recall", "0.99", actual="a", rule=rule), of_two(1, 5))
    assert (verdict.unprovable, verdict.least_trials) == (False, None)


@pytest.mark.parametrize(("n", "unprovable"), [(148, True), (149, False)])
def test_an_unchanged_model_shows_a_drop_below_two_hundredths_on_149_examples(n, unprovable):
    right = [0] * n
    models = two_models([*right, 1], [*right, 1], [*right, 1], k=2)
    declared = drop("recall", "0.02", actual="c0", rule="proven")
    verdict = one(declared, models.evaluation, models.comparison)
    assert verdict.outcome == ("undecided" if unprovable else "passed")
    assert verdict.unprovable == unprovable
    assert verdict.least_trials == (149 if unprovable else None)
    assert verdict.examples_needed == (149 if unprovable else None)


def test_a_better_model_shows_it_on_fewer():
    models = two_models([0] * 100 + [1], [1] * 3 + [0] * 97 + [1], [0] * 100 + [1], k=2)
    declared = drop("recall", "0.02", actual="c0", rule="proven")
    verdict = one(declared, models.evaluation, models.comparison)
    assert (verdict.outcome, verdict.unprovable, verdict.least_trials) == ("passed", False, None)
