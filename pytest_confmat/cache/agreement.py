"""Whether a cached evaluation can be the one that is asked for: the cache is not trusted.

A folder may be restored from elsewhere, and an entry be made by hand. So what an entry says is
compared with what can be known of the request without doing it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.cache.identity import Identity
from pytest_confmat.data.reading import Reading
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.example_ids import NumberedIds, pieces_of
from pytest_confmat.job import Job
from pytest_confmat.kinds import kind_of
from pytest_confmat.parts import NO_VALUE, UNPREDICTED, Part
from pytest_confmat.spec import DatasetSpec

_DAMAGED = "holds what no evaluation holds"


def disagreement(evaluation: Evaluation, job: Job, known: Identity) -> str | None:
    """Return why an evaluation cannot be that of `job`, as a predicate; ``None``: it can."""
    if evaluation.classes != job.classes:
        return "is of other classes"
    if not _is_formed(evaluation):
        return _DAMAGED
    model = evaluation.provenance.get("model", {})
    if known.model_sha256 is not None and model.get("sha256") != known.model_sha256:
        return "is of another model"
    if known.reading is not None and not _is_of(evaluation, job.dataset, known.reading):
        return "is of other examples"
    return None


def _is_formed(evaluation: Evaluation) -> bool:
    """Whether all that is in an evaluation is of the types and in the ranges that it must be."""
    k = len(evaluation.classes)
    weighted = {part.weight is not None for part in evaluation.parts}
    return (
        len(evaluation) > 0
        and len(weighted) == 1
        # What counts faults is not kept.
        and not evaluation.faults
        and all(isinstance(note, str) for note in evaluation.notes)
        and _is_provenance(evaluation.provenance)
        and all(_is_part(part, k) for part in evaluation.parts)
    )


def _is_provenance(found: Any) -> bool:
    if not isinstance(found, Mapping):
        return False
    model, dataset, versions = (found.get(key, {}) for key in ("model", "dataset", "versions"))
    if not all(isinstance(each, Mapping) for each in (model, dataset, versions)):
        return False
    size, states_count = found.get("batch_size", 1), dataset.get("states_count", True)
    texts = (*model.values(), dataset.get("source"), dataset.get("unfixed"), *versions.values())
    return (
        all(text is None or isinstance(text, str) for text in texts)
        and isinstance(states_count, bool)
        and type(size) is int
        and size > 0
    )


def _is_part(part: Part, k: int) -> bool:
    return (
        all(map(_is_piece, pieces_of(part.ids)))
        and isinstance(part.id, str)
        and type(part.position) is int
        and all(_is_index(array, k) for array in (part.true, part.predicted, part.rank))
        and _is_row(part.score, np.float32)
        and _is_row(part.check, np.uint64)
        and (part.weight is None or _is_row(part.weight, np.float64))
        and bool(np.isfinite(part.score).all())
        and (part.weight is None or bool((np.isfinite(part.weight) & (part.weight >= 0)).all()))
        # What was predicted has no class above it.
        and not part.rank[part.true == part.predicted].any()
        and _is_index(part.runner_up, k, UNPREDICTED)
        and _is_row(part.runner_up_score, np.float32)
        and _is_index(part.tied, k + 1)
        and _is_row(part.true_tied, np.bool_)
        and all(
            _is_index(column.codes, len(column.values), NO_VALUE)
            and all(isinstance(value, str) for value in column.values)
            for column in part.columns.values()
        )
    )


def _is_piece(ids: Sequence[str]) -> bool:
    if isinstance(ids, NumberedIds):
        return isinstance(ids.prefix, str) and {type(ids.length), type(ids.start)} == {int}
    return all(isinstance(example, str) for example in ids)


def _is_index(array: NDArray[Any], k: int, lowest: int = 0) -> bool:
    """Whether an array holds numbers from `lowest` to `k` - 1."""
    if array.ndim != 1 or array.dtype.kind not in "iu":
        return False
    return not len(array) or bool(array.min() >= lowest and array.max() < k)


def _is_row(array: NDArray[Any], dtype: type[np.generic]) -> bool:
    return array.ndim == 1 and array.dtype == dtype


def _is_of(evaluation: Evaluation, spec: DatasetSpec, reading: Reading) -> bool:
    """Whether an evaluation holds the examples of a set, as far as is known without reading it."""
    if spec.expected_examples not in (None, len(evaluation)):
        return False
    return kind_of(spec).is_of(evaluation, reading)
