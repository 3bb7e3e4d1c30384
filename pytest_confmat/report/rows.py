"""Rows of the tables that every report shows: each number of a result as one text, made once.

Terminal, page, Markdown, JUnit, OpenMetrics and JSON take their texts from here, so that a number
reads the same in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isnan

from pytest_confmat.baseline.comparison import Other
from pytest_confmat.decimals import decimal_text, signed_text
from pytest_confmat.errors import Location
from pytest_confmat.limits import Bound
from pytest_confmat.report.class_view import ClassView
from pytest_confmat.report.wording import headline, observed_text
from pytest_confmat.result import GateResult
from pytest_confmat.verdict import Outcome, Verdict

# What the table of classes shows of each, in this order.
CLASS_METRICS = ("recall", "precision", "f1")
UNKNOWN = "-"
SIGNS = {"at_least": ">=", "at_most": "<="}


@dataclass(frozen=True)
class ClassRow:
    """One class in the table of classes.

    Names and the policy's own texts are raw: whatever shows them escapes them.

    Attributes
    ----------
    index
        Place in the matrix.
    metrics
        Values of `CLASS_METRICS` as texts; `UNKNOWN` where one is undefined.
    change
        By how much its recall rose since the baseline; empty without one, `UNKNOWN` where the
        class has no common example.
    interval
        The bounds of the true recall, rounded outwards; empty where no limit asks for them.
    bound
        The bound on its recall, of several the strictest: ``>= 0.95``, ``exempt``,
        ``no examples`` or empty.
    fails
        Whether a limit that names it did not pass.
    """

    index: int
    name: str
    support: int
    metrics: tuple[str, str, str]
    change: str
    interval: str
    bound: str
    fails: bool


@dataclass(frozen=True)
class VerdictRow:
    """One limit in the table of limits.

    Attributes
    ----------
    observed
        What was measured, ``undefined`` where there is no value.
    bound
        What was asked for, as the policy has it: ``0.95``.
    sign
        How `observed` should stand to it: ``>=`` or ``<=``.
    interval
        The bounds of the true value: ``0.882 - 0.988``; empty where there are none.
    headline
        The outcome in one line, as the terminal shows it.
    """

    id: str
    metric: str
    actual: str | None
    predicted: str | None
    outcome: Outcome
    blocks: bool
    observed: str
    sign: str
    bound: str
    support: int
    interval: str
    headline: str
    location: Location | None


@dataclass(frozen=True)
class AccuracyRow:
    """Accuracy of another model and of this one, on the examples that both have seen.

    `other` is what the other is called: ``baseline`` or ``reference``.
    """

    before: str
    now: str
    difference: str
    examples: int
    other: Other = "baseline"


def class_rows(view: ClassView, indices: Iterable[int] | None = None) -> list[ClassRow]:
    """Return the rows of some classes, or of all, in the order of `indices`."""
    classes, support = view.matrix.classes, view.matrix.support
    return [
        ClassRow(
            i,
            classes[i],
            int(support[i]),
            (_metric(view, "recall", i), _metric(view, "precision", i), _metric(view, "f1", i)),
            _change(view.changes[i]) if view.changes else "",
            _interval(view.intervals.get(classes[i])),
            _bound(view, classes[i]),
            i in view.failed,
        )
        for i in (range(len(classes)) if indices is None else indices)
    ]


def verdict_row(verdict: Verdict) -> VerdictRow:
    """Return the row of a verdict."""
    limit = verdict.limit
    return VerdictRow(
        limit.id,
        limit.metric,
        limit.actual,
        limit.predicted,
        verdict.outcome,
        verdict.blocks,
        observed_text(verdict),
        SIGNS[limit.bound.kind],
        limit.bound.text,
        verdict.support,
        _interval(verdict.interval),
        headline(verdict),
        limit.location,
    )


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return failures before what is undecided, the undefined first, then by the distance missed.

    Equal ones keep their order.
    """

    def place(verdict: Verdict) -> tuple[bool, bool, Fraction]:
        if verdict.observed is None:
            return False, False, Fraction(0)
        missed = abs(verdict.observed - verdict.limit.bound.value)
        return verdict.outcome == "undecided", True, -missed

    return sorted(verdicts, key=place)


def blocking_verdicts(result: GateResult, shown: int) -> list[Verdict]:
    """Return the verdicts that block, in the policy's order; more than `shown`: the worst first."""
    blocking = [verdict for verdict in result.verdicts if verdict.blocks]
    return blocking if len(blocking) <= shown else worst_first(blocking)


def accuracy_of(result: GateResult) -> Fraction | None:
    """Return the accuracy of a result; ``None`` without an evaluation, or without examples."""
    if result.evaluation is None or not result.evaluation.matrix.total:
        return None
    matrix = result.evaluation.matrix
    return Fraction(int(matrix.correct.sum()), matrix.total)


def accuracy_text(result: GateResult) -> str | None:
    """Return the accuracy of a result, with as many decimals as its limits on it need."""
    value = accuracy_of(result)
    limits = [verdict.limit for verdict in result.verdicts]
    bounds = [x.bound for x in limits if x.metric == "accuracy" and x.against == "value"]
    return None if value is None else _finest(value, bounds)


def accuracy_row(result: GateResult) -> AccuracyRow | None:
    """Return what became of the accuracy since the baseline; ``None``: that is not known."""
    if result.changes is None or (change := result.changes.accuracy) is None:
        return None
    before, now = decimal_text(change.before), decimal_text(change.now)
    difference, examples = signed_text(change.difference), result.changes.examples
    return AccuracyRow(before, now, difference, examples, result.other)


def score_text(score: float) -> str:
    """Return the score of a prediction: ``0.954``; empty where it is not known."""
    return "" if isnan(score) else f"{score:.3f}"


def _metric(view: ClassView, metric: str, index: int) -> str:
    value = view.value(metric, index)
    if value is None:
        return UNKNOWN
    return _finest(value, view.bounds.get((metric, view.matrix.classes[index]), ()))


def _finest(value: Fraction, bounds: Iterable[Bound]) -> str:
    """Return `value` with as many decimals as the bound needs that it is nearest to."""
    texts = (decimal_text(value, bound.value) for bound in bounds)
    return max(texts, key=len, default=decimal_text(value))


def _change(difference: Fraction | None) -> str:
    return UNKNOWN if difference is None else signed_text(difference)


def _interval(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return ""
    lower, upper = floor(interval[0] * 1000), ceil(interval[1] * 1000)
    return f"{lower / 1000:.3f} - {upper / 1000:.3f}"


def _bound(view: ClassView, name: str) -> str:
    if bounds := view.bounds.get(("recall", name)):
        strictest: Bound = max(bounds, key=lambda bound: bound.value)
        return f"{SIGNS[strictest.kind]} {strictest.text}"
    if name in view.matrix.without_examples:
        return "no examples"
    return "exempt" if name in view.exempt else ""
