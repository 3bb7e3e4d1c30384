"""Classes that are declared to have no examples: what averages, cells and weights make of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs

from pytest_confmat.authoring.proposal import proposal_for
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.limits import Bound, Limit, Weighting
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.measuring import Measurements
from pytest_confmat.metrics import MetricCounts
from pytest_confmat.weighting import weighted_matrix
from tests.support.evaluations import part

K = 5
NAMES = tuple("abcde")


@st.composite
def outcomes(draw):
    """True and predicted labels of K classes, of which some have no example."""
    absent = draw(st.sets(st.integers(0, K - 1), min_size=1, max_size=K - 1))
    present = sorted(set(range(K)) - absent)
    # Each class that is to have examples has one at least, and is predicted at least once.
    rest = draw(st.lists(st.tuples(st.sampled_from(present), st.integers(0, K - 1)), max_size=40))
    return absent, np.array([(i, i) for i in present] + rest)


def matrix_of(absent, found) -> ConfusionMatrix:
    names = frozenset(NAMES[i] for i in absent)
    return ConfusionMatrix.from_labels(found[:, 0], found[:, 1], NAMES, (), names)


AVERAGES = [
    (f"{name}_{average}", lambda t, p, labels, n=name, a=average: SCORES[n](
        t, p, labels=labels, average=a, zero_division=0))
    for name in ("precision", "recall", "f1", "jaccard")
    for average in ("macro", "weighted")
]  # fmt: skip
SCORES = {
    "precision": theirs.precision_score,
    "recall": theirs.recall_score,
    "f1": theirs.f1_score,
    "jaccard": theirs.jaccard_score,
}


@pytest.mark.parametrize(("metric", "oracle"), AVERAGES, ids=[name for name, _ in AVERAGES])
@given(outcomes())
def test_averages_are_over_the_others(metric, oracle, found):
    absent, labels = found
    ours = MetricCounts(matrix_of(absent, labels)).overall(metric)
    present = sorted(set(range(K)) - absent)
    assert float(ours.value) == pytest.approx(oracle(labels[:, 0], labels[:, 1], present))


@given(outcomes())
def test_what_takes_no_average_counts_every_prediction(found):
    absent, labels = found
    counts = MetricCounts(matrix_of(absent, labels))
    assert float(counts.overall("accuracy").value) == theirs.accuracy_score(*labels.T)
    balanced = counts.overall("balanced_accuracy").value
    assert float(balanced) == pytest.approx(theirs.recall_score(
        *labels.T, labels=sorted(set(range(K)) - absent), average="macro"))  # fmt: skip
    kappa = counts.overall("cohen_kappa").value
    if kappa is not None:
        assert float(kappa) == pytest.approx(theirs.cohen_kappa_score(*labels.T))


def test_without_the_declaration_nothing_can_be_said():
    labels = np.array([(0, 0), (1, 1)])
    counts = MetricCounts(matrix_of((), labels))
    assert counts.overall("recall_macro").undefined == (
        "recall of 'c' is undefined: it has no examples"
    )


@given(outcomes())
def test_confusions_are_judged_where_there_are_examples(found):
    absent, labels = found
    limit = Limit("confusions[*]", "confusions", Bound("at_most", Fraction(1, 2), "0.5"))
    measured = Measurements(matrix_of(absent, labels)).of(limit)
    counts = theirs.confusion_matrix(*labels.T, labels=range(K))
    shares = [
        Fraction(int(counts[i, j]), int(counts[i].sum()))
        for i in set(range(K)) - absent
        for j in range(K)
        if i != j
    ]
    assert measured.measured.value == max(shares)
    assert measured.test.count == len(shares)


@given(outcomes())
def test_balanced_weights_count_the_classes_that_are_there(found):
    absent, labels = found
    names = frozenset(NAMES[i] for i in absent)
    evaluation = Evaluation(NAMES, (part(*labels.T),), without_examples=names)
    weights = theirs.confusion_matrix(
        *labels.T, labels=range(K), sample_weight=_balanced(labels[:, 0]), normalize="all"
    )
    ours = weighted_matrix(evaluation, Weighting("balanced", "all"))
    present = sorted(set(range(K)) - absent)
    np.testing.assert_allclose(ours[present], weights[present])
    assert np.isnan(ours[sorted(absent)]).all()


def _balanced(true):
    from sklearn.utils.class_weight import compute_sample_weight

    return compute_sample_weight("balanced", true)


def test_own_weights_may_leave_them_out():
    labels = np.array([(0, 0), (1, 1), (1, 0)])
    absent = {2, 3, 4}
    weighting = Weighting((("a", Fraction(1)), ("b", Fraction(3))), "pred")
    diagonal = MetricCounts(matrix_of(absent, labels)).weighted_diagonal(weighting)
    assert [each.value for each in diagonal[:2]] == [Fraction(1, 4), Fraction(1)]


def test_a_stored_evaluation_keeps_them(tmp_path):
    labels = np.array([(0, 0), (1, 1)])
    evaluation = Evaluation(
        NAMES, (part(*labels.T),), without_examples=frozenset("cde"), notes=("a note",)
    )
    evaluation.save(tmp_path / "evaluation.npz")
    loaded = Evaluation.load(tmp_path / "evaluation.npz")
    assert loaded == evaluation
    assert loaded.matrix.without_examples == frozenset("cde")
    assert loaded.merge(evaluation) == evaluation


def test_no_limit_is_proposed_for_them():
    counts = np.diag([200, 200, 200, 0])
    whole = proposal_for(ConfusionMatrix(counts[:3, :3], NAMES[:3]))
    lacking = proposal_for(ConfusionMatrix(counts, NAMES[:4], without_examples={"d"}))
    assert lacking == whole
