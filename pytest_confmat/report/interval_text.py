"""Interval and change since the baseline, in words."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pytest_confmat.decimals import decimal_text
from pytest_confmat.escaping import printable
from pytest_confmat.limits import FLIPS
from pytest_confmat.metric import metric_called
from pytest_confmat.text import plural
from pytest_confmat.verdict import Verdict


def interval_text(verdict: Verdict) -> Iterator[str]:
    """Yield the bounds of the true value, and how many examples it takes to decide or to pass."""
    if words := bounds_words(verdict):
        yield words
    if verdict.too_few:
        asked = verdict.limit.evidence.min_support
        yield f"min_support is {asked:,} examples, and there are {verdict.denominator:,}"
    elif verdict.outcome == "undecided":
        yield _undecided(verdict)
    if verdict.unprovable:
        yield _unprovable(verdict)


def bounds_words(verdict: Verdict) -> str | None:
    """Return ``true value 0.8821 to 0.9874, each bound at 95 % confidence``."""
    if verdict.interval is None or verdict.confidence is None:
        return None
    limit = verdict.limit.bound.value
    lower, upper = (decimal_text(Fraction(end), limit) for end in verdict.interval)
    first, second = (percentage(confidence) for confidence in verdict.confidence)
    if first == second:
        text = f"true value {lower} to {upper}, each bound at {first} confidence"
    else:
        text = f"true value {lower} (at {first} confidence) to {upper} (at {second})"
    metric = metric_called(verdict.limit.metric)
    # Its denominator is left to the model, so that the interval speaks of this one alone.
    if metric is not None and metric.condition and verdict.limit.against == "value":
        text += f", {metric.condition} and this set's mix of classes"
    return text


def percentage(confidence: float) -> str:
    """Return ``95 %``, ``99.44 %`` or ``99.944 %``: two digits beyond the last nine."""
    digits = 2
    while digits < 12 and round(1 - confidence, digits + 3) < 10 ** -(digits + 1):
        digits += 1
    return f"{100 * confidence:.{digits}f}".rstrip("0").rstrip(".") + " %"


def change_words(verdict: Verdict) -> Iterator[str]:
    """Yield what the baseline had and what this model has, on the common examples."""
    change = verdict.change
    if change is None or verdict.observed is None:
        return
    metric, bound = verdict.limit.metric, verdict.limit.bound.text
    if metric == FLIPS:
        return  # whose counts say it all
    number = change.common if metric == "confusions" else verdict.denominator
    text = f"on {plural(number, 'common example')}"
    if change.before is not None and change.now is not None:
        before, now = decimal_text(change.before), decimal_text(change.now)
        other = verdict.limit.against
        here = "now" if other == "baseline" else "by this model"
        text = f"{before} by the {other}, {now} {here}, {text}"
    if change.newly_wrong is not None and change.p_value is not None:
        text += (
            f": {change.newly_wrong:,} newly wrong, {change.newly_right:,} newly right "
            f"(McNemar's exact p {change.p_value:.2g}, for information only)"
        )
    what = "rise" if "confusion" in metric else "drop"
    yield f"{text}; a {what} of {printable(bound)} is allowed"


def _undecided(verdict: Verdict) -> str:
    if verdict.examples_needed is None:
        return "no number of examples would decide it at this estimate, which is the limit itself"
    here = f"and there are {verdict.denominator:,}"
    return f"at this estimate it takes {verdict.examples_needed:,} examples to decide, {here}"


def _unprovable(verdict: Verdict) -> str:
    number, least = verdict.denominator, verdict.least_trials
    other = verdict.limit.against
    if other != "value" and verdict.limit.metric != FLIPS:
        # A better model than the other may show it of fewer.
        if least is None:
            return (
                f"no number of examples can show it of a model that is as good as the {other}: "
                "choose a greater bound, or rule: estimate"
            )
        return (
            f"not even the {other} itself would pass with {number:,}: it takes {least:,} examples "
            "of which none changes"
        )
    if least is None:
        return (
            "no number of examples can show it, whatever the model: choose another bound, or "
            "rule: estimate"
        )
    return (
        f"no result could pass with {number:,}: it takes {least:,} examples even if nothing goes "
        "wrong on them"
    )
