"""Source x predictor -> Evaluation, in one pass.

Every example a source holds ends in exactly one of two places: among the outcomes, or among the
faults. Faults are collected and raised together; there is no evaluation of fewer examples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import accumulate
from time import perf_counter
from types import MappingProxyType
from typing import Any

import numpy as np

from pytest_confmat.data.overhearing import EAR
from pytest_confmat.data.source import Batch, ExampleFault, Piece, Source
from pytest_confmat.errors import DataError, ExamplesError, ModelError, RequestError
from pytest_confmat.evaluation import Evaluation, Fault, NumberedIds, Part
from pytest_confmat.interrupts import interrupts
from pytest_confmat.models.predictor import Prediction, Predictor
from pytest_confmat.outcomes import Outcomes
from pytest_confmat.remarks import Marks, misclassified_note, warning_notes
from pytest_confmat.spec import MAX_FAULTS, OnFault
from pytest_confmat.text import and_more, one_line
from pytest_confmat.threads import cores, ordered_map

BATCH_BYTES = 16 * 2**20
# Whole blocks of the matrix kernels (see models.keras.BLOCK), or halves where examples are large.
BATCH_SIZES = (8, 16, 24, 48, 96, 192, 384)
UNKNOWN_BATCH = 48
FAULTS_SHOWN = 20
MOST_THREADS = 4

ProgressCallback = Callable[[int, int | None], None]


def batch_size_for(shape: Sequence[int] | None, dtype: str) -> int:
    """Return the batch size for examples of `shape`: a rule of their size alone.

    The largest of `BATCH_SIZES` with which a batch takes at most 16 MiB; 48 if the shape is not
    known. Never of the machine, because a model's outputs move by some 1e-5 with the batch size.
    """
    if shape is None:
        return UNKNOWN_BATCH
    try:
        # NumPy has no bfloat16 of its own.
        width = 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
    except TypeError:
        return UNKNOWN_BATCH
    size = max(1, width * int(np.prod(shape, dtype=object)))
    fitting = BATCH_BYTES // size
    return max((each for each in BATCH_SIZES if each <= fitting), default=BATCH_SIZES[0])


def evaluate(
    source: Source,
    predictor: Predictor,
    classes: tuple[str, ...],
    *,
    batch_size: int | None = None,
    provenance: Mapping[str, Any] = MappingProxyType({}),
    on_fault: OnFault = "error",
    max_faults: int = MAX_FAULTS,
    progress: ProgressCallback | None = None,
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
    on_fault
        ``misclassified``: an example at fault counts as a wrong prediction of its class, where
        that is known; where it is not, it is an error all the same.
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
    run = _Pass(
        source,
        predictor,
        classes,
        size,
        on_fault=on_fault,
        max_faults=max_faults,
        progress=progress,
    )
    with EAR.listening():
        run.stream(source.batches(size))
        run.stream(run.missing(size))
        warned = EAR.unclaimed
    run.require_whole()
    faults = run.misclassify()
    return Evaluation(
        classes,
        run.parts(),
        {**provenance, "batch_size": size},
        (*source.notes, *predictor.notes, *warning_notes(warned), *run.notes(faults)),
        timing={"first_batch": run.first_batch},
        faults=faults,
    )


class _Pass:
    """One pass: what came, what is at fault, what is still to come."""

    def __init__(
        self,
        source: Source,
        predictor: Predictor,
        classes: Sequence[str],
        size: int,
        *,
        on_fault: OnFault,
        max_faults: int,
        progress: ProgressCallback | None,
    ) -> None:
        self.first_batch = 0.0  # seconds, with the tracing of the graph
        self._source = source
        self._predictor = predictor
        self._classes = classes
        self._k = k = len(classes)
        self._size = size
        self._on_fault = on_fault
        self._max_faults = max_faults
        self._progress = progress
        self._pieces = source.pieces
        self._ends = list(accumulate(len(piece) for piece in self._pieces or ()))
        self._total = None if self._pieces is None else sum(len(piece) for piece in self._pieces)
        self._outcomes = Outcomes(k, self._total, self._name)
        self._faults: dict[int, ExampleFault] = {}
        self._marks = Marks()
        self._foreign: dict[int, int] = {}
        self._checked = False
        self._late = 0  # examples that did not come with their batch

    def stream(self, batches: Generator[Batch]) -> None:
        """Take every batch, and hold the model against the first of all."""
        # Closed before an error leaves: its traceback would keep threads going.
        with (
            closing(batches),
            closing(ordered_map(self._predict, self._fitting(batches), self._threads)) as predicted,
            interrupts() as raise_if_interrupted,
        ):
            for batch, prediction in predicted:
                raise_if_interrupted()
                self._outcomes.add(batch, prediction)
                self._marks.add(batch.index, batch.marks)
                self._find_faults(batch, prediction)
                if self._progress is not None:
                    self._progress(self._outcomes.count, self._total)

    def _fitting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self._require_equal_lengths(batch)
            if not len(batch.labels):
                continue
            if not self._checked:
                started = perf_counter()
                self._predictor.check(batch.inputs, self._size)
                self.first_batch = perf_counter() - started
                self._checked = True
            yield batch

    def _predict(self, batch: Batch) -> Prediction:
        return self._predictor.predict(batch.inputs, batch.labels)

    def _threads(self) -> int:
        # One batch alone does not keep all cores busy: it is split only within each operation.
        return min(cores(), MOST_THREADS) if self._predictor.is_pure else 1

    def missing(self, size: int) -> Generator[Batch]:
        """Ask for each example that no batch held: one at fault must not cost its neighbors."""
        waiting: list[Batch] = []
        for index in self._outcomes.missing():
            self._late += 1
            try:
                batch = self._source.example(index)
            except DataError as error:
                self._fault(index, error)
                continue
            if batch.index.tolist() != [index]:
                raise DataError(
                    f"{self._source.description} was asked for {self._name(index)} and gave "
                    f"the examples at {batch.index.tolist()}: the source must give that one alone"
                )
            if self._predictor.is_stateful:
                continue  # too late: see `require_whole`
            if waiting and (len(waiting) == size or not _alike(waiting[0], batch)):
                yield _joined(waiting)
                waiting = []
            waiting.append(batch)
        if waiting:
            yield _joined(waiting)

    def require_whole(self) -> None:
        """Raise what was found, unless every example has its outcome, or can be given one."""
        if any(map(self._is_error, self._faults.values())):
            raise self._report(len(self._faults))
        if self._late and self._predictor.is_stateful:
            raise ModelError(
                "the model keeps a state from batch to batch, so that all examples must come in "
                f"their order, and {self._late:,} of {self._source.description} did not come with "
                "their batch: replace what is at fault, or take it out of the set"
            )
        if not self._outcomes.count:
            raise DataError(f"{self._source.description} holds no examples to judge a model by")

    def misclassify(self) -> tuple[Fault, ...]:
        """Count what is at fault as wrong predictions; return it, in the set's order."""
        if not self._faults:
            return ()
        self._outcomes.misclassify(self._faults, self._k)
        return tuple(self._listed())

    def _listed(self) -> Iterator[Fault]:
        for index, fault in sorted(self._faults.items()):
            known = fault.label is not None and 0 <= fault.label < self._k
            actual = self._classes[fault.label or 0] if known else None
            yield Fault(self._name(index), " ".join(str(fault).split()), actual)

    def notes(self, faults: Sequence[Fault]) -> Iterator[str]:
        """Tell what is remarkable of single examples."""
        noun = "example"
        if self._pieces is not None:
            numbered = any(isinstance(piece.ids, NumberedIds) for piece in self._pieces)
            noun = "record" if numbered else "file"
        yield from self._marks.notes(self._name, noun)
        if faults:
            yield misclassified_note(faults)

    def _is_error(self, fault: ExampleFault) -> bool:
        """Whether a fault cannot be counted as a wrong prediction."""
        weightless = self._outcomes.weighted and fault.weight is None
        return not self._counts_faults or fault.label is None or weightless

    @property
    def _counts_faults(self) -> bool:
        """Whether faults may count as wrong: not if nothing at all could be predicted."""
        return self._on_fault == "misclassified" and self._outcomes.extent > len(self._faults)

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
        n = len(batch.labels)
        if len(batch.inputs) == n == len(batch.index) == len(batch.check) and (
            batch.weights is None or len(batch.weights) == n
        ):
            return
        names = ("inputs", "labels", "index", "check", "weights")
        columns = {name: getattr(batch, name) for name in names}
        listing = ", ".join(f"{len(c)} {name}" for name, c in columns.items() if c is not None)
        raise DataError(f"a batch of {self._source.description} does not fit itself: {listing}")

    def _find_faults(self, batch: Batch, prediction: Prediction) -> None:
        named = (batch.labels >= 0) & (batch.labels < self._k)
        fine = named & prediction.valid
        if batch.weights is not None:
            fine &= np.isfinite(batch.weights) & (batch.weights >= 0)
        if fine.all():
            return
        for at in np.flatnonzero(~fine):
            index, label, check = (int(of[at]) for of in (batch.index, batch.labels, batch.check))
            weight = None if batch.weights is None else float(batch.weights[at])
            if not named[at]:
                self._foreign[index] = label
                self._fault(index, self._label_fault(label, index))
            elif weight is not None and not (np.isfinite(weight) and weight >= 0):
                reason = f"weight {weight} is not a finite number of at least 0"
                self._fault(index, ExampleFault(reason, label, check))
            else:
                reason = "has a score from the model that is NaN or infinite"
                self._fault(index, ExampleFault(reason, label, check, weight))

    def _label_fault(self, label: int, index: int) -> DataError:
        if label == -1 and self._pieces is not None:
            # The source says so of a label that names no class, and knows what it was.
            try:
                self._source.example(index)
            except DataError as error:
                return error
        said, offset = f"label {label}", self._source.offset
        if offset:  # the number as the data hold it, so that it can be found there
            said = f"label {label + offset} minus offset {offset} is {label}, which"
        return DataError(f"{said} is none of the {self._k} classes (0 to {self._k - 1})")

    def _fault(self, index: int, error: DataError) -> None:
        if len(self._faults) == self._max_faults:
            raise self._report(None)
        fault = error if isinstance(error, ExampleFault) else ExampleFault(str(error))
        self._faults[index] = fault

    def _report(self, number: int | None) -> ExamplesError:
        """Return the error that lists the faults: all there are, or more if `number` is None."""
        total = self._total if number is None else self._outcomes.extent
        of = "" if total is None else f" of {total:,}"
        many = f"more than {self._max_faults:,}" if number is None else f"{number:,}"
        noun = "example" if total == 1 else "examples"
        # Those that could be counted all the same come last.
        ordered = sorted(
            self._faults, key=lambda index: (not self._is_error(self._faults[index]), index)
        )
        shown = ordered[:FAULTS_SHOWN]
        names = [one_line(self._name(index)) for index in shown]
        width = min(48, max(len(name) for name in names))
        lines = [
            f"{many}{of} {noun} cannot be used: fix them, or take them out of the set "
            f"({self._source.description})",
            *(
                f"  {name:{width}}   {' '.join(str(self._faults[index]).split())}"
                for name, index in zip(names, shown, strict=True)
            ),
        ]
        if number is None:
            lines.append(f"  and more: stopped after {self._max_faults:,} faults")
        elif number > len(shown):
            lines.append(f"  {and_more(number - len(shown))}")
        if len(ordered) > len(shown):
            lines.append(f"  confmat.json lists all {len(ordered):,} of them: --confmat-report DIR")
        if hint := self._offset_hint():
            lines.append(hint)
        if number is not None and self._on_fault == "misclassified":
            lines.append(self._why_not_misclassified())
        faults = ((fault.id, fault.reason, fault.actual) for fault in self._listed())
        return ExamplesError("\n".join(lines), faults)

    def _offset_hint(self) -> str | None:
        """Say so where the labels out of range look as if counted from another number."""
        offset = self._source.offset
        for stray, missing, change in ((self._k, 0, 1), (-1, self._k - 1, -1)):
            only = set(self._foreign.values()) == {stray}
            if only and not self._outcomes.holds_class(missing, self._foreign):
                fits = f"offset: {offset + change} in dataset.label would make them fit"
                if self._pieces is None:  # batches, of which no policy says an offset
                    fits = f"{'subtract' if change > 0 else 'add'} 1 to make them fit"
                return (
                    f"  no label is {missing + offset}, as if they were counted from "
                    f"{change + offset}: {fits}"
                )
        return None

    def _why_not_misclassified(self) -> str:
        if not self._counts_faults:
            return "  on_fault: misclassified needs an example that can be used, and there is none"
        unknown = sum(self._is_error(fault) for fault in self._faults.values())
        what = "class or weight" if self._outcomes.weighted else "class"
        whose = f"the {what} of {unknown:,} of them is" if unknown > 1 else f"the {what} of one is"
        return f"  on_fault: misclassified cannot count them all: {whose} not known"

    def _name(self, index: int) -> str:
        """Return the id of the example at `index`."""
        if self._pieces is None:
            return f"#{index}"
        at = bisect_right(self._ends, index)
        return self._pieces[at].ids[index - (self._ends[at] - len(self._pieces[at]))]


def _alike(one: Batch, other: Batch) -> bool:
    return tuple(np.shape(one.inputs)) == tuple(np.shape(other.inputs))


def _joined(batches: Sequence[Batch]) -> Batch:
    """Return batches of one as one, so that they are predicted as the others were."""
    weights = [batch.weights for batch in batches if batch.weights is not None]
    marks = [np.zeros(1, np.uint8) if batch.marks is None else batch.marks for batch in batches]
    return Batch(
        np.concatenate([np.asarray(batch.inputs) for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
        np.concatenate([batch.index for batch in batches]),
        np.concatenate([batch.check for batch in batches]),
        np.concatenate(weights) if len(weights) == len(batches) else None,
        np.concatenate(marks),
    )
