"""Outcomes as they come in, by the example's place in the set, before they become parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.source import Batch, ExampleFault, Piece
from pytest_confmat.errors import DataError
from pytest_confmat.evaluation import UNPREDICTED, Part
from pytest_confmat.models.predictor import Prediction


class Outcomes:
    """Outcomes by the example's place in the set, some 15 bytes each.

    Parameters
    ----------
    total
        How many examples there are, or ``None`` if only the pass can tell.
    name
        Tells the id of the example at an index.
    """

    def __init__(self, k: int, total: int | None, name: Callable[[int], str]) -> None:
        narrow = np.min_scalar_type(k - 1)
        self._total = total
        self._name = name
        self._arrays: dict[str, NDArray[Any]] = {
            field: np.zeros(total or 0, dtype)
            for field, dtype in (
                ("seen", np.bool_),
                ("true", narrow),
                ("predicted", narrow),
                ("rank", narrow),
                ("score", np.float32),
                ("check", np.uint64),
            )
        }
        self.count = 0
        self.extent = total or 0

    @property
    def weighted(self) -> bool:
        """Whether examples have weights of their own."""
        return "weight" in self._arrays

    def misclassify(self, faults: Mapping[int, ExampleFault], k: int) -> None:
        """Store examples at fault, whose classes (and weights) are known, as predicted as none."""
        at = np.array(list(faults), np.int64)
        rows: dict[str, Any] = {
            "true": [fault.label for fault in faults.values()],
            "predicted": UNPREDICTED,
            "rank": k,
            "score": np.nan,
            "check": np.array([fault.check for fault in faults.values()], np.uint64),
            "weight": [fault.weight for fault in faults.values()],
            "seen": True,
        }
        for field in ("predicted", "rank"):
            self._arrays[field] = self._arrays[field].astype(np.min_scalar_type(-k - 1))
        self.count += len(at) - int(self._arrays["seen"][at].sum())
        for field, values in self._arrays.items():
            values[at] = rows[field]

    def add(self, batch: Batch, prediction: Prediction) -> None:
        """Store a batch's outcomes.

        Raises
        ------
        DataError
            If one of its examples was there before, or is none of the set's, or weights come
            with some batches alone.
        """
        at = self._place(batch.index)
        if self.count == 0 and batch.weights is not None:
            self._arrays["weight"] = np.zeros(len(self._arrays["seen"]))
        if ("weight" in self._arrays) != (batch.weights is not None):
            raise DataError("some batches of the set have weights and others have none")
        rows: dict[str, Any] = {
            "true": batch.labels,
            "predicted": prediction.predicted,
            "rank": prediction.rank,
            "score": prediction.score,
            "check": batch.check,
            "weight": batch.weights,
            "seen": True,
        }
        for field, values in self._arrays.items():
            # What does not fit the narrow dtype is a fault, and the pass ends without a result.
            values[at] = rows[field]
        self.count += len(batch.index)

    def _place(self, index: NDArray[np.int64]) -> NDArray[np.int64] | slice:
        """Return where a batch goes: a slice, where its examples follow one another."""
        first, last = int(index[0]), int(index[-1])
        follows = last - first == len(index) - 1 and bool((index[1:] > index[:-1]).all())
        if not follows:
            first, last = int(index.min()), int(index.max())
        if first < 0 or (self._total is not None and last >= self._total):
            outside = first if first < 0 else last
            raise DataError(f"an example came at place {outside} of a set of {self._total}")
        self._grow(last + 1)
        at = slice(first, last + 1) if follows else index
        again = self._arrays["seen"][at]
        twice = index[again] if again.any() else index[:0] if follows else _repeated(index)
        if twice.size:
            raise DataError(
                f"the example {self._name(int(twice[0]))} arrived twice: each must come once, or "
                "it would count double"
            )
        return at

    def _grow(self, extent: int) -> None:
        if extent <= self.extent:
            return
        self.extent = extent
        capacity = len(self._arrays["seen"])
        if extent > capacity:
            more = max(extent, 2 * capacity, 1024) - capacity
            for field, values in self._arrays.items():
                self._arrays[field] = np.concatenate([values, np.zeros(more, values.dtype)])

    def holds_class(self, label: int, besides: Collection[int]) -> bool:
        """Whether an example has come of this class, `besides` those at these places."""
        came = self._arrays["seen"] & (self._arrays["true"] == label)
        came[list(besides)] = False
        return bool(came.any())

    def missing(self) -> list[int]:
        """Return the places of examples that have not come."""
        return [int(i) for i in np.flatnonzero(~self._arrays["seen"][: self.extent])]

    def part(self, piece: Piece, position: int, start: int, end: int) -> Part:
        """Return the outcomes of a piece that lies at `start` to `end`."""
        names = ("true", "predicted", "score", "rank", "check", "weight")
        arrays = {name: self._arrays[name][start:end] for name in names if name in self._arrays}
        return Part(piece.id, position, piece.ids, **arrays)


def _repeated(index: NDArray[np.int64]) -> NDArray[np.int64]:
    values, times = np.unique(index, return_counts=True)
    return values[times > 1]
