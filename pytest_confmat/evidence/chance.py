"""How likely a pattern is by chance: bounds that hold for any number of examples."""

from __future__ import annotations

from fractions import Fraction
from math import comb, log

# A pattern counts only if chance shows as much in less than one of so many evaluations.
CHANCE = 1e-4


def ln_tail(hits: int, trials: int, share: float) -> float:
    """Return a bound on ln P(at least `hits` of `trials`), each a hit with probability `share`.

    Chernoff's: never too low, and it does not underflow.
    """
    if hits <= share * trials:
        return 0.0
    found = hits / trials
    missed = (1 - found) * log((1 - found) / (1 - share)) if hits < trials else 0.0
    return -trials * (found * log(found / share) + missed)


def coin_tail(heads: int, tosses: int) -> Fraction:
    """Return P(at least `heads` of `tosses`) of a coin, exactly."""
    return Fraction(sum(comb(tosses, k) for k in range(heads, tosses + 1)), 2**tosses)
