"""What one model of a pass has seen: the outcomes of its examples, and what is at fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter

import numpy as np

from pytest_confmat.batching import Batcher
from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.data.part_plan import spans as spans_of
from pytest_confmat.data.source import Batch, ExampleFault, Source
from pytest_confmat.errors import ConfmatError, DataError, ModelError
from pytest_confmat.example_ids import JoinedIds, NumberedIds
from pytest_confmat.faults import Care, FaultySet
from pytest_confmat.models.predictor import Prediction, Predictor
from pytest_confmat.outcomes import Outcomes, PartOutcomes


class Share:
    """One model's share of a pass.

    Parameters
    ----------
    source, predictor, classes
        The set as the model sees it, the model, and the names of its outputs.
    size
        Examples a batch.
    care
        What is done about examples at fault.
    """

    def __init__(
        self,
        source: Source,
        predictor: Predictor,
        classes: tuple[str, ...],
        size: int,
        care: Care,
    ) -> None:
        self.source = source
        self.predictor = predictor
        self.classes = classes
        self.size = size
        self.batcher = Batcher(size)
        self.first_batch = 0.0  # seconds, with the tracing of the graph
        self.is_checked = False
        self.error: ConfmatError | None = None
        self._care = care
        parts = source.parts
        self._spans = None if parts is None else spans_of(parts)
        self._ids = None if parts is None else JoinedIds(tuple(part.ids for part in parts))
        total = None if parts is None else sum(map(len, parts))
        self._outcomes = Outcomes(len(classes), total, self.name)
        self._waiting = [len(part) for part in parts or ()]
        self._faults: dict[int, ExampleFault] = {}
        self._late = 0

    @property
    def count(self) -> int:
        """How many examples have come."""
        return self._outcomes.count

    def total(self, chosen: Sequence[int]) -> int | None:
        """Return how many examples the `chosen` parts have, if that is known."""
        return None if self._spans is None else sum(len(self._spans[at]) for at in chosen)

    def name(self, index: int) -> str:
        """Return the id of the example at a place of the set."""
        return f"#{index}" if self._ids is None else self._ids[index]

    def begin(self, spans: Sequence[range] | None) -> None:
        """Expect a pass over `spans`; ``None``: over all, in the set's order."""
        in_parts = spans if self.predictor.is_pure is not False else None
        # A model that may see parts by themselves sees them so also beside one that may not.
        if in_parts is None and self.predictor.is_pure:
            in_parts = self._spans
        whole = None if self._spans is None else [range(sum(map(len, self._spans)))]
        self.batcher = Batcher(self.size, in_parts or whole)

    def check(self, batch: Batch) -> None:
        """Compare the model with its first batch.

        Raises
        ------
        ModelError
            If it does not fit.
        """
        started = perf_counter()
        self.predictor.check(batch.inputs, self.size)
        self.first_batch = perf_counter() - started
        self.is_checked = True

    def sound(self, batch: Batch) -> Batch:
        """Return a batch whose columns are of one length.

        Raises
        ------
        DataError
            If they are not.
        """
        n = len(batch.labels)
        columns = {
            **{name: getattr(batch, name) for name in ("inputs", "labels", "index", "check")},
            "weights": batch.weights,
            **batch.columns,
        }
        if all(column is None or len(column) == n for column in columns.values()):
            return batch
        listing = ", ".join(f"{len(c)} {name}" for name, c in columns.items() if c is not None)
        raise DataError(f"a batch of {self.source.description} does not fit itself: {listing}")

    def add(self, batch: Batch, prediction: Prediction) -> list[PartOutcomes]:
        """Take the outcomes of a batch; return those of the parts that are done with it.

        Raises
        ------
        DataError
            If an example came twice, or there are more than `max_faults` at fault.
        """
        self._outcomes.add(batch, prediction)
        self._find_faults(batch, prediction)
        if self._spans is None:
            return []
        ends = [span.stop for span in self._spans]
        done = []
        positions = np.searchsorted(ends, batch.index, side="right")
        for position, number in zip(*np.unique(positions, return_counts=True), strict=True):
            self._waiting[position] -= int(number)
            if not self._waiting[position]:
                done.append(self._part(int(position)))
        return done

    def others(self, chosen: Sequence[int]) -> Iterator[PartOutcomes]:
        """Yield the parts that `add` did not return, once all has come that comes."""
        if self._spans is None:
            count = self._outcomes.count
            yield self._outcomes.part(PlannedPart("", NumberedIds("", count)), 0, 0, self._faults)
            return
        yield from (
            self._part(at) for at in chosen if self._waiting[at] or not len(self._spans[at])
        )

    def _part(self, position: int) -> PartOutcomes:
        parts, spans = self.source.parts, self._spans
        assert parts is not None and spans is not None  # noqa: PT018 (asked only of a set in parts)
        return self._outcomes.part(parts[position], position, spans[position].start, self._faults)

    def late(self, chosen: Sequence[int]) -> Iterator[Batch]:
        """Ask for each example that no batch held: one at fault must not cost its neighbors.

        Raises
        ------
        DataError
            If the source gives another example, or there are more than `max_faults` at fault.
        """
        spans: Sequence[range | None]
        spans = [None] if self._spans is None else [self._spans[position] for position in chosen]
        for span in spans:
            for index in self._outcomes.missing(span):
                self._late += 1
                batch = self._example(index)
                # Of a model with a state it is too late: see `require_in_order`.
                if batch is not None and not self.predictor.is_stateful:
                    yield batch

    def _example(self, index: int) -> Batch | None:
        try:
            batch = self.source.example(index)
        except DataError as error:
            self._fault(index, error)
            return None
        if batch.index.tolist() != [index]:
            raise DataError(
                f"{self.source.description} was asked for {self.name(index)} and gave "
                f"the examples at {batch.index.tolist()}: the source must give that one alone"
            )
        return batch

    def require_in_order(self) -> None:
        """Refuse the outcomes of a model with a state that did not see all examples in order.

        Raises
        ------
        ModelError
            If examples did not come with their batch.
        ExamplesError
            If examples are at fault, which is what has to be fixed first.
        """
        if not self._late or not self.predictor.is_stateful:
            return
        found, number = self._faulty_set(), len(self._faults)
        if any(found.is_error(fault, number) for fault in self._faults.values()):
            raise found.error(self._faults)
        raise ModelError(
            "the model keeps a state from batch to batch, so that all examples must come in "
            f"their order, and {self._late:,} of {self.source.description} did not come with "
            "their batch: replace what is at fault, or take it out of the set"
        )

    def _find_faults(self, batch: Batch, prediction: Prediction) -> None:
        k = len(self.classes)
        named = (batch.labels >= 0) & (batch.labels < k)
        fine = named & prediction.valid
        if batch.weights is not None:
            fine &= np.isfinite(batch.weights) & (batch.weights >= 0)
        if fine.all():
            return
        for at in np.flatnonzero(~fine):
            index, label, check = (int(of[at]) for of in (batch.index, batch.labels, batch.check))
            weight = None if batch.weights is None else float(batch.weights[at])
            if not named[at]:
                self._fault(index, self._label_fault(label, index))
            elif weight is not None and not (np.isfinite(weight) and weight >= 0):
                reason = f"weight {weight} is not a finite number of at least 0"
                self._fault(index, ExampleFault(reason, label, check))
            else:
                reason = "has a score from the model that is NaN or infinite"
                self._fault(index, ExampleFault(reason, label, check, weight))

    def _label_fault(self, label: int, index: int) -> ExampleFault:
        if label == -1 and self._spans is not None:
            # The source says so of a label that names no class, and knows what it was.
            try:
                self.source.example(index)
            except ExampleFault as error:
                error.stray = label
                return error
            except DataError as error:
                return ExampleFault(str(error), stray=label)
        subject, offset, k = f"label {label}", self.source.offset, len(self.classes)
        if offset:  # the number as the data hold it, so that it can be found there
            subject = f"label {label + offset} minus offset {offset} is {label}, which"
        return ExampleFault(f"{subject} is none of the {k} classes (0 to {k - 1})", stray=label)

    def _fault(self, index: int, error: DataError) -> None:
        if len(self._faults) == self._care.max_faults:
            raise self._faulty_set().error(self._faults, gave_up=True)
        fault = error if isinstance(error, ExampleFault) else ExampleFault(str(error))
        self._faults[index] = fault

    def _faulty_set(self) -> FaultySet:
        return FaultySet(
            source=self.source,
            classes=self.classes,
            name=self.name,
            care=self._care,
            extent=self._outcomes.extent,
            is_weighted=self._outcomes.weighted,
            present=self._outcomes.classes(list(self._faults)),
        )
