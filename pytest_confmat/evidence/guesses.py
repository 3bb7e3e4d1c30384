"""The exact chance that random predictions are right as often."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb, factorial

# The exact chance takes a time that grows with the square of the number of examples.
MOST_EXAMPLES = 500


def chance_of_a_guess(support: Sequence[int], predicted: Sequence[int], right: int) -> Fraction:
    """Return the chance that predictions, dealt out at random, are right for as many examples.

    It is that of a random permutation to have `right` places or more at which two sequences
    agree: with two classes the p-value of Fisher's exact test, one-sided. The numbers of ways to
    have k agreements at given places add up to the rook numbers of the classes, and inclusion and
    exclusion makes of these how many permutations have how many.

    Parameters
    ----------
    support, predicted
        How many examples are of each class, and how often it is predicted; of equal sums, at most
        `MOST_EXAMPLES`.
    right
        How many examples are predicted as their class.
    """
    if right <= 0:
        return Fraction(1)
    rooks = [1]
    for s, p in zip(support, predicted, strict=True):
        own = [comb(s, j) * comb(p, j) * factorial(j) for j in range(min(s, p) + 1)]
        rooks = _product(rooks, own)
    n = sum(support)
    ways, sign = 0, 1
    for k in range(right, len(rooks)):
        ways += sign * comb(k - 1, right - 1) * rooks[k] * factorial(n - k)
        sign = -sign
    return Fraction(ways, factorial(n))


def moments(support: Sequence[int], predicted: Sequence[int]) -> tuple[Fraction, Fraction]:
    """Return mean and variance of how many are right by chance (Hoeffding 1951)."""
    n = sum(support)
    both = sum(s * p for s, p in zip(support, predicted, strict=True))
    mixed = sum(s * p * (s + p) for s, p in zip(support, predicted, strict=True))
    spread = both - Fraction(mixed, n) + Fraction(both, n) ** 2
    return Fraction(both, n), spread / max(n - 1, 1)


def _product(one: Sequence[int], other: Sequence[int]) -> list[int]:
    found = [0] * (len(one) + len(other) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            found[i + j] += a * b
    return found
