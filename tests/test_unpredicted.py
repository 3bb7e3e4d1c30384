"""Faults that count as misclassified: scikit-learn with one more column is the oracle."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.utils.class_weight import compute_sample_weight

from pytest_confmat.errors import MatrixError
from pytest_confmat.evaluation import UNPREDICTED, Evaluation, Fault
from pytest_confmat.judging import judge
from pytest_confmat.limits import Bound, Limit, Weighting
from pytest_confmat.matrix import ConfusionMatrix, normalized
from pytest_confmat.metric import metric_keys
from pytest_confmat.metrics import MetricCounts
from pytest_confmat.report.wording import describe
from pytest_confmat.weighting import weighted_matrix
from tests.support.evaluations import part
from tests.support.strategies import class_names
from tests.test_metrics import scikit_learn

K = 3
# Predicted as class K, which is none's, is what scikit-learn is told of what was not predicted.
outcomes = st.lists(
    st.tuples(st.integers(0, K - 1), st.integers(0, K), st.floats(0, 4, width=16)),
    min_size=1,
    max_size=60,
)


def evaluation(drawn, parts: int = 1) -> Evaluation:
    made = []
    for position, rows in enumerate(np.array_split(np.arange(len(drawn)), parts)):
        true = np.array([drawn[i][0] for i in rows], np.int8)
        predicted = np.array([drawn[i][1] for i in rows], np.int8)
        none = predicted == K
        weight = np.array([drawn[i][2] for i in rows], np.float64)
        rank = np.where(none, K, np.where(true == predicted, 0, 1))
        found = np.where(none, UNPREDICTED, predicted)
        made.append(part(true, found, position, rank=rank, weight=weight))
    return Evaluation(class_names(K), tuple(made))


def columns(drawn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    true, predicted, weight = (np.array(column) for column in zip(*drawn, strict=True))
    return true, predicted, weight


def counts_of(found: Evaluation) -> MetricCounts:
    weighted = found.sample_weighted, found.sample_unpredicted
    return MetricCounts(found.matrix, found.rank_counts, *weighted)


@given(outcomes, st.integers(1, 4))
def test_the_matrix_is_scikit_learns_but_for_the_column_of_nothing(drawn, parts):
    true, predicted, _ = columns(drawn)
    theirs = sk.confusion_matrix(true, predicted, labels=range(K + 1))
    ours = evaluation(drawn, parts).matrix
    assert np.array_equal(ours.counts, theirs[:K, :K])
    assert ours.unpredicted.tolist() == theirs[:K, K].tolist()
    assert ours.unpredicted.dtype == np.int64
    assert ours.support.tolist() == theirs[:K].sum(axis=1).tolist()
    assert ours.predicted.tolist() == theirs[:, :K].sum(axis=0).tolist()
    assert ours.total == len(drawn)


@pytest.mark.parametrize("metric", metric_keys("class"))
@given(drawn=outcomes)
def test_per_class_metrics_are_scikit_learns(metric, drawn):
    true, predicted, _ = columns(drawn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = scikit_learn(metric, true, predicted, K)
    for i, expected in enumerate(theirs):
        ours = counts_of(evaluation(drawn)).per_class(metric, i).value
        if ours is None:
            assert np.isnan(expected) or (metric == "jaccard" and expected == 0)
        else:
            assert float(ours) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", metric_keys("overall"))
@given(drawn=outcomes)
def test_overall_metrics_are_scikit_learns(metric, drawn):
    true, predicted, _ = columns(drawn)
    ours = counts_of(evaluation(drawn)).overall(metric)
    if ours.value is None:
        assert ours.undefined
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = scikit_learn(metric, true, predicted, K)
    assert float(ours.value) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


MIXED = [(0, 0, 1)] * 5 + [(0, 3, 2)] * 2 + [(1, 1, 1)] * 4 + [(1, 0, 3)] + [(2, 2, 1)] * 3
MIXED += [(2, 3, 0.5)]


@pytest.mark.parametrize("metric", metric_keys("overall"))
def test_overall_metrics_have_a_value_on_an_ordinary_set(metric):
    true, predicted, _ = columns(MIXED)
    ours = counts_of(evaluation(MIXED)).overall(metric).value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = scikit_learn(metric, true, predicted, K)
    assert float(ours) == pytest.approx(theirs, rel=1e-12)


WEIGHTINGS = [
    Weighting("inverse_frequency"),
    Weighting("inverse_frequency", "pred"),
    Weighting("inverse_frequency", "all"),
    Weighting("balanced", "pred"),
    Weighting("balanced", "all"),
    Weighting("sample", "true"),
    Weighting("sample", "pred"),
    Weighting("sample", "all"),
    Weighting(tuple(zip(class_names(K), map(Fraction, (1, 3, 2)), strict=True)), "all"),
]


def example_weights(weighting: Weighting, true, weight) -> np.ndarray:
    if weighting.weights == "sample":
        return weight
    if isinstance(weighting.weights, tuple):
        return np.array([float(w) for _, w in weighting.weights])[true]
    balanced = compute_sample_weight("balanced", true)
    k = len(np.unique(true))
    # scikit-learn counts only classes that are there; the shares do not depend on it.
    return balanced * k / K if weighting.weights == "balanced" else balanced * k / len(true)


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=str)
@given(drawn=outcomes)
def test_weighted_matrices_are_scikit_learns(weighting, drawn):
    true, predicted, weight = columns(drawn)
    by_example = example_weights(weighting, true, weight)
    assume(by_example.any())  # scikit-learn refuses to add up nothing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sk.confusion_matrix(
            true,
            predicted,
            labels=range(K + 1),
            sample_weight=by_example,
            normalize=weighting.normalize,
        )[:K, :K]
    found = evaluation(drawn)
    ours = weighted_matrix(found, weighting)
    assert np.nan_to_num(ours) == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    diagonal = counts_of(found).weighted_diagonal(weighting)
    for i, measured in enumerate(diagonal):
        if measured.value is not None:
            assert float(measured.value) == pytest.approx(theirs[i, i], rel=1e-9, abs=1e-12)


@given(outcomes, st.integers(1, K))
def test_what_was_not_predicted_is_never_among_the_first(drawn, k):
    hits = sum(
        predicted < K and (0 if true == predicted else 1) < k for true, predicted, _ in drawn
    )
    ours = counts_of(evaluation(drawn)).overall(f"top_{k}_accuracy")
    assert ours.value == Fraction(hits, len(drawn))


def test_unpredicted_is_part_of_what_a_matrix_is():
    one = ConfusionMatrix(np.eye(2), ("a", "b"), np.array([3, 0]))
    none = ConfusionMatrix(np.eye(2), ("a", "b"))
    assert one != none
    assert one == ConfusionMatrix(np.eye(2), ("a", "b"), [3, 0])
    assert hash(one) == hash(ConfusionMatrix(np.eye(2), ("a", "b"), [3, 0]))
    assert (one + one).unpredicted.tolist() == [6, 0]
    assert (one + none) == (none + one)
    assert none.unpredicted.tolist() == [0, 0]
    assert (one.total, one.support.tolist(), one.predicted.tolist()) == (5, [4, 1], [1, 1])
    with pytest.raises(ValueError, match="read-only"):
        one.unpredicted[0] = 1


def test_normalized_counts_it_in_its_row_and_in_the_whole():
    counts, beside = [[2, 1], [0, 4]], [1, 0]
    assert normalized(counts, "true", beside)[0].tolist() == [0.5, 0.25]
    assert normalized(counts, "all", beside)[1].tolist() == [0, 0.5]
    assert normalized(counts, "pred", beside)[1].tolist() == [0, 0.8]
    assert np.isnan(normalized([[0, 0], [0, 1]], "true", [0, 0])[0]).all()
    assert normalized([[0, 0], [0, 1]], "true", [2, 0])[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("given_counts", "message"),
    [
        (
            [1, 2, 3],
            "what was predicted as none is a count of each of the 2 classes; this one has shape "
            "(3,)",
        ),
        ([-1, 0], "a confusion matrix holds counts; this one holds negative numbers"),
    ],
)
def test_what_is_no_count_of_each_class_is_refused(given_counts, message):
    with pytest.raises(MatrixError) as refused:
        ConfusionMatrix(np.eye(2), ("a", "b"), given_counts)
    assert str(refused.value) == message


def test_it_survives_saving_and_merging(tmp_path):
    one = evaluation(MIXED, 2)
    faults = (Fault("p0#5", "is empty (0 bytes)", "c0"), Fault("p0#6", "is \u202e odd", "c0"))
    one = Evaluation(one.classes, one.parts, {"model": "m"}, faults=faults)
    one.save(tmp_path / "e.npz")
    again = Evaluation.load(tmp_path / "e.npz")
    assert again == one
    assert again.faults == faults
    assert again.matrix.unpredicted.tolist() == [2, 0, 1]
    halves = [Evaluation(one.classes, (part,), {"model": "m"}) for part in one.parts]
    assert (halves[1] + halves[0]).matrix == one.matrix
    assert (one + halves[0]).faults == faults
    assert Evaluation(one.classes, one.parts, {"model": "m"}) != one


def test_it_is_no_mistake_of_the_model():
    assert [m.predicted for m in evaluation(MIXED).mistakes()] == ["c0"]
    assert evaluation(MIXED).mistakes("c0") == ()


def test_a_failed_limit_says_how_many_are_at_fault():
    limits = [
        Limit("recall[c0]", "recall", Bound("at_least", Fraction("0.9"), "0.9"), actual="c0"),
        Limit("accuracy", "accuracy", Bound("at_least", Fraction("0.99"), "0.99")),
        Limit("precision", "precision", Bound("at_least", Fraction("0.99"), "0.99"), actual="c0"),
    ]
    told = [describe(verdict) for verdict in judge(limits, evaluation(MIXED))]
    assert told[0] == (
        "recall of 'c0' is 0.7143, below 0.9\n"
        "  5 of 7 recognized; 7 were needed\n"
        "  true value 0.3413 to 0.9466, each bound at 95 % confidence\n"
        "  2 of them are at fault and counted as misclassified"
    )
    assert "  3 of them are at fault and counted as misclassified\n" in told[1]
    assert "at fault" not in told[2]
