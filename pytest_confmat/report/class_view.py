"""What several reports need to know of a result's classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from pytest_confmat.limits import Bound, Limit, Weighting
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.metrics import MetricCounts
from pytest_confmat.result import GateResult


@dataclass(frozen=True)
class ClassView:
    """The classes of a result, as its tables and pictures need them.

    Attributes
    ----------
    matrix
        The counts.
    bounds
        Bounds by metric and class; those on a diagonal that is recall stand under recall.
    intervals
        Bounds of the true recall, by class that has a limit on it.
    exempt
        Classes without a limit on their recall, as the policy says.
    failed
        Indices of classes named by a limit that did not pass.
    cells
        Indices (row, column) of confusions that break a limit.
    changes
        By how much the recall of each class rose since the baseline, in the matrix's order, of
        which ``None`` is not known; empty: there is no baseline.
    """

    matrix: ConfusionMatrix
    bounds: Mapping[tuple[str, str], tuple[Bound, ...]] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    exempt: frozenset[str] = frozenset()
    failed: frozenset[int] = frozenset()
    cells: frozenset[tuple[int, int]] = frozenset()
    changes: tuple[Fraction | None, ...] = ()

    def value(self, metric: str, index: int) -> Fraction | None:
        """Return a metric of the class at `index`; ``None`` where it is undefined."""
        return self._counts.per_class(metric, index).value

    @cached_property
    def _counts(self) -> MetricCounts:
        return MetricCounts(self.matrix)


def class_view(result: GateResult, matrix: ConfusionMatrix) -> ClassView:
    """Return what the verdicts of `result` say about the classes of `matrix`."""
    known = {name: index for index, name in enumerate(matrix.classes)}
    bounds: dict[tuple[str, str], tuple[Bound, ...]] = {}
    intervals: dict[str, tuple[float, float]] = {}
    failed: set[int] = set()
    cells: set[tuple[int, int]] = set()
    for verdict in result.verdicts:
        limit = verdict.limit
        of_class = limit.actual is not None and limit.metric != "confusion"
        if limit.actual is not None and of_class and limit.against == "value":
            key = _metric(limit), limit.actual
            bounds[key] = (*bounds.get(key, ()), limit.bound)
            if key[0] == "recall" and verdict.interval is not None:
                intervals.setdefault(limit.actual, verdict.interval)
        if not verdict.blocks:
            continue
        pairs = [(actual, predicted) for actual, predicted, *_ in verdict.cells]
        if limit.actual is not None and limit.predicted is not None:
            pairs.append((limit.actual, limit.predicted))
        if limit.actual in known:
            failed.add(known[limit.actual])
        cells.update((known[a], known[p]) for a, p in pairs if a in known and p in known)
    exempt = frozenset(e.actual for e in result.exemptions if e.metric == "recall")
    changes = () if result.changes is None else result.changes.recall
    return ClassView(
        matrix,
        bounds,
        intervals,
        exempt,
        frozenset(failed),
        frozenset(cells),
        tuple(None if change is None else change.difference for change in changes),
    )


def confusions(matrix: ConfusionMatrix) -> list[tuple[int, int]]:
    """Return the cells off the diagonal that are not empty, most examples first.

    Of equal counts the greater share of its row stands first, then the matrix's order decides.
    """
    off = matrix.cells.off_diagonal()
    order = np.lexsort((off.columns, off.rows, matrix.support[off.rows], -off.values))
    return list(zip(off.rows[order].tolist(), off.columns[order].tolist(), strict=True))


def all_notes(result: GateResult) -> tuple[str, ...]:
    """Return the notes of a result and of its evaluation, each once."""
    found = () if result.evaluation is None else result.evaluation.notes
    return tuple(dict.fromkeys((*result.notes, *found)))


def weightings(result: GateResult) -> tuple[Weighting, ...]:
    """Return the weightings that limits of a result use and its evaluation allows, each once."""
    used = (verdict.limit.weighting for verdict in result.verdicts)
    unknown = result.evaluation is None or result.evaluation.sample_weighted is None
    return tuple(
        dict.fromkeys(
            weighting
            for weighting in used
            if weighting is not None and not (weighting.weights == "sample" and unknown)
        )
    )


def _metric(limit: Limit) -> str:
    weighting = limit.weighting
    is_recall = (
        weighting is not None
        and weighting.weights == "inverse_frequency"
        and weighting.normalize is None
    )
    return "recall" if is_recall else limit.metric
