"""The number of each limit: its value, the counts behind it, and the test of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.changes import Changes
from pytest_confmat.evaluation import Evaluation, weighted_counts
from pytest_confmat.evidence.proof import Cells, F1Share, Pairs, Share, Test
from pytest_confmat.limits import FLIPS, Limit, Weighting
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.metric import TOP_K, counting_of, metric_called
from pytest_confmat.metrics import NO_EXAMPLES, Measured, MetricCounts

NO_COMMON = "none of its examples is in the baseline"
NO_BASELINE = "there is no baseline to compare with"


@dataclass(frozen=True)
class Cell:
    """An off-diagonal cell: class indices, examples in it, examples of the true class.

    Against a baseline `count` is how many more they are than before.
    """

    actual: int
    predicted: int
    count: int
    support: int

    @property
    def share(self) -> Fraction:
        """The share of the true class's examples."""
        return Fraction(self.count, self.support)


@dataclass(frozen=True)
class Measurement:
    """The number of one limit.

    Attributes
    ----------
    measured
        The value, the counts whose ratio it is, or why there is none. Against a baseline it is
        the drop (the rise of a confusion).
    test
        ``None`` where there is only an estimate, or no value.
    trials
        The denominator that ``min_support`` is about.
    support
        Examples behind the number: of the class, or of the whole set.
    unpredicted
        How many of them are at fault and count as misclassified.
    cells
        For ``confusions``: those that are not empty (that rose), worst first.
    before, now
        Against a baseline: the metric of the two models on the common examples.
    """

    measured: Measured
    test: Test | None
    trials: int
    support: int
    unpredicted: int = 0
    cells: tuple[Cell, ...] = ()
    before: Fraction | None = None
    now: Fraction | None = None


class Measurements:
    """The numbers of an evaluation, or of a bare matrix, and their changes since a baseline."""

    def __init__(
        self, subject: Evaluation | ConfusionMatrix, comparison: Comparison | None = None
    ) -> None:
        self.evaluation = subject if isinstance(subject, Evaluation) else None
        self.comparison = comparison
        if isinstance(subject, Evaluation):
            weighted = subject.sample_weighted, subject.sample_unpredicted
            self.counts = MetricCounts(subject.matrix, subject.rank_counts, *weighted)
        else:
            self.counts = MetricCounts(subject)
        self._changes = Changes(comparison) if comparison is not None else None
        self._diagonals: dict[tuple[str, Weighting], Sequence[Measured]] = {}

    def of(self, limit: Limit) -> Measurement:
        """Return the number that `limit` is about."""
        if limit.against != "value":
            if self._changes is None:
                return Measurement(
                    Measured(None, undefined=NO_BASELINE), None, 0, self.counts.total
                )
            return self._change(limit, self._changes)
        if limit.metric == "confusions":
            return self._highest_confusion(limit)
        measured = self._measure(limit, self.counts, "all")
        support, unpredicted = self._behind(limit, self.counts)
        test = _share(limit, measured) if limit.has_interval else None
        trials = test.trials if test is not None else support
        return Measurement(measured, test, trials, support, unpredicted)

    def matrix(self, limit: Limit) -> ConfusionMatrix | None:
        """Return the matrix that `limit` is about; ``None`` if it lacks its baseline."""
        if limit.against == "value":
            return self.counts.matrix
        return None if self.comparison is None else self.comparison.matrix_now

    def _behind(self, limit: Limit, counts: MetricCounts) -> tuple[int, int]:
        if limit.actual is None:
            return counts.total, int(np.sum(counts.matrix.unpredicted))
        index = counts.matrix.index(limit.actual)
        return counts.support[index], int(counts.matrix.unpredicted[index])

    def _measure(self, limit: Limit, counts: MetricCounts, of: str) -> Measured:
        if limit.actual is None:
            return counts.overall(limit.metric)
        index = counts.matrix.index(limit.actual)
        if limit.metric == "confusion" and limit.predicted is not None:
            support = counts.support[index]
            if not support:
                return Measured(None, undefined=NO_EXAMPLES)
            count = int(counts.matrix.cells.at(index, counts.matrix.index(limit.predicted)))
            return Measured(Fraction(count, support), count, support)
        if limit.weighting is None:
            return counts.per_class(limit.metric, index)
        key = of, limit.weighting
        if key not in self._diagonals:
            self._diagonals[key] = counts.weighted_diagonal(limit.weighting)
        return self._diagonals[key][index]

    # Confusions as a whole.

    def _highest_confusion(self, limit: Limit) -> Measurement:
        counts, matrix = self.counts, self.counts.matrix
        if reason := _without_examples(counts.support, matrix, NO_EXAMPLES):
            return Measurement(Measured(None, undefined=reason), None, counts.total, counts.total)
        excluded = _indices(limit, matrix.classes)
        off = matrix.cells.off_diagonal()
        found = zip(off.rows.tolist(), off.columns.tolist(), off.values.tolist(), strict=True)
        cells = [Cell(i, j, n, counts.support[i]) for i, j, n in found if (i, j) not in excluded]
        filled: dict[int, int] = {}
        for cell in cells:
            filled[cell.actual] = filled.get(cell.actual, 0) + 1
        tests = [Share(cell.count, cell.support) for cell in cells]
        tests += [
            Share(0, counts.support[i])
            for i, judged in _judged_cells(matrix, excluded).items()
            if judged > filled.get(i, 0)
        ]
        return self._worst(cells, tests, matrix, excluded, counts.total)

    def _worst(
        self,
        cells: list[Cell],
        tests: Sequence[Share | Pairs],
        matrix: ConfusionMatrix,
        excluded: frozenset[tuple[int, int]],
        support: int,
    ) -> Measurement:
        cells.sort(key=lambda cell: (-cell.share, cell.actual, cell.predicted))
        highest = cells[0].share if cells else Fraction(0)
        judged = sum(_judged_cells(matrix, excluded).values())
        test = Cells(tests, judged) if tests else None
        trials = test.trials if test is not None else support
        return Measurement(Measured(highest), test, trials, support, cells=tuple(cells))

    # Against a baseline.

    def _change(self, limit: Limit, changes: Changes) -> Measurement:
        if limit.metric == FLIPS:
            return self._flips(limit, changes)
        if limit.metric == "confusions":
            return self._highest_rise(limit, changes)
        pairs = _pairs(limit, changes)
        if pairs is None:
            return self._difference(limit)
        if not pairs.trials:
            return Measurement(Measured(None, undefined=_no_common(limit)), None, 0, 0)
        before, now = self._before_and_now(limit)
        drop = Measured(Fraction(pairs.newly_wrong - pairs.newly_right, pairs.trials))
        return Measurement(
            drop, pairs, pairs.trials, pairs.trials, before=before.value, now=now.value
        )

    def _flips(self, limit: Limit, changes: Changes) -> Measurement:
        if not changes.total:
            return Measurement(Measured(None, undefined=_no_common(limit)), None, 0, 0)
        flipped = int(np.sum(changes.comparison.flipped))
        measured = Measured(Fraction(flipped, changes.total), flipped, changes.total)
        return Measurement(measured, Share(flipped, changes.total), changes.total, changes.total)

    def _difference(self, limit: Limit) -> Measurement:
        """Compare a metric that is no share of the same examples: an estimate is all there is."""
        before, now = self._before_and_now(limit)
        support, _ = self._behind(limit, self._both_counts[1])
        if before.value is None or now.value is None:
            who = f"the {limit.against}" if before.value is None else "this model"
            reason = f"{before.undefined or now.undefined}, for {who} on the common examples"
            return Measurement(Measured(None, undefined=reason), None, support, support)
        drop = Measured(before.value - now.value)
        return Measurement(drop, None, support, support, before=before.value, now=now.value)

    def _highest_rise(self, limit: Limit, changes: Changes) -> Measurement:
        matrix = changes.comparison.matrix_now
        if reason := _without_examples(changes.support, matrix, _no_common(limit)):
            return Measurement(Measured(None, undefined=reason), None, changes.total, changes.total)
        excluded = _indices(limit, matrix.classes)
        moved = sorted(
            (i, j) for i, j in {*changes.came, *changes.left} if i != j and (i, j) not in excluded
        )
        tests: list[Share | Pairs] = [changes.confusion(i, j) for i, j in moved]
        # A cell in which nothing moved says as much as its class has examples.
        for i, judged in _judged_cells(matrix, excluded).items():
            if judged > sum(actual == i for actual, _ in moved):
                tests.append(Pairs(0, 0, changes.support[i]))
        cells = []
        for i, j in moved:
            pairs = changes.confusion(i, j)
            if (rise := pairs.newly_wrong - pairs.newly_right) > 0:
                cells.append(Cell(i, j, rise, pairs.trials))
        return self._worst(cells, tests, matrix, excluded, changes.total)

    def _before_and_now(self, limit: Limit) -> tuple[Measured, Measured]:
        before, now = self._both_counts
        return self._measure(limit, before, "before"), self._measure(limit, now, "now")

    @cached_property
    def _both_counts(self) -> tuple[MetricCounts, MetricCounts]:
        """The two models' counts over the common examples."""
        found = self.comparison
        assert found is not None
        weight = None if self.evaluation is None else self.evaluation.sample_weight
        if weight is not None:
            weight = weight[found.places]
        k = len(found.classes)

        def counts(
            matrix: ConfusionMatrix, predicted: NDArray[np.int64], rank: NDArray[np.int64]
        ) -> MetricCounts:
            ranks = np.bincount(rank, minlength=k)[:k]
            if weight is None:
                return MetricCounts(matrix, ranks)
            return MetricCounts(matrix, ranks, *weighted_counts(found.true, predicted, weight, k))

        return (
            counts(found.matrix_before, found.before, found.rank_before),
            counts(found.matrix_now, found.now, found.rank_now),
        )


def _no_common(limit: Limit) -> str:
    """Say why nothing can be compared; a reference has seen all that there is."""
    return NO_COMMON if limit.against == "baseline" else NO_EXAMPLES


def _share(limit: Limit, measured: Measured) -> Share | F1Share | None:
    if measured.hits is None or not measured.trials:
        return None
    if counting_of(limit.metric) == "twice":
        right = measured.hits // 2
        return F1Share(right, measured.trials - right)
    return Share(measured.hits, measured.trials)


def _pairs(limit: Limit, changes: Changes) -> Pairs | None:
    """Return the pairs behind a drop; ``None``: it is no share of the same examples."""
    if not limit.has_interval:
        return None
    if limit.actual is None:
        top = TOP_K.fullmatch(limit.metric)
        return changes.top_k(int(top.group(1))) if top else changes.accuracy()
    index = changes.comparison.classes.index(limit.actual)
    if limit.predicted is not None:
        return changes.confusion(index, changes.comparison.classes.index(limit.predicted))
    metric = metric_called(limit.metric)
    of_others = metric is not None and metric.of_others
    return changes.specificity(index) if of_others else changes.recall(index)


def _without_examples(support: Sequence[int], matrix: ConfusionMatrix, why: str) -> str | None:
    for i in matrix.judged:
        if not support[i]:
            return f"the share of class {matrix.classes[i]!r} is undefined: {why}"
    return None


def _indices(limit: Limit, classes: Sequence[str]) -> frozenset[tuple[int, int]]:
    place = {name: index for index, name in enumerate(classes)}
    return frozenset((place[a], place[p]) for a, p in limit.excluded)


def _judged_cells(
    matrix: ConfusionMatrix, excluded: frozenset[tuple[int, int]]
) -> Mapping[int, int]:
    """Return for each class that is to have examples how many of its cells are judged."""
    judged = dict.fromkeys(matrix.judged, len(matrix.classes) - 1)
    for actual, _ in excluded:
        judged[actual] -= 1
    return judged
