"""Shards as ranges of records: what a part of a set consists of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from pytest_confmat.data.tfrecord.shards import Shard
from pytest_confmat.example_ids import NumberedIds


@dataclass(frozen=True)
class RecordRange:
    """Consecutive records of a shard.

    Attributes
    ----------
    shard, name
        The shard's place in the set, and its short name.
    first, records
        The number of the first record, and how many there are.
    offset, size
        The byte at which the first one begins, and how many bytes they take.
    """

    shard: int
    name: str
    first: int
    records: int
    offset: int
    size: int

    @property
    def ids(self) -> NumberedIds:
        """The ids of the records."""
        return NumberedIds(self.name, self.records, self.first)

    @property
    def name_and_size(self) -> tuple[str, int]:
        """What the range is known by before it is read."""
        return f"{self.name}#{self.first}", self.size


def cut(number: int, shard: Shard, name: str) -> Iterator[RecordRange]:
    """Yield the ranges of a shard: one, or several of a large one."""
    bounds = ((0, 0), *shard.cuts, (shard.records, shard.size))
    for (first, offset), (end, stop) in pairwise(bounds):
        yield RecordRange(number, name, first, end - first, offset, stop - offset)
