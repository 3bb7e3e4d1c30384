"""Which classes a page shows, and in which order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.report.class_view import ClassView
from pytest_confmat.report.page.matrix_view import matrix_view, similarity_order

squares = st.integers(1, 9).flatmap(
    lambda k: arrays.arrays(np.int64, (k, k), elements=st.integers(0, 30))
)


def view_of(counts, failed=(), unpredicted=()) -> ClassView:
    names = [f"c{i}" for i in range(len(counts))]
    return ClassView(ConfusionMatrix(counts, names, unpredicted), failed=frozenset(failed))


@given(squares, st.integers(1, 9), st.data())
def test_sums_stay_those_of_the_whole(counts, shown, data):
    k = len(counts)
    failed = data.draw(st.sets(st.integers(0, k - 1)))
    unpredicted = np.array(data.draw(st.lists(st.integers(0, 3), min_size=k, max_size=k)))
    view = matrix_view(view_of(counts, failed, unpredicted), shown)
    n = len(view.indices)
    assert n == min(k, shown)
    assert view.others == k - n
    assert view.counts.sum() == counts.sum()
    chosen = list(view.indices)
    assert np.array_equal(view.counts[:n, :n], counts[np.ix_(chosen, chosen)])
    assert view.counts.sum(axis=1)[:n].tolist() == counts.sum(axis=1)[chosen].tolist()
    assert view.counts.sum(axis=0)[:n].tolist() == counts.sum(axis=0)[chosen].tolist()
    assert view.support.sum() == counts.sum() + unpredicted.sum()
    # A class that fails goes before one that does not.
    assert len(failed & set(chosen)) == min(len(failed), shown)


def test_the_most_confused_are_shown():
    counts = np.diag(np.full(50, 100))
    counts[40, 7] = 5
    counts[3, 30] = 9
    view = matrix_view(view_of(counts, failed=[49]), 5)
    assert view.indices == (3, 7, 30, 40, 49)


def test_similar_classes_are_neighbors():
    counts = np.diag(np.full(6, 90))
    counts[0, 5] = counts[5, 0] = 10
    counts[1, 3] = counts[3, 1] = 8
    order = similarity_order(view_of(counts).matrix)
    assert sorted(order) == list(range(6))
    assert abs(order.index(0) - order.index(5)) == 1
    assert abs(order.index(1) - order.index(3)) == 1


@pytest.mark.parametrize("k", [1, 2])
def test_too_few_classes_have_no_order(k):
    assert similarity_order(view_of(np.eye(k, dtype=int)).matrix) is None


@given(squares.filter(lambda counts: len(counts) > 2))
def test_an_order_holds_each_class_once(counts):
    assert sorted(similarity_order(view_of(counts).matrix)) == list(range(len(counts)))
