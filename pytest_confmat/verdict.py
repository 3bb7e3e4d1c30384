"""THE predicate: limits held against an evaluation. Nothing else compares a number with a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any, Literal

import numpy as np

from pytest_confmat.evaluation import Evaluation, Mistake
from pytest_confmat.limits import Bound, Limit, Weighting, is_overall
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.metrics import NO_EXAMPLES, Measured, Tally

Outcome = Literal["passed", "failed"]
Diagonals = Mapping[Weighting, Sequence[Measured]]


@dataclass(frozen=True)
class Verdict:
    """One limit held against one evaluation, with the numbers that decided it.

    Attributes
    ----------
    limit
        What was declared.
    outcome
        ``passed`` or ``failed``; an undefined metric has failed.
    observed
        The exact value that was compared, or ``None`` where the metric is undefined.
    undefined
        Why there is no value; ``None`` where there is one.
    hits, trials
        The counts whose ratio `observed` is, where it is one: examples recognised of the class's
        examples for recall, and so on.
    needed
        The least `hits` (for at_most: the most) with which the limit holds at these `trials`.
    support
        Examples behind the number: of the class, or of the whole set.
    confused_with
        For a class: what its examples were taken for (recall, weighted diagonal) or what was
        taken for it (precision), class and count, most first.
    cells
        For ``confusions``: the cells that break the bound (actual, predicted, count, support),
        worst first; where none does, the worst.
    mistakes
        The surest mistakes behind a failure; empty when it passed.
    unpredicted
        Examples behind the number that are at fault and count as misclassified.
    """

    limit: Limit
    outcome: Outcome
    observed: Fraction | None
    undefined: str | None = None
    hits: int | None = None
    trials: int | None = None
    needed: int | None = None
    support: int = 0
    confused_with: tuple[tuple[str, int], ...] = ()
    cells: tuple[tuple[str, str, int, int], ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    unpredicted: int = 0

    def to_plain(self) -> dict[str, Any]:
        """Return the verdict as JSON values, the limit by its id alone."""
        plain = asdict(self)
        plain["limit"] = self.limit.id
        plain["observed"] = None if self.observed is None else str(self.observed)
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], limits: Mapping[str, Limit]) -> Verdict:
        """Return the verdict that `to_plain` took apart; `limits` are the policy's, by id."""
        observed = plain["observed"]
        return cls(
            **{
                **plain,
                "limit": limits[plain["limit"]],
                "observed": None if observed is None else Fraction(observed),
                "confused_with": tuple((name, count) for name, count in plain["confused_with"]),
                "cells": tuple((a, p, count, n) for a, p, count, n in plain["cells"]),
                "mistakes": tuple(Mistake(**mistake) for mistake in plain["mistakes"]),
            }
        )


def judge(limits: Sequence[Limit], subject: Evaluation | ConfusionMatrix) -> tuple[Verdict, ...]:
    """Hold every limit against what was observed; one verdict each, in their order.

    Parameters
    ----------
    limits
        Their classes must be classes of `subject`.
    subject
        An evaluation, or a bare matrix: then ranks, sample weights and mistakes are unknown.
    """
    if isinstance(subject, Evaluation):
        weighted = subject.sample_weighted, subject.sample_unpredicted
        tally = Tally(subject.matrix, subject.rank_counts, *weighted)
        evidence: Evaluation | None = subject
    else:
        tally, evidence = Tally(subject), None
    weightings = {limit.weighting for limit in limits if limit.weighting is not None}
    diagonals = {weighting: tally.weighted_diagonal(weighting) for weighting in weightings}
    return tuple(_judge(limit, tally, diagonals, evidence) for limit in limits)


def holds(bound: Bound, value: Fraction) -> bool:
    """Whether `value` keeps to `bound`; both are exact."""
    return value >= bound.value if bound.kind == "at_least" else value <= bound.value


def needed(bound: Bound, trials: int) -> int:
    """Return the least (at_most: the most) hits of `trials` whose share keeps to `bound`."""
    product = bound.value * trials
    return ceil(product) if bound.kind == "at_least" else floor(product)


def _judge(
    limit: Limit, tally: Tally, diagonals: Diagonals, evidence: Evaluation | None
) -> Verdict:
    if limit.metric == "confusions":
        return _judge_cells(limit, tally, evidence)
    measured = _measure(limit, tally, diagonals)
    failed = measured.value is None or not holds(limit.bound, measured.value)
    support, unpredicted = tally.total, tally.matrix.unpredicted
    if limit.actual is not None:
        index = tally.matrix.index(limit.actual)
        support, unpredicted = tally.support[index], unpredicted[index]
    return Verdict(
        limit,
        "failed" if failed else "passed",
        measured.value,
        undefined=measured.undefined,
        hits=measured.hits,
        trials=measured.trials,
        needed=_needed(limit, measured),
        support=support,
        confused_with=_confused_with(limit, tally.matrix),
        mistakes=_mistakes(limit, evidence) if failed and evidence is not None else (),
        unpredicted=int(np.sum(unpredicted)),
    )


def _needed(limit: Limit, measured: Measured) -> int | None:
    if measured.trials is None or measured.hits is None:
        return None
    if limit.metric == "jaccard":
        # Each hit more makes the union one smaller: h / (sum - h) >= b where h >= b sum / (1 + b).
        both = measured.hits + measured.trials
        return ceil(limit.bound.value * both / (1 + limit.bound.value))
    return needed(limit.bound, measured.trials)


def _measure(limit: Limit, tally: Tally, diagonals: Diagonals) -> Measured:
    if limit.actual is None:
        return tally.overall(limit.metric)
    index = tally.matrix.index(limit.actual)
    if limit.metric == "confusion" and limit.predicted is not None:
        support = tally.support[index]
        if not support:
            return Measured(None, undefined=NO_EXAMPLES)
        count = int(tally.matrix.counts[index, tally.matrix.index(limit.predicted)])
        return Measured(Fraction(count, support), count, support)
    if limit.weighting is not None:
        return diagonals[limit.weighting][index]
    return tally.per_class(limit.metric, index)


def _judge_cells(limit: Limit, tally: Tally, evidence: Evaluation | None) -> Verdict:
    matrix = tally.matrix
    off_diagonal = matrix.counts.copy()
    np.fill_diagonal(off_diagonal, 0)
    for actual, predicted in limit.excluded:
        off_diagonal[matrix.index(actual), matrix.index(predicted)] = 0
    cells = [
        (Fraction(int(off_diagonal[i, j]), tally.support[i]), int(i), int(j))
        for i, j in np.argwhere(off_diagonal)
    ]
    cells.sort(key=lambda cell: (-cell[0], cell[1], cell[2]))
    empty = [name for name, n in zip(matrix.classes, tally.support, strict=True) if not n]
    if empty:
        reason = f"the share of class {empty[0]!r} is undefined: {NO_EXAMPLES}"
        return Verdict(limit, "failed", None, undefined=reason, support=tally.total)
    breaking = [cell for cell in cells if not holds(limit.bound, cell[0])]
    worst = cells[0][0] if cells else Fraction(0)
    shown = tuple(
        (matrix.classes[i], matrix.classes[j], int(off_diagonal[i, j]), tally.support[i])
        for _, i, j in breaking or cells[:1]
    )
    mistakes: tuple[Mistake, ...] = ()
    if breaking and evidence is not None:
        mistakes = evidence.mistakes(shown[0][0], shown[0][1])
    return Verdict(
        limit,
        "failed" if breaking else "passed",
        worst,
        support=tally.total,
        cells=shown,
        mistakes=mistakes,
    )


def _confused_with(limit: Limit, matrix: ConfusionMatrix) -> tuple[tuple[str, int], ...]:
    """Count what the class's examples were taken for, or what was taken for the class."""
    if limit.actual is None or limit.metric == "confusion":
        return ()
    index = matrix.index(limit.actual)
    taken_for_it = limit.metric in ("precision", "specificity")
    counts = matrix.counts[:, index] if taken_for_it else matrix.counts[index]
    others = [j for j in np.argsort(-counts, kind="stable") if counts[j] and j != index]
    return tuple((matrix.classes[j], int(counts[j])) for j in others)


def _mistakes(limit: Limit, evaluation: Evaluation) -> tuple[Mistake, ...]:
    if is_overall(limit.metric):
        return evaluation.mistakes()
    if limit.metric == "confusion":
        return evaluation.mistakes(limit.actual, limit.predicted)
    if limit.metric in ("precision", "specificity"):
        return evaluation.mistakes(predicted=limit.actual)
    return evaluation.mistakes(limit.actual)
