"""Limits: a metric, a class or the whole, a bound; and the rules of a policy that declare them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from typing import Literal

from pytest_confmat.errors import Location
from pytest_confmat.spec import Normalize

Kind = Literal["at_least", "at_most"]

PER_CLASS_METRICS = ("recall", "precision", "f1", "specificity", "jaccard")
AVERAGED_METRICS = tuple(
    f"{metric}_{average}"
    for metric in ("f1", "precision", "recall", "jaccard")
    for average in ("macro", "weighted")
)
OVERALL_METRICS = (
    "accuracy",
    "balanced_accuracy",
    *AVERAGED_METRICS,
    "matthews_corrcoef",
    "cohen_kappa",
)
_LONGEST_NAME = 100
_CI_COMMAND = re.compile(r"##(?=\w*\[)")
TOP_K = re.compile(r"top_([1-9][0-9]*)_accuracy")


def is_overall(metric: str) -> bool:
    """Whether `metric` is one number for the whole matrix."""
    return metric in OVERALL_METRICS or TOP_K.fullmatch(metric) is not None


def metric_range(metric: str) -> tuple[int, int]:
    """Return the lowest and the highest value that `metric` can take."""
    return (-1, 1) if metric in ("matthews_corrcoef", "cohen_kappa") else (0, 1)


@dataclass(frozen=True)
class Bound:
    """A bound as it was written: `value` is exact, `text` is the user's own spelling."""

    kind: Kind
    value: Fraction
    text: str


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
        ``recall[cat]``, ``accuracy``, ``confusion[cat:dog]``, ``confusions[*]``; unique in a
        policy, one line, free of control characters.
    metric
        Name of a metric, ``weighted_diagonal``, ``confusion``, or ``confusions`` for every
        off-diagonal cell but those in `excluded`.
    actual, predicted
        The class (`actual`) of a per-class metric; both for ``confusion``.
    """

    id: str
    metric: str
    bound: Bound
    location: Location | None = None
    actual: str | None = None
    predicted: str | None = None
    weighting: Weighting | None = None
    excluded: frozenset[tuple[str, str]] = frozenset()


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


@dataclass(frozen=True)
class ClassRule:
    """``recall: {at_least: 0.9, classes: {cat: 0.95, other: none}}``.

    Attributes
    ----------
    bound
        For every class that `overrides` does not name; ``None``: the named classes alone.
    overrides
        Class name to its own bound (``None`` exempts it) and the line that says so.
    """

    metric: str
    bound: Bound | None
    location: Location
    overrides: Mapping[str, tuple[Bound | None, Location]] = field(default_factory=dict)
    weighting: Weighting | None = None


@dataclass(frozen=True)
class ConfusionRule:
    """A bound on the share of `actual` predicted as `predicted`; both ``None``: every other."""

    bound: Bound
    location: Location
    actual: str | None = None
    predicted: str | None = None


Rule = OverallRule | ClassRule | ConfusionRule


def one_line(name: str) -> str:
    """Return a class name fit for an id that pytest prints as it is, in a CI log too.

    Control characters and backslashes are escaped, ``##[`` is (it is a command to GitHub and
    Azure), and a name of more than 100 characters is cut and told apart by a digest.
    """
    if len(name) > _LONGEST_NAME:
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = f"{name[: _LONGEST_NAME - 12]}...{digest}"
    shown = "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode("ascii")
        for c in name
    )
    return _CI_COMMAND.sub(r"#\\x23", shown)


def limit_id(metric: str, actual: str | None = None, predicted: str | None = None) -> str:
    """Return the id under which pytest knows a limit.

    A colon inside a class name of a pair is escaped, so that two pairs never share an id.
    """
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
    named = frozenset(
        (rule.actual, rule.predicted)
        for rule in rules
        if isinstance(rule, ConfusionRule)
        if rule.actual is not None and rule.predicted is not None
    )
    for rule in rules:
        if isinstance(rule, OverallRule):
            limits.append(Limit(rule.metric, rule.metric, rule.bound, rule.location))
        elif isinstance(rule, ConfusionRule):
            limits.append(_confusion_limit(rule, named))
        else:
            for name in classes:
                bound, location = rule.overrides.get(name, (rule.bound, rule.location))
                if bound is not None:
                    limit = Limit(
                        limit_id(rule.metric, name),
                        rule.metric,
                        bound,
                        location,
                        actual=name,
                        weighting=rule.weighting,
                    )
                    limits.append(limit)
                elif name in rule.overrides:
                    exemptions.append(Exemption(rule.metric, name, location))
    return tuple(limits), tuple(exemptions)


def _confusion_limit(rule: ConfusionRule, named: frozenset[tuple[str, str]]) -> Limit:
    if rule.actual is None:
        return Limit("confusions[*]", "confusions", rule.bound, rule.location, excluded=named)
    return Limit(
        limit_id("confusion", rule.actual, rule.predicted),
        "confusion",
        rule.bound,
        rule.location,
        actual=rule.actual,
        predicted=rule.predicted,
    )
