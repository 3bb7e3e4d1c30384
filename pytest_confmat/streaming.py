"""Source x predictor -> Evaluation, in one pass.

Every example a source holds ends in exactly one of two places: among the outcomes, or among the
faults. Faults are collected and raised together; there is no evaluation of fewer examples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.source import Batch, Piece, Source
from pytest_confmat.errors import DataError, RequestError
from pytest_confmat.evaluation import Evaluation, NumberedIds, Part
from pytest_confmat.limits import one_line
from pytest_confmat.models.predictor import Prediction, Predictor

BATCH_BYTES = 32 * 2**20
SMALLEST_BATCH, LARGEST_BATCH, UNKNOWN_BATCH = 8, 512, 32
FAULTS_SHOWN = 20

Progress = Callable[[int, int | None], None]


def batch_size_for(shape: Sequence[int] | None, dtype: str) -> int:
    """Return the batch size for examples of `shape`: a rule of their size alone.

    The largest power of two with which a batch takes at most 32 MiB, from 8 to 512; 32 if the
    shape is not known. Never of the machine, because a model's outputs move by some 1e-5 with
    the batch size.
    """
    if shape is None:
        return UNKNOWN_BATCH
    try:
        # NumPy has no bfloat16 of its own.
        width = 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
    except TypeError:
        return UNKNOWN_BATCH
    size = max(1, width * int(np.prod(shape, dtype=object)))
    fitting = max(1, BATCH_BYTES // size)
    return min(LARGEST_BATCH, max(SMALLEST_BATCH, 1 << (fitting.bit_length() - 1)))


def evaluate(
    source: Source,
    predictor: Predictor,
    classes: tuple[str, ...],
    *,
    batch_size: int | None = None,
    provenance: Mapping[str, Any] = MappingProxyType({}),
    max_faults: int = 100,
    progress: Progress | None = None,
) -> Evaluation:
    """Predict every example of a source once.

    Parameters
    ----------
    classes
        Names, in the order of the model's outputs.
    batch_size
        Instead of `batch_size_for`'s. A batch size that the model insists on goes before both.
    provenance
        What was evaluated with what; ``batch_size`` is added.
    max_faults
        How many faulty examples are collected before the pass is given up.
    progress
        Called after each batch with the number of examples seen, and of how many if known.

    Raises
    ------
    DataError
        If examples are at fault, arrive twice or not at all, or there are none.
    ModelError
        If the model does not fit the data or the classes, or fails.
    RequestError
        If `batch_size` or `max_faults` is less than 1.
    """
    for name, number in (("batch size", batch_size), ("max_faults", max_faults)):
        if number is not None and number < 1:
            raise RequestError(f"{name} must be at least 1, and is {number}")
    size = (
        predictor.input.batch or batch_size or batch_size_for(source.shape, predictor.input.dtype)
    )
    run = _Pass(source, predictor, len(classes), max_faults, progress)
    run.stream(source.batches(size))
    run.stream(run.missing(size))
    run.require_whole()
    notes = (*source.notes, *predictor.notes)
    return Evaluation(classes, run.parts(), {**provenance, "batch_size": size}, notes)


class _Pass:
    """One pass: what came, what is at fault, what is still to come."""

    def __init__(
        self,
        source: Source,
        predictor: Predictor,
        k: int,
        max_faults: int,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._predictor = predictor
        self._k = k
        self._max_faults = max_faults
        self._progress = progress
        self._pieces = source.pieces
        self._ends = list(accumulate(len(piece) for piece in self._pieces or ()))
        self._total = None if self._pieces is None else sum(len(piece) for piece in self._pieces)
        self._outcomes = _Outcomes(k, self._total, self._name)
        self._faults: dict[int, str] = {}
        self._checked = False

    def stream(self, batches: Iterable[Batch]) -> None:
        """Take every batch, and hold the model against the first of all."""
        for batch in batches:
            self._require_equal_lengths(batch)
            if not len(batch.labels):
                continue
            if not self._checked:
                self._predictor.check(batch.inputs)
                self._checked = True
            prediction = self._predictor.predict(batch.inputs, batch.labels)
            self._outcomes.add(batch, prediction)
            self._find_faults(batch, prediction)
            if self._progress is not None:
                self._progress(self._outcomes.count, self._total)

    def missing(self, size: int) -> Iterator[Batch]:
        """Ask for each example that no batch held: one at fault must not cost its neighbours."""
        waiting: list[Batch] = []
        for index in self._outcomes.missing():
            try:
                batch = self._source.example(index)
            except DataError as error:
                self._fault(index, str(error))
                continue
            if batch.index.tolist() != [index]:
                raise DataError(
                    f"{self._source.description} was asked for {self._name(index)} and gave "
                    f"the examples at {batch.index.tolist()}: the source must give that one alone"
                )
            if waiting and (len(waiting) == size or not _alike(waiting[0], batch)):
                yield _joined(waiting)
                waiting = []
            waiting.append(batch)
        if waiting:
            yield _joined(waiting)

    def require_whole(self) -> None:
        """Raise what was found, unless every example has its outcome."""
        if self._faults:
            raise self._report(len(self._faults))
        if not self._outcomes.count:
            raise DataError(f"{self._source.description} holds no examples to judge a model by")

    def parts(self) -> tuple[Part, ...]:
        """Return the outcomes, piece by piece."""
        pieces = self._pieces
        if pieces is None:
            pieces = (Piece("", NumberedIds("", self._outcomes.count)),)
        ends = list(accumulate(len(piece) for piece in pieces))
        return tuple(
            self._outcomes.part(piece, position, end - len(piece), end)
            for position, (piece, end) in enumerate(zip(pieces, ends, strict=True))
        )

    def _require_equal_lengths(self, batch: Batch) -> None:
        lengths = {
            name: len(values)
            for name in ("inputs", "labels", "index", "check", "weights")
            if (values := getattr(batch, name)) is not None
        }
        if len(set(lengths.values())) > 1:
            listing = ", ".join(f"{number} {name}" for name, number in lengths.items())
            raise DataError(f"a batch of {self._source.description} does not fit itself: {listing}")

    def _find_faults(self, batch: Batch, prediction: Prediction) -> None:
        named = (batch.labels >= 0) & (batch.labels < self._k)
        fine = named & prediction.valid
        if batch.weights is not None:
            fine &= np.isfinite(batch.weights) & (batch.weights >= 0)
        if fine.all():
            return
        for at in np.flatnonzero(~fine):
            index = int(batch.index[at])
            if not named[at]:
                self._fault(index, self._label_fault(int(batch.labels[at]), index))
            elif not prediction.valid[at]:
                self._fault(index, "a score that the model gives it is NaN or infinite")
            elif batch.weights is not None:
                weight = float(batch.weights[at])
                self._fault(index, f"weight {weight} is not a finite number of at least 0")

    def _label_fault(self, label: int, index: int) -> str:
        if label == -1 and self._pieces is not None:
            # The source says so of a label that names no class, and knows what it was.
            try:
                self._source.example(index)
            except DataError as error:
                return str(error)
        return f"label {label} is none of the {self._k} classes (0 to {self._k - 1})"

    def _fault(self, index: int, reason: str) -> None:
        if len(self._faults) == self._max_faults:
            raise self._report(None)
        self._faults[index] = reason

    def _report(self, number: int | None) -> DataError:
        """Return the error that lists the faults: all there are, or more if `number` is None."""
        total = self._total if number is None else self._outcomes.extent
        of = "" if total is None else f" of {total:,}"
        many = f"more than {self._max_faults:,}" if number is None else f"{number:,}"
        noun = "example" if total == 1 else "examples"
        shown = sorted(self._faults.items())[:FAULTS_SHOWN]
        names = [one_line(self._name(index)) for index, _ in shown]
        width = min(48, max(len(name) for name in names))
        lines = [
            f"{many}{of} {noun} of {self._source.description} cannot be used: mend them, or "
            "take them out of the set",
            *(
                f"  {name:{width}}   {' '.join(reason.split())}"
                for name, (_, reason) in zip(names, shown, strict=True)
            ),
        ]
        if number is None:
            lines.append(f"  and more: stopped after {self._max_faults:,} faults")
        elif number > len(shown):
            lines.append(f"  and {number - len(shown):,} more")
        return DataError("\n".join(lines))

    def _name(self, index: int) -> str:
        """Return the id of the example at `index`."""
        if self._pieces is None:
            return f"#{index}"
        at = bisect_right(self._ends, index)
        return self._pieces[at].ids[index - (self._ends[at] - len(self._pieces[at]))]


class _Outcomes:
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
        first, last = int(index.min()), int(index.max())
        if first < 0 or (self._total is not None and last >= self._total):
            outside = first if first < 0 else last
            raise DataError(f"an example came at place {outside} of a set of {self._total}")
        self._grow(last + 1)
        follows = index[1:] - index[:-1] == 1
        at = slice(first, last + 1) if follows.all() else index
        twice = index[self._arrays["seen"][at]]
        if at is index and not twice.size:
            twice = _repeated(index)
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


def _alike(one: Batch, other: Batch) -> bool:
    return tuple(np.shape(one.inputs)) == tuple(np.shape(other.inputs))


def _joined(batches: Sequence[Batch]) -> Batch:
    """Return batches of one as one, so that they are predicted as the others were."""
    weights = [batch.weights for batch in batches if batch.weights is not None]
    return Batch(
        np.concatenate([np.asarray(batch.inputs) for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
        np.concatenate([batch.index for batch in batches]),
        np.concatenate([batch.check for batch in batches]),
        np.concatenate(weights) if len(weights) == len(batches) else None,
    )
