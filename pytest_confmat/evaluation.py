"""What one pass over an evaluation set produced: outcomes of every example, in parts.

Evaluations merge by part, so that the order in which parts arrive, or that one arrives twice,
makes no difference.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import EvaluationError
from pytest_confmat.example_ids import JoinedIds, NumberedIds, plain_ids, read_ids
from pytest_confmat.matrix import ConfusionMatrix, Floats, pair_indices
from pytest_confmat.parts import ARRAYS, CLOSE, UNPREDICTED, Column, Fault, Mistake, Part
from pytest_confmat.sparse_counts import SparseCounts
from pytest_confmat.writing import write_atomically

FORMAT = 2

__all__ = [
    "UNPREDICTED",
    "Column",
    "Evaluation",
    "Fault",
    "Mistake",
    "NumberedIds",
    "Part",
    "outcome_matrix",
    "weighted_counts",
]


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
    faults
        The examples that count as misclassified because they are at fault.
    without_examples
        Classes that are declared to have no examples.

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
    faults: tuple[Fault, ...] = ()
    without_examples: frozenset[str] = frozenset()

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

    def __repr__(self) -> str:
        right = int((self._true == self._predicted).sum())
        return f"<Evaluation: {len(self)} examples of {len(self.classes)} classes, {right} right>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evaluation):
            return NotImplemented
        return (
            self.classes == other.classes
            and self.parts == other.parts
            and self.provenance == other.provenance
            and sorted(self.notes) == sorted(other.notes)
            and sorted(self.faults) == sorted(other.faults)
            and self.without_examples == other.without_examples
        )

    def __hash__(self) -> int:
        return hash((self.classes, self.parts))

    @cached_property
    def matrix(self) -> ConfusionMatrix:
        """Counts of all parts."""
        return outcome_matrix(self._true, self._predicted, self.classes, self.without_examples)

    @cached_property
    def sample_weighted(self) -> SparseCounts | None:
        """The matrix with each example counted by its own weight, float64 (K, K).

        ``None`` if the source gives no weights. Summed in the set's order, so that the result is
        the same to the bit whatever order the parts arrived in.
        """
        found = self._weighted_counts
        return None if found is None else found[0]

    @cached_property
    def sample_unpredicted(self) -> Floats | None:
        """The weights of the examples of each class that were predicted as none, float64 (K,).

        ``None`` if the source gives no weights.
        """
        found = self._weighted_counts
        return None if found is None else found[1]

    @cached_property
    def _weighted_counts(self) -> tuple[SparseCounts, Floats] | None:
        weight = self.sample_weight
        if weight is None:
            return None
        return weighted_counts(self._true, self._predicted, weight, len(self.classes))

    @cached_property
    def rank_counts(self) -> NDArray[np.int64]:
        """How many examples have their true class at rank 0, 1, ... K - 1; int64 (K,).

        Examples that were predicted as none are not among them.
        """
        ranks = self.array("rank")[self._predicted != UNPREDICTED]
        return np.bincount(ranks, minlength=len(self.classes))

    def mistakes(
        self,
        actual: str | None = None,
        predicted: str | None = None,
        limit: int = 3,
        places: NDArray[np.int64] | None = None,
    ) -> tuple[Mistake, ...]:
        """Return the wrong predictions with the highest scores, surest first.

        Examples at fault, which were not predicted at all, are not among them: see `faults`.

        Parameters
        ----------
        actual, predicted
            Only examples of this class, or predicted as this class.
        limit
            How many at most. Ties stand in the set's order.
        places
            Only examples at these places of the set's order.
        """
        chosen = self._wrong
        if places is not None:
            chosen = chosen[np.isin(chosen, places)]
        if actual is not None:
            chosen = chosen[self._true[chosen] == self.matrix.index(actual)]
        if predicted is not None:
            chosen = chosen[self._predicted[chosen] == self.matrix.index(predicted)]
        scores = self._score
        return tuple(
            Mistake(
                self.ids[int(i)],
                self.classes[self._true[i]],
                self.classes[self._predicted[i]],
                float(scores[i]),
            )
            for i in chosen[:limit]
        )

    @cached_property
    def _wrong(self) -> NDArray[np.int64]:
        """Places in the set's order of what was predicted as another class, surest first."""
        wrong = np.flatnonzero((self._true != self._predicted) & (self._predicted != UNPREDICTED))
        order = np.argsort(-self._score[wrong], kind="stable")
        return np.asarray(wrong[order], dtype=np.int64)

    @cached_property
    def _score(self) -> NDArray[np.float32]:
        return self.array("score")

    @cached_property
    def _true(self) -> NDArray[np.integer]:
        return self.array("true")

    @cached_property
    def _predicted(self) -> NDArray[np.integer]:
        return self.array("predicted")

    @cached_property
    def sample_weight(self) -> NDArray[np.float64] | None:
        """The examples' own weights in the set's order, (n,); ``None`` if there are none."""
        if not self.parts or any(part.weight is None for part in self.parts):
            return None
        return self.array("weight")

    def array(self, name: str) -> NDArray[Any]:
        """Return an array of `Part`, such as ``score``, over all parts in the set's order, (n,)."""
        if not self.parts:
            return np.zeros(0, np.int64)
        return np.concatenate([getattr(part, name) for part in self.parts])

    @cached_property
    def ids(self) -> JoinedIds:
        """The ids of all examples, in the set's order."""
        return JoinedIds.of(part.ids for part in self.parts)

    def column(self, name: str) -> Column:
        """Return a property of all examples, in the set's order.

        Raises
        ------
        KeyError
            If a part has none of this name.
        """
        return Column.of(text for part in self.parts for text in part.columns[name].texts())

    def merge(self, other: Evaluation) -> Evaluation:
        """Return the evaluation of both sets of parts; a part that both hold counts once.

        Raises
        ------
        EvaluationError
            If classes or provenance differ, or the same part holds different outcomes.
        """
        if (self.classes, self.without_examples) != (other.classes, other.without_examples):
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
        faults = tuple(sorted({*self.faults, *other.faults}))
        parts = tuple(mine.values())
        return replace(self, parts=parts, notes=notes, timing=timing, faults=faults)

    __add__ = merge

    def save(self, path: Path, *, compressed: bool = False) -> None:
        """Write to `path` atomically, as an ``.npz`` without pickles."""
        write_atomically(path, self.to_bytes(compressed=compressed))

    def to_bytes(self, *, compressed: bool = False) -> bytes:
        """Return what `save` writes."""
        arrays: dict[str, NDArray[Any]] = {}
        parts = []
        for number, part in enumerate(self.parts):
            names = (*ARRAYS, *CLOSE, *(() if part.weight is None else ("weight",)))
            arrays |= {f"{number}.{name}": getattr(part, name) for name in names}
            arrays |= {
                f"{number}.column.{at}": c.codes for at, c in enumerate(part.columns.values())
            }
            parts.append(
                {
                    "id": part.id,
                    "position": part.position,
                    "ids": plain_ids(part.ids),
                    "content": part.content,
                    "columns": [[name, each.values] for name, each in part.columns.items()],
                }
            )
        header = {
            "format": FORMAT,
            "classes": self.classes,
            "parts": parts,
            "provenance": self.provenance,
            "notes": self.notes,
            "timing": dict(self.timing),
            "faults": [[fault.id, fault.reason, fault.actual] for fault in self.faults],
            "without_examples": sorted(self.without_examples),
        }
        buffer = io.BytesIO()
        text = json.dumps(header, ensure_ascii=True).encode()
        arrays = {"header": np.frombuffer(text, np.uint8), **arrays}
        save = np.savez_compressed if compressed else np.savez
        # The first entry tells whose file it is, without reading on. NumPy 2.1 would take
        # `allow_pickle` for an array.
        save(buffer, pytest_confmat=np.array(FORMAT), **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def load(cls, path: Path | io.BytesIO) -> Evaluation:
        """Read what `save` wrote, from a file or from what `to_bytes` returned.

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
                    tuple(Fault(*fault) for fault in header.get("faults", ())),
                    frozenset(header.get("without_examples", ())),
                )
        except EvaluationError:
            raise
        except Exception as error:  # damage takes many forms: zlib.error, TokenError, MemoryError
            raise EvaluationError(f"{path} is no stored evaluation: {error}") from error


def outcome_matrix(
    true: NDArray[np.integer],
    predicted: NDArray[np.integer],
    classes: Sequence[str],
    without_examples: Collection[str] = (),
) -> ConfusionMatrix:
    """Count pairs of class indices, both of shape (N,); `predicted` may hold `UNPREDICTED`."""
    k = len(classes)
    known = predicted != UNPREDICTED
    # A true class out of range is an error of its own, not a longer count.
    others = pair_indices(true[~known], true[~known], k) // (k + 1)
    beside = np.bincount(others, minlength=k)
    return ConfusionMatrix.from_labels(
        true[known], predicted[known], classes, beside, without_examples
    )


def weighted_counts(
    true: NDArray[np.integer], predicted: NDArray[np.integer], weight: Floats, k: int
) -> tuple[SparseCounts, Floats]:
    """Sum the weights of pairs of class indices, all of shape (N,).

    Returns them by true and predicted class, float64 (K, K), and by true class for those that were
    predicted as none, float64 (K,).
    """
    known = predicted != UNPREDICTED
    pairs = pair_indices(true[known], predicted[known], k)
    beside = np.bincount(true[~known], weights=weight[~known], minlength=k).astype(np.float64)
    return SparseCounts.counted(pairs, k, weight[known]), beside


def _load_parts(parts: Sequence[Mapping[str, Any]], stored: Any) -> Iterator[Part]:
    for number, plain in enumerate(parts):
        part = Part(
            plain["id"],
            plain["position"],
            read_ids(plain["ids"]),
            **{name: stored[f"{number}.{name}"] for name in (*ARRAYS, *CLOSE)},
            weight=stored.get(f"{number}.weight"),
            columns={
                name: Column(tuple(values), stored[f"{number}.column.{at}"])
                for at, (name, values) in enumerate(plain["columns"])
            },
        )
        if part.content != plain["content"]:
            raise EvaluationError(f"part {part.id!r} does not hold the examples that it names")
        yield part
