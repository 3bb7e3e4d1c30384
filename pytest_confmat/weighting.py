"""The confusion matrix of an evaluation under the weights that a policy gives."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from pytest_confmat.errors import EvaluationError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.limits import Weighting
from pytest_confmat.matrix import (
    ConfusionMatrix,
    Floats,
    balanced_weights,
    inverse_frequency_weights,
    normalized,
)
from pytest_confmat.sparse_counts import SparseCounts


def weighted_matrix(evaluation: Evaluation, weighting: Weighting) -> Floats:
    """Return the counts under a policy's weights, normalized as it says; float64 (K, K).

    Not for very many classes: see `weighted_entries`. NaN where nothing is known: rows of classes
    without examples, and what `normalized` says.

    Raises
    ------
    EvaluationError
        If the weights are those of the examples and there are none, or a class has none.
    """
    matrix = evaluation.matrix
    weights, normalize = weighting.weights, weighting.normalize
    if weights == "inverse_frequency" and normalize is None:
        # Dividing the counts once gives the share nearest to the exact one.
        return normalized(matrix.counts, "true", matrix.unpredicted)
    sums, beside = _weighted_sums(evaluation, weighting)
    shares = normalized(sums.dense(), normalize, beside)
    return np.where(matrix.support[:, np.newaxis] > 0, shares, np.nan)


def weighted_entries(evaluation: Evaluation, weighting: Weighting) -> SparseCounts:
    """Return what is not empty in `weighted_matrix`; what is unknown there is left out here."""
    sums, beside = _weighted_sums(evaluation, weighting)
    by_row = sums.row_sums + beside
    divisor = {
        "true": by_row[sums.rows],
        "pred": sums.column_sums[sums.columns],
        "all": np.full(len(sums), by_row.sum()),
        None: np.ones(len(sums)),
    }[weighting.normalize]
    known = (divisor > 0) & (evaluation.matrix.support[sums.rows] > 0)
    shares = np.divide(sums.values, divisor, out=np.zeros(len(sums)), where=known)
    chosen = shares != 0  # nor is a share of less than the least float
    return SparseCounts(sums.rows[chosen], sums.columns[chosen], shares[chosen], sums.k)


def _weighted_sums(evaluation: Evaluation, weighting: Weighting) -> tuple[SparseCounts, Floats]:
    """Return the weighted counts, and those of what was predicted as none, (K,)."""
    matrix = evaluation.matrix
    if weighting.weights == "sample":
        sums, beside = evaluation.sample_weighted, evaluation.sample_unpredicted
        if sums is None or beside is None:
            raise EvaluationError("a matrix weighted by sample needs weights of the examples")
        return sums, beside
    by_class = _class_weights(weighting.weights, matrix)
    counts = matrix.cells
    values = counts.values * by_class[counts.rows]
    return replace(counts, values=values), matrix.unpredicted * by_class


def _class_weights(
    weights: str | tuple[tuple[str, Fraction], ...], matrix: ConfusionMatrix
) -> Floats:
    if weights == "inverse_frequency":
        return inverse_frequency_weights(matrix.support)
    if isinstance(weights, str):
        return balanced_weights(matrix.support)
    given = dict(weights)
    if missing := [matrix.classes[i] for i in matrix.judged if matrix.classes[i] not in given]:
        raise EvaluationError(f"these classes have no weight: {missing}")
    return np.array([float(given.get(name, 0)) for name in matrix.classes])
