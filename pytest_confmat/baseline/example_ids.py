"""The ids of a whole evaluation set: those of its parts, one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import overload

from pytest_confmat.parts import NumberedIds


@dataclass(frozen=True)
class JoinedIds(Sequence[str]):
    """The ids of several pieces, one after the other; numbered ones take no memory."""

    pieces: tuple[Sequence[str], ...]

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
            if isinstance(piece, NumberedIds):
                prefix = piece.prefix
                yield from (f"{prefix}#{number}" for number in range(len(piece)))
            else:
                yield from piece

    @cached_property
    def starts(self) -> dict[str, int] | None:
        """The place of each piece by its prefix, if all are numbered and no two alike."""
        starts: dict[str, int] = {}
        for piece, end in zip(self.pieces, self._ends, strict=True):
            if not isinstance(piece, NumberedIds) or piece.prefix in starts:
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
