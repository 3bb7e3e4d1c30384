"""The ends of an interval, as the outermost values that a test does not rule out.

A bound and a decision that are computed by two formulas disagree in their last digits, and that
is enough for a report to contradict itself. Here a bound is found *by* the decision.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ulp

_TOLERANCE = 1e-16
_MOST = 10**15


def lowest_kept(
    ruled_out: Callable[[float], bool], lowest: float, highest: float, guess: float
) -> float:
    """Return the lowest value that is not ruled out.

    Parameters
    ----------
    ruled_out
        True below the value looked for, false from there on.
    lowest, highest
        Where to look, both included; `highest` is taken as not ruled out.
    guess
        About where it is: the better it is, the fewer the calls.
    """
    return _bisect(ruled_out, *_bracket(ruled_out, lowest, highest, guess))


def highest_kept(
    ruled_out: Callable[[float], bool], lowest: float, highest: float, guess: float
) -> float:
    """Return the highest value that is not ruled out; `lowest_kept` with directions reversed."""
    return -lowest_kept(lambda value: ruled_out(-value), -highest, -lowest, -guess)


def solve(function: Callable[[float], float], lowest: float, highest: float) -> float:
    """Return about where an increasing function crosses zero (regula falsi, Illinois variant)."""
    below, above = function(lowest), function(highest)
    if below >= 0:
        return lowest
    if above <= 0:
        return highest
    middle, last = lowest, 0.0
    for _ in range(60):
        middle = lowest + below / (below - above) * (highest - lowest)
        value = function(middle)
        if abs(value) <= _TOLERANCE or highest - lowest <= _TOLERANCE:
            break
        # An end that stays twice in a row would stay for long: it is made to count for less.
        if value < 0:
            lowest, below = middle, value
            above = above / 2 if last < 0 else above
        else:
            highest, above = middle, value
            below = below / 2 if last > 0 else below
        last = value
    return middle


def fewest(shown: Callable[[int], bool]) -> int | None:
    """Return the lowest number from 1 to 10 ** 15 from which on something is shown, if any."""
    few, enough = 0, 1
    while not shown(enough):
        few, enough = enough, enough * 2
        if enough > _MOST:
            return None
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if shown(middle) else (middle, enough)
    return enough


def _bracket(
    ruled_out: Callable[[float], bool], lowest: float, highest: float, guess: float
) -> tuple[float, float]:
    """Return a value that is ruled out and one above it that is not, as close as floats allow.

    Both are `lowest` if nothing is ruled out.
    """
    guess = min(max(guess, lowest), highest)
    upwards = guess < highest and ruled_out(guess)
    step = ulp(guess)
    near = guess
    while True:
        far = near + step if upwards else near - step
        if upwards and far >= highest:
            return near, highest
        if not upwards and far <= lowest:
            return (lowest, near) if ruled_out(lowest) else (lowest, lowest)
        if ruled_out(far) != upwards:
            return (near, far) if upwards else (far, near)
        near, step = far, step * 4


def _bisect(ruled_out: Callable[[float], bool], out: float, kept: float) -> float:
    while True:
        middle = out + (kept - out) / 2
        if not out < middle < kept:
            return kept
        if ruled_out(middle):
            out = middle
        else:
            kept = middle
