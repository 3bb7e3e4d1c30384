"""Judges an evaluation by its limits. Nothing else compares a number with a limit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.evaluation import Evaluation, Mistake
from pytest_confmat.evidence.paired import mcnemar_exact
from pytest_confmat.evidence.proof import Pairs, Share
from pytest_confmat.limits import FLIPS, Bound, Limit, is_overall
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.measuring import Cell, Measurement, Measurements
from pytest_confmat.metric import TOP_K, counting_of
from pytest_confmat.verdict import Change, Outcome, Verdict, counts_predictions


def judge(
    limits: Sequence[Limit],
    subject: Evaluation | ConfusionMatrix,
    comparison: Comparison | None = None,
) -> tuple[Verdict, ...]:
    """Compare every limit with what was observed; return a verdict for each, in their order.

    Parameters
    ----------
    limits
        All that are declared, as refutations may be adjusted over them. Their classes must be
        classes of `subject`.
    subject
        An evaluation, or a bare matrix: then ranks, sample weights and mistakes are unknown.
    comparison
        With the baseline, for limits against one; without it, these have failed.
    """
    source = Measurements(subject, comparison)
    found = [source.of(limit) for limit in limits]
    confidences = _refuting_confidences(limits, found)
    return tuple(
        _judge(limit, each, confidence, source)
        for limit, each, confidence in zip(limits, found, confidences, strict=True)
    )


def holds(bound: Bound, value: Fraction) -> bool:
    """Whether `value` meets `bound`; both are exact."""
    return value >= bound.value if bound.kind == "at_least" else value <= bound.value


def needed(bound: Bound, trials: int) -> int:
    """Return the least (at_most: the most) hits of `trials` whose share meets `bound`."""
    product = bound.value * trials
    return ceil(product) if bound.kind == "at_least" else floor(product)


def _refuting_confidences(limits: Sequence[Limit], found: Sequence[Measurement]) -> list[float]:
    """Return the confidence at which each limit is refuted: its own, or as Holm adjusts it.

    Holm (1979): of m limits the smallest p-value is compared with level / m, the next against
    level / (m - 1), and so on; from the first that is not refuted on, none is.
    """
    confidences = [float(limit.evidence.confidence) for limit in limits]
    family = [
        (each.test.p(limit.bound, "breaks"), place)
        for place, (limit, each) in enumerate(zip(limits, found, strict=True))
        if limit.evidence.family == "holm" and limit.evidence.rule != "estimate"
        if each.test is not None and each.trials >= limit.evidence.min_support
    ]
    family.sort()
    divisor = len(family)
    for p, place in family:
        level = 1 - confidences[place]
        confidences[place] = 1 - level / divisor
        if p <= 1 - confidences[place]:
            divisor -= 1
    return confidences


def _outcome(limit: Limit, found: Measurement, refuting: float) -> Outcome:
    value, test, evidence = found.measured.value, found.test, limit.evidence
    if value is None:
        return "failed"
    if found.trials < evidence.min_support:
        return "undecided"
    if evidence.rule == "estimate":
        return "passed" if holds(limit.bound, value) else "failed"
    if test is None:
        # Each pair has a limit of its own, and nothing is left; or it is a number that has no
        # interval, of which nothing is ever proven: policies refuse to ask for it.
        return "passed" if limit.metric == "confusions" else "failed"
    if test.p(limit.bound, "breaks") <= 1 - refuting:
        return "failed"
    # What is proven to hold is never refuted as well.
    is_enough = evidence.rule == "not_refuted" or _is_proven(limit, found)
    return "passed" if is_enough else "undecided"


def _is_proven(limit: Limit, found: Measurement) -> bool:
    level = 1 - float(limit.evidence.confidence)
    return found.test is not None and found.test.p(limit.bound, "holds") <= level


def _judge(limit: Limit, found: Measurement, refuting: float, source: Measurements) -> Verdict:
    measured, matrix = found.measured, source.counts.matrix
    outcome = _outcome(limit, found, refuting)
    breaking = [cell for cell in found.cells if not holds(limit.bound, cell.share)]
    shown = breaking or list(found.cells[:1])
    failing = outcome != "passed"
    return Verdict(
        limit,
        outcome,
        measured.value,
        undefined=measured.undefined,
        hits=measured.hits,
        trials=measured.trials,
        needed=_needed(limit, found, outcome, refuting),
        support=found.support,
        confused_with=_confused_with(limit, source),
        cells=tuple(_named(cell, matrix) for cell in shown),
        mistakes=_mistakes(limit, source, shown) if failing else (),
        unpredicted=found.unpredicted,
        denominator=found.trials,
        change=_change(found, source) if limit.against != "value" else None,
        **_certainty(limit, found, outcome, refuting),
    )


def _certainty(
    limit: Limit, found: Measurement, outcome: Outcome, refuting: float
) -> dict[str, Any]:
    """Return interval, confidence and what it takes to decide, as fields of `Verdict`."""
    test, value, evidence = found.test, found.measured.value, limit.evidence
    if value is None:
        return {}
    too_few = found.trials < evidence.min_support
    if test is None:
        return {"examples_needed": evidence.min_support, "too_few": True} if too_few else {}
    proving = float(evidence.confidence)
    ends = (proving, refuting) if limit.bound.kind == "at_least" else (refuting, proving)
    interval = test.interval(*ends)
    certainty: dict[str, Any] = {
        "interval": interval,
        "confidence": None if interval is None else ends,
    }
    if too_few:
        certainty |= {"examples_needed": evidence.min_support, "too_few": True}
    elif outcome == "undecided":
        is_kept = holds(limit.bound, value)
        certainty["examples_needed"] = (
            test.trials_needed(limit.bound, proving, "holds")
            if is_kept
            else test.trials_needed(limit.bound, refuting, "breaks")
        )
    if evidence.rule == "proven" and outcome != "passed":
        least = test.least_trials(limit.bound, proving)
        if least is None or least > test.trials:
            certainty |= {"unprovable": True, "least_trials": least}
    return certainty


def _needed(limit: Limit, found: Measurement, outcome: Outcome, refuting: float) -> int | None:
    """Return the hits that would have been enough; ``None`` where they change the trials too."""
    bound, measured, rule = limit.bound, found.measured, limit.evidence.rule
    too_few = found.trials < limit.evidence.min_support
    if measured.trials is None or measured.hits is None or too_few:
        return None
    counting = counting_of(limit.metric)
    if rule == "estimate" and counting != "union":
        return needed(bound, measured.trials)
    if rule == "estimate":
        # Each hit more makes the union one smaller: h / (sum - h) >= b where h >= b sum / (1 + b).
        both = bound.value * (measured.hits + measured.trials) / (1 + bound.value)
        return ceil(both) if bound.kind == "at_least" else floor(both)
    # With more hits, a refuted limit of a family would be judged at another level.
    moving = limit.evidence.family == "holm" and rule == "not_refuted" and outcome == "failed"
    if counting != "once" or moving:
        return None
    least = bound.kind == "at_least"
    trials = measured.trials
    confidence = float(limit.evidence.confidence) if rule == "proven" else refuting

    def passes(hits: int) -> bool:
        test = Share(hits, trials)
        if rule == "proven":
            return test.p(bound, "holds") <= 1 - confidence
        return test.p(bound, "breaks") > 1 - confidence

    # Counted from the end that is sure to pass, if any does.
    low, high = -1, trials
    if not passes(trials if least else 0):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if passes(middle if least else trials - middle):
            high = middle
        else:
            low = middle
    return high if least else trials - high


def _change(found: Measurement, source: Measurements) -> Change:
    common = 0 if source.comparison is None else len(source.comparison)
    pairs = found.test if isinstance(found.test, Pairs) else None
    if pairs is None:
        return Change(common, found.before, found.now)
    worse, better = pairs.newly_wrong, pairs.newly_right
    p_value = mcnemar_exact(worse, better)
    return Change(common, found.before, found.now, worse, better, p_value)


def _named(cell: Cell, matrix: ConfusionMatrix) -> tuple[str, str, int, int]:
    return matrix.classes[cell.actual], matrix.classes[cell.predicted], cell.count, cell.support


def _confused_with(limit: Limit, source: Measurements) -> tuple[tuple[str, int], ...]:
    """Return what the class's examples were predicted as, or what was predicted as the class."""
    matrix = source.matrix(limit)
    if limit.actual is None or limit.metric == "confusion" or matrix is None:
        return ()
    index = matrix.index(limit.actual)
    line = matrix.cells.column if counts_predictions(limit) else matrix.cells.row
    classes, counts = line(index)
    order = np.argsort(-counts, kind="stable")
    others = zip(classes[order].tolist(), counts[order].tolist(), strict=True)
    return tuple((matrix.classes[j], n) for j, n in others if j != index)


def _mistakes(limit: Limit, source: Measurements, cells: Sequence[Cell]) -> tuple[Mistake, ...]:
    evaluation, comparison = source.evaluation, source.comparison
    if evaluation is None:
        return ()
    cell: tuple[str | None, str | None] = (limit.actual, None)
    if limit.metric == "confusions":
        if not cells:
            return ()
        cell = _named(cells[0], evaluation.matrix)[:2]
    elif limit.metric == "confusion":
        cell = (limit.actual, limit.predicted)
    elif counts_predictions(limit):
        cell = (None, limit.actual)
    elif is_overall(limit.metric) or limit.metric == FLIPS:
        cell = (None, None)
    if limit.against == "value":
        return evaluation.mistakes(*cell)
    if comparison is None:
        return ()
    # What the baseline had right; of predictions as a class, those that it did not make.
    changed = comparison.flipped if cell[1] is not None else comparison.newly_wrong
    if top := TOP_K.fullmatch(limit.metric):
        first = int(top.group(1))
        changed = (comparison.rank_before < first) & (comparison.rank_now >= first)
    return evaluation.mistakes(*cell, places=comparison.places[changed])
