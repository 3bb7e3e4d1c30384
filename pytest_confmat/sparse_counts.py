"""The cells of a square matrix that are not zero: how counts of any number of classes are held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Up to so many classes a matrix is a plain array of K x K numbers; of 20,000 that would take 3 GB.
DENSE_CLASSES = 2000

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SparseCounts:
    """Cells of a matrix (K, K), row by row and each row by columns; all others are zero.

    Attributes
    ----------
    rows, columns
        Where, int64 (n,); no cell twice.
    values
        What stands there, int64 or float64 (n,).
    k
        Number of rows and of columns.
    """

    rows: Integers
    columns: Integers
    values: NDArray[Any]
    k: int

    def __repr__(self) -> str:
        return f"<SparseCounts: {len(self.values)} cells of {self.k} x {self.k}>"

    @classmethod
    def of(cls, values: ArrayLike) -> SparseCounts:
        """Return what an array (K, K) holds."""
        dense = np.asarray(values)
        rows, columns = (places.astype(np.int64) for places in np.nonzero(dense))
        return cls(rows, columns, dense[rows, columns], len(dense))

    @classmethod
    def counted(
        cls, pairs: Integers, k: int, weights: NDArray[np.float64] | None = None
    ) -> SparseCounts:
        """Count how often each cell comes, or add up the weights of those times in their order.

        Parameters
        ----------
        pairs
            ``row * k + column``, int64 (n,).
        weights
            float64 (n,).
        """
        if k <= DENSE_CLASSES:
            dense = np.bincount(pairs, weights=weights, minlength=k * k).reshape(k, k)
            return cls.of(dense.astype(np.int64 if weights is None else np.float64))
        cells, which, times = np.unique(pairs, return_inverse=True, return_counts=True)
        values = times.astype(np.int64)
        if weights is not None:
            values = np.bincount(which, weights=weights, minlength=len(cells))
            cells, values = cells[values != 0], values[values != 0]
        return cls(cells // k, cells % k, values, k)

    def __len__(self) -> int:
        return len(self.rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SparseCounts):
            return NotImplemented
        return (
            self.k == other.k
            and np.array_equal(self._keys, other._keys)
            and np.array_equal(self.values, other.values)
        )

    def __hash__(self) -> int:
        return hash((self.k, self._keys.tobytes(), self.values.tobytes()))

    def __add__(self, other: SparseCounts) -> SparseCounts:
        """Return the sum of two matrices of whole numbers."""
        cells, which = np.unique(np.concatenate([self._keys, other._keys]), return_inverse=True)
        values = np.zeros(len(cells), np.int64)
        np.add.at(values, which, np.concatenate([self.values, other.values]))
        return SparseCounts(cells // self.k, cells % self.k, values, self.k)

    def dense(self) -> NDArray[Any]:
        """Return all cells, (K, K)."""
        cells = np.zeros((self.k, self.k), self.values.dtype)
        cells[self.rows, self.columns] = self.values
        return cells

    def at(self, rows: ArrayLike, columns: ArrayLike) -> NDArray[Any]:
        """Return what stands in these cells, zeros included; indices of shape (m,)."""
        wanted = np.asarray(rows, np.int64) * self.k + np.asarray(columns, np.int64)
        if not len(self):
            return np.zeros(wanted.shape, self.values.dtype)
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self) - 1)
        return np.where(self._keys[place] == wanted, self.values[place], self.values.dtype.type(0))

    def row(self, index: int) -> tuple[Integers, NDArray[Any]]:
        """Return the columns and the values of a row."""
        first, last = np.searchsorted(self.rows, (index, index + 1))
        return self.columns[first:last], self.values[first:last]

    def column(self, index: int) -> tuple[Integers, NDArray[Any]]:
        """Return the rows and the values of a column."""
        order, columns = self._by_column
        first, last = np.searchsorted(columns, (index, index + 1))
        chosen = order[first:last]
        return self.rows[chosen], self.values[chosen]

    @cached_property
    def row_sums(self) -> NDArray[Any]:
        """Shape (K,)."""
        return self._sums(self.rows)

    @cached_property
    def column_sums(self) -> NDArray[Any]:
        """Shape (K,)."""
        return self._sums(self.columns)

    @cached_property
    def diagonal(self) -> NDArray[Any]:
        """Shape (K,)."""
        everything = np.arange(self.k)
        return self.at(everything, everything)

    def off_diagonal(self) -> SparseCounts:
        """Return the cells that are not on the diagonal."""
        chosen = self.rows != self.columns
        return SparseCounts(self.rows[chosen], self.columns[chosen], self.values[chosen], self.k)

    def by_row(self) -> Sequence[list[list[Any]]]:
        """Return for each row its ``[column, value]``, as JSON values."""
        ends = np.searchsorted(self.rows, np.arange(self.k + 1)).tolist()
        cells = [
            list(cell) for cell in zip(self.columns.tolist(), self.values.tolist(), strict=True)
        ]
        return [cells[first:last] for first, last in pairwise(ends)]

    @cached_property
    def _keys(self) -> Integers:
        return self.rows * self.k + self.columns

    @cached_property
    def _by_column(self) -> tuple[Integers, Integers]:
        order = np.argsort(self.columns, kind="stable")
        return order, self.columns[order]

    def _sums(self, places: Integers) -> NDArray[Any]:
        # Whole numbers stay whole: bincount's weights are floats.
        sums = np.zeros(self.k, self.values.dtype)
        np.add.at(sums, places, self.values)
        return sums
