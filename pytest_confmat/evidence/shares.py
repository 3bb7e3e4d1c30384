"""Exact tests and bounds of a share's true value, and how many examples these take.

A share is `hits` of `trials`: of the 25 cats 23 were recognized. Each confidence is that of *one
one-sided* bound; a two-sided interval of confidence 0.90 has the same ends as two one-sided bounds
of 0.95. A p-value is small when something is shown: at confidence 0.95, when it is at most 0.05.
Bounds are found by means of the p-values, so that the two do not contradict each other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from pytest_confmat.errors import EvidenceError
from pytest_confmat.evidence.edges import fewest, highest_kept, lowest_kept
from pytest_confmat.evidence.special import betainc, betaincc, betaincinv

Direction = Literal["above", "below"]


def p_at_least(hits: int, trials: int, share: float) -> float:
    """Return the probability of at least `hits`, if the true share were `share`.

    When it is small, the true share is shown to be above `share`: the exact one-sided binomial
    test, as ``scipy.stats.binomtest(hits, trials, share, alternative="greater").pvalue``.

    Raises
    ------
    EvidenceError
        If there are no trials, more hits than trials, or the share is not within 0 and 1.
    """
    check_counts(hits, trials)
    _check_share(share)
    return _upper_tail(hits, trials, share)


def p_at_most(hits: int, trials: int, share: float) -> float:
    """Return the probability of at most `hits`, if the true share were `share`.

    When it is small, the true share is shown to be below `share`; ``alternative="less"``.
    Raises as `p_at_least`.
    """
    check_counts(hits, trials)
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
    check_counts(hits, trials)
    level = level_of(confidence)
    lower, upper = 0.0, 1.0
    if hits:
        guess = betaincinv(hits, trials - hits + 1, level)
        lower = lowest_kept(lambda p: _upper_tail(hits, trials, p) <= level, 0.0, 1.0, guess)
    if hits < trials:
        guess = betaincinv(hits + 1, trials - hits, confidence)
        upper = highest_kept(lambda p: _lower_tail(hits, trials, p) <= level, 0.0, 1.0, guess)
    return lower, upper


def f1_bounds(jaccard: tuple[float, float]) -> tuple[float, float]:
    """Return the bounds of F1 from those of Jaccard's index: F1 = 2J / (1 + J) rises with J."""
    lower, upper = jaccard
    return 2 * lower / (1 + lower), 2 * upper / (1 + upper)


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
    level = level_of(confidence)
    if direction == "above" and estimate > share:
        return fewest(lambda n: _upper_tail(estimate * n, n, share) <= level)
    if direction == "below" and estimate < share:
        return fewest(lambda n: _lower_tail(estimate * n, n, share) <= level)
    return None


def _upper_tail(hits: float, trials: int, share: float) -> float:
    return betainc(hits, trials - hits + 1, share) if hits > 0 else 1.0


def _lower_tail(hits: float, trials: int, share: float) -> float:
    return betaincc(hits + 1, trials - hits, share) if hits < trials else 1.0


def level_of(confidence: float) -> float:
    """Return the probability of an error that a confidence allows, or raise an `EvidenceError`."""
    if not 0 < confidence < 1:
        raise EvidenceError(f"a confidence is a number between 0 and 1, not {confidence!r}")
    return 1 - confidence


def check_counts(hits: int, trials: int) -> None:
    """Raise an `EvidenceError` unless `hits` of `trials` is a share."""
    if trials < 1:
        raise EvidenceError(
            f"a share of {trials} examples is no number; there must be one at least"
        )
    if not 0 <= hits <= trials:
        raise EvidenceError(f"{hits} of {trials} examples is no share")


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise EvidenceError(f"a share is a number from 0 to 1, not {share!r}")
