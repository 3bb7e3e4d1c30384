"""Which misclassified examples a page lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.evaluation import Evaluation
from pytest_confmat.parts import UNPREDICTED

PER_CELL = 24
MOST = 6000


@dataclass(frozen=True, eq=False)
class ShownExamples:
    """Misclassified examples, those of a cell from the first to be looked at to the last.

    Attributes
    ----------
    places
        In the set's order, int64 (m,).
    newly
        Whether the baseline had it right, bool (m,); ``None``: there is no baseline.
    total
        How many are misclassified altogether.
    """

    places: NDArray[np.int64]
    newly: NDArray[np.bool_] | None
    total: int


def shown_examples(
    evaluation: Evaluation,
    newly_wrong: NDArray[np.int64] | None,
    per_cell: int = PER_CELL,
    most: int = MOST,
) -> ShownExamples:
    """Choose `per_cell` examples of each cell off the diagonal, `most` altogether.

    Newly wrong ones come first, then those with the highest scores. Where there are more than
    `most`, each cell has its first before any has its second.

    Parameters
    ----------
    newly_wrong
        Places of what the baseline had right; ``None``: there is no baseline.
    """
    true, predicted = evaluation.array("true"), evaluation.array("predicted")
    wrong = np.flatnonzero((true != predicted) & (predicted != UNPREDICTED))
    new = np.isin(wrong, [] if newly_wrong is None else newly_wrong)
    cell = true[wrong].astype(np.int64) * len(evaluation.classes) + predicted[wrong]
    score = evaluation.array("score")[wrong]
    order = np.lexsort((-score, ~new, cell))
    rank = _rank_within(cell[order])
    chosen = order[rank < per_cell]
    rank = rank[rank < per_cell]
    if len(chosen) > most:
        first = np.sort(np.lexsort((-score[chosen], rank))[:most])
        chosen = chosen[first]
    return ShownExamples(wrong[chosen], None if newly_wrong is None else new[chosen], len(wrong))


def _rank_within(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each entry within its run of equal values; `groups` is sorted."""
    if not len(groups):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.append(True, np.diff(groups) != 0))
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.append(starts, len(groups))))
