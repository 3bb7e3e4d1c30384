from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from pytest_confmat.limits import Weighting
from pytest_confmat.matrix import ConfusionMatrix, balanced_weights, normalized
from pytest_confmat.metric import metric_keys
from pytest_confmat.metrics import MetricCounts, exact_sum
from pytest_confmat.sparse_counts import SparseCounts
from tests.support.strategies import class_names, matrices


def raw_labels(matrix: ConfusionMatrix) -> tuple[np.ndarray, np.ndarray]:
    k = len(matrix.classes)
    rows, columns = np.indices((k, k))
    times = matrix.counts.ravel()
    return np.repeat(rows.ravel(), times), np.repeat(columns.ravel(), times)


def scikit_learn(metric: str, true, predicted, k: int):
    labels = range(k)
    scores = {
        "recall": sk.recall_score,
        "precision": sk.precision_score,
        "f1": sk.f1_score,
        "jaccard": sk.jaccard_score,
    }
    if metric in scores:
        # jaccard_score alone does not take NaN for what is undefined.
        unknown = 0 if metric == "jaccard" else np.nan
        return scores[metric](true, predicted, labels=labels, average=None, zero_division=unknown)
    if metric == "specificity":
        return [
            sk.recall_score(np.asarray(true) != i, np.asarray(predicted) != i, zero_division=np.nan)
            for i in labels
        ]
    name, _, average = metric.rpartition("_")
    if name in scores and average in ("macro", "weighted"):
        return scores[name](true, predicted, labels=labels, average=average, zero_division=0)
    plain = {
        "accuracy": sk.accuracy_score,
        "balanced_accuracy": sk.balanced_accuracy_score,
        "matthews_corrcoef": sk.matthews_corrcoef,
        "cohen_kappa": sk.cohen_kappa_score,
    }
    return plain[metric](true, predicted)


@pytest.mark.parametrize("metric", metric_keys("class"))
@given(matrix=matrices(max_classes=4))
def test_per_class_metrics_are_scikit_learns(metric, matrix):
    true, predicted = raw_labels(matrix)
    if not len(true):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = scikit_learn(metric, true, predicted, len(matrix.classes))
    counted = MetricCounts(matrix)
    for i, expected in enumerate(theirs):
        ours = counted.per_class(metric, i)
        if ours.value is None:
            # scikit-learn says NaN, or drops the class, where we say why there is no value.
            assert np.isnan(expected) or (metric == "jaccard" and expected == 0)
            assert ours.undefined
        else:
            assert float(ours.value) == pytest.approx(expected, rel=1e-12, abs=1e-12)
            assert ours.value == Fraction(ours.hits, ours.trials)


@pytest.mark.parametrize("metric", metric_keys("overall"))
@given(matrix=matrices(max_classes=4))
def test_overall_metrics_are_scikit_learns(metric, matrix):
    true, predicted = raw_labels(matrix)
    ours = MetricCounts(matrix).overall(metric)
    if ours.value is None:
        assert ours.undefined
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = scikit_learn(metric, true, predicted, len(matrix.classes))
    assert float(ours.value) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("metric", metric_keys("overall"))
def test_overall_metrics_have_a_value_on_an_ordinary_matrix(metric):
    matrix = ConfusionMatrix(np.array([[50, 3, 1], [4, 30, 2], [0, 1, 9]]), tuple("abc"))
    assert MetricCounts(matrix).overall(metric).value is not None


@pytest.mark.parametrize(
    ("metric", "counts", "reason"),
    [
        ("accuracy", [[0, 0], [0, 0]], "there are no examples"),
        ("balanced_accuracy", [[3, 0], [0, 0]], "recall of 'b' is undefined: it has no examples"),
        (
            "precision_macro",
            [[3, 0], [2, 0]],
            "precision of 'b' is undefined: it was never predicted",
        ),
        (
            "precision_weighted",
            [[3, 0], [2, 0]],
            "precision of 'b' is undefined: it was never predicted",
        ),
        (
            "jaccard_macro",
            [[3, 0], [0, 0]],
            "jaccard of 'b' is undefined: it has no examples and was never predicted",
        ),
        ("f1_weighted", [[0, 0], [0, 0]], "there are no examples"),
        (
            "matthews_corrcoef",
            [[3, 0], [2, 0]],
            "all examples, or all predictions, are of one class",
        ),
        ("cohen_kappa", [[3, 0], [0, 0]], "all examples and all predictions are of one class"),
        (
            "top_2_accuracy",
            [[3, 0], [0, 3]],
            "a matrix alone does not tell the ranks of the classes",
        ),
    ],
)
def test_undefined_is_a_reason_not_a_zero(metric, counts, reason):
    measured = MetricCounts(ConfusionMatrix(np.array(counts), ("a", "b"))).overall(metric)
    assert measured.value is None
    assert measured.undefined == reason


def test_a_class_without_examples_weighs_nothing_in_a_weighted_mean():
    matrix = ConfusionMatrix(np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]]), tuple("abc"))
    true, predicted = raw_labels(matrix)
    theirs = sk.precision_score(true, predicted, average="weighted")
    assert float(MetricCounts(matrix).overall("precision_weighted").value) == pytest.approx(theirs)


@given(st.integers(2, 6).flatmap(lambda k: st.tuples(st.just(k), st.integers(0, 2**32 - 1))))
def test_top_k_is_scikit_learns(drawn):
    k, seed = drawn
    random = np.random.default_rng(seed)
    scores, true = random.random((40, k)), random.integers(0, k, 40)
    ranks = (scores > scores[np.arange(40), true][:, None]).sum(axis=1)
    counts = np.bincount(ranks, minlength=k)
    matrix = ConfusionMatrix.from_labels(true, scores.argmax(axis=1), class_names(k))
    for top in range(1, k):
        theirs = sk.top_k_accuracy_score(
            true, scores if k > 2 else scores[:, 1] - scores[:, 0], k=top, labels=range(k)
        )
        ours = MetricCounts(matrix, counts).overall(f"top_{top}_accuracy")
        assert float(ours.value) == pytest.approx(theirs)


def test_matthews_corrcoef_is_known_far_beyond_a_float():
    matrix = ConfusionMatrix(np.array([[50, 3], [4, 30]]), ("a", "b"))
    value = MetricCounts(matrix).overall("matthews_corrcoef").value
    numerator = 87 * (50 + 30) - (54 * 53 + 33 * 34)
    square = Fraction(numerator**2, (87**2 - 54**2 - 33**2) * (87**2 - 53**2 - 34**2))
    assert abs(value**2 - square) < Fraction(1, 10**38)


def test_a_perfect_coefficient_is_exactly_one():
    matrix = ConfusionMatrix(np.diag([3, 7, 11]), tuple("abc"))
    assert MetricCounts(matrix).overall("matthews_corrcoef").value == 1
    assert MetricCounts(matrix).overall("cohen_kappa").value == 1


@given(matrices(max_classes=4), st.sampled_from(["balanced", "inverse_frequency", "given"]))
def test_the_weighted_diagonal_is_that_of_the_weighted_matrix(matrix, weights):
    k = len(matrix.classes)
    explicit = tuple((name, Fraction(i + 1, 2)) for i, name in enumerate(matrix.classes))
    vector = {
        "balanced": balanced_weights(matrix.support),
        "inverse_frequency": np.array([1 / n if n else 0 for n in matrix.support]),
        "given": np.array([float(weight) for _, weight in explicit]),
    }[weights]
    for normalize in ("pred", "all"):
        weighting = Weighting(explicit if weights == "given" else weights, normalize)
        floats = normalized(matrix.weighted(vector), normalize)
        for i, measured in enumerate(MetricCounts(matrix).weighted_diagonal(weighting)):
            if measured.value is not None:
                assert float(measured.value) == pytest.approx(floats[i, i], rel=1e-12)
            else:
                assert not matrix.support[i] or not matrix.predicted[i]
    assert k == len(MetricCounts(matrix).weighted_diagonal(Weighting("inverse_frequency")))


@given(matrices())
def test_the_inverse_frequency_diagonal_is_recall(matrix):
    counted = MetricCounts(matrix)
    diagonal = counted.weighted_diagonal(Weighting("inverse_frequency"))
    assert diagonal == [counted.per_class("recall", i) for i in range(len(matrix.classes))]


def test_sample_weights_with_each_normalization():
    matrix = ConfusionMatrix(np.array([[2, 1], [1, 1]]), ("a", "b"))
    weighted = np.array([[3.0, 1.0], [0.5, 0.5]])
    counted = MetricCounts(matrix, sample_weighted=SparseCounts.of(weighted))
    for normalize in ("true", "pred", "all"):
        found = [float(m.value) for m in counted.weighted_diagonal(Weighting("sample", normalize))]
        assert found == pytest.approx(normalized(weighted, normalize).diagonal())
    nothing = MetricCounts(matrix, sample_weighted=SparseCounts.of([[0.0, 0.0], [0.5, 0.5]]))
    first = nothing.weighted_diagonal(Weighting("sample", "true"))[0]
    assert (first.value, first.undefined) == (None, "its examples weigh nothing")
    absent = MetricCounts(matrix).weighted_diagonal(Weighting("sample", "true"))[0]
    assert absent.undefined == "the evaluation set states no weights"


@given(st.lists(st.fractions(max_denominator=50), max_size=20))
def test_the_exact_sum_is_the_sum(values):
    assert exact_sum(values) == sum(values, Fraction(0))
