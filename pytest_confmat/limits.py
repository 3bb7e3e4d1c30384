"""Limits: a metric, a class or the whole, a bound; and the rules of a policy that declare them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from typing import Literal

from pytest_confmat.errors import Location
from pytest_confmat.metric import TOP_K, metric_called
from pytest_confmat.spec import Normalize

Kind = Literal["at_least", "at_most"]
Against = Literal["value", "baseline", "reference"]
EvidenceRule = Literal["estimate", "proven", "not_refuted"]
Undecided = Literal["fail", "warn"]
Family = Literal["none", "holm"]

FLIPS = "flips"
# Limits that are on no metric, and are shares of examples.
_OTHER_SHARES = ("confusion", "confusions", FLIPS)
_LONGEST_NAME = 100
_CI_COMMAND = re.compile(r"##(?=\w*\[)")


def is_overall(metric: str) -> bool:
    """Whether `metric` is one number for the whole matrix."""
    found = metric_called(metric)
    return found.scope == "overall" if found is not None else TOP_K.fullmatch(metric) is not None


def metric_range(metric: str) -> tuple[int, int]:
    """Return the lowest and the highest value that `metric` can take."""
    found = metric_called(metric)
    return (0 if found is None else found.lowest), 1


@dataclass(frozen=True)
class Bound:
    """A bound as it was written: `value` is exact, `text` is the user's own spelling."""

    kind: Kind
    value: Fraction
    text: str


@dataclass(frozen=True)
class Evidence:
    """How sure one must be of a verdict.

    Attributes
    ----------
    confidence
        Of each one-sided bound.
    rule
        ``estimate``: the estimate is compared with the bound. ``proven``: passes only if the
        pessimistic end of the interval holds the bound, fails if the optimistic end does not.
        ``not_refuted``: fails only if the optimistic end breaks the bound.
    undecided
        Whether an undecided verdict fails, or is passed with a warning.
    min_support
        With a smaller denominator a verdict is undecided, whatever the estimate.
    family
        ``holm``: refutations are adjusted over all limits of the policy (Holm 1979).
    """

    confidence: Fraction = Fraction(95, 100)
    rule: EvidenceRule = "estimate"
    undecided: Undecided = "fail"
    min_support: int = 1
    family: Family = "none"


ESTIMATE = Evidence()


@dataclass(frozen=True)
class Weighting:
    """How the rows or examples of a weighted matrix are scaled.

    Attributes
    ----------
    weights
        ``inverse_frequency`` (each row times 1 / support), ``balanced`` (scikit-learn's class
        weights), ``sample`` (the source's own weight of each example), or a weight a class.
    normalize
        scikit-learn's words for what the weighted counts are divided by: ``true`` their row's
        sum, ``pred`` their column's, ``all`` the whole. ``None`` only with inverse_frequency.
    """

    weights: Literal["inverse_frequency", "balanced", "sample"] | tuple[tuple[str, Fraction], ...]
    normalize: Normalize | None = None


@dataclass(frozen=True)
class Limit:
    """One bound on one number; it becomes one verdict.

    Attributes
    ----------
    id
        ``recall[cat]``, ``accuracy``, ``confusion[cat:dog]``, ``confusions[*]``,
        ``recall_drop[cat]``; unique in a policy, one line, free of control characters.
    metric
        Name of a metric, ``weighted_diagonal``, ``confusion``, or ``confusions`` for every
        off-diagonal cell but those in `excluded`; ``flips``.
    actual, predicted
        The class (`actual`) of a per-class metric; both for ``confusion``.
    evidence
        How sure one must be.
    against
        ``value``: the metric is compared with the bound. ``baseline``: by how much it is worse
        than the baseline's, on the same examples. ``reference``: than that of another model which
        was evaluated in the same pass.
    """

    id: str
    metric: str
    bound: Bound
    location: Location | None = None
    actual: str | None = None
    predicted: str | None = None
    weighting: Weighting | None = None
    excluded: frozenset[tuple[str, str]] = frozenset()
    evidence: Evidence = ESTIMATE
    against: Against = "value"

    @property
    def has_interval(self) -> bool:
        """Whether the number is a proportion, whose interval is known exactly."""
        return has_interval(self.metric, self.weighting, self.against)


def has_interval(
    metric: str, weighting: Weighting | None = None, against: Against = "value"
) -> bool:
    """Whether a metric has more than an estimate: ``proven`` and ``not_refuted`` need it.

    Precision, F1 and Jaccard's index have an interval, given how often the class was predicted;
    as that differs between two models, their drop has none.
    """
    if metric == "weighted_diagonal":
        plain = Weighting("inverse_frequency")
        return weighting == plain
    if metric in _OTHER_SHARES or TOP_K.fullmatch(metric):
        return True
    found = metric_called(metric)
    if found is None or found.share_of is None:
        return False
    return found.share_of == "examples" or against == "value"


@dataclass(frozen=True)
class Exemption:
    """A class that a policy takes out of a per-class limit by ``none``; reports show it."""

    metric: str
    actual: str
    location: Location


@dataclass(frozen=True)
class OverallRule:
    """``accuracy: 0.93``."""

    metric: str
    bound: Bound
    location: Location
    evidence: Evidence = ESTIMATE
    against: Against = "value"


@dataclass(frozen=True)
class Override:
    """What is different for one class; a `bound` of ``None`` exempts it."""

    bound: Bound | None
    location: Location
    evidence: Evidence = ESTIMATE


@dataclass(frozen=True)
class ClassRule:
    """``recall: {at_least: 0.9, classes: {cat: 0.95, other: none}}``.

    Attributes
    ----------
    bound
        For every class that `overrides` does not name; ``None``: the named classes alone.
    overrides
        By class name.
    """

    metric: str
    bound: Bound | None
    location: Location
    overrides: Mapping[str, Override] = field(default_factory=dict)
    weighting: Weighting | None = None
    evidence: Evidence = ESTIMATE
    against: Against = "value"


@dataclass(frozen=True)
class ConfusionRule:
    """A bound on the share of `actual` predicted as `predicted`; both ``None``: every other."""

    bound: Bound
    location: Location
    actual: str | None = None
    predicted: str | None = None
    evidence: Evidence = ESTIMATE
    against: Against = "value"


Rule = OverallRule | ClassRule | ConfusionRule


def one_line(name: str, longest: int | None = _LONGEST_NAME) -> str:
    """Return a class name fit for an id that pytest prints as it is, in a CI log too.

    Control characters and backslashes are escaped, ``##[`` is (it is a command to GitHub and
    Azure), and a name of more than `longest` characters is cut and told apart by a digest.
    """
    if longest is not None and len(name) > longest:
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = f"{name[: longest - 12]}...{digest}"
    shown = "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode("ascii")
        for c in name
    )
    return _CI_COMMAND.sub(r"#\\x23", shown)


def limit_id(
    metric: str,
    actual: str | None = None,
    predicted: str | None = None,
    against: Against = "value",
) -> str:
    """Return the id under which pytest knows a limit.

    A colon inside a class name of a pair is escaped, so that two pairs never share an id.
    """
    if against != "value" and metric != FLIPS:
        metric += "_rise" if metric in ("confusion", "confusions") else "_drop"
    if metric.startswith("confusions"):
        return f"{metric}[*]"
    if actual is None:
        return metric
    if predicted is None:
        return f"{metric}[{one_line(actual)}]"
    pair = ":".join(one_line(name).replace(":", "\\:") for name in (actual, predicted))
    return f"{metric}[{pair}]"


def expand(
    rules: Sequence[Rule], classes: Sequence[str]
) -> tuple[tuple[Limit, ...], tuple[Exemption, ...]]:
    """Apply `rules` to `classes`: every limit that will get a verdict, and who is exempt.

    Limits come in the order of the rules, and within a rule in the order of the classes.
    """
    limits: list[Limit] = []
    exemptions: list[Exemption] = []
    for rule in rules:
        if isinstance(rule, OverallRule):
            limits.append(_overall_limit(rule))
        elif isinstance(rule, ConfusionRule):
            limits.append(_confusion_limit(rule, rules))
        else:
            for name in classes:
                default = Override(rule.bound, rule.location, rule.evidence)
                override = rule.overrides.get(name, default)
                if override.bound is not None:
                    limits.append(_class_limit(rule, name, override.bound, override))
                elif name in rule.overrides:
                    metric = limit_id(rule.metric, against=rule.against)
                    exemptions.append(Exemption(metric, name, override.location))
    return tuple(limits), tuple(exemptions)


def _overall_limit(rule: OverallRule) -> Limit:
    return Limit(
        limit_id(rule.metric, against=rule.against),
        rule.metric,
        rule.bound,
        rule.location,
        evidence=rule.evidence,
        against=rule.against,
    )


def _class_limit(rule: ClassRule, name: str, bound: Bound, override: Override) -> Limit:
    return Limit(
        limit_id(rule.metric, name, against=rule.against),
        rule.metric,
        bound,
        override.location,
        actual=name,
        weighting=rule.weighting,
        evidence=override.evidence,
        against=rule.against,
    )


def _named_cells(rules: Sequence[Rule], against: Against) -> frozenset[tuple[str, str]]:
    return frozenset(
        (rule.actual, rule.predicted)
        for rule in rules
        if isinstance(rule, ConfusionRule) and rule.against == against
        if rule.actual is not None and rule.predicted is not None
    )


def _confusion_limit(rule: ConfusionRule, rules: Sequence[Rule]) -> Limit:
    every_other = rule.actual is None
    metric = "confusions" if every_other else "confusion"
    return Limit(
        limit_id(metric, rule.actual, rule.predicted, rule.against),
        metric,
        rule.bound,
        rule.location,
        actual=rule.actual,
        predicted=rule.predicted,
        excluded=_named_cells(rules, rule.against) if every_other else frozenset(),
        evidence=rule.evidence,
        against=rule.against,
    )
