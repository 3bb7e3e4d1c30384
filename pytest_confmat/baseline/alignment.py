"""Which example of one set is which of another: by id, content and class.

Vectorised, since sets have a million examples; what is matched in which order:

1. Same id, content and class.
2. Same content and class, under another id. Several examples of one content are matched in their
   order. No content is matched by not being known.
3. Same id and content, another class: relabeled. Then the same content under another id.
4. What is left of both under one id has changed; the rest was added or removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import BaselineError
from pytest_confmat.example_ids import JoinedIds
from pytest_confmat.text import quoted

Integers = NDArray[np.int64]
_UNKNOWN = 0  # the check word of a content that could not be read
_NONE = -1


class Examples(Protocol):
    """Ids, check words and true classes of a set; a `Baseline` has them."""

    @property
    def ids(self) -> JoinedIds:
        """Ids of the examples, (n,), all different."""

    @property
    def check(self) -> NDArray[np.uint64]:
        """Check words of their contents, (n,); 0: not known."""

    @property
    def true(self) -> Integers:
        """Their classes, (n,), of the same numbers in both sets."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """Places in two sets, ``there`` and ``here``, int64.

    Attributes
    ----------
    there, here
        Of the examples that are the same, in pairs (n,), ascending in `here`.
    renamed
        How many of them have different ids.
    added, changed
        In ``here``, ascending.
    removed
        In ``there``, ascending.
    relabeled
        In both, (m, 2), ascending in ``here``.
    """

    there: Integers
    here: Integers
    renamed: int
    added: Integers
    removed: Integers
    changed: Integers
    relabeled: Integers


def align(there: Examples, here: Examples) -> Alignment:
    """Match the examples of two sets, each with at most one of the other.

    Raises
    ------
    BaselineError
        If two examples of a set share an id.
    """
    twins = _twins(there.ids, here.ids)
    matching = _Matching(there, here)
    at = np.flatnonzero(twins != _NONE)
    same_check = there.check[twins[at]] == here.check[at]
    same_class = there.true[twins[at]] == here.true[at]
    exact = at[same_check & same_class]
    matching.take(twins[exact], exact)
    by_id = len(exact)
    matching.take(*matching.same_content(with_class=True))
    common = matching.found
    relabeled = at[same_check & ~same_class]
    relabeled = relabeled[matching.both_free(twins[relabeled], relabeled)]
    matching.take(twins[relabeled], relabeled)
    matching.take(*matching.same_content(with_class=False))
    changed = at[matching.both_free(twins[at], at)]
    is_common = np.zeros(len(here.true), bool)
    is_common[common] = True
    pairs = np.flatnonzero((matching.there_of != _NONE) & ~is_common)
    same = np.flatnonzero(is_common)
    added, removed = matching.free_here.copy(), matching.free_there.copy()
    added[changed] = False
    removed[twins[changed]] = False
    return Alignment(
        matching.there_of[same],
        same,
        len(same) - by_id,
        np.flatnonzero(added),
        np.flatnonzero(removed),
        changed,
        np.stack([matching.there_of[pairs], pairs], axis=1),
    )


class _Matching:
    """Which examples are matched so far."""

    def __init__(self, there: Examples, here: Examples) -> None:
        self._there = there
        self._here = here
        self.free_there = np.ones(len(there.true), bool)
        self.there_of = np.full(len(here.true), _NONE, np.int64)

    @property
    def free_here(self) -> NDArray[np.bool_]:
        return np.asarray(self.there_of == _NONE)

    @property
    def found(self) -> Integers:
        """Places here that are matched."""
        return np.flatnonzero(self.there_of != _NONE)

    def take(self, there: Integers, here: Integers) -> None:
        self.there_of[here] = there
        self.free_there[there] = False

    def both_free(self, there: Integers, here: Integers) -> NDArray[np.bool_]:
        return np.asarray(self.free_there[there] & (self.there_of[here] == _NONE))

    def same_content(self, with_class: bool) -> tuple[Integers, Integers]:
        """Pair what is free and of the same content, in order; return places there and here."""
        there = np.flatnonzero(self.free_there & (self._there.check != _UNKNOWN))
        here = np.flatnonzero(self.free_here & (self._here.check != _UNKNOWN))
        check = np.concatenate([self._there.check[there], self._here.check[here]])
        true = np.concatenate([self._there.true[there], self._here.true[here]])
        kinds = _kinds(check, true if with_class else np.zeros_like(true))
        first, second = _in_pairs(kinds[: len(there)], kinds[len(there) :])
        return there[first], here[second]


def _twins(there: JoinedIds, here: JoinedIds) -> Integers:
    """Return for each id here its place there, or -1."""
    if there == here:
        return np.arange(len(here), dtype=np.int64)
    if there.starts is not None and here.starts is not None:
        return _numbered_twins(there, here, there.starts)
    places = dict(zip(there, range(len(there)), strict=True))
    twins = np.fromiter(map(places.get, here, repeat(_NONE)), np.int64, len(here))
    matched = twins[twins != _NONE]
    for ids, differ in (
        (there, len(places) == len(there)),
        (here, np.bincount(matched, minlength=1).max() <= 1),
    ):
        if not differ:
            raise BaselineError(
                f"two examples share the id {quoted(ids.repeated or '')}, so that they cannot "
                "be told apart; give each example an id of its own"
            )
    return twins


def _numbered_twins(there: JoinedIds, here: JoinedIds, starts: dict[str, int]) -> Integers:
    lengths = dict(zip(starts, map(len, there.pieces), strict=True))
    twins, at = np.full(len(here), _NONE, np.int64), 0
    for prefix, piece in zip(here.starts or (), here.pieces, strict=True):
        both = min(lengths.get(prefix, 0), len(piece))
        twins[at : at + both] = np.arange(both) + starts.get(prefix, 0)
        at += len(piece)
    return twins


def _kinds(check: NDArray[np.uint64], true: Integers) -> Integers:
    """Give each pair of check word and class a number, equal pairs the same."""
    order = np.lexsort((true, check))
    new = np.ones(len(order), bool)
    new[1:] = (check[order][1:] != check[order][:-1]) | (true[order][1:] != true[order][:-1])
    kinds = np.empty(len(order), np.int64)
    kinds[order] = np.cumsum(new)
    return kinds


def _in_pairs(there: Integers, here: Integers) -> tuple[Integers, Integers]:
    """Pair equal numbers: the first there with the first here, the second with the second."""
    most = max(len(there), len(here), 1)
    keys = (there * most + _occurrence(there), here * most + _occurrence(here))
    _, first, second = np.intersect1d(*keys, assume_unique=True, return_indices=True)
    return first, second


def _occurrence(numbers: Integers) -> Integers:
    """Return for each number how many equal ones stand before it."""
    order = np.argsort(numbers, kind="stable")
    ranked = numbers[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])[: len(ranked)])
    before = np.empty(len(numbers), np.int64)
    lengths = np.diff(np.append(starts, len(ranked)))
    before[order] = np.arange(len(ranked)) - np.repeat(starts, lengths)
    return before
