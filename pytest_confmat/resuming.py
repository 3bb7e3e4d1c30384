"""A pass that goes on where an earlier one ended: what it need not evaluate again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.data.source import Source
from pytest_confmat.models.predictor import Predictor
from pytest_confmat.outcomes import PartOutcomes

ProgressCallback = Callable[[int, int | None], None]


@dataclass(frozen=True, eq=False)
class Done:
    """A part that is done, with the notes that were known by then."""

    outcomes: PartOutcomes
    notes: tuple[str, ...]


class Kept(Protocol):
    """Keeps parts as they are done, for a pass over the same set that goes on where it ended."""

    @property
    def resumed(self) -> int:
        """How many were done before."""

    def done(
        self,
        parts: Sequence[PlannedPart],
        classes: tuple[str, ...],
        asked: Collection[str] | None = None,
    ) -> Mapping[str, Done]:
        """Return what is done of a set's `parts`, or of those of the ids `asked`, by id."""

    def keep(
        self, outcomes: PartOutcomes, classes: tuple[str, ...], notes: tuple[str, ...]
    ) -> None:
        """Keep a part that is done."""

    def close(self) -> None:
        """Keep what has not been written yet, however the pass ended."""

    def forget(self) -> None:
        """Remove what was asked for or kept, once it is elsewhere."""


def resumed(
    source: Source,
    predictors: Sequence[Predictor],
    classes: tuple[str, ...],
    kept: Kept | None,
) -> tuple[Sequence[Done], Sequence[str] | None]:
    """Return the parts that are done, and the ids of those that are not; ``None``: all."""
    if (
        kept is None
        or source.parts is None
        or len(predictors) > 1
        or predictors[0].is_pure is False
    ):
        return (), None
    done = kept.done(source.parts, classes)
    if not done:
        return (), None
    return tuple(done.values()), [part.id for part in source.parts if part.id not in done]


def counting_on(progress: ProgressCallback | None, done: Sequence[Done]) -> ProgressCallback | None:
    """Return what counts the examples of a pass on from those that were done before."""
    before = sum(len(each.outcomes.part) for each in done)
    if progress is None or not before:
        return progress
    return lambda seen, total: progress(before + seen, None if total is None else before + total)
