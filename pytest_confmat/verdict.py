"""The outcome of one limit, with the numbers that decided it, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Literal

from pytest_confmat.evaluation import Mistake
from pytest_confmat.limits import Limit
from pytest_confmat.metric import metric_called

Outcome = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True)
class Change:
    """A metric of two models on the examples that they have in common.

    Attributes
    ----------
    common
        How many examples they have in common.
    before, now
        The metric of the baseline, and of this model.
    newly_wrong, newly_right
        Examples that only the baseline, and only this model has right; ``None``: the metric is
        no share of the same examples.
    p_value
        McNemar's exact test of no difference, two-sided; for information only.
    """

    common: int
    before: Fraction | None = None
    now: Fraction | None = None
    newly_wrong: int | None = None
    newly_right: int | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Verdict:
    """One limit compared with one evaluation, with the numbers that decided it.

    Attributes
    ----------
    limit
        What was declared.
    outcome
        ``passed``, ``failed`` or ``undecided``; an undefined metric has failed.
    observed
        The exact value that was compared, or ``None`` where the metric is undefined. Against a
        baseline it is the drop, or the rise of a confusion.
    undefined
        Why there is no value; ``None`` where there is one.
    hits, trials
        The counts whose ratio `observed` is, where it is one: examples recognized of the class's
        examples for recall, and so on.
    needed
        The least `hits` (for at_most: the most) with which the limit passes at these `trials`, by
        its rule.
    support
        Examples behind the number: of the class, or of the whole set.
    confused_with
        For a class: what its examples were predicted as (recall, weighted diagonal) or what was
        predicted as it (precision), class and count, most first.
    cells
        For ``confusions``: the cells that break the bound (actual, predicted, count, support),
        worst first; where none does, the worst.
    mistakes
        The highest-confidence errors behind a limit that does not pass; against a baseline, of
        the examples that it had right.
    unpredicted
        Examples behind the number that are at fault and count as misclassified.
    interval
        Lower and upper bound of the true value, where there is more than an estimate.
    confidence
        Of the lower and of the upper bound, each one-sided. They differ where refutations are
        adjusted.
    examples_needed
        Where it is undecided: the denominator that would have decided at this estimate.
    too_few
        Whether it is undecided because there are fewer examples than ``min_support``.
    denominator
        What ``min_support`` is compared with: `trials`, where they are known.
    unprovable
        Whether no result could pass with so few examples; against a baseline, whether the
        baseline itself could not.
    least_trials
        The denominator it takes then; ``None``: none would do.
    change
        For a limit against a baseline.
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
    interval: tuple[float, float] | None = None
    confidence: tuple[float, float] | None = None
    examples_needed: int | None = None
    too_few: bool = False
    denominator: int = 0
    unprovable: bool = False
    least_trials: int | None = None
    change: Change | None = None

    @property
    def blocks(self) -> bool:
        """Whether it blocks the release."""
        undecided = self.outcome == "undecided" and self.limit.evidence.undecided == "fail"
        return self.outcome == "failed" or undecided

    def to_plain(self) -> dict[str, Any]:
        """Return the verdict as JSON values, the limit by its id alone."""
        plain = asdict(self)
        plain["limit"] = self.limit.id
        plain["observed"] = _text(self.observed)
        if self.change is not None:
            before, now = self.change.before, self.change.now
            plain["change"] |= {"before": _text(before), "now": _text(now)}
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], limits: Mapping[str, Limit]) -> Verdict:
        """Return the verdict that `to_plain` took apart; `limits` are the policy's, by id."""
        change, interval = plain["change"], plain["interval"]
        if change is not None:
            exact = {key: _fraction(change[key]) for key in ("before", "now")}
            change = Change(**{**change, **exact})
        return cls(
            **{
                **plain,
                "limit": limits[plain["limit"]],
                "observed": _fraction(plain["observed"]),
                "confused_with": tuple((name, count) for name, count in plain["confused_with"]),
                "cells": tuple((a, p, count, n) for a, p, count, n in plain["cells"]),
                "mistakes": tuple(Mistake(**mistake) for mistake in plain["mistakes"]),
                "interval": None if interval is None else tuple(interval),
                "confidence": None if interval is None else tuple(plain["confidence"]),
                "change": change,
            }
        )


def counts_predictions(limit: Limit) -> bool:
    """Whether a limit on a class counts what is predicted as it, not how it is predicted."""
    metric = metric_called(limit.metric)
    return metric is not None and metric.lowered_by == "predicted_as_it"


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)
