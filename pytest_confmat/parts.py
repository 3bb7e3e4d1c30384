"""Outcomes of the examples of an evaluation set, piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import EvaluationError

# In place of a predicted class: the example could not be used.
UNPREDICTED = -1
ARRAYS = ("true", "predicted", "score", "rank", "check")


@dataclass(frozen=True)
class NumberedIds(Sequence[str]):
    """The ids ``prefix#0``, ``prefix#1`` ... of a part whose examples have only a position."""

    prefix: str
    length: int

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self.length)))
        return f"{self.prefix}#{range(self.length)[index]}"


@dataclass(frozen=True, eq=False)
class Part:
    """The outcomes of a piece of an evaluation set, one entry an example, in the set's order.

    Attributes
    ----------
    id
        Names the piece within the set: a shard, a range of files.
    position
        The piece's place in the set's order.
    ids
        Example ids: explicit, or `NumberedIds`.
    true, predicted
        Class indices, integers of shape (n,). `UNPREDICTED` in `predicted`: the example is at
        fault, and counts as a wrong prediction of its class.
    score
        Score of the predicted class, float32 (n,); NaN where there is none.
    rank
        How many classes scored above the true one, integers (n,); 0 where it was predicted, the
        number of classes where nothing was.
    check
        A word over each example's content, the label excluded, uint64 (n,).
    weight
        The source's own weight of each example, float64 (n,), or ``None``.
    """

    id: str
    position: int
    ids: Sequence[str]
    true: NDArray[np.integer]
    predicted: NDArray[np.integer]
    score: NDArray[np.float32]
    rank: NDArray[np.integer]
    check: NDArray[np.uint64]
    weight: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in ("ids", *ARRAYS)}
        if self.weight is not None:
            lengths["weight"] = len(self.weight)
        if len(set(lengths.values())) > 1:
            raise EvaluationError(f"part {self.id!r} holds arrays of different lengths: {lengths}")

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<Part {self.id!r} at {self.position}: {len(self)} examples>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Part):
            return NotImplemented
        return (
            (self.id, self.position, len(self)) == (other.id, other.position, len(other))
            and (self.ids == other.ids or tuple(self.ids) == tuple(other.ids))
            and all(_same(getattr(self, a), getattr(other, a)) for a in ARRAYS)
            and (self.weight is None) == (other.weight is None)
            and (self.weight is None or np.array_equal(self.weight, np.asarray(other.weight)))
        )

    def __hash__(self) -> int:
        return hash((self.id, self.position, len(self)))

    @property
    def predicted_at_all(self) -> NDArray[np.bool_]:
        """Which examples were predicted as a class, bool (n,)."""
        return np.asarray(self.predicted != UNPREDICTED)


@dataclass(frozen=True, order=True)
class Fault:
    """An example that could not be used, why, and its class; ``None`` where that is not known.

    Within an evaluation the class is known, and the example counts as misclassified.
    """

    id: str
    reason: str
    actual: str | None


@dataclass(frozen=True)
class Mistake:
    """An example that was predicted as another class than its own."""

    id: str
    actual: str
    predicted: str
    score: float


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    # The score of what was not predicted is NaN, and equal to itself here.
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
