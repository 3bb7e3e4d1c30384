"""Calibration against scikit-learn, and its noise floor against models that are calibrated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from pytest_confmat.evaluation import UNPREDICTED, Evaluation
from pytest_confmat.report.page.calibration import BINS, calibration, calibration_of
from tests.support.evaluations import part

scores_and_right = st.lists(
    st.tuples(st.floats(0, 1, allow_subnormal=False), st.booleans()), min_size=1, max_size=60
)


@given(scores_and_right)
def test_bins_are_those_of_scikit_learn(found):
    scores, right = (np.array(column) for column in zip(*found, strict=True))
    result = calibration(scores.astype(float), right)
    accuracy, confidence = calibration_curve(right, scores, n_bins=BINS)
    filled = ~np.isnan(result.confidence)
    # What lies on an edge, to within a float, may be in either bin.
    if np.abs(scores * BINS - np.round(scores * BINS)).min() > 1e-9:
        np.testing.assert_allclose(result.accuracy[filled], accuracy, atol=1e-12)
        np.testing.assert_allclose(result.confidence[filled], confidence, atol=1e-12)
    total = result.right + result.wrong
    assert total.sum() == len(scores)
    gaps = np.abs(result.accuracy - result.confidence)[filled]
    assert result.error == pytest.approx((gaps * total[filled]).sum() / len(scores))


def test_the_floor_is_that_of_calibrated_models():
    rng = np.random.default_rng(7)
    scores = rng.beta(8, 2, size=400)
    errors = [calibration(scores, rng.random(400) < scores).error for _ in range(400)]
    found = calibration(scores, rng.random(400) < scores)
    assert found.floor == pytest.approx(np.mean(errors), rel=0.05)
    assert 0.02 <= np.mean(np.array(errors) > found.ceiling) <= 0.08


def test_a_sure_model_that_is_wrong_is_not_calibrated():
    found = calibration(np.full(100, 0.99), np.arange(100) < 60)
    assert found.error == pytest.approx(0.39)
    assert found.error > found.ceiling
    assert found.floor < 0.02


@pytest.mark.parametrize("score", [-0.1, 1.5, np.nan])
def test_scores_that_are_no_probabilities_have_none(score):
    found = part([0, 1], [0, 1], score=[0.5, score])
    assert calibration_of(Evaluation(("a", "b"), (found,))) is None


def test_what_was_not_predicted_is_left_out():
    found = part([0, 1, 1], [0, UNPREDICTED, 0], score=[0.9, np.nan, 0.8])
    result = calibration_of(Evaluation(("a", "b"), (found,)))
    assert (result.right.sum(), result.wrong.sum()) == (1, 1)
