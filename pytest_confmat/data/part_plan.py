"""How an evaluation set is divided into parts, each of which can be evaluated by itself.

The division follows from the names and sizes of files alone, so that every process and machine
that sees the same set divides it alike, whatever it has read of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

PART_EXAMPLES = 4096
PART_BYTES = 64 * 2**20


@dataclass(frozen=True)
class PlannedPart:
    """A part of a set before it is evaluated.

    Attributes
    ----------
    id
        Its position and a digest of the names and sizes that it covers: ``00003-9f86d081884c7d65``.
    ids
        The ids of its examples, in the set's order.
    """

    id: str
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)


def runs(sizes: Iterable[tuple[int, int]]) -> Iterator[range]:
    """Divide units, such as files, into runs of consecutive ones.

    A run holds at most 4,096 examples and 64 MB, or one unit that is larger by itself.

    Parameters
    ----------
    sizes
        Examples and bytes of each unit.
    """
    start = at = examples = content = 0
    for at, (n, size) in enumerate(sizes):
        if at > start and (examples + n > PART_EXAMPLES or content + size > PART_BYTES):
            yield range(start, at)
            start, examples, content = at, 0, 0
        examples += n
        content += size
    if examples or content:
        yield range(start, at + 1)


def part_id(position: int, names_and_sizes: Iterable[tuple[str, int]]) -> str:
    """Return the id of the part at `position` of a set's parts."""
    found = sha256()
    for name, size in names_and_sizes:
        found.update(f"{name}\0{size}\n".encode("utf-8", "surrogateescape"))
    return f"{position:05d}-{found.hexdigest()[:16]}"


def spans(parts: Sequence[PlannedPart]) -> tuple[range, ...]:
    """Return the places in the set's order that each part covers."""
    found, start = [], 0
    for part in parts:
        found.append(range(start, start + len(part)))
        start += len(part)
    return tuple(found)
