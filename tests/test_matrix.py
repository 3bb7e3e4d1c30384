from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix
from sklearn.utils.class_weight import compute_class_weight

from pytest_confmat.errors import MatrixError
from pytest_confmat.matrix import (
    ConfusionMatrix,
    balanced_weights,
    inverse_frequency_weights,
    normalized,
)
from tests.support.strategies import class_names, matrices

labels = st.integers(2, 5).flatmap(
    lambda k: st.tuples(
        st.just(k),
        st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), min_size=1, max_size=60),
    )
)


@given(labels)
def test_counts_are_scikit_learns(drawn):
    k, pairs = drawn
    true, predicted = zip(*pairs, strict=True)
    ours = ConfusionMatrix.from_labels(true, predicted, class_names(k))
    theirs = confusion_matrix(true, predicted, labels=range(k))
    assert np.array_equal(ours.counts, theirs)
    assert ours.counts.dtype == np.int64
    assert ours.support.tolist() == theirs.sum(axis=1).tolist()
    assert ours.predicted.tolist() == theirs.sum(axis=0).tolist()
    assert ours.total == len(pairs)


@given(labels, st.sampled_from(["true", "pred", "all"]))
def test_normalized_is_scikit_learns_but_for_what_is_unknown(drawn, normalize):
    k, pairs = drawn
    true, predicted = zip(*pairs, strict=True)
    ours = normalized(
        ConfusionMatrix.from_labels(true, predicted, class_names(k)).counts, normalize
    )
    theirs = confusion_matrix(true, predicted, labels=range(k), normalize=normalize)
    assert np.allclose(np.nan_to_num(ours), theirs, rtol=1e-15)
    empty = np.isnan(ours)
    assert (theirs[empty] == 0).all()


def test_a_row_of_nothing_is_unknown_not_zero():
    ours = normalized([[1, 1], [0, 0]], "true")
    assert ours[0].tolist() == [0.5, 0.5]
    assert np.isnan(ours[1]).all()
    assert normalized([[2, 0], [1, 3]], None).tolist() == [[2, 0], [1, 3]]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=50))
def test_balanced_weights_are_scikit_learns(true):
    present = np.unique(true)
    support = np.bincount(true, minlength=5)[present]
    theirs = compute_class_weight("balanced", classes=present, y=true)
    assert np.allclose(balanced_weights(support), theirs, rtol=1e-14)


def test_rows_weighted_by_inverse_frequency_sum_to_one():
    matrix = ConfusionMatrix(np.array([[8, 2], [1, 2]]), ("a", "b"))
    weighted = matrix.weighted(inverse_frequency_weights(matrix.support))
    assert weighted.sum(axis=1) == pytest.approx([1, 1])
    assert weighted.diagonal() == pytest.approx([0.8, 2 / 3])
    assert inverse_frequency_weights([4, 0]).tolist() == [0.25, 0]


@given(matrices(3, 3), matrices(3, 3), matrices(3, 3))
def test_merging_is_associative_and_commutative(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert (a + b).total == a.total + b.total


def test_counts_beyond_float32_stay_exact():
    matrix = ConfusionMatrix(np.array([[2**24, 0], [0, 2**60]]), ("a", "b"))
    more = ConfusionMatrix(np.array([[1, 0], [0, 1]]), ("a", "b"))
    assert (matrix + more).counts.tolist() == [[2**24 + 1, 0], [0, 2**60 + 1]]


def test_counts_cannot_be_changed():
    matrix = ConfusionMatrix(np.eye(2), ("a", "b"))
    with pytest.raises(ValueError, match="read-only"):
        matrix.counts[0, 0] = 5


@pytest.mark.parametrize(
    ("counts", "classes", "message"),
    [
        (np.zeros((2, 3)), "ab", "a confusion matrix is square; this one has shape (2, 3)"),
        (np.zeros((0, 0)), "", "a confusion matrix is square; this one has shape (0, 0)"),
        (
            np.zeros((2, 2)),
            "abc",
            "a confusion matrix of shape (2, 2) needs 2 class names, and was given 3",
        ),
        (np.zeros((2, 2)), "aa", "class names must differ; given more than once: ['a']"),
        (
            [[0.5, 0], [0, 1]],
            "ab",
            "a confusion matrix holds whole numbers; this one holds fractions, "
            "as a normalized or weighted one does: give the counts",
        ),
        (
            [[np.nan, 0], [0, 1]],
            "ab",
            "a confusion matrix holds whole numbers; this one holds fractions, "
            "as a normalized or weighted one does: give the counts",
        ),
        (
            [[-1, 0], [0, 1]],
            "ab",
            "a confusion matrix holds counts; this one holds negative numbers",
        ),
        ([["x", "y"], ["z", "w"]], "ab", "a confusion matrix holds counts; this one holds <U1"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(counts, classes, message):
    with pytest.raises(MatrixError) as refused:
        ConfusionMatrix(counts, tuple(classes))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([0, -1], [0, 0], "true class -1 at position 1 is none of the 2 classes 0 to 1"),
        ([0, 1], [0, 2], "predicted class 2 at position 1 is none of the 2 classes 0 to 1"),
        (
            [0, 1],
            [0],
            "true and predicted classes must be one number an example, and have shapes (2,) "
            "and (1,)",
        ),
    ],
)
def test_labels_out_of_range_do_not_wrap_around(true, predicted, message):
    with pytest.raises(MatrixError) as refused:
        ConfusionMatrix.from_labels(true, predicted, ("a", "b"))
    assert str(refused.value) == message


def test_matrices_of_other_classes_do_not_merge():
    with pytest.raises(MatrixError) as refused:
        ConfusionMatrix(np.eye(2), ("a", "b")) + ConfusionMatrix(np.eye(2), ("b", "a"))
    assert str(refused.value) == (
        "confusion matrices of different classes cannot be merged: 'a', 'b' and 'b', 'a'"
    )
