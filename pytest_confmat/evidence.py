"""How sure a number is: exact bounds and tests of a share, several tests at once, a second set.

A share is `hits` of `trials`: of the 25 cats 23 were recognised. Each confidence is that of *one
one-sided* bound; a two-sided interval of confidence 0.90 has the same ends as two one-sided bounds
of 0.95. A p-value is small when something is shown: at confidence 0.95, when it is at most 0.05.
Bounds are found by means of the p-values, so that the two do not contradict each other.

What compares two models on the same examples is in `pytest_confmat.paired`; its functions have
their names here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor
from typing import Literal

import numpy as np
from scipy.special import betainc, betaincc, betaincinv

from pytest_confmat.edges import fewest, highest_kept, lowest_kept
from pytest_confmat.errors import EvidenceError
from pytest_confmat.paired import (
    mcnemar_exact,
    pairs_needed,
    score_interval,
    tango_interval,
    tango_p_drop_above,
    tango_p_drop_below,
    unchanged_pairs,
)

__all__ = [
    "clopper_pearson",
    "f1_bounds",
    "flawless_trials",
    "holm",
    "jaccard_of_f1",
    "mcnemar_exact",
    "p_at_least",
    "p_at_most",
    "pairs_needed",
    "prediction_lower_bound",
    "prediction_upper_bound",
    "score_interval",
    "tango_interval",
    "tango_p_drop_above",
    "tango_p_drop_below",
    "trials_needed",
    "unchanged_pairs",
]

Direction = Literal["above", "below"]

# Of the standard deviations from the mean, beyond which a second set's hits are not looked at: the
# distribution is log-concave, and less than exp(1 - 40) of it is farther away.
_FARTHEST = 40


def p_at_least(hits: int, trials: int, share: float) -> float:
    """Return the probability of at least `hits`, if the true share were `share`.

    When it is small, the true share is shown to be above `share`: the exact one-sided binomial
    test, as ``scipy.stats.binomtest(hits, trials, share, alternative="greater").pvalue``.

    Raises
    ------
    EvidenceError
        If there are no trials, more hits than trials, or the share is not within 0 and 1.
    """
    _check_counts(hits, trials)
    _check_share(share)
    return _upper_tail(hits, trials, share)


def p_at_most(hits: int, trials: int, share: float) -> float:
    """Return the probability of at most `hits`, if the true share were `share`.

    When it is small, the true share is shown to be below `share`; ``alternative="less"``.
    Raises as `p_at_least`.
    """
    _check_counts(hits, trials)
    _check_share(share)
    return _lower_tail(hits, trials, share)


def clopper_pearson(hits: int, trials: int, confidence: float) -> tuple[float, float]:
    """Return the exact lower and upper bound of the true share.

    Clopper and Pearson, Biometrika 26 (1934), 404-413: the shares that neither of the one-sided
    binomial tests rules out. The true share is below the lower bound, or above the upper one, in
    at most 1 - `confidence` of all evaluation sets, each.

    ``lower > share`` if and only if ``p_at_least(hits, trials, share) <= 1 - confidence``, and
    ``upper < share`` if and only if ``p_at_most(...) <= 1 - confidence``. (Nearer to a bound than
    1e-12 of it, p-values are not exact.)

    Raises
    ------
    EvidenceError
        If there are no trials, more hits than trials, or the confidence is not between 0 and 1.
    """
    _check_counts(hits, trials)
    level = _level(confidence)
    lower, upper = 0.0, 1.0
    if hits:
        guess = float(betaincinv(hits, trials - hits + 1, level))
        lower = lowest_kept(lambda p: _upper_tail(hits, trials, p) <= level, 0.0, 1.0, guess)
    if hits < trials:
        guess = float(betaincinv(hits + 1, trials - hits, confidence))
        upper = highest_kept(lambda p: _lower_tail(hits, trials, p) <= level, 0.0, 1.0, guess)
    return lower, upper


def f1_bounds(jaccard: tuple[float, float]) -> tuple[float, float]:
    """Return the bounds of F1 from those of Jaccard's index: F1 = 2J / (1 + J) rises with J."""
    lower, upper = jaccard
    return 2 * lower / (1 + lower), 2 * upper / (1 + upper)


def jaccard_of_f1(f1: float) -> float:
    """Return the Jaccard index that an F1 belongs to, J = F1 / (2 - F1), to test limits on F1."""
    return f1 / (2 - f1)


@lru_cache(maxsize=4096)
def flawless_trials(share: float, confidence: float) -> int | None:
    """Return the fewest examples on which a flawless result shows a share above `share`.

    With fewer, no model whatever could pass. A limit from above, ``at_most: x``, is shown by no
    hit at all on ``flawless_trials(1 - x, confidence)`` examples. ``None`` if `share` is 1: that
    nothing ever goes wrong is not to be shown by examples.

    Raises
    ------
    EvidenceError
        If the share is not within 0 and 1, or the confidence not between.
    """
    return trials_needed(1.0, share, confidence, "above")


@lru_cache(maxsize=4096)
def trials_needed(
    estimate: float, share: float, confidence: float, direction: Direction
) -> int | None:
    """Return the examples at which this estimate would show a share above or below `share`.

    The binomial tail is continued between whole hits, so that the answer does not jump with the
    rounding of ``estimate * trials``; where that is whole, it is the exact test's own answer.

    Parameters
    ----------
    estimate
        The share that was seen, and would be seen again.
    share
        The limit.
    confidence
        Of the one-sided bound.
    direction
        What is to be shown: that the true share is ``above`` or ``below`` the limit.

    Returns
    -------
    int or None
        ``None``: never, as the estimate is equal to `share` or on its other side, or so near that
        it would take more than 10 ** 15 examples.

    Raises
    ------
    EvidenceError
        If a share is not within 0 and 1, or the confidence not between.
    """
    _check_share(estimate)
    _check_share(share)
    level = _level(confidence)
    if direction == "above" and estimate > share:
        return fewest(lambda n: _upper_tail(estimate * n, n, share) <= level)
    if direction == "below" and estimate < share:
        return fewest(lambda n: _lower_tail(estimate * n, n, share) <= level)
    return None


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for all having been looked at, in the order given.

    Holm, Scandinavian Journal of Statistics 6 (1979), 65-70: if every p-value that is at most
    `level` once adjusted is taken as shown, then the probability that even one of them is an
    error is at most `level`, however the tests depend on each other.

    Raises
    ------
    EvidenceError
        If a p-value is not within 0 and 1.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if not bool(np.all((values >= 0) & (values <= 1))):
        raise EvidenceError("a p-value is a number from 0 to 1")
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    remaining = np.arange(len(values), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * remaining), 1.0)
    return [float(value) for value in adjusted]


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
    _check_counts(hits, trials)
    _check_counts(0, new_trials)
    level = _level(confidence)
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


def _upper_tail(hits: float, trials: int, share: float) -> float:
    return float(betainc(hits, trials - hits + 1, share)) if hits > 0 else 1.0


def _lower_tail(hits: float, trials: int, share: float) -> float:
    return float(betaincc(hits + 1, trials - hits, share)) if hits < trials else 1.0


def _level(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise EvidenceError(f"a confidence is a number between 0 and 1, not {confidence!r}")
    return 1 - confidence


def _check_counts(hits: int, trials: int) -> None:
    if trials < 1:
        raise EvidenceError(
            f"a share of {trials} examples is no number; there must be one at least"
        )
    if not 0 <= hits <= trials:
        raise EvidenceError(f"{hits} of {trials} examples is no share")


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise EvidenceError(f"a share is a number from 0 to 1, not {share!r}")
