"""Outcomes of the examples of an evaluation set, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import EvaluationError

# In place of a predicted class: the example could not be used.
UNPREDICTED = -1
NO_VALUE = -1  # in place of a column's value
ARRAYS = ("true", "predicted", "score", "rank", "check")
# What else is known of how close a decision was; see `Part`.
CLOSE = ("runner_up", "runner_up_score", "tied", "true_tied")


@dataclass(frozen=True, eq=False)
class Column:
    """A property of each example that is one of few texts, such as the camera that took it.

    Attributes
    ----------
    values
        The texts, each once, in their sorted order.
    codes
        The place of each example's text in `values`, integers (n,); -1: it has none.
    """

    values: tuple[str, ...]
    codes: NDArray[np.integer]

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> Column:
        """Return the column that holds `texts`, one an example, in the smallest dtype."""
        found = list(texts)
        values = tuple(sorted({text for text in found if text is not None}))
        place: dict[str | None, int] = {text: code for code, text in enumerate(values)}
        codes = [place.get(text, NO_VALUE) for text in found]
        return cls(values, np.array(codes, np.min_scalar_type(-max(len(values), 1))))

    def __len__(self) -> int:
        return len(self.codes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Column):
            return NotImplemented
        return self.values == other.values and np.array_equal(self.codes, other.codes)

    def __hash__(self) -> int:
        return hash((self.values, len(self)))

    def texts(self) -> list[str | None]:
        """Return the text of each example, ``None`` where it has none."""
        known = (*self.values, None)
        return [known[code] for code in self.codes.tolist()]


@dataclass(frozen=True, eq=False)
class Part:
    """The outcomes of a part of an evaluation set, one entry an example, in the set's order.

    Attributes
    ----------
    id
        Names the part within the set; see `pytest_confmat.data.part_plan.PlannedPart`.
    position
        The part's place in the set's order.
    ids
        Example ids: explicit, `NumberedIds` or `JoinedIds`.
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
    runner_up
        The class with the second highest score, integers (n,); `UNPREDICTED` where it is not known.
    runner_up_score
        Its score, float32 (n,); NaN where it is not known.
    tied
        How many classes share the highest score, integers (n,): 1 where there is no tie, 0 where
        that is not known.
    true_tied
        Whether the true class has the highest score, alone or with others, bool (n,).
    columns
        Properties of the examples by name.
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
    runner_up: NDArray[np.integer] = None  # type: ignore[assignment]  # set below
    runner_up_score: NDArray[np.float32] = None  # type: ignore[assignment]
    tied: NDArray[np.integer] = None  # type: ignore[assignment]
    true_tied: NDArray[np.bool_] = None  # type: ignore[assignment]
    columns: Mapping[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_unknown(self, len(self.ids))
        lengths = {name: len(getattr(self, name)) for name in ("ids", *ARRAYS, *CLOSE)}
        if self.weight is not None:
            lengths["weight"] = len(self.weight)
        lengths |= {f"column {name}": len(column) for name, column in self.columns.items()}
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
            and all(_same(getattr(self, a), getattr(other, a)) for a in (*ARRAYS, *CLOSE))
            and self.columns == other.columns
            and (self.weight is None) == (other.weight is None)
            and (self.weight is None or np.array_equal(self.weight, np.asarray(other.weight)))
        )

    def __hash__(self) -> int:
        return hash((self.id, self.position, len(self)))

    @property
    def content(self) -> str:
        """A digest of what the examples are, and of their classes; not of the predictions."""
        found = sha256(self.check.astype("<u8").tobytes())
        found.update(self.true.astype("<u4").tobytes())
        return f"sha256:{found.hexdigest()}"

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


_UNKNOWN: Mapping[str, Any] = {
    "runner_up": np.int8(UNPREDICTED),
    "runner_up_score": np.float32(np.nan),
    "tied": np.uint8(0),
    "true_tied": np.bool_(False),
}


def set_unknown(outcomes: Any, n: int) -> None:
    """Fill in what a frozen value with the fields `CLOSE` does not know of its `n` examples."""
    for name, unknown in _UNKNOWN.items():
        if getattr(outcomes, name) is None:
            object.__setattr__(outcomes, name, np.full(n, unknown))


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    # The score of what was not predicted is NaN, and equal to itself here.
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
