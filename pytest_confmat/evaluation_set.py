"""Whether an evaluation is of the set that it is to be of."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pytest_confmat.data.counts import miscount
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.manifest import problem
from pytest_confmat.text import listed, plural

_EXAMPLES_NAMED = 3


def class_fault(evaluation: Evaluation) -> str | None:
    """Return an error if a class has no example, or has some although it is declared to have none.

    Nothing is known about the first, and the second would go unjudged.
    """
    matrix = evaluation.matrix
    empty = [matrix.classes[i] for i in matrix.judged if not matrix.support[i]]
    if empty:
        return (
            f"{len(empty)} of {len(matrix.classes)} classes have no example among "
            f"{matrix.total}: {listed(empty)}; nothing can be said about them. If the set lacks "
            "them on purpose, name them in classes: {names: ..., without_examples: [...]}"
        )
    for name in sorted(evaluation.without_examples, key=matrix.index):
        index = matrix.index(name)
        if count := int(matrix.support[index]):
            places = np.flatnonzero(evaluation.array("true") == index)[:_EXAMPLES_NAMED]
            ids = [evaluation.ids[place] for place in places.tolist()]
            return (
                f"classes.without_examples names {name!r}, and the set has "
                f"{plural(count, 'example')} of it, such as {listed(ids)}; take it out there, so "
                "that it is judged"
            )
    return None


def set_fault(
    evaluation: Evaluation,
    expected: int | None,
    digest: str | None,
    manifest: Path | None = None,
) -> str | None:
    """Return an error if a set is not of the size, the digest or the manifest that are expected."""
    source = evaluation.provenance.get("dataset", {}).get("source", "the evaluation set")
    miscounted = miscount(expected, len(evaluation), source)
    changed = None
    if digest is not None or manifest is not None:
        changed = problem(evaluation, digest, manifest)
    if miscounted and not changed and manifest is not None and manifest.exists():
        changed = f"  it is the set that {manifest} lists: correct expected_examples"
    return "\n".join(filter(None, (miscounted, changed))) or None
