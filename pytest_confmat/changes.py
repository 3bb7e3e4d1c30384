"""What changed between two models on the same examples, cell by cell of the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.evidence.proof import Pairs

Counts = dict[tuple[int, int], int]


@dataclass(frozen=True, eq=False)
class Changes:
    """How many common examples moved into each cell (true class, predicted class), or out of it."""

    comparison: Comparison

    @cached_property
    def came(self) -> Counts:
        """Examples in each cell by the new model that the baseline had in another."""
        return self._cells(self.comparison.now)

    @cached_property
    def left(self) -> Counts:
        """Examples in each cell by the baseline that the new model has in another."""
        return self._cells(self.comparison.before)

    @cached_property
    def support(self) -> list[int]:
        """Common examples of each class."""
        k = len(self.comparison.classes)
        return [int(n) for n in np.bincount(self.comparison.true, minlength=k)]

    @property
    def total(self) -> int:
        """Common examples."""
        return len(self.comparison)

    def recall(self, index: int) -> Pairs:
        """Pairs of one class's examples, right or wrong."""
        cell = (index, index)
        return Pairs(self.left.get(cell, 0), self.came.get(cell, 0), self.support[index])

    def confusion(self, actual: int, predicted: int) -> Pairs:
        """Pairs of one class's examples, predicted as the other (wrong) or not."""
        cell = (actual, predicted)
        return Pairs(self.came.get(cell, 0), self.left.get(cell, 0), self.support[actual])

    def specificity(self, index: int) -> Pairs:
        """Pairs of all other classes' examples, predicted as this one (wrong) or not."""
        return Pairs(
            self._foreign_came.get(index, 0),
            self._foreign_left.get(index, 0),
            self.total - self.support[index],
        )

    def accuracy(self) -> Pairs:
        """Pairs of all examples, right or wrong."""
        worse, better = self.comparison.newly_wrong, self.comparison.newly_right
        return Pairs(int(np.sum(worse)), int(np.sum(better)), self.total)

    def top_k(self, k: int) -> Pairs:
        """Pairs of all examples, with their class among the first `k` or not."""
        k = min(k, len(self.support))  # the rank of what was predicted as none
        before, now = self.comparison.rank_before < k, self.comparison.rank_now < k
        return Pairs(int(np.sum(before & ~now)), int(np.sum(now & ~before)), self.total)

    @cached_property
    def _foreign_came(self) -> dict[int, int]:
        return _by_column(self.came)

    @cached_property
    def _foreign_left(self) -> dict[int, int]:
        return _by_column(self.left)

    def _cells(self, predicted: NDArray[np.int64]) -> Counts:
        moved = self.comparison.flipped & (predicted >= 0)
        k = len(self.comparison.classes)
        codes, counts = np.unique(
            self.comparison.true[moved] * k + predicted[moved], return_counts=True
        )
        pairs = zip(codes.tolist(), counts.tolist(), strict=True)
        return {divmod(code, k): count for code, count in pairs}


def _by_column(cells: Counts) -> dict[int, int]:
    columns: dict[int, int] = {}
    for (actual, predicted), count in cells.items():
        if actual != predicted:
            columns[predicted] = columns.get(predicted, 0) + count
    return columns
