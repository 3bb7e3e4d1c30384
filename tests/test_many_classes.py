"""What comes of more classes than fit into an array must be what comes of the array."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_confmat import matrix as matrices
from pytest_confmat import sparse_counts
from pytest_confmat.diagnosis import likely_causes
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.judging import judge
from pytest_confmat.limits import Bound, Limit, Weighting
from pytest_confmat.metric import metric_keys
from pytest_confmat.report.class_view import confusions
from pytest_confmat.report.json import document
from pytest_confmat.report.summary import summary
from pytest_confmat.result import GateResult
from pytest_confmat.sparse_counts import SparseCounts
from pytest_confmat.weighting import weighted_entries
from pytest_confmat.weighting import weighted_matrix as dense_weighted_matrix
from tests.support.evaluations import part
from tests.support.results import POLICY
from tests.support.strategies import class_names

K = 4
OWN = tuple((name, Fraction(i + 1, 3)) for i, name in enumerate(class_names(K)))
WEIGHTINGS = [
    Weighting("inverse_frequency"),
    *(
        Weighting(weights, normalize)
        for weights in ("balanced", "sample", OWN)
        for normalize in ("true", "pred", "all")
    ),
]


def limits():
    half = Bound("at_least", Fraction(1, 2), "0.5")
    tenth = Bound("at_most", Fraction(1, 10), "0.1")
    for metric in metric_keys("overall"):
        yield Limit(metric, metric, half)
    for name in class_names(K):
        for metric in metric_keys("class"):
            yield Limit(f"{metric}[{name}]", metric, half, actual=name)
        for n, weighting in enumerate(WEIGHTINGS):
            yield Limit(f"w{n}[{name}]", "weighted_diagonal", half, None, name, None, weighting)
    first, second, *_ = class_names(K)
    yield Limit("confusion", "confusion", tenth, None, first, second)
    yield Limit("confusions[*]", "confusions", tenth, excluded=frozenset({(second, first)}))


outcomes = st.lists(
    st.tuples(st.integers(0, K - 1), st.integers(-1, K - 1), st.floats(0, 5), st.floats(0, 1)),
    min_size=1,
    max_size=60,
)


def evaluation(drawn):
    true, predicted, weight, score = (np.array(column) for column in zip(*drawn, strict=True))
    found = part(true, predicted, score=score, weight=weight.astype(float))
    return Evaluation(class_names(K), (found,))


@given(outcomes)
@example([(0, 0, 2.0, 0.0), (0, 1, 5e-324, 0.0)])  # a share below the least float
@settings(max_examples=20, deadline=None)
def test_entries_give_the_verdicts_and_reports_of_arrays(drawn):
    def everything(found):
        verdicts = judge(tuple(limits()), found)
        result = GateResult(POLICY, "failed", evaluation=found, verdicts=verdicts)
        return verdicts, confusions(found.matrix), document(result)

    verdicts, cells, told = everything(evaluation(drawn))
    with pytest.MonkeyPatch.context() as patch:
        for module in (matrices, sparse_counts):
            patch.setattr(module, "DENSE_CLASSES", K - 1)
        patch.delattr(SparseCounts, "dense")
        large = evaluation(drawn)
        assert large.matrix.is_large
        same, same_cells, entries = everything(large)
        assert "confusion matrix" not in summary(GateResult(POLICY, "passed"), 80, False)
    assert same == verdicts
    assert same_cells == cells
    pairs = [
        (entries, told),
        *zip(entries["weighted_matrix"], told["weighted_matrix"], strict=True),
    ]
    for few, all_cells in pairs:
        assert few["matrix"] is all_cells["matrix_entries"] is None
        assert few["matrix_entries"] == [
            [[j, pytest.approx(n, rel=1e-12)] for j, n in enumerate(row) if n]
            for row in all_cells["matrix"]
        ]


@given(outcomes, st.sampled_from(WEIGHTINGS))
def test_weighted_entries_are_those_of_the_weighted_matrix(drawn, weighting):
    found = evaluation(drawn)
    expected = np.nan_to_num(dense_weighted_matrix(found, weighting))
    assert np.allclose(weighted_entries(found, weighting).dense(), expected, rtol=1e-12, atol=0)


def test_a_shift_by_one_is_seen_among_many_classes_without_trying_all_orders():
    k = matrices.DENSE_CLASSES + 100
    true = np.repeat(np.arange(k), 3)
    shifted = matrices.ConfusionMatrix.from_labels(true, (true + 1) % k, class_names(k))
    (found,) = likely_causes(shifted)
    assert found.kind == "shifted"
    right = matrices.ConfusionMatrix.from_labels(true, true, class_names(k))
    assert likely_causes(right) == ()
    collapsed = matrices.ConfusionMatrix.from_labels(true, np.zeros_like(true), class_names(k))
    assert [each.kind for each in likely_causes(collapsed)] == ["collapsed"]
