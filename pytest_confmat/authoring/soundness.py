"""Whether limits may be proposed from what a model did: they must not make a mistake permanent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil

from pytest_confmat.authoring.margins import ANY
from pytest_confmat.decimals import percent
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.evidence.guesses import MOST_EXAMPLES, chance_of_a_guess, moments
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.rescalings import NONE

# So many standard deviations ahead of the mean are seen by chance in `ANY` of all deals, where
# their number is normally distributed: from about this variance on.
_SHOWN, _NORMAL_FROM = 1.645, 25
_WIRING = ("permuted", "shifted", "collapsed")


def objection(matrix: ConfusionMatrix, likely_causes: Sequence[LikelyCause]) -> str | None:
    """Return why no limits should be proposed, or ``None``.

    Parameters
    ----------
    likely_causes
        What the result looks like; they are looked for although nothing has failed.
    """
    found = [cause.text for cause in likely_causes if cause.kind in _WIRING]
    better = [
        cause
        for cause in likely_causes
        if cause.kind == "preprocessing" and cause.evidence.get("better")
    ]
    found += [cause.text for cause in better]
    if found:
        for cause in better:
            found.append(_advice(cause.evidence["better"]))
        return "\n".join(found)
    return _no_better_than_chance(matrix)


def _advice(better: str) -> str:
    if better == NONE:
        return "if so: leave it out of --confmat-init='...'"
    if " and " in better:
        return "if so: hand in data that are rescaled so, or override confmat_dataset"
    return f"if so: --confmat-init='{better}'"


def remarks(likely_causes: Sequence[LikelyCause]) -> Iterator[str]:
    """Yield what the user must know all the same."""
    for cause in likely_causes:
        if cause.kind == "never_predicted":
            yield f"Look into this before you rely on the limits: {cause.text}"


def _no_better_than_chance(matrix: ConfusionMatrix) -> str | None:
    """Say so if the predictions, dealt out at random, might be right as often.

    Of up to `MOST_EXAMPLES` the chance of that is exact. Of more it is that of a normal
    distribution; where classes are so rare that it is none, Cantelli's inequality bounds it: at
    most var / (var + d * d) of all deals are right for d more than the mean.
    """
    n, right = matrix.total, int(matrix.correct.sum())
    counts = matrix.support.tolist(), matrix.predicted.tolist()
    mean, variance = moments(*counts)
    ahead = right - mean
    dealt = f"its predictions dealt out at random would be right for {float(mean):.1f}"
    if ahead <= 0:
        return f"it is no better than a guess: {right:,} of {n:,} examples are right, and {dealt}"
    demanded = 1 / ANY - 1
    if n <= MOST_EXAMPLES or variance >= _NORMAL_FROM:
        demanded = Fraction(_SHOWN) ** 2
    if n > MOST_EXAMPLES and ahead**2 >= demanded * variance:
        return None
    if n <= MOST_EXAMPLES:
        chance = chance_of_a_guess(*counts, right)
        if chance <= ANY:
            return None
        dealt += f", and for as many in {percent(chance.numerator, chance.denominator)} of all runs"
    needed = ceil(n * demanded * variance / ahead**2)
    return (
        f"too few examples to tell it from a guess: {right:,} of {n:,} are right, and {dealt}; at "
        f"this rate it takes about {_rounded_up(max(needed, n + 1)):,} examples"
    )


def _rounded_up(number: int) -> int:
    """Return the next number of two digits and zeros."""
    unit: int = 10 ** max(0, len(str(number)) - 2)
    return -(-number // unit) * unit
