"""The ids of examples: numbered ones, which take no memory, and those of several pieces as one."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from typing import Any, overload


@dataclass(frozen=True)
class NumberedIds(Sequence[str]):
    """The ids ``prefix#start``, ``prefix#start+1``, ... of examples that have only a position."""

    prefix: str
    length: int
    start: int = 0

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self.length)))
        return f"{self.prefix}#{self._numbers[index]}"

    def __iter__(self) -> Iterator[str]:
        prefix = self.prefix
        return (f"{prefix}#{number}" for number in self._numbers)

    @property
    def _numbers(self) -> range:
        return range(self.start, self.start + self.length)


@dataclass(frozen=True)
class JoinedIds(Sequence[str]):
    """The ids of several pieces, one after the other."""

    pieces: tuple[Sequence[str], ...]

    @classmethod
    def of(cls, sequences: Iterable[Sequence[str]]) -> JoinedIds:
        """Return sequences of ids as one, with as few pieces as possible.

        Numbered ones that continue each other become one piece, and so do others that stand side
        by side: how a set is divided into parts does not show.
        """
        pieces: list[Sequence[str]] = []
        flat = (piece for ids in sequences for piece in pieces_of(ids) if len(piece))
        for numbered, run in groupby(flat, lambda piece: isinstance(piece, NumberedIds)):
            if numbered:
                pieces += _continued(run)
            else:
                pieces.append(tuple(name for piece in run for name in piece))
        return cls(tuple(pieces))

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(map(len, self.pieces)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        places = range(len(self))
        if isinstance(index, slice):
            return tuple(self[i] for i in places[index])
        place = places[index]
        at = bisect_right(self._ends, place)
        return self.pieces[at][place - (self._ends[at] - len(self.pieces[at]))]

    def __iter__(self) -> Iterator[str]:
        for piece in self.pieces:
            yield from piece

    @cached_property
    def starts(self) -> dict[str, int] | None:
        """The place of each piece by its prefix, if all are numbered from 0 and no two alike."""
        starts: dict[str, int] = {}
        for piece, end in zip(self.pieces, self._ends, strict=True):
            if not isinstance(piece, NumberedIds) or piece.start or piece.prefix in starts:
                return None
            starts[piece.prefix] = end - len(piece)
        return starts

    @cached_property
    def repeated(self) -> str | None:
        """An id that stands there more than once, if there is one."""
        # A number after the last # is never part of a prefix.
        if self.starts is not None or len(set(self)) == len(self):
            return None
        return next(name for name, times in Counter(self).items() if times > 1)


def pieces_of(ids: Sequence[str]) -> tuple[Sequence[str], ...]:
    """Return the pieces that ids consist of: one, unless they are joined."""
    return ids.pieces if isinstance(ids, JoinedIds) else (ids,)


def _continued(pieces: Iterable[Any]) -> list[NumberedIds]:
    found: list[NumberedIds] = []
    for piece in pieces:
        last = found[-1] if found else None
        if last and last.prefix == piece.prefix and last.start + last.length == piece.start:
            found[-1] = NumberedIds(last.prefix, last.length + piece.length, last.start)
        else:
            found.append(piece)
    return found


def plain_ids(ids: Sequence[str]) -> list[Any]:
    """Return ids as JSON values, for `read_ids`: a mapping for numbered ones, or the ids."""
    return [
        {"prefix": piece.prefix, "length": piece.length, "start": piece.start}
        if isinstance(piece, NumberedIds)
        else list(piece)
        for piece in pieces_of(ids)
    ]


def read_ids(plain: Sequence[Any]) -> Sequence[str]:
    """Return the ids that `plain_ids` made JSON values of."""
    pieces = tuple(NumberedIds(**p) if isinstance(p, dict) else tuple(p) for p in plain)
    return pieces[0] if len(pieces) == 1 else JoinedIds(pieces)
