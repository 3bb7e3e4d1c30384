"""Limits for a model that has none yet, which an equally good one passes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from pytest_confmat.authoring.margins import ANY, Observed, bound, safe_bound
from pytest_confmat.limits import Limit, limit_id
from pytest_confmat.matrix import ConfusionMatrix

# A general limit is safe for all but so many classes: a quarter of few, a tenth of many.
_QUARTER, _TENTH, _FEW = 4, 10, 20
# A class whose own bound is almost as high needs no line of its own.
_ALMOST = Fraction(1, 100)
# More examples than these are not looked for.
_MOST_TRIALS = 1_000_000


@dataclass(frozen=True)
class Proposed:
    """What was observed, and the bound that is safe for it; ``None``: none is.

    Attributes
    ----------
    name
        Of the class, or ``None`` for the whole set.
    """

    name: str | None
    hits: int
    trials: int
    value: Fraction | None

    @property
    def observed(self) -> Fraction:
        """The share."""
        return Fraction(self.hits, self.trials)


@dataclass(frozen=True)
class Proposal:
    """Limits on accuracy and on recall of each class.

    Attributes
    ----------
    accuracy
        Of all examples.
    general
        The limit on recall for every class that is not in `own` or `exempt`; ``None`` if it is
        safe for no class.
    weakest
        The class that keeps it from being higher.
    own
        Classes that need a lower limit, in their order.
    exempt
        Classes with too few examples, or too few recognized, for any limit.
    classes
        The names, in the order of the matrix.
    """

    accuracy: Proposed
    general: Fraction | None
    weakest: Proposed | None
    own: tuple[Proposed, ...]
    exempt: tuple[Proposed, ...]
    classes: tuple[str, ...]

    @property
    def considered(self) -> int:
        """Over how many limits the probability of missing one by chance was shared."""
        return len(self.classes) + 1

    @property
    def runs(self) -> int:
        """In one of so many runs at most an equally good model misses a given limit."""
        return int(self.considered / ANY)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits, as a policy that says so makes them."""
        limits = []
        if self.accuracy.value is not None:
            limits.append(Limit("accuracy", "accuracy", bound("at_least", self.accuracy.value)))
        own = {each.name: each.value for each in self.own}
        exempt = {each.name for each in self.exempt}
        for name in self.classes:
            value = own.get(name, self.general)
            if value is not None and name not in exempt:
                at_least = bound("at_least", value)
                limits.append(Limit(limit_id("recall", name), "recall", at_least, actual=name))
        return tuple(limits)


def propose(matrix: ConfusionMatrix) -> tuple[Limit, ...]:
    """Propose limits on accuracy and on recall of each class; see `proposal_for`.

    An equally good, independent model passes all of them together in at least 95 % of all runs.
    Classes too small for a limit have none.
    """
    return proposal_for(matrix).limits


def proposal_for(matrix: ConfusionMatrix) -> Proposal:
    """Propose limits that are short to write down.

    Each class has a safe bound of its own (`margins.safe_bound`). The general limit is safe for
    nearly all of them; the others have a lower one of their own.

    Parameters
    ----------
    matrix
        Every class has examples, but those that are declared to have none.
    """
    judged = list(matrix.judged)
    names = tuple(matrix.classes[i] for i in judged)
    m = len(judged) + 1
    accuracy = _proposed(None, int(matrix.correct.sum()), matrix.total, m)
    each = [
        _proposed(name, hits, trials, m)
        for name, hits, trials in zip(
            names, matrix.correct[judged].tolist(), matrix.support[judged].tolist(), strict=True
        )
    ]
    values = sorted(one.value for one in each if one.value is not None)
    general = _general(values) if values else None
    low = [one for one in each if one.value is not None and general is not None]
    return Proposal(
        accuracy,
        general,
        next((one for one in low if one.value == general), None),
        tuple(one for one in low if one.value is not None and one.value < (general or 0)),
        tuple(one for one in each if one.value is None),
        names,
    )


def examples_needed(proposal: Proposal) -> int:
    """Return about how many examples accuracy needs for a limit, at the value observed."""
    accuracy = proposal.accuracy
    trials = accuracy.trials
    while trials < _MOST_TRIALS:
        trials += ceil(trials / 10)
        observed = Observed(int(accuracy.observed * trials), trials)
        if safe_bound(observed, "at_least", proposal.considered):
            break
    return trials


def _general(values: list[Fraction]) -> Fraction:
    """Return the value that is safe for all but some classes; `values` are sorted, lowest first."""
    some = max(min(ceil(len(values) / _QUARTER), _FEW), len(values) // _TENTH)
    wanted = values[min(some, len(values) - 1)]
    return next(value for value in values if value >= wanted - _ALMOST)


def _proposed(name: str | None, hits: int, trials: int, m: int) -> Proposed:
    value = safe_bound(Observed(hits, trials), "at_least", m) if trials else Fraction(0)
    return Proposed(name, hits, trials, value or None)
