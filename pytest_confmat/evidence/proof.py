"""The tests behind ``proven`` and ``not_refuted``.

A test knows the counts behind one number. Whatever they are, it answers the same questions: how
likely would they be if the true value just missed the bound (then the bound is shown to be met),
or just met it (then it is shown to be broken).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pytest_confmat.evidence import paired, shares
from pytest_confmat.limits import Bound

Shown = Literal["holds", "breaks"]


class Test(Protocol):
    """The test of one number against bounds."""

    @property
    def trials(self) -> int:
        """The denominator."""

    def p(self, bound: Bound, shown: Shown) -> float:
        """Return a p-value that is small where the true value is shown to meet or break `bound`.

        A bound that no value can break is shown to be met.
        """

    def interval(self, lower: float, upper: float) -> tuple[float, float] | None:
        """Return the bounds of the true value, each of its own one-sided confidence."""

    def trials_needed(self, bound: Bound, confidence: float, shown: Shown) -> int | None:
        """Return the denominator at which this estimate would show it; ``None``: none would."""

    def least_trials(self, bound: Bound, confidence: float) -> int | None:
        """Return the least denominator at which a result can show that `bound` is met.

        Of pairs: at which a result without a change does. ``None``: none is enough.
        """


@dataclass(frozen=True)
class Share:
    """A share: `hits` of `trials`, by the exact binomial test."""

    hits: int
    trials: int

    def p(self, bound: Bound, shown: Shown) -> float:
        """See `Test.p`."""
        if trivial(bound):
            return 0.0 if shown == "holds" else 1.0
        test = shares.p_at_least if _is_above(bound, shown) else shares.p_at_most
        return test(self.hits, self.trials, float(bound.value))

    def interval(self, lower: float, upper: float) -> tuple[float, float]:
        """See `Test.interval`."""
        return (
            shares.clopper_pearson(self.hits, self.trials, lower)[0],
            shares.clopper_pearson(self.hits, self.trials, upper)[1],
        )

    def trials_needed(self, bound: Bound, confidence: float, shown: Shown) -> int | None:
        """See `Test.trials_needed`."""
        direction: shares.Direction = "above" if _is_above(bound, shown) else "below"
        estimate = self.hits / self.trials
        return shares.trials_needed(estimate, float(bound.value), confidence, direction)

    def least_trials(self, bound: Bound, confidence: float) -> int | None:
        """See `Test.least_trials`."""
        if trivial(bound):
            return 1
        share = bound.value if bound.kind == "at_least" else 1 - bound.value
        return shares.flawless_trials(float(share), confidence)


@dataclass(frozen=True)
class F1Share:
    """F1, through Jaccard's index J: `hits` of `trials` that are of the class or predicted as it.

    F1 = 2J / (1 + J) rises with J, so that a bound on the one is a bound on the other.
    """

    hits: int
    trials: int

    @property
    def _jaccard(self) -> Share:
        return Share(self.hits, self.trials)

    def p(self, bound: Bound, shown: Shown) -> float:
        """See `Test.p`."""
        return self._jaccard.p(_on_jaccard(bound), shown)

    def interval(self, lower: float, upper: float) -> tuple[float, float]:
        """See `Test.interval`."""
        return shares.f1_bounds(self._jaccard.interval(lower, upper))

    def trials_needed(self, bound: Bound, confidence: float, shown: Shown) -> int | None:
        """See `Test.trials_needed`."""
        return self._jaccard.trials_needed(_on_jaccard(bound), confidence, shown)

    def least_trials(self, bound: Bound, confidence: float) -> int | None:
        """See `Test.least_trials`."""
        return self._jaccard.least_trials(_on_jaccard(bound), confidence)


@dataclass(frozen=True)
class Pairs:
    """A drop between two models on the same `trials` examples, by Tango's score test."""

    newly_wrong: int
    newly_right: int
    trials: int

    def p(self, bound: Bound, shown: Shown) -> float:
        """See `Test.p`."""
        if trivial(bound):
            return 0.0 if shown == "holds" else 1.0
        test = paired.tango_p_drop_below if shown == "holds" else paired.tango_p_drop_above
        return test(self.newly_wrong, self.newly_right, self.trials, float(bound.value))

    def interval(self, lower: float, upper: float) -> tuple[float, float]:
        """See `Test.interval`."""
        counts = self.newly_wrong, self.newly_right, self.trials
        return paired.tango_interval(*counts, lower)[0], paired.tango_interval(*counts, upper)[1]

    def trials_needed(self, bound: Bound, confidence: float, shown: Shown) -> int | None:
        """See `Test.trials_needed`."""
        direction: shares.Direction = "below" if shown == "holds" else "above"
        counts = self.newly_wrong, self.newly_right, self.trials
        return paired.pairs_needed(*counts, float(bound.value), confidence, direction)

    def least_trials(self, bound: Bound, confidence: float) -> int | None:
        """See `Test.least_trials`; not one example changed."""
        if trivial(bound):
            return 1
        return paired.unchanged_pairs(float(bound.value), confidence)


@dataclass(frozen=True)
class Cells:
    """Many cells under one bound: all must be shown to meet it, one to break it.

    The first needs no correction, each test being at its full level (intersection-union); for the
    second each p-value is multiplied by the number of cells, `count` (Bonferroni), of which
    `tests` has those that can decide.
    """

    tests: Sequence[Share | Pairs]
    count: int

    @property
    def trials(self) -> int:
        """The smallest denominator."""
        return min(test.trials for test in self.tests)

    def p(self, bound: Bound, shown: Shown) -> float:
        """See `Test.p`."""
        each = [test.p(bound, shown) for test in self.tests]
        return max(each) if shown == "holds" else min(1.0, self.count * min(each))

    def interval(self, lower: float, upper: float) -> None:  # noqa: ARG002 (the contract's)
        """See `Test.interval`; the highest of many shares has none."""
        return

    def trials_needed(self, bound: Bound, confidence: float, shown: Shown) -> int | None:
        """See `Test.trials_needed`: of each of the classes."""
        if shown == "breaks":
            confidence = 1 - (1 - confidence) / self.count
            found = [test.trials_needed(bound, confidence, shown) for test in self.tests]
            return min((n for n in found if n is not None), default=None)
        held = [test.trials_needed(bound, confidence, shown) for test in self.tests]
        known = [n for n in held if n is not None]
        return max(known) if len(known) == len(held) else None

    def least_trials(self, bound: Bound, confidence: float) -> int | None:
        """See `Test.least_trials`."""
        return self.tests[0].least_trials(bound, confidence)


def trivial(bound: Bound) -> bool:
    """Whether no share can break `bound`."""
    return bound.value <= 0 if bound.kind == "at_least" else bound.value >= 1


def _is_above(bound: Bound, shown: Shown) -> bool:
    return (bound.kind == "at_least") == (shown == "holds")


def _on_jaccard(bound: Bound) -> Bound:
    return Bound(bound.kind, bound.value / (2 - bound.value), bound.text)
