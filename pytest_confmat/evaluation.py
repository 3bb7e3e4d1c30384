"""What one pass over an evaluation set produced: outcomes of every example, in parts.

Evaluations merge by part, so that the order in which parts arrive, or that one arrives twice,
makes no difference.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import EvaluationError
from pytest_confmat.limits import Weighting
from pytest_confmat.matrix import (
    ConfusionMatrix,
    Floats,
    balanced_weights,
    inverse_frequency_weights,
    normalized,
    pair_indices,
)
from pytest_confmat.writing import write_atomically

FORMAT = 1
_ARRAYS = ("true", "predicted", "score", "rank", "check")


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
        Class indices, integers of shape (n,).
    score
        Score of the predicted class, float32 (n,).
    rank
        How many classes scored above the true one, integers (n,); 0 where it was predicted.
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
        lengths = {name: len(getattr(self, name)) for name in ("ids", *_ARRAYS)}
        if self.weight is not None:
            lengths["weight"] = len(self.weight)
        if len(set(lengths.values())) > 1:
            raise EvaluationError(f"part {self.id!r} holds arrays of different lengths: {lengths}")

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Part):
            return NotImplemented
        return (
            (self.id, self.position, len(self)) == (other.id, other.position, len(other))
            and (self.ids == other.ids or tuple(self.ids) == tuple(other.ids))
            and all(np.array_equal(getattr(self, a), getattr(other, a)) for a in _ARRAYS)
            and (self.weight is None) == (other.weight is None)
            and (self.weight is None or np.array_equal(self.weight, np.asarray(other.weight)))
        )

    def __hash__(self) -> int:
        return hash((self.id, self.position, len(self)))


@dataclass(frozen=True)
class Mistake:
    """An example that was predicted as another class than its own."""

    id: str
    actual: str
    predicted: str
    score: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one pass of a model over an evaluation set produced.

    Parameters
    ----------
    classes
        Names, in the order of the model's outputs.
    parts
        In any order, with ids of their own; kept in the order of their positions.
    provenance
        JSON values that say what was evaluated with what: model, dataset, versions.
    notes
        Sentences that a reader of the numbers should know, such as what was inferred.
    timing
        Seconds spent on each stage; no part of what makes two evaluations equal.

    Raises
    ------
    EvaluationError
        If two parts share an id or a position.
    """

    classes: tuple[str, ...]
    parts: tuple[Part, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = sorted(self.parts, key=lambda part: part.position)
        for what in ("id", "position"):
            values = [getattr(part, what) for part in parts]
            if len(set(values)) < len(values):
                raise EvaluationError(f"parts of an evaluation share their {what}: {values}")
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "parts", tuple(parts))
        object.__setattr__(self, "notes", tuple(dict.fromkeys(self.notes)))

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evaluation):
            return NotImplemented
        return (
            self.classes == other.classes
            and self.parts == other.parts
            and self.provenance == other.provenance
            and sorted(self.notes) == sorted(other.notes)
        )

    def __hash__(self) -> int:
        return hash((self.classes, self.parts))

    @cached_property
    def matrix(self) -> ConfusionMatrix:
        """Counts of all parts."""
        k = len(self.classes)
        zero = ConfusionMatrix(np.zeros((k, k), np.int64), self.classes)
        each = (
            ConfusionMatrix.from_labels(part.true, part.predicted, self.classes)
            for part in self.parts
        )
        return reduce(ConfusionMatrix.merge, each, zero)

    @cached_property
    def sample_weighted(self) -> Floats | None:
        """The matrix with each example counted by its own weight, float64 (K, K).

        ``None`` if the source gives no weights. Summed in the set's order, so that the result
        is the same to the bit whatever order the parts arrived in.
        """
        k = len(self.classes)
        sums = np.zeros(k * k)
        for part in self.parts:
            if part.weight is None:
                return None
            pairs = pair_indices(part.true, part.predicted, k)
            sums += np.bincount(pairs, weights=part.weight, minlength=k * k)
        return sums.reshape(k, k)

    @cached_property
    def rank_counts(self) -> NDArray[np.int64]:
        """How many examples have their true class at rank 0, 1, ... K - 1; int64 (K,)."""
        k = len(self.classes)
        counts = np.zeros(k, np.int64)
        for part in self.parts:
            counts += np.bincount(part.rank, minlength=k)
        return counts

    def mistakes(
        self, actual: str | None = None, predicted: str | None = None, limit: int = 3
    ) -> tuple[Mistake, ...]:
        """Return the wrong predictions with the highest scores, surest first.

        Parameters
        ----------
        actual, predicted
            Only examples of this class, or predicted as this class.
        limit
            How many at most. Ties stand in the set's order.
        """
        found: list[tuple[float, int, int, Part]] = []
        for part in self.parts:
            chosen = part.true != part.predicted
            if actual is not None:
                chosen &= part.true == self.matrix.index(actual)
            if predicted is not None:
                chosen &= part.predicted == self.matrix.index(predicted)
            at = np.flatnonzero(chosen)
            surest = at[np.argsort(-part.score[at], kind="stable")[:limit]]
            found += [(-float(part.score[i]), part.position, int(i), part) for i in surest]
        found.sort(key=lambda entry: entry[:3])
        return tuple(
            Mistake(
                part.ids[i],
                self.classes[part.true[i]],
                self.classes[part.predicted[i]],
                -negative,
            )
            for negative, _, i, part in found[:limit]
        )

    def merge(self, other: Evaluation) -> Evaluation:
        """Return the evaluation of both sets of parts; a part that both hold counts once.

        Raises
        ------
        EvaluationError
            If classes or provenance differ, or the same part holds different outcomes.
        """
        if self.classes != other.classes:
            raise EvaluationError(
                "evaluations of different classes cannot be merged: "
                f"{list(self.classes)} and {list(other.classes)}"
            )
        if self.provenance != other.provenance:
            raise EvaluationError("evaluations of different models or data cannot be merged")
        mine = {part.id: part for part in self.parts}
        for part in other.parts:
            if mine.setdefault(part.id, part) != part:
                raise EvaluationError(f"two evaluations of part {part.id!r} differ")
        notes = tuple(sorted({*self.notes, *other.notes}))
        timing = {
            stage: self.timing.get(stage, 0.0) + other.timing.get(stage, 0.0)
            for stage in {**self.timing, **other.timing}
        }
        return Evaluation(self.classes, tuple(mine.values()), self.provenance, notes, timing)

    __add__ = merge

    def save(self, path: Path) -> None:
        """Write to `path` atomically, as an uncompressed ``.npz`` without pickles."""
        arrays: dict[str, NDArray[Any]] = {}
        parts = []
        for number, part in enumerate(self.parts):
            names = (*_ARRAYS, "weight") if part.weight is not None else _ARRAYS
            arrays |= {f"{number}.{name}": getattr(part, name) for name in names}
            parts.append({"id": part.id, "position": part.position, "ids": _plain_ids(part.ids)})
        header = {
            "format": FORMAT,
            "classes": self.classes,
            "parts": parts,
            "provenance": self.provenance,
            "notes": self.notes,
            "timing": dict(self.timing),
        }
        buffer = io.BytesIO()
        text = json.dumps(header, ensure_ascii=True).encode()
        np.savez(buffer, allow_pickle=False, header=np.frombuffer(text, np.uint8), **arrays)
        write_atomically(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """Read what `save` wrote.

        Raises
        ------
        EvaluationError
            If the file is missing, damaged or of another version.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                header = json.loads(stored["header"].tobytes())
                if header["format"] != FORMAT:
                    raise EvaluationError(
                        f"{path} is of format {header['format']}, and this version reads {FORMAT}"
                    )
                return cls(
                    tuple(header["classes"]),
                    tuple(_load_parts(header["parts"], stored)),
                    header["provenance"],
                    tuple(header["notes"]),
                    header["timing"],
                )
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise EvaluationError(f"{path} is no stored evaluation: {error}") from error


def weighted_matrix(evaluation: Evaluation, weighting: Weighting) -> Floats:
    """Return the counts under a policy's weights, normalised as it says; float64 (K, K).

    NaN where nothing is known: rows of classes without examples, and what `normalized` says.

    Raises
    ------
    EvaluationError
        If the weights are those of the examples and there are none, or a class has none.
    """
    matrix = evaluation.matrix
    weights, normalize = weighting.weights, weighting.normalize
    if weights == "inverse_frequency" and normalize is None:
        # Dividing the counts once gives the share nearest to the exact one.
        return normalized(matrix.counts, "true")
    if weights == "sample":
        if evaluation.sample_weighted is None:
            raise EvaluationError("a matrix weighted by sample needs weights of the examples")
        weighted = evaluation.sample_weighted
    elif weights == "inverse_frequency":
        weighted = matrix.weighted(inverse_frequency_weights(matrix.support))
    elif weights == "balanced":
        weighted = matrix.weighted(balanced_weights(matrix.support))
    else:
        given = dict(weights)
        if missing := [name for name in matrix.classes if name not in given]:
            raise EvaluationError(f"these classes have no weight: {missing}")
        weighted = matrix.weighted([float(given[name]) for name in matrix.classes])
    return np.where(matrix.support[:, np.newaxis] > 0, normalized(weighted, normalize), np.nan)


def _plain_ids(ids: Sequence[str]) -> Any:
    if isinstance(ids, NumberedIds):
        return {"prefix": ids.prefix, "length": ids.length}
    return list(ids)


def _load_parts(parts: Sequence[Mapping[str, Any]], stored: Any) -> Iterator[Part]:
    for number, part in enumerate(parts):
        ids = part["ids"]
        weight = f"{number}.weight"
        yield Part(
            part["id"],
            part["position"],
            NumberedIds(**ids) if isinstance(ids, dict) else tuple(ids),
            **{name: stored[f"{number}.{name}"] for name in _ARRAYS},
            weight=stored.get(weight),
        )
