"""What to expect of an equally good model on a second evaluation set."""

from __future__ import annotations

from math import ceil, floor

import numpy as np

from pytest_confmat.evidence.shares import check_counts, level_of

# Of the standard deviations from the mean, beyond which a second set's hits are not looked at: the
# distribution is log-concave, and less than exp(1 - 40) of it is farther away.
_FARTHEST = 40


def prediction_lower_bound(hits: int, trials: int, new_trials: int, confidence: float) -> int:
    """Return the fewest hits to expect of an equally good model on a second, independent set.

    Thatcher, Journal of the Royal Statistical Society B 26 (1964), 176-192: the lowest number of
    new hits for which Fisher's exact test of the two sets does not show that they differ. Both
    sets are left to chance, so that this lies lower than the first set's own Clopper-Pearson bound.
    The second set has fewer hits in at most 1 - `confidence` of all pairs of sets, exactly,
    whatever the true share.

    Raises
    ------
    EvidenceError
        If there are no trials, more hits than trials, or the confidence is not between 0 and 1.
    """
    check_counts(hits, trials)
    check_counts(0, new_trials)
    level = level_of(confidence)
    if not hits:
        return 0
    first, tail = _second_set(hits, trials, new_trials)
    return first + int(np.searchsorted(tail, level, side="right"))


def prediction_upper_bound(hits: int, trials: int, new_trials: int, confidence: float) -> int:
    """Return the most hits to expect on a second set: for shares that are to stay low.

    As `prediction_lower_bound`, of the misses.
    """
    return new_trials - prediction_lower_bound(trials - hits, trials, new_trials, confidence)


def _second_set(
    hits: int, trials: int, new_trials: int
) -> tuple[int, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return a number of new hits, and Fisher's tail for it and each number after it.

    P(first set has `hits` or more | both have `hits` + y) is a beta-binomial probability of at most
    y, with parameters `hits` and `trials` - `hits` + 1. Its terms come from each other by factors,
    which keeps twelve digits where differences of logarithms of factorials keep seven.
    """
    a, b, m = float(hits), float(trials - hits + 1), float(new_trials)
    mean = m * a / (a + b)
    deviation = (mean * b * (a + b + m) / ((a + b) * (a + b + 1))) ** 0.5
    first = max(0, floor(mean - _FARTHEST * deviation - 1))
    last = min(new_trials, ceil(mean + _FARTHEST * deviation + 1))
    y = np.arange(first, last, dtype=np.float64)
    factors = np.log((m - y) / (y + 1) * ((a + y) / (m - y - 1 + b)))
    logs = np.concatenate(([0.0], np.cumsum(factors)))
    terms = np.exp(logs - logs.max())
    tail = np.cumsum(terms)
    return first, tail / tail[-1]
