"""How far the scores of the predicted classes can be read as probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.evaluation import Evaluation
from pytest_confmat.parts import UNPREDICTED

BINS = 15  # as in Guo et al., On Calibration of Modern Neural Networks, ICML 2017
_SIMULATIONS = 2000
_SEED = 20170806
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Scores of the predicted classes beside how often they were right.

    All arrays are of shape (`BINS`,), for bins of equal width from 0 to 1.

    Attributes
    ----------
    right, wrong
        Right and wrong predictions by score, int64.
    confidence
        Mean score in each bin, NaN where it is empty.
    accuracy
        Share of right predictions in each bin, NaN where it is empty.
    error
        Expected calibration error: the mean of their distance, weighted by examples.
    floor, ceiling
        The same error of a perfectly calibrated model with these scores and so many examples: its
        mean, and what it exceeds one time in twenty. An error below `ceiling` is no evidence of
        bad calibration.
    """

    right: Counts
    wrong: Counts
    confidence: Floats
    accuracy: Floats
    error: float
    floor: float
    ceiling: float


def calibration_of(evaluation: Evaluation) -> Calibration | None:
    """Return the calibration of an evaluation; ``None`` where its scores are no probabilities."""
    predicted, true = evaluation.array("predicted"), evaluation.array("true")
    known = predicted != UNPREDICTED
    scores = evaluation.array("score")[known].astype(np.float64)
    if not len(scores) or not np.all((scores >= 0) & (scores <= 1)):
        return None  # NaN too
    return calibration(scores, (predicted == true)[known])


def calibration(scores: Floats, is_right: NDArray[np.bool_]) -> Calibration:
    """Bin scores between 0 and 1, of shape (n,), with whether each prediction was right.

    The floor is simulated with a fixed seed: a binomial number of right predictions for each bin.
    """
    # The upper edge belongs to a bin, so that 1 is in the last, and 0 in the first.
    bins = np.clip(np.ceil(scores * BINS).astype(np.int64) - 1, 0, BINS - 1)
    total = np.bincount(bins, minlength=BINS)
    right = np.bincount(bins[is_right], minlength=BINS)
    sums = np.bincount(bins, weights=scores, minlength=BINS)
    filled = total > 0
    divisor = np.where(filled, total, 1)
    confidence = np.where(filled, sums / divisor, np.nan)
    accuracy = np.where(filled, right / divisor, np.nan)
    n = len(scores)
    error = float(np.abs(right - sums).sum() / n)
    rng = np.random.default_rng(_SEED)
    means = np.clip(np.where(filled, confidence, 0), 0, 1)
    drawn = rng.binomial(total, means, size=(_SIMULATIONS, BINS))
    errors = np.abs(drawn - sums).sum(axis=1) / n
    return Calibration(
        right,
        total - right,
        confidence,
        accuracy,
        error,
        float(errors.mean()),
        float(np.quantile(errors, 0.95)),
    )
