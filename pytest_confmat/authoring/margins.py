"""How close a limit may be to what was observed, so that an equally good model passes it too.

Of m limits each may be missed by chance in at most `ANY` / m of all runs, so that an equally good
model, on examples of its own, misses any of them in at most `ANY` (Bonferroni): all bounds together
have the confidence of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from pytest_confmat.evidence.second_set import prediction_lower_bound, prediction_upper_bound
from pytest_confmat.evidence.shares import clopper_pearson
from pytest_confmat.limits import Bound, Evidence, Kind

ANY = Fraction(1, 20)
FEWEST_DIGITS, MOST_DIGITS = 2, 12
# Rounding gives away at most this part of what chance takes.
_PART = 5

Map = Callable[[Fraction], Fraction]


@dataclass(frozen=True)
class Observed:
    """`hits` of `trials`, one share among those that are looked at together.

    Attributes
    ----------
    to_metric
        From the share to the metric that is bounded, where it is not the share itself; it rises.
    """

    hits: int
    trials: int
    to_metric: Map = Fraction

    @property
    def value(self) -> Fraction:
        """The metric as observed."""
        return self.to_metric(Fraction(self.hits, self.trials))


def safe_bound(
    observed: Observed, kind: Kind, limits: int, evidence: Evidence | None = None
) -> Fraction:
    """Return the strictest bound that an equally good model passes, as a decimal of few digits.

    Parameters
    ----------
    observed
        What was observed.
    kind
        On which side of it the bound lies.
    limits
        Over how many limits the probability of missing one by chance is shared.
    evidence
        How sure one must be that the bound holds: under ``proven`` it lies so far away that it is
        still proven by what an equally good model may come to.

    Returns
    -------
    Fraction
        With a denominator that is a power of ten. 0 (``at_most``: 1): no bound is safe.
    """
    confidence = float(1 - ANY / limits)
    counts = observed.hits, observed.trials
    if kind == "at_least":
        hits = prediction_lower_bound(*counts, observed.trials, confidence)
    else:
        hits = prediction_upper_bound(*counts, observed.trials, confidence)
    share = Fraction(hits, observed.trials)
    if evidence is not None and evidence.rule == "proven":
        ends = clopper_pearson(hits, observed.trials, float(evidence.confidence))
        share = Fraction(ends[0] if kind == "at_least" else ends[1])
    exact = observed.to_metric(share)
    scale = 10 ** _digits(abs(observed.value - exact))
    return Fraction(floor(exact * scale) if kind == "at_least" else ceil(exact * scale), scale)


def decimal(value: Fraction) -> str:
    """Write a value whose denominator divides a power of ten, with two digits or more."""
    digits = FEWEST_DIGITS
    while (value * 10**digits).denominator > 1:
        digits += 1
    whole, part = divmod(int(value * 10**digits), 10**digits)
    return f"{whole}.{part:0{digits}d}"


def bound(kind: Kind, value: Fraction) -> Bound:
    """Return a bound as a policy would spell it."""
    return Bound(kind, value, decimal(value))


def _digits(margin: Fraction) -> int:
    digits = FEWEST_DIGITS
    while digits < MOST_DIGITS and margin * 10**digits < _PART:
        digits += 1
    return digits
