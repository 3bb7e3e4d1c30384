"""Two models on the same examples: what changed, and what it shows.

Of `n` examples the first model had some right that the second has wrong (`newly_wrong`), and some
wrong that the second has right (`newly_right`). The drop is their difference as a share of all,
``(newly_wrong - newly_right) / n``; a negative one is a rise. Examples on which both are right, or
both wrong, say nothing of the difference but through `n`.

The tests are Tango's score test (Statistics in Medicine 17 (1998), 891-908), made to hold their
level. As published the test is an approximation for many changes. With few, of the models that lie
exactly at the margin it passes up to 7 %, and blocks up to 9 %, where 5 % are promised. So here:

- The difference is first moved one example towards the margin. That is the continuity correction
  of Edwards for McNemar's test, to which Tango's reduces at a margin of 0: with a given number of
  changes the difference moves in steps of two, and half a step is one.
- Where few examples change, two exact binomial tests bound it. That a drop is *below* a margin is
  also shown when the share of newly wrong examples alone is shown to lie below it. That a drop is
  *above* a margin is shown only if it would be, had the model fixed nothing and broken as many
  more than it fixed.

The size of the result, added up over all outcomes and not simulated, is in ``docs/evidence.md``.
"""

from __future__ import annotations

from functools import lru_cache, partial
from math import sqrt
from typing import Literal

from pytest_confmat.errors import EvidenceError
from pytest_confmat.evidence.edges import fewest, highest_kept, solve
from pytest_confmat.evidence.special import betainc, betaincc, betaincinv, ndtr, ndtri

_CORRECTION = 1.0


def tango_p_drop_below(newly_wrong: int, newly_right: int, n: int, margin: float) -> float:
    """Return how likely so low a drop would be, if the true drop were `margin`.

    When it is small, the drop is shown to be below the margin: the second model is not inferior.

    Parameters
    ----------
    newly_wrong, newly_right
        Examples that only the first, and only the second model has right.
    n
        Examples that both models were given.
    margin
        The drop that would just be too much, as a share of `n`. A negative one asks for a rise.

    Raises
    ------
    EvidenceError
        If there are no examples, or more changes than examples, or the margin is no number.
    """
    _check(newly_wrong, newly_right, n, margin)
    return _p_below(newly_wrong, newly_right, n, margin)


def tango_p_drop_above(newly_wrong: int, newly_right: int, n: int, margin: float) -> float:
    """Return how likely so high a drop would be, if the true drop were `margin`.

    When it is small, the drop is shown to exceed the margin. As `tango_p_drop_below` otherwise.
    """
    _check(newly_wrong, newly_right, n, margin)
    return _p_below(newly_right, newly_wrong, n, -margin)


def tango_interval(
    newly_wrong: int, newly_right: int, n: int, confidence: float
) -> tuple[float, float]:
    """Return the lower and upper bound of the true drop, each with this one-sided confidence.

    They are the outermost drops that the two tests do not rule out, so that decisions and bounds
    do not contradict each other: ``upper < margin`` if and only if ``tango_p_drop_below(...,
    margin) <= 1 - confidence``, and ``lower > margin`` if and only if ``tango_p_drop_above(...,
    margin) <= 1 - confidence``. (Nearer to a bound than 1e-12 of it, p-values are not exact.)

    Raises
    ------
    EvidenceError
        If there are no examples, or more changes than examples, or the confidence is not between
        0 and 1.
    """
    _check(newly_wrong, newly_right, n, 0.0)
    if not 0 < confidence < 1:
        raise EvidenceError(f"a confidence is a number between 0 and 1, not {confidence!r}")
    lower = -_upper(newly_right, newly_wrong, n, confidence)
    # 0.0 - 0.0 is 0.0, where -0.0 would be printed with its sign.
    return 0.0 + lower, _upper(newly_wrong, newly_right, n, confidence)


def score_interval(
    newly_wrong: int, newly_right: int, n: int, confidence: float, correction: float = 0.0
) -> tuple[float, float]:
    """Return Tango's interval of the drop as it was published, to seven digits and more.

    It decides nothing here; `tango_interval` starts its search from it.

    Parameters
    ----------
    newly_wrong, newly_right, n, confidence
        As for `tango_interval`; confidence is that of each one-sided bound.
    correction
        Examples by which the difference is moved towards each margin.
    """
    _check(newly_wrong, newly_right, n, 0.0)
    z = ndtri(confidence)
    upper = _score_bound(newly_wrong, newly_right, n, z, correction)
    return -_score_bound(newly_right, newly_wrong, n, z, correction), upper


def mcnemar_exact(newly_wrong: int, newly_right: int) -> float:
    """Return McNemar's exact two-sided p-value, of as many changes for the worse as the better.

    Twice the smaller tail of a binomial of the changes with a share of one half, at most 1. It
    asks whether there is a difference at all, and not whether it matters.

    Raises
    ------
    EvidenceError
        If a count is negative.
    """
    if newly_wrong < 0 or newly_right < 0:
        raise EvidenceError(f"{newly_wrong} and {newly_right} changes are no counts")
    fewer, more = sorted((newly_wrong, newly_right))
    return min(1.0, 2 * betaincc(fewer + 1, more, 0.5)) if more else 1.0


@lru_cache(maxsize=4096)
def pairs_needed(  # noqa: PLR0917 - as the other functions, with the same order
    newly_wrong: int,
    newly_right: int,
    n: int,
    margin: float,
    confidence: float,
    direction: Literal["above", "below"],
) -> int | None:
    """Return the examples at which changes in this proportion would show the drop to be beyond.

    Parameters
    ----------
    newly_wrong, newly_right, n
        What was seen, and would be seen again in proportion.
    margin, confidence
        The drop to be told from, and the confidence of the one-sided bound.
    direction
        Whether the drop is to be shown ``above`` or ``below`` the margin.

    Returns
    -------
    int or None
        ``None``: never, as the drop seen is equal to the margin or on its other side.

    Raises
    ------
    EvidenceError
        As `tango_interval`.
    """
    _check(newly_wrong, newly_right, n, margin)
    if not 0 < confidence < 1:
        raise EvidenceError(f"a confidence is a number between 0 and 1, not {confidence!r}")
    worse, better, limit = newly_wrong / n, newly_right / n, margin
    if direction == "above":
        worse, better, limit = better, worse, -margin
    if worse - better >= limit:
        return None
    level = 1 - confidence
    return fewest(lambda many: _p_below(worse * many, better * many, many, limit) <= level)


def unchanged_pairs(margin: float, confidence: float) -> int | None:
    """Return the fewest examples on which not one change shows a drop below the margin.

    With fewer, only a better model could pass, and not the first one itself. ``None`` for a margin
    of 0: that two models are equally good to the last example is not to be shown by examples.
    """
    return pairs_needed(0, 0, 1, margin, confidence, "below")


def _p_below(worse: float, better: float, n: int, margin: float) -> float:
    """Return the p-value of `tango_p_drop_below`; the counts may lie between whole ones."""
    if margin >= 1:
        return 1.0 if worse == n and margin == 1 else 0.0
    if margin <= -1:
        return 1.0
    score = _p_score(worse, better, n, margin)
    if margin < 0:
        rise = better - worse
        return max(score, betainc(rise, n - rise + 1, -margin) if rise > 0 else 1.0)
    return min(score, betaincc(worse + 1, n - worse, margin) if worse < n else 1.0)


def _p_score(worse: float, better: float, n: int, margin: float) -> float:
    difference, deviation = _score(worse, better, n, margin)
    difference += _CORRECTION
    if not deviation:
        return 1.0 if difference > 0 else 0.0
    return ndtr(difference / deviation)


def _score(worse: float, better: float, n: int, margin: float) -> tuple[float, float]:
    """Return how much the changes are worse than at a margin of -1 to 1, and the deviation of that.

    At the margin the shares of newly wrong and newly right examples are q + margin and q. The
    deviation is that with the q under which the changes are likeliest, the greater root of
    2n q^2 + ((2n - worse + better) margin - worse - better) q - better margin (1 - margin) = 0.
    """
    difference = worse - better - n * margin
    if margin < 0:  # seen from the other side, nothing under the root below is negative
        worse, better, margin = better, worse, -margin
    linear = (2 * n - worse + better) * margin - worse - better
    constant = better * margin * (1 - margin)
    root = sqrt(linear * linear + 8 * n * constant)
    # Of the two ways to write the root, the one that takes no difference of near numbers.
    q = 2 * constant / (linear + root) if linear > 0 else (root - linear) / (4 * n)
    return difference, sqrt(n * (2 * q + margin * (1 - margin)))


def _score_bound(worse: int, better: int, n: int, z: float, correction: float) -> float:
    def beyond(margin: float) -> float:
        difference, deviation = _score(worse, better, n, margin)
        if not difference and not deviation:
            return -1.0  # nothing was seen where nothing was to be expected: not beyond
        return (-difference - correction - z * deviation) / n

    return solve(beyond, -1.0, 1.0)


@lru_cache(maxsize=4096)
def _upper(worse: int, better: int, n: int, confidence: float) -> float:
    level = 1 - confidence
    guess = _score_bound(worse, better, n, ndtri(confidence), _CORRECTION)
    if guess < 0:
        rise = better - worse
        guess = max(guess, -betaincinv(rise, n - rise + 1, level)) if rise > 0 else 0.0
    elif worse < n:
        guess = min(guess, betaincinv(worse + 1, n - worse, confidence))
    test = partial(_p_below, worse, better, n)
    return highest_kept(lambda margin: test(margin) <= level, -1.0, 1.0, guess)


def _check(newly_wrong: int, newly_right: int, n: int, margin: float) -> None:
    if n < 1:
        raise EvidenceError(f"two models cannot be compared on {n} examples")
    if newly_wrong < 0 or newly_right < 0 or newly_wrong + newly_right > n:
        raise EvidenceError(
            f"{newly_wrong} and {newly_right} changes of {n} examples are no counts"
        )
    if margin != margin:  # noqa: PLR0124 - only NaN is not itself
        raise EvidenceError("a margin is a number, not NaN")
