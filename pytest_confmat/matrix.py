"""The confusion matrix: counts and class names; merging, weighting, normalizing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_confmat.errors import MatrixError
from pytest_confmat.sparse_counts import DENSE_CLASSES, SparseCounts
from pytest_confmat.spec import Normalize
from pytest_confmat.text import listed

_LISTED = 200

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, init=False)
class ConfusionMatrix:
    """How often each true class (row) was predicted as each class (column).

    Rows and columns stand as in ``sklearn.metrics.confusion_matrix``.

    Parameters
    ----------
    counts
        Shape (K, K), whole numbers that are not negative. See `from_cells` for very many classes.
    classes
        K distinct names, in the order of rows and columns.
    unpredicted
        Examples of each true class that were predicted as none, shape (K,): they could not be
        read, and count as wrong. They are in the support and in no column. Zeros unless given.
    without_examples
        Classes that are declared to have no examples: averages over the classes leave them out.

    Raises
    ------
    MatrixError
        If the counts are not square, not whole or negative, or the names do not fit them.
    """

    classes: tuple[str, ...]
    unpredicted: Counts
    cells: SparseCounts = field(repr=False)
    without_examples: frozenset[str]

    def __init__(
        self,
        counts: ArrayLike,
        classes: Sequence[str],
        unpredicted: ArrayLike = (),
        without_examples: Collection[str] = (),
    ) -> None:
        cells = SparseCounts.of(_as_counts(counts))
        self._set(cells, classes, unpredicted, without_examples)

    def _set(
        self,
        cells: SparseCounts,
        classes: Sequence[str],
        unpredicted: ArrayLike,
        without_examples: Collection[str],
    ) -> None:
        k = cells.k
        names = tuple(classes)
        if len(names) != k:
            raise MatrixError(
                f"a confusion matrix of shape {(k, k)} needs {k} class names, "
                f"and was given {len(names)}"
            )
        if len(set(names)) < len(names):
            repeated = sorted(name for name, times in Counter(names).items() if times > 1)
            raise MatrixError(f"class names must differ; given more than once: {repeated}")
        object.__setattr__(self, "classes", names)
        object.__setattr__(self, "unpredicted", _as_unpredicted(unpredicted, k))
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "without_examples", frozenset(without_examples))

    @classmethod
    def from_cells(
        cls,
        cells: SparseCounts,
        classes: Sequence[str],
        unpredicted: ArrayLike = (),
        without_examples: Collection[str] = (),
    ) -> ConfusionMatrix:
        """Return the matrix that holds counts in these cells, and none in the others.

        Raises
        ------
        MatrixError
            As the constructor.
        """
        matrix = cls.__new__(cls)
        whole = replace(cells, values=_whole(cells.values))
        matrix._set(whole, classes, unpredicted, without_examples)
        return matrix

    @classmethod
    def from_labels(
        cls,
        true: ArrayLike,
        predicted: ArrayLike,
        classes: Sequence[str],
        unpredicted: ArrayLike = (),
        without_examples: Collection[str] = (),
    ) -> ConfusionMatrix:
        """Count pairs of class indices, both of shape (N,), within 0 to K - 1."""
        k = len(classes)
        pairs = pair_indices(true, predicted, k)
        cells = SparseCounts.counted(pairs, k)
        return cls.from_cells(cells, classes, unpredicted, without_examples)

    @property
    def is_large(self) -> bool:
        """Whether there are more classes than fit into a plain array: use `entries` then."""
        return len(self.classes) > DENSE_CLASSES

    @property
    def counts(self) -> Counts:
        """All cells, int64 (K, K). Where there are very many classes, it is made anew each time."""
        return self._dense() if self.is_large else self._kept_dense

    @cached_property
    def _kept_dense(self) -> Counts:
        return self._dense()

    def _dense(self) -> Counts:
        dense: Counts = self.cells.dense()
        dense.setflags(write=False)
        return dense

    @cached_property
    def support(self) -> Counts:
        """Examples of each true class, shape (K,), those predicted as none included."""
        support: Counts = self.cells.row_sums + self.unpredicted
        return support

    @cached_property
    def predicted(self) -> Counts:
        """Predictions of each class, shape (K,)."""
        return self.cells.column_sums

    @cached_property
    def correct(self) -> Counts:
        """Examples of each class predicted as that class, shape (K,): the diagonal."""
        return self.cells.diagonal

    @cached_property
    def total(self) -> int:
        """Number of examples."""
        return int(self.support.sum())

    @cached_property
    def judged(self) -> tuple[int, ...]:
        """Indices of the classes that are not declared to have no examples."""
        return tuple(i for i, n in enumerate(self.classes) if n not in self.without_examples)

    def index(self, name: str) -> int:
        """Return the row and column of class `name`."""
        try:
            return self._positions[name]
        except KeyError:
            raise MatrixError(
                f"there is no class {name!r}; the classes are {listed(self.classes, _LISTED)}"
            ) from None

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.classes)}

    def merge(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """Return the matrix of both sets of examples."""
        if self.classes != other.classes:
            raise MatrixError(
                "confusion matrices of different classes cannot be merged: "
                f"{listed(self.classes, _LISTED)} and {listed(other.classes, _LISTED)}"
            )
        unpredicted = self.unpredicted + other.unpredicted
        without = self.without_examples & other.without_examples
        return ConfusionMatrix.from_cells(
            self.cells + other.cells, self.classes, unpredicted, without
        )

    __add__ = merge

    def __repr__(self) -> str:
        right = int(self.correct.sum())
        return (
            f"<ConfusionMatrix: {self.total} examples of {len(self.classes)} classes, "
            f"{right} right>"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        return (
            self.classes == other.classes
            and self.cells == other.cells
            and np.array_equal(self.unpredicted, other.unpredicted)
            and self.without_examples == other.without_examples
        )

    def __hash__(self) -> int:
        return hash((self.classes, self.cells, self.unpredicted.tobytes()))

    def weighted(self, weights: ArrayLike) -> Floats:
        """Return the counts with each row scaled by its class's weight, float64 (K, K).

        What was predicted as none is scaled likewise: ``matrix.unpredicted * weights``.
        """
        column = np.asarray(weights, dtype=np.float64)[:, np.newaxis]
        return np.asarray(self.counts * column, dtype=np.float64)


def inverse_frequency_weights(support: ArrayLike) -> Floats:
    """Return 1 / support for each class, shape (K,); 0 for a class without examples."""
    examples = np.asarray(support, dtype=np.float64)
    weights: Floats = np.divide(1.0, examples, out=np.zeros_like(examples), where=examples > 0)
    return weights


def balanced_weights(support: ArrayLike) -> Floats:
    """Return N / (K * support), shape (K,), as scikit-learn's ``class_weight="balanced"``.

    K counts the classes that have examples; the others have weight 0.
    """
    examples = np.asarray(support, dtype=np.float64)
    filled = max(np.count_nonzero(examples), 1)
    weights: Floats = inverse_frequency_weights(examples) * (examples.sum() / filled)
    return weights


def normalized(
    values: ArrayLike, normalize: Normalize | None, unpredicted: ArrayLike | None = None
) -> Floats:
    """Divide a (weighted) matrix by its row sums, column sums or total, float64 (K, K).

    The words are those of ``sklearn.metrics.confusion_matrix``. A row, column or matrix that
    sums to zero becomes NaN, where scikit-learn puts 0: nothing is known about it. What was
    predicted as none, `unpredicted` (K,), belongs to its row and to the whole.
    """
    matrix = np.asarray(values, dtype=np.float64)
    if normalize is None:
        return matrix
    axis = {"true": 1, "pred": 0, "all": None}[normalize]
    sums = matrix.sum(axis=axis, keepdims=True)
    if unpredicted is not None and normalize != "pred":
        beside = np.asarray(unpredicted, dtype=np.float64)[:, np.newaxis]
        sums = sums + (beside if normalize == "true" else beside.sum())
    divisor = np.broadcast_to(sums, matrix.shape)
    out: Floats = np.divide(matrix, divisor, out=np.full_like(matrix, np.nan), where=divisor > 0)
    return out


def pair_indices(true: ArrayLike, predicted: ArrayLike, k: int) -> Counts:
    """Return ``true * k + predicted`` for class indices within 0 to k - 1, int64 (N,).

    Raises
    ------
    MatrixError
        If an index is out of range: negative indices would wrap around silently.
    """
    rows, columns = np.asarray(true), np.asarray(predicted)
    for indices in (rows, columns):
        # What is no number would be read as one, and fractions cut off.
        if indices.size and indices.dtype.kind not in "iub":
            raise MatrixError(f"class indices are integers; these are {indices.dtype}")
    rows, columns = rows.astype(np.int64), columns.astype(np.int64)
    if rows.shape != columns.shape or rows.ndim != 1:
        raise MatrixError(
            f"true and predicted classes must be one number an example, and have shapes "
            f"{rows.shape} and {columns.shape}"
        )
    for what, indices in (("true", rows), ("predicted", columns)):
        outside = np.flatnonzero((indices < 0) | (indices >= k))
        if outside.size:
            raise MatrixError(
                f"{what} class {int(indices[outside[0]])} at position {int(outside[0])} is none "
                f"of the {k} classes 0 to {k - 1}"
            )
    pairs: Counts = rows * k + columns
    return pairs


def _as_unpredicted(values: Any, k: int) -> Counts:
    given = np.asarray(values)
    if not given.size:
        given = np.zeros(k, np.int64)
    if given.shape != (k,):
        raise MatrixError(
            f"what was predicted as none is a count of each of the {k} classes; this one has "
            f"shape {given.shape}"
        )
    return _whole(given)


def _as_counts(values: Any) -> Counts:
    try:
        given = np.asarray(values)
    except ValueError:
        raise MatrixError("a confusion matrix is square; these rows differ in length") from None
    if given.ndim != 2 or given.shape[0] != given.shape[1] or given.shape[0] == 0:
        raise MatrixError(f"a confusion matrix is square; this one has shape {given.shape}")
    return _whole(given)


def _whole(given: NDArray[Any]) -> Counts:
    if given.dtype.kind not in "iuf":
        raise MatrixError(f"a confusion matrix holds counts; this one holds {given.dtype}")
    if given.dtype.kind == "f" and not np.array_equal(given, np.trunc(given)):
        raise MatrixError(
            "a confusion matrix holds whole numbers; this one holds fractions, "
            "as a normalized or weighted one does: give the counts"
        )
    if (given < 0).any():
        raise MatrixError("a confusion matrix holds counts; this one holds negative numbers")
    if given.size and given.max() > np.iinfo(np.int64).max:
        raise MatrixError("a confusion matrix holds counts, which fit into 64 bits; these do not")
    counts = given.astype(np.int64)
    counts.setflags(write=False)
    return counts
