"""Receiver operating characteristic and precision-recall curve of a classifier of two classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.evaluation import Evaluation
from pytest_confmat.parts import UNPREDICTED

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curves:
    """One point for each distinct score, the highest first; the second class is positive.

    Attributes
    ----------
    false_positive, true_positive
        Rates, float64 (m,), beginning at (0, 0).
    precision
        float64 (m,), 1 at the first point; recall is `true_positive`.
    roc_auc
        Area under the receiver operating characteristic, by trapezoids.
    average_precision
        The sum of precisions weighted by the rise in recall, as in scikit-learn.
    """

    false_positive: Floats
    true_positive: Floats
    precision: Floats
    roc_auc: float
    average_precision: float


def curves_of(evaluation: Evaluation) -> Curves | None:
    """Return the curves of an evaluation of two classes, with examples of both and known scores.

    The score of the class that was not predicted is the runner-up's. ``None`` for any other
    evaluation, and where examples were predicted as no class: those have no score.
    """
    if len(evaluation.classes) != 2:
        return None
    predicted, true = evaluation.array("predicted"), evaluation.array("true")
    if np.any(predicted == UNPREDICTED) or len(np.unique(true)) < 2:
        return None
    other = evaluation.array("runner_up_score")
    if np.isnan(other).any():
        return None
    positive = np.where(predicted == 1, evaluation.array("score"), other)
    return curves(positive.astype(np.float64), true == 1)


def curves(scores: Floats, is_positive: NDArray[np.bool_]) -> Curves:
    """Return the curves of scores for the positive class, of shape (n,)."""
    order = np.argsort(-scores, kind="stable")
    scores, is_positive = scores[order], is_positive[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    hits = np.cumsum(is_positive)[last]
    taken = last + 1
    false = taken - hits
    recall = np.concatenate([[0.0], hits / hits[-1]])
    rate = np.concatenate([[0.0], false / false[-1]])
    precision = np.concatenate([[1.0], hits / taken])
    return Curves(
        rate,
        recall,
        precision,
        float(np.trapezoid(recall, rate)),
        float((np.diff(recall) * precision[1:]).sum()),
    )
