"""THE predicate: limits held against an evaluation. Nothing else compares a number with a limit."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pytest_confmat.evaluation import Mistake
from pytest_confmat.limits import Limit

Outcome = Literal["passed", "failed"]


@dataclass(frozen=True)
class Verdict:
    """One limit held against one evaluation, with the numbers that decided it.

    Attributes
    ----------
    limit
        What was declared.
    outcome
        ``passed`` or ``failed``; an undefined metric has failed.
    observed
        The exact value that was compared, or ``None`` where the metric is undefined.
    undefined
        Why there is no value; ``None`` where there is one.
    hits, trials
        The counts whose ratio `observed` is, where it is one: examples recognised of the class's
        examples for recall, and so on.
    needed
        The least `hits` (for at_most: the most) with which the limit holds at these `trials`.
    support
        Examples behind the number: of the class, or of the whole set.
    confused_with
        For a class: what its examples were taken for (recall, weighted diagonal) or what was
        taken for it (precision), class and count, most first.
    cells
        For ``confusions``: the cells that break the bound (actual, predicted, count, support),
        worst first; where none does, the worst.
    mistakes
        The surest mistakes behind a failure; empty when it passed.
    """

    limit: Limit
    outcome: Outcome
    observed: Fraction | None
    undefined: str | None = None
    hits: int | None = None
    trials: int | None = None
    needed: int | None = None
    support: int = 0
    confused_with: tuple[tuple[str, int], ...] = ()
    cells: tuple[tuple[str, str, int, int], ...] = ()
    mistakes: tuple[Mistake, ...] = ()
