"""Which rows and columns of a confusion matrix a page shows at first, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.report.class_view import ClassView, confusions

# Of more classes than these a page opens on the most confused ones.
SHOWN = 30
# Beyond these the best order of the leaves takes minutes, and the order as it comes will do.
_ORDERED = 200
# Beyond these nobody looks at the whole, and the distances would take 32 MB.
MOST_ORDERED = 2000


@dataclass(frozen=True, eq=False)
class MatrixView:
    """Some classes of a matrix, and what became of all others in one more row and column.

    Attributes
    ----------
    indices
        Classes shown, in the matrix's order.
    others
        How many classes make up the last row and column; 0: there is no such row.
    counts
        int64 (n, n), with n the classes shown, and one more for the others. The sums are those of
        the whole matrix.
    support
        Examples of each row, those predicted as no class included; int64 (n,).
    """

    indices: tuple[int, ...]
    others: int
    counts: NDArray[np.int64]
    support: NDArray[np.int64]


def matrix_view(view: ClassView, shown: int = SHOWN) -> MatrixView:
    """Return the whole matrix, or of more than `shown` classes those that matter most.

    These are the classes that fail, as many as there is room for, then those of the most frequent
    confusions, then the first.
    """
    matrix = view.matrix
    k = len(matrix.classes)
    chosen = tuple(range(k)) if k <= shown else _most_confused(view, shown)
    place = np.full(k, len(chosen))
    place[list(chosen)] = np.arange(len(chosen))
    n = len(chosen) + (k > len(chosen))
    counts = np.zeros((n, n), np.int64)
    cells = matrix.cells
    np.add.at(counts, (place[cells.rows], place[cells.columns]), cells.values)
    support = np.zeros(n, np.int64)
    np.add.at(support, place, matrix.support)
    return MatrixView(chosen, k - len(chosen), counts, support)


def _most_confused(view: ClassView, shown: int) -> tuple[int, ...]:
    recall = {i: view.value("recall", i) for i in view.failed}
    failing = sorted(view.failed, key=lambda i: (recall[i] is not None, recall[i] or 0, i))
    chosen = dict.fromkeys(failing[:shown])
    for cell in confusions(view.matrix):
        if len(chosen.keys() | set(cell)) > shown:
            break
        chosen |= dict.fromkeys(cell)
    for i in range(len(view.matrix.classes)):
        if len(chosen) == shown:
            break
        chosen.setdefault(i)
    return tuple(sorted(chosen))


def similarity_order(matrix: ConfusionMatrix) -> list[int] | None:
    """Return the classes in an order in which those that are often confused are neighbors.

    The order of the leaves of SciPy's hierarchical clustering, by average linkage; the similarity
    of two classes is the mean of the shares of each that are predicted as the other. ``None``: of
    fewer than three classes, or of more than `MOST_ORDERED`.
    """
    k = len(matrix.classes)
    if not 3 <= k <= MOST_ORDERED:
        return None
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    counts = matrix.counts.astype(np.float64)
    shares = counts / np.maximum(matrix.support, 1)[:, np.newaxis]
    similar = (shares + shares.T) / 2
    # 0 and 1 stay what they are, and differences between rare confusions count too.
    distance = 1 - np.sqrt(np.clip(similar, 0, 1))
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=k <= _ORDERED)
    return [int(leaf) for leaf in leaves_list(tree)]
