from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.evaluation import Evaluation, Mistake
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.judging import holds, judge, needed
from pytest_confmat.limits import Bound, Limit, Weighting
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.metric import metric_keys
from pytest_confmat.verdict import Verdict
from tests.support.evaluations import part
from tests.support.strategies import matrices

CATS = ConfusionMatrix(np.array([[159, 21, 9], [5, 180, 4], [2, 8, 90]]), ("cat", "dog", "fox"))


def limit(metric: str, text: str, kind: str = "at_least", **others) -> Limit:
    return Limit(metric, metric, Bound(kind, Fraction(text), text), **others)


def test_a_failed_recall_brings_all_that_explains_it():
    (verdict,) = judge([limit("recall", "0.95", actual="cat")], CATS)
    assert verdict.outcome == "failed"
    assert verdict.observed == Fraction(159, 189)
    assert (verdict.hits, verdict.trials, verdict.needed, verdict.support) == (159, 189, 180, 189)
    assert verdict.confused_with == (("dog", 21), ("fox", 9))


def test_precision_tells_what_was_taken_for_the_class():
    (verdict,) = judge([limit("precision", "0.9", actual="dog")], CATS)
    assert verdict.outcome == "failed"
    assert (verdict.hits, verdict.trials, verdict.needed) == (180, 209, 189)
    assert verdict.support == 189
    assert verdict.confused_with == (("cat", 21), ("fox", 8))


@given(st.integers(1, 2000), st.integers(0, 1000), st.integers(0, 2000))
def test_a_share_exactly_at_its_bound_holds(n, per_mille, hits):
    bound = Bound("at_least", Fraction(per_mille, 1000), str(per_mille / 1000))
    least = needed(bound, n)
    assert holds(bound, Fraction(least, n))
    assert least == 0 or not holds(bound, Fraction(least - 1, n))
    # The float that was written and the exact bound are the same decimal.
    assert Fraction(bound.text) == bound.value
    most = needed(Bound("at_most", bound.value, bound.text), n)
    assert holds(Bound("at_most", bound.value, bound.text), Fraction(most, n))
    assert not holds(Bound("at_most", bound.value, bound.text), Fraction(most + 1, n))


def test_what_jaccard_needs_counts_that_the_union_shrinks():
    matrix = ConfusionMatrix(np.array([[5, 5], [5, 5]]), ("a", "b"))
    (verdict,) = judge([limit("jaccard", "0.5", actual="a")], matrix)
    assert (verdict.outcome, verdict.hits, verdict.trials, verdict.needed) == ("failed", 5, 15, 7)
    better = ConfusionMatrix(np.array([[7, 3], [3, 7]]), ("a", "b"))
    assert judge([verdict.limit], better)[0].outcome == "passed"


def test_nine_tenths_of_190_are_171():
    matrix = ConfusionMatrix(np.array([[171, 19], [0, 10]]), ("a", "b"))
    (verdict,) = judge([limit("recall", "0.9", actual="a")], matrix)
    assert (verdict.outcome, verdict.needed) == ("passed", 171)


def test_a_mean_of_values_all_at_the_limit_holds_it():
    # In floats, the mean of these equal recalls falls below them.
    for k in range(2, 60):
        matrix = ConfusionMatrix(
            np.eye(k, dtype=int) * 9 + np.roll(np.eye(k, dtype=int), 1, axis=1),
            tuple(f"c{i}" for i in range(k)),
        )
        (verdict,) = judge([limit("balanced_accuracy", "0.9")], matrix)
        assert verdict.outcome == "passed"


@given(matrices(max_classes=4), st.sampled_from(["0", "0.3", "0.5", "1"]))
def test_every_limit_gets_a_verdict_and_undefined_never_passes(matrix, text):
    limits = [limit(metric, text) for metric in metric_keys("overall")]
    limits += [
        limit(metric, text, actual=name)
        for metric in metric_keys("class")
        for name in matrix.classes
    ]
    limits.append(limit("confusions", text, "at_most"))
    verdicts = judge(limits, matrix)
    assert [verdict.limit for verdict in verdicts] == limits
    for verdict in verdicts:
        if verdict.observed is None:
            assert verdict.outcome == "failed"
            assert verdict.undefined
        elif verdict.limit.bound.kind == "at_least":
            assert (verdict.outcome == "passed") == (verdict.observed >= Fraction(text))
        else:
            assert (verdict.outcome == "passed") == (verdict.observed <= Fraction(text))


def test_one_confusion_and_all_others():
    limits = [
        limit("confusion", "0.1", "at_most", actual="cat", predicted="dog"),
        limit("confusions", "0.05", "at_most", excluded=frozenset({("cat", "dog")})),
    ]
    one, others = judge(limits, CATS)
    assert (one.outcome, one.hits, one.trials, one.needed) == ("failed", 21, 189, 18)
    # fox -> dog 8 of 100 is the only other cell above 0.05; cat -> fox is 9 of 189.
    assert others.outcome == "failed"
    assert others.cells == (("fox", "dog", 8, 100),)
    assert others.observed == Fraction(8, 100)


def test_the_worst_cell_is_told_where_none_breaks_the_bound():
    (verdict,) = judge([limit("confusions", "0.5", "at_most")], CATS)
    assert (verdict.outcome, verdict.cells) == ("passed", (("cat", "dog", 21, 189),))
    perfect = ConfusionMatrix(np.diag([3, 4]), ("a", "b"))
    (verdict,) = judge([limit("confusions", "0", "at_most")], perfect)
    assert (verdict.outcome, verdict.observed, verdict.cells) == ("passed", 0, ())


def test_confusions_with_a_class_without_examples_are_undefined():
    empty = ConfusionMatrix(np.array([[3, 0], [0, 0]]), ("a", "b"))
    (verdict,) = judge([limit("confusions", "0.5", "at_most")], empty)
    assert verdict.outcome == "failed"
    assert verdict.undefined == "the share of class 'b' is undefined: it has no examples"


def evaluation() -> Evaluation:
    return Evaluation(
        ("cat", "dog"),
        (
            part(
                [0, 0, 1, 1],
                [0, 1, 1, 0],
                ids=NumberedIds("s", 4),
                score=[0.9, 0.8, 0.7, 0.6],
                weight=np.array([1.0, 3.0, 1.0, 1.0]),
            ),
        ),
    )


def test_an_evaluation_brings_ranks_weights_and_mistakes():
    weighting = Weighting("sample", "true")
    limits = [
        limit("recall", "0.9", actual="cat"),
        limit("top_1_accuracy", "0.9"),
        limit("weighted_diagonal", "0.2", actual="cat", weighting=weighting),
        limit("weighted_diagonal", "0.3", actual="cat", weighting=weighting),
        limit("precision", "0.9", actual="cat"),
    ]
    recall, top, enough, short, precision = judge(limits, evaluation())
    assert recall.mistakes == (Mistake("s#1", "cat", "dog", pytest.approx(0.8)),)
    assert (top.observed, top.hits, len(top.mistakes)) == (Fraction(1, 2), 2, 2)
    assert (enough.outcome, enough.observed, enough.mistakes) == ("passed", Fraction(1, 4), ())
    assert short.outcome == "failed"
    assert [mistake.id for mistake in precision.mistakes] == ["s#3"]


def test_a_verdict_survives_the_way_through_json():
    limits = [
        limit("recall", "0.9", actual="cat"),
        limit("confusions", "0.1", "at_most"),
        limit("precision", "0.1", actual="dog"),
    ]
    for verdict in judge(limits, evaluation()):
        plain = json.loads(json.dumps(verdict.to_plain()))
        by_id = {each.id: each for each in limits}
        assert Verdict.from_plain(plain, by_id) == verdict
