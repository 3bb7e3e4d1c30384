from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_confmat.errors import MatrixError
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.sparse_counts import DENSE_CLASSES, SparseCounts
from tests.support.strategies import class_names

square = st.integers(1, 6).flatmap(
    lambda k: hnp.arrays(np.int64, (k, k), elements=st.sampled_from([0, 0, 1, 7, 2**60]))
)
MANY = DENSE_CLASSES + 500


@given(square)
def test_entries_say_what_the_array_says(dense):
    entries, k = SparseCounts.of(dense), len(dense)
    assert np.array_equal(entries.dense(), dense)
    assert len(entries) == np.count_nonzero(dense)
    assert np.array_equal(entries.diagonal, dense.diagonal())
    assert np.array_equal(entries.at(*np.indices((k, k))), dense)
    for i in range(k):
        for (places, values), line in (
            (entries.row(i), dense[i]),
            (entries.column(i), dense[:, i]),
        ):
            assert places.tolist() == np.flatnonzero(line).tolist()
            assert values.tolist() == line[line > 0].tolist()
    rows = [[[j, n] for j, n in enumerate(row) if n] for row in dense.tolist()]
    assert entries.by_row() == rows
    off = dense * (1 - np.eye(k, dtype=np.int64))
    assert entries.off_diagonal() == SparseCounts.of(off)


@given(hnp.arrays(np.int64, (5, 5), elements=st.integers(0, 2**55)))
def test_sums_are_whole_numbers_and_exact(dense):
    entries = SparseCounts.of(dense)
    assert entries.row_sums.tolist() == [sum(row) for row in dense.tolist()]
    assert entries.column_sums.tolist() == [sum(column) for column in dense.T.tolist()]
    assert entries.row_sums.dtype == np.int64


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(0, 1e6)), max_size=40))
def test_what_is_counted_is_what_an_array_counts_to_the_bit(drawn):
    rows, columns, weights = (
        (np.array(values) for values in zip(*drawn, strict=True))
        if (drawn)
        else (np.zeros(0, np.int64),) * 3
    )
    pairs = (rows * 4 + columns).astype(np.int64)
    expected = np.bincount(pairs, minlength=16).reshape(4, 4)
    assert np.array_equal(SparseCounts.counted(pairs, 4).dense(), expected)
    expected = np.bincount(pairs, weights=weights, minlength=16).reshape(4, 4)
    found = SparseCounts.counted(pairs, 4, weights.astype(np.float64))
    assert np.array_equal(found.dense(), expected)


@given(square, st.data())
def test_sums_of_entries_are_those_of_arrays(dense, data):
    other = data.draw(hnp.arrays(np.int64, dense.shape, elements=st.sampled_from([0, 3, 2**59])))
    both = SparseCounts.of(dense) + SparseCounts.of(other)
    assert both == SparseCounts.of(dense + other)
    assert hash(both) == hash(SparseCounts.of(dense + other))
    assert (SparseCounts.of(dense) == SparseCounts.of(dense + 1)) is False


def test_a_matrix_of_many_classes_never_becomes_an_array_by_itself(monkeypatch):
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, MANY, (2, 4000))
    matrix = ConfusionMatrix.from_labels(true, predicted, class_names(MANY), np.ones(MANY, int))
    expected = np.zeros((MANY, MANY), np.int64)
    np.add.at(expected, (true, predicted), 1)
    assert matrix.is_large
    assert np.array_equal(matrix.counts, expected)
    assert not matrix.counts.flags.writeable
    same = ConfusionMatrix(expected, class_names(MANY), np.ones(MANY, int))
    monkeypatch.delattr(SparseCounts, "dense")
    assert matrix == same
    assert hash(matrix) == hash(same)
    assert np.array_equal(matrix.support, expected.sum(axis=1) + 1)
    assert np.array_equal(matrix.predicted, expected.sum(axis=0))
    assert np.array_equal(matrix.correct, expected.diagonal())
    assert (matrix + matrix).total == 2 * matrix.total == 2 * (4000 + MANY)


def test_the_number_of_classes_decides():
    few = ConfusionMatrix.from_labels([0], [1], class_names(DENSE_CLASSES))
    assert not few.is_large
    assert few.counts is few.counts
    with pytest.raises(MatrixError, match=r"'c1999'\] and 1 more|and 1,80[01] more"):
        few.index("x")


def test_entries_that_are_no_counts_are_refused():
    half = SparseCounts(np.array([0]), np.array([1]), np.array([0.5]), 2)
    with pytest.raises(MatrixError, match="whole numbers"):
        ConfusionMatrix.from_cells(half, ("a", "b"))
