"""Raise the limits of a policy that a model beats beyond noise; nothing else of it changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pytest_confmat.authoring.margins import Observed, decimal, safe_bound
from pytest_confmat.authoring.policy_text import renewed
from pytest_confmat.limits import Limit
from pytest_confmat.metric import counting_of
from pytest_confmat.policy.yaml_document import Node, ScalarNode, SequenceNode, find, parse
from pytest_confmat.verdict import Verdict

_BOM = "\ufeff"

Key = str | int


@dataclass(frozen=True)
class Sharpened:
    """One number of a policy that was made sharper.

    Attributes
    ----------
    limits
        Ids of the limits that it is the bound of.
    before, after
        As they are spelt.
    held_by
        Of several limits, the id of the one that allows no more.
    """

    limits: tuple[str, ...]
    before: str
    after: str
    held_by: str | None = None


@dataclass(frozen=True)
class Tightened:
    """A policy's text after tightening.

    Attributes
    ----------
    text
        Equal to what was given but for the numbers in `changes`.
    considered
        Over how many limits the probability of missing one by chance was shared.
    composites
        Ids of limits that were left because their number is no share of examples.
    shared
        Ids of limits that could be sharper, and whose number stands for several places.
    """

    text: str
    changes: tuple[Sharpened, ...] = ()
    considered: int = 0
    composites: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


@dataclass
class _Group:
    """The limits that have one number for their bound."""

    number: ScalarNode | None
    members: list[tuple[Limit, Observed]] = field(default_factory=list)


def tighten(text: str, verdicts: Sequence[Verdict], model: str | None = None) -> Tightened:
    """Tighten every bound as far as an equally good model still passes.

    The bounds are those of `margins.safe_bound`, over all limits on shares of examples together.
    No bound is loosened. A number that several limits use is tightened as far as all of them
    allow. Limits against a baseline are left alone. Comments that ``--confmat-init`` wrote behind a
    number are renewed with it.

    Parameters
    ----------
    text
        The policy, which has been read before.
    verdicts
        On all its limits, none of which has failed.
    model
        What the comments call it.
    """
    bom = _BOM if text.startswith(_BOM) else ""
    plain = text.removeprefix(_BOM)
    root = parse(plain)
    values = [verdict for verdict in verdicts if verdict.limit.against == "value"]
    composites = tuple(verdict.limit.id for verdict in values if _observed(verdict) is None)
    ways = _Ways(root)
    groups: dict[tuple[Key, ...], _Group] = {}
    considered = 0
    for verdict in values:
        observed = _observed(verdict)
        # With less than min_support a limit is undecided, whatever its bound.
        if observed is not None and observed.trials >= verdict.limit.evidence.min_support:
            considered += 1
            way = ways.to(verdict.limit)
            group = groups.setdefault(way, _Group(number_at(root, way, plain)))
            group.members.append((verdict.limit, observed))
    edits: list[tuple[int, int, str]] = []
    changes: list[Sharpened] = []
    shared: list[str] = []
    for group in groups.values():
        change = _sharper(group, considered)
        if change is None:
            continue
        if group.number is None or group.number.is_shared:
            shared += change.limits
        else:
            changes.append(change)
            edits += _edits(plain, group, change, model)
    edited = bom + _edited(plain, edits)
    return Tightened(edited, tuple(changes), considered, composites, tuple(shared))


def number_at(root: Node, way: Sequence[Key], text: str) -> ScalarNode | None:
    """Return the number at `way`; ``None`` if that leads to nothing that can be replaced."""
    node = find(root, way)
    if not isinstance(node, ScalarNode) or not node.plain:
        return None
    # What is replaced must be what was read, to the character: the span holds an anchor, too.
    return node if text[slice(*node.span)] == node else None


def _observed(verdict: Verdict) -> Observed | None:
    """Return the share behind a verdict; ``None``: there is none whose noise is known."""
    hits, trials = verdict.hits, verdict.trials
    if hits is None or not trials or not verdict.limit.has_interval:
        return None
    if counting_of(verdict.limit.metric) == "twice":
        # By Jaccard's index.
        return Observed(hits // 2, trials - hits // 2, lambda share: 2 * share / (1 + share))
    return Observed(hits, trials)


def _sharper(group: _Group, considered: int) -> Sharpened | None:
    bound = group.members[0][0].bound
    borne = [
        (safe_bound(observed, bound.kind, considered, limit.evidence), limit.id)
        for limit, observed in group.members
    ]
    above = bound.kind == "at_least"
    value, held_by = min(borne, key=_first) if above else max(borne, key=_first)
    if value <= bound.value if above else value >= bound.value:
        return None
    ids = tuple(limit.id for limit, _ in group.members)
    return Sharpened(ids, bound.text, decimal(value), held_by if len(ids) > 1 else None)


def _first(pair: tuple[Fraction, str]) -> Fraction:
    return pair[0]


class _Ways:
    """The keys that lead to the bounds of limits."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._pairs: dict[tuple[object, object], tuple[Key, ...]] = {}
        top = ("thresholds", "confusions")
        items = find(root, top)
        for item in range(len(items) if isinstance(items, SequenceNode) else 0):
            way = (*top, item)
            pair = find(root, (*way, "actual")), find(root, (*way, "predicted"))
            self._pairs[pair] = (*way, "at_most")

    def to(self, limit: Limit) -> tuple[Key, ...]:
        """Return the keys that lead to the bound of `limit`."""
        if limit.metric == "confusion":
            return self._pairs[limit.actual, limit.predicted]
        top = ("thresholds", limit.metric)
        ways: list[tuple[Key, ...]] = [(*top, "at_least"), top]
        if limit.actual is not None:
            own = (*top, "classes", limit.actual)
            ways = [(*own, "at_least"), own, *ways]
        # What a class does not say for itself is the general limit's.
        return next(way for way in ways if isinstance(find(self._root, way), ScalarNode))


def _edits(
    text: str, group: _Group, change: Sharpened, model: str | None
) -> Iterator[tuple[int, int, str]]:
    """Yield what is to stand from one place of the text to another: a number, and its comment."""
    number = group.number
    if number is None:
        return
    start, end = number.span
    yield start, end, change.after
    behind = text[end:].split("\n", 1)[0]
    # Of several limits, the one that allows no more.
    limit, observed = next(
        (member for member in group.members if member[0].id == change.held_by), group.members[0]
    )
    again = renewed(behind, observed.hits, observed.trials, limit.actual, model)
    if again != behind:
        yield end, end + len(behind), again


def _edited(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    # From the end, so that places before stay where they are.
    for start, end, after in sorted(edits, reverse=True):
        text = text[:start] + after + text[end:]
    return text
