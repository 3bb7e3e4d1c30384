"""Whether a cached evaluation can be the one that is asked for: the cache is not trusted.

A folder may be restored from elsewhere, and an entry be made by hand. So what an entry says is
compared with what can be known of the request without doing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_confmat.cache.identity import Identity
from pytest_confmat.data.reading import Reading
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.job import Job
from pytest_confmat.kinds import kind_of
from pytest_confmat.part_validity import is_part
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
        and all(is_part(part, k) for part in evaluation.parts)
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


def _is_of(evaluation: Evaluation, spec: DatasetSpec, reading: Reading) -> bool:
    """Whether an evaluation holds the examples of a set, as far as is known without reading it."""
    if spec.expected_examples not in (None, len(evaluation)):
        return False
    return kind_of(spec).is_of(evaluation, reading)
