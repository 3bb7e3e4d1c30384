"""Outcomes as they come in, by the example's place in the set, before they become parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.data.source import Batch, ExampleFault
from pytest_confmat.errors import DataError
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.parts import ARRAYS, CLOSE, NO_VALUE, UNPREDICTED, Column, Part


@dataclass(frozen=True, eq=False)
class PartOutcomes:
    """What became of the examples of one part.

    Attributes
    ----------
    part
        An example at fault is predicted as none in it; where its class is not known, that is 0.
    faults
        By place in the part.
    traits
        See `Batch.traits`, uint8 (n,); ``None``: nothing is remarkable.
    late
        How many examples did not come with their batch, and were read one by one.
    """

    part: Part
    faults: Mapping[int, ExampleFault]
    traits: NDArray[np.uint8] | None = None
    late: int = 0


class Outcomes:
    """Outcomes by the example's place in the set, some 25 bytes each.

    Parameters
    ----------
    total
        How many examples there are, or ``None`` if only the pass can tell.
    name
        Tells the id of the example at an index.
    """

    def __init__(self, k: int, total: int | None, name: Callable[[int], str]) -> None:
        self._k = k
        self._total = total
        self._name = name
        # Wide enough for `UNPREDICTED`, and for the rank of an example at fault.
        signed, rank = np.min_scalar_type(-k - 1), np.min_scalar_type(k)
        dtypes: dict[str, Any] = {
            "seen": np.bool_,
            "true": np.min_scalar_type(k - 1),
            "predicted": signed,
            "rank": rank,
            "score": np.float32,
            "check": np.uint64,
            "runner_up": signed,
            "runner_up_score": np.float32,
            "tied": rank,
            "true_tied": np.bool_,
            "traits": np.uint8,
        }
        self._arrays: dict[str, NDArray[Any]] = {
            name: np.zeros(total or 0, dtype) for name, dtype in dtypes.items()
        }
        self._texts: dict[str, dict[str | None, int]] = {}
        self.count = 0
        self.extent = total or 0

    @property
    def weighted(self) -> bool:
        """Whether examples have weights of their own."""
        return "weight" in self._arrays

    def add(self, batch: Batch, prediction: Prediction) -> None:
        """Store a batch's outcomes.

        Raises
        ------
        DataError
            If one of its examples was there before, or is none of the set's, or weights or
            columns come with some batches alone.
        """
        at = self._place(batch.index)
        if self.count == 0:
            self._begin(batch)
        if ("weight" in self._arrays) != (batch.weights is not None):
            raise DataError("some batches of the set have weights and others have none")
        if batch.columns.keys() != self._texts.keys():
            raise DataError("some batches of the set have columns that others do not have")
        rows: dict[str, Any] = {
            **vars(prediction),
            "true": batch.labels,
            "check": batch.check,
            "weight": batch.weights,
            "traits": 0 if batch.traits is None else batch.traits,
            "seen": True,
        }
        for name, texts in batch.columns.items():
            rows[_column(name)] = self._codes(name, texts)
        for field, values in self._arrays.items():
            # What does not fit the narrow dtype is a fault, and the pass ends without a result.
            values[at] = rows[field]
        self.count += len(batch.index)

    def _begin(self, batch: Batch) -> None:
        n = len(self._arrays["seen"])
        if batch.weights is not None:
            self._arrays["weight"] = np.zeros(n)
        for name in batch.columns:
            self._texts[name] = {None: NO_VALUE}
            self._arrays[_column(name)] = np.zeros(n, np.int32)

    def _codes(self, name: str, texts: Sequence[str | None]) -> list[int]:
        known = self._texts[name]
        return [known.setdefault(text, len(known) - 1) for text in texts]

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

    def missing(self, span: range | None = None) -> list[int]:
        """Return the places of examples that have not come, of all or of a span."""
        start, stop = (0, self.extent) if span is None else (span.start, span.stop)
        return [start + int(i) for i in np.flatnonzero(~self._arrays["seen"][start:stop])]

    def classes(self, besides: Sequence[int]) -> frozenset[int]:
        """Return the true classes of what came, `besides` the examples at these places."""
        came = self._arrays["seen"].copy()
        came[list(besides)] = False
        return frozenset(np.unique(self._arrays["true"][came]).tolist())

    def part(
        self, planned: PlannedPart, position: int, start: int, faults: Mapping[int, ExampleFault]
    ) -> PartOutcomes:
        """Return the outcomes of a part that begins at place `start`.

        Parameters
        ----------
        faults
            By place in the set; those of other parts are passed over.
        """
        at = slice(start, start + len(planned))
        of = {name: values[at].copy() for name, values in self._arrays.items()}
        own = {
            place - start: fault for place, fault in faults.items() if at.start <= place < at.stop
        }
        for place, fault in own.items():
            _misclassify(of, place, fault, self._k)
        if not own:  # then all dtypes are as narrow as the classes allow
            for name in ("predicted", "rank"):
                of[name] = of[name].astype(of["true"].dtype)
        traits = of["traits"] if of["traits"].any() else None
        part = Part(
            planned.id,
            position,
            planned.ids,
            **{name: of[name] for name in (*ARRAYS, *CLOSE)},
            weight=of.get("weight"),
            columns={name: self._column_of(name, of[_column(name)]) for name in self._texts},
        )
        return PartOutcomes(part, own, traits)

    def _column_of(self, name: str, codes: NDArray[np.int32]) -> Column:
        texts = {code: text for text, code in self._texts[name].items()}
        return Column.of(texts[code] for code in codes.tolist())


def _misclassify(of: Mapping[str, NDArray[Any]], place: int, fault: ExampleFault, k: int) -> None:
    """Count an example at fault as predicted as none."""
    row = {
        "true": fault.label if fault.label is not None and 0 <= fault.label < k else 0,
        "predicted": UNPREDICTED,
        "rank": k,
        "score": np.nan,
        "check": np.uint64(fault.check),
        "weight": np.nan if fault.weight is None else fault.weight,
        "runner_up": UNPREDICTED,
        "runner_up_score": np.nan,
        "tied": 0,
        "true_tied": False,
    }
    for name, value in row.items():
        if name in of:
            of[name][place] = value


def _column(name: str) -> str:
    return f"column {name}"


def _repeated(index: NDArray[np.int64]) -> NDArray[np.int64]:
    values, times = np.unique(index, return_counts=True)
    return values[times > 1]
