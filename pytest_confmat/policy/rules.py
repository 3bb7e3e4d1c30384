"""What stands below ``thresholds``, as rules: each with its bound, its line and its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Protocol

from pytest_confmat.errors import Location
from pytest_confmat.limits import (
    FLIPS,
    Against,
    Bound,
    ClassRule,
    ConfusionRule,
    Evidence,
    EvidenceRule,
    OverallRule,
    Override,
    Rule,
    Weighting,
)
from pytest_confmat.policy.intervals import METRIC_KEYS, Claim, without_interval
from pytest_confmat.policy.limit_shapes import OverallLimit, PerClass, WeightedDiagonal
from pytest_confmat.policy.policy_faults import Problem, raise_first
from pytest_confmat.policy.thresholds_shape import Confusion, Flips, Thresholds
from pytest_confmat.policy.yaml_document import Document, MappingNode

_CONFUSION_KEYS: Final[tuple[tuple[str, Against], ...]] = (
    ("at_most", "value"),
    ("max_rise", "baseline"),
)


class _Judged(Protocol):
    @property
    def rule(self) -> EvidenceRule | None: ...
    @property
    def min_support(self) -> int | None: ...


def rules_of(thresholds: Thresholds, evidence: Evidence, document: Document) -> tuple[Rule, ...]:
    """Return the rules in the order of the file, each limit's value before its drop or rise.

    Raises
    ------
    PolicyError
        If ``proven`` or ``not_refuted`` is asked of a number without an interval.
    """
    reader = _Reader(evidence, document)
    rules = tuple(reader.rules(thresholds))
    raise_first(reader.problems)
    return rules


def _own(evidence: Evidence, limit: _Judged) -> Evidence:
    if limit.rule is None and limit.min_support is None:
        return evidence
    return replace(
        evidence,
        rule=limit.rule or evidence.rule,
        min_support=limit.min_support or evidence.min_support,
    )


def _bound(limit: object, key: str) -> Bound | None:
    bound: Bound | None = getattr(limit, key)
    return bound


def _bounds(limit: object) -> list[str]:
    return [key for key, _ in METRIC_KEYS if _bound(limit, key) is not None]


class _Reader:
    def __init__(self, evidence: Evidence, document: Document) -> None:
        self._evidence = evidence
        self._document = document
        self.problems: list[Problem] = []

    def rules(self, thresholds: Thresholds) -> Iterator[Rule]:
        for metric in self._order():
            limit = thresholds.top_k.get(metric) or getattr(thresholds, metric)
            if isinstance(limit, OverallLimit):
                yield from self._overall(metric, limit)
            elif isinstance(limit, PerClass):
                yield from self._per_class(metric, limit)
            elif isinstance(limit, Flips):
                at = self._at(metric, "at_most")
                own = _own(self._evidence, limit)
                yield OverallRule(FLIPS, limit.at_most, at, own, against="baseline")
            else:
                for index, item in enumerate(limit):
                    yield from self._confusion(index, item)

    def _order(self) -> list[str]:
        thresholds = self._document.root["thresholds"]
        return list(thresholds) if isinstance(thresholds, MappingNode) else []

    def _at(self, *keys: str | int) -> Location:
        location, _ = self._document.place(["thresholds", *keys])
        return location

    def _overall(self, metric: str, limit: OverallLimit) -> Iterator[OverallRule]:
        evidence = _own(self._evidence, limit)
        for key, against in METRIC_KEYS:
            bound = _bound(limit, key)
            if bound is not None:
                yield OverallRule(metric, bound, self._at(metric, key), evidence, against)
        claim = Claim(evidence.rule, _bounds(limit), (metric,), limit.rule is not None)
        self._check_interval(claim, metric)

    def _confusion(self, index: int, item: Confusion) -> Iterator[ConfusionRule]:
        for key, against in _CONFUSION_KEYS:
            bound = _bound(item, key)
            if bound is not None:
                yield ConfusionRule(
                    bound,
                    self._at("confusions", index, key),
                    item.actual,
                    item.predicted,
                    _own(self._evidence, item),
                    against,
                )

    def _per_class(self, metric: str, limit: PerClass) -> Iterator[ClassRule]:
        weighting = None
        if isinstance(limit, WeightedDiagonal):
            weights = limit.weights
            explicit = weights if isinstance(weights, str) else tuple(weights.items())
            weighting = Weighting(explicit, limit.normalize)
        evidence = _own(self._evidence, limit)
        for key, against in METRIC_KEYS:
            general = _bound(limit, key)
            overrides = dict(self._overrides(metric, limit, key, evidence))
            if general is not None or overrides:
                location = self._at(metric, key)
                yield ClassRule(metric, general, location, overrides, weighting, evidence, against)
        self._check_intervals(metric, limit, weighting, evidence)

    def _overrides(
        self, metric: str, limit: PerClass, key: str, evidence: Evidence
    ) -> Iterator[tuple[str, Override]]:
        """Yield the bound `key` of single classes; what they leave out is the limit's."""
        general = _bound(limit, key)
        for name, own in (limit.classes or {}).items():
            way = (metric, "classes", name)
            if own is None:
                if general is not None:
                    yield name, Override(None, self._at(*way), evidence)
                continue
            bound = _bound(own, key)
            at = self._at(metric, key) if bound is None else self._at(*way, key)
            if bound is not None or general is not None:
                yield name, Override(bound or general, at, _own(evidence, own))

    def _check_intervals(
        self, metric: str, limit: PerClass, weighting: Weighting | None, evidence: Evidence
    ) -> None:
        """Check the limit's own rule and those of single classes, each with its bounds."""
        general = _bounds(limit)
        inherited = list(general)
        for name, own in (limit.classes or {}).items():
            if own is None:
                continue
            if own.rule is None:
                inherited += _bounds(own)
            else:
                way = (metric, "classes", name)
                claim = Claim(own.rule, [*general, *_bounds(own)], way, True)
                self._check_interval(claim, metric, weighting)
        claim = Claim(evidence.rule, inherited, (metric,), limit.rule is not None)
        self._check_interval(claim, metric, weighting)

    def _check_interval(
        self, claim: Claim, metric: str, weighting: Weighting | None = None
    ) -> None:
        problem = without_interval(claim, metric, weighting, self._document)
        if problem is not None:
            self.problems.append(problem)
