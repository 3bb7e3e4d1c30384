"""Curves of two classes against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from pytest_confmat.evaluation import UNPREDICTED, Evaluation
from pytest_confmat.report.page.curves import curves, curves_of
from tests.support.evaluations import part

# Few values, so that many tie.
binary = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=50).filter(
    lambda found: len({positive for _, positive in found}) == 2
)


@given(binary)
def test_areas_are_those_of_scikit_learn(found):
    scores, positive = (np.array(column) for column in zip(*found, strict=True))
    result = curves(scores.astype(float), positive)
    assert result.roc_auc == pytest.approx(roc_auc_score(positive, scores))
    assert result.average_precision == pytest.approx(average_precision_score(positive, scores))
    false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(result.false_positive, false)
    np.testing.assert_allclose(result.true_positive, true)


def evaluation(predicted=(0, 1, 1, 0), other=(0.1, 0.2, 0.3, 0.4), classes=("no", "yes")):
    known = part(
        [0, 1, 0, 1], predicted, score=[0.9, 0.8, 0.7, 0.6], runner_up_score=np.float32(other)
    )
    return Evaluation(classes, (known,))


def test_the_score_of_the_second_class_is_its_own_or_the_runner_ups():
    result = curves_of(evaluation())
    assert result.roc_auc == roc_auc_score([0, 1, 0, 1], [0.1, 0.8, 0.7, 0.4])


@pytest.mark.parametrize(
    "without",
    [
        evaluation(predicted=(0, 1, 1, UNPREDICTED)),
        evaluation(other=(0.1, np.nan, 0.3, 0.4)),
        evaluation(classes=("no", "yes", "perhaps")),
        Evaluation(("no", "yes"), (part([0, 0], [0, 1], runner_up_score=np.float32([0, 0])),)),
    ],
)
def test_what_has_no_curve_gets_none(without):
    assert curves_of(without) is None
