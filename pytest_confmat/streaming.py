"""The pass: one source x one or more predictors -> outcomes of parts -> evaluations.

Every example a source holds ends in exactly one of two places: among the outcomes, or among the
faults. Faults are collected and raised together; there is no evaluation of fewer examples.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import Any

import numpy as np

from pytest_confmat.assembly import assembled
from pytest_confmat.batching import joined
from pytest_confmat.data.overhearing import EAR
from pytest_confmat.data.part_plan import spans as spans_of
from pytest_confmat.data.source import Batch, SharedSource, Source
from pytest_confmat.errors import ConfmatError, ExamplesError, ModelError, RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.faults import Care
from pytest_confmat.interrupts import interrupts
from pytest_confmat.models.predictor import Prediction, Predictor
from pytest_confmat.outcomes import PartOutcomes
from pytest_confmat.remarks import warning_notes
from pytest_confmat.resuming import Kept, ProgressCallback, counting_on, resumed
from pytest_confmat.share import Share
from pytest_confmat.spec import MAX_FAULTS, OnFault
from pytest_confmat.threads import MOST_THREADS, cores, ordered_map

BATCH_BYTES = 16 * 2**20
# Whole blocks of the matrix kernels (see models.keras.BLOCK), or halves where examples are large.
BATCH_SIZES = (8, 16, 24, 48, 96, 192, 384)
UNKNOWN_BATCH = 48

NOT_PURE = (
    "the model is not pure (it keeps a state, draws at random, or is a function of the project's "
    "own), so that it must see the whole set in its order: evaluate it as a whole"
)


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
    on_fault, max_faults
        See `Care`.
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
    (found,) = evaluate_all(
        SharedSource.of(source),
        [predictor],
        classes,
        batch_sizes=[batch_size],
        provenances=[provenance],
        care=Care(on_fault, max_faults),
        progress=progress,
    )
    if isinstance(found, ConfmatError):
        raise found
    return found


def evaluate_all(
    shared: SharedSource,
    predictors: Sequence[Predictor],
    classes: tuple[str, ...],
    *,
    batch_sizes: Sequence[int | None],
    provenances: Sequence[Mapping[str, Any]],
    care: Care,
    progress: ProgressCallback | None = None,
    kept: Kept | None = None,
) -> tuple[Evaluation | ConfmatError, ...]:
    """Predict every example once with each of several models, in one pass over the set.

    Each evaluation is equal to that of its model alone.

    Parameters
    ----------
    batch_sizes, provenances
        For each model; see `evaluate`.
    kept
        Of a pass with one model: the parts that are done, which are not evaluated again. Of a
        model that is not pure none are kept.

    Returns
    -------
    For each model its evaluation, or the error that is its own.

    Raises
    ------
    ConfmatError
        What is wrong with the set as a whole, or with every model; see `evaluate`.
    """
    done, rest = resumed(shared.sources[0], predictors, classes, kept)
    made = Pass(
        shared,
        predictors,
        classes,
        batch_sizes=batch_sizes,
        care=care,
        progress=counting_on(progress, done),
        parts=rest,
    )
    results: list[list[PartOutcomes]] = [[each.outcomes for each in done] for _ in predictors]
    try:
        for number, part in _outcomes(made, rest):
            results[number].append(part)
            if kept is not None and predictors[0].is_pure:
                notes = (*shared.sources[0].notes, *predictors[0].notes)
                kept.keep(part, classes, notes)
    finally:
        if kept is not None:
            kept.close()
    before = tuple(note for each in done for note in each.notes)
    return tuple(
        share.error
        or _evaluation(share, parts, provenance, care, _notes(share, before, made.warned))
        for share, parts, provenance in zip(made.shares, results, provenances, strict=True)
    )


def _outcomes(made: Pass, rest: Sequence[str] | None) -> Generator[tuple[int, PartOutcomes]]:
    if rest is None or rest:
        with closing(made.outcomes()) as outcomes:
            yield from outcomes


def _notes(share: Share, before: Sequence[str], warned: tuple[int, str] | None) -> Sequence[str]:
    return (*before, *share.source.notes, *share.predictor.notes, *warning_notes(warned))


def _evaluation(
    share: Share,
    parts: Sequence[PartOutcomes],
    provenance: Mapping[str, Any],
    care: Care,
    notes: Sequence[str],
) -> Evaluation | ConfmatError:
    try:
        share.require_in_order()
        return assembled(
            share.source,
            share.classes,
            parts,
            care=care,
            provenance={**provenance, "batch_size": share.size},
            notes=notes,
            timing={"first_batch": share.first_batch},
        )
    except ConfmatError as error:
        return error


class Pass:
    """One pass over a set.

    Parameters
    ----------
    shared, predictors, classes, batch_sizes, progress
        See `evaluate_all`.
    parts
        The ids of the parts to evaluate; ``None``: all.

    Raises
    ------
    RequestError
        If a batch size or `care.max_faults` is less than 1, or the set has no such part.
    """

    def __init__(
        self,
        shared: SharedSource,
        predictors: Sequence[Predictor],
        classes: tuple[str, ...],
        *,
        batch_sizes: Sequence[int | None],
        care: Care,
        progress: ProgressCallback | None = None,
        parts: Collection[str] | None = None,
    ) -> None:
        numbers = [("batch size", size) for size in batch_sizes]
        for name, number in (*numbers, ("max_faults", care.max_faults)):
            if number is not None and number < 1:
                raise RequestError(f"{name} must be at least 1, and is {number}")
        self.warned: tuple[int, str] | None = None
        self._shared = shared
        self._progress = progress
        self._chosen = _chosen(shared.sources[0], parts)
        self._is_whole = len(self._chosen) == len(shared.sources[0].parts or ())
        self.shares = tuple(
            Share(source, predictor, classes, size_of(source, predictor, size), care)
            for source, predictor, size in zip(shared.sources, predictors, batch_sizes, strict=True)
        )

    def outcomes(self) -> Generator[tuple[int, PartOutcomes]]:
        """Yield the outcomes of each part as it is done, with the number of the model.

        Raises
        ------
        ConfmatError
            What is wrong with the set as a whole, or with every model.
        """
        with EAR.listening():
            yield from self._stream(self._batches())
            for share in self.shares:
                if share.error is None:
                    yield from self._stream(self._late(share))
            self.warned = EAR.unclaimed
        for number, share in enumerate(self.shares):
            if share.error is None:
                yield from ((number, part) for part in share.others(self._chosen))

    def _late(self, share: Share) -> Iterator[tuple[Share, Batch]]:
        try:
            for batch in _grouped(share.late(self._chosen), share.size):
                yield share, batch
        except ExamplesError as error:
            self._fail(share, error)

    def _stream(
        self, batches: Iterable[tuple[Share, Batch]]
    ) -> Generator[tuple[int, PartOutcomes]]:
        """Predict batches, and yield the parts that are done."""
        # Closed before an error leaves: its traceback would keep threads going.
        with (
            closing(_closable(batches)) as asked,
            closing(ordered_map(_predict, asked, self._threads)) as predicted,
            interrupts() as raise_if_interrupted,
        ):
            for (share, batch), prediction in predicted:
                raise_if_interrupted()
                if share.error is not None:
                    continue
                try:
                    if isinstance(prediction, ConfmatError):
                        raise prediction
                    done = share.add(batch, prediction)
                except (ModelError, ExamplesError) as error:
                    self._fail(share, error)
                    continue
                number = self.shares.index(share)
                yield from ((number, part) for part in done)
                if self._progress is not None and share is self.shares[0]:
                    self._progress(share.count, share.total(self._chosen))

    def _fail(self, share: Share, error: ConfmatError) -> None:
        """Go on without a model; raise if it was the last."""
        share.error = error
        if all(each.error is not None for each in self.shares):
            raise error

    def _threads(self) -> int:
        # One batch alone does not keep all cores busy: it is split only within each operation.
        return min(cores(), MOST_THREADS) if all(s.predictor.is_pure for s in self.shares) else 1

    def _batches(self) -> Generator[tuple[Share, Batch]]:
        """Yield the batches of all models, once every model has been checked with its first."""
        if any(share.predictor.is_pure is False for share in self.shares):
            yield from self._read(None)
            return
        source = self.shares[0].source
        parts = None if source.parts is None else spans_of(source.parts)
        chosen = None if parts is None else [parts[position] for position in self._chosen]
        with closing(self._read(chosen)) as batches:
            first = list(self._checked(batches))
            in_order = any(share.predictor.is_pure is False for share in self.shares)
            if not in_order or chosen is None or (self._is_whole and len(chosen) == 1):
                yield from first
                yield from batches
                return
        # What was read is read again: only now it is known that the set's order matters.
        yield from self._read(None)

    def _checked(self, batches: Iterable[tuple[Share, Batch]]) -> Iterator[tuple[Share, Batch]]:
        """Take batches until every model has been checked with its first."""
        for share, batch in batches:
            yield share, batch
            if all(each.is_checked or each.error is not None for each in self.shares):
                return

    def _read(self, spans: Sequence[range] | None) -> Generator[tuple[Share, Batch]]:
        """Read the set, or spans of it; ``None``: all, in its order."""
        if spans is None and not self._is_whole:
            raise ModelError(NOT_PURE)
        for share in self.shares:
            share.begin(spans)
        smallest = min(share.size for share in self.shares)
        with closing(self._shared.read(smallest, spans)) as chunks:
            for number, chunk in chunks:
                share = self.shares[number]
                if share.error is None:
                    yield from self._fitting(share, share.batcher.add(share.sound(chunk)))
        for share in self.shares:
            if share.error is None:
                yield from self._fitting(share, share.batcher.rest())

    def _fitting(self, share: Share, batches: Iterable[Batch]) -> Iterator[tuple[Share, Batch]]:
        for batch in batches:
            if not share.is_checked:
                try:
                    share.check(batch)
                except ModelError as error:
                    self._fail(share, error)
                    return
            yield share, batch


def size_of(source: Source, predictor: Predictor, asked: int | None) -> int:
    """Return how many examples a model is given at a time."""
    return predictor.input.batch or asked or batch_size_for(source.shape, predictor.input.dtype)


def _predict(asked: tuple[Share, Batch]) -> Prediction | ConfmatError:
    share, batch = asked
    try:
        return share.predictor.predict(batch.inputs, batch.labels)
    except ConfmatError as error:
        return error


def _chosen(source: Source, parts: Collection[str] | None) -> Sequence[int]:
    """Return the positions of the parts to evaluate.

    Raises
    ------
    RequestError
        If the set has no such part.
    """
    known = {part.id: position for position, part in enumerate(source.parts or ())}
    if parts is None:
        return range(len(known))
    for part in parts:
        if part not in known:
            raise RequestError(
                f"{source.description} has no part {part!r}: its parts are those of another set, "
                "or files of it have changed"
            )
    return sorted(known[part] for part in parts)


def _grouped(batches: Iterable[Batch], size: int) -> Iterator[Batch]:
    """Put batches of one together, so that they are predicted as the others were."""
    waiting: list[Batch] = []
    for batch in batches:
        if waiting and (len(waiting) == size or _shape(waiting[0]) != _shape(batch)):
            yield joined(waiting)
            waiting = []
        waiting.append(batch)
    if waiting:
        yield joined(waiting)


def _shape(batch: Batch) -> tuple[int, ...]:
    return tuple(np.shape(batch.inputs))


def _closable(values: Iterable[Any]) -> Generator[Any]:
    yield from values
