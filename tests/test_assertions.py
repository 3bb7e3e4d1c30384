from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pytest

import pytest_confmat
from pytest_confmat import (
    ConfusionMatrix,
    LimitError,
    assert_confusion,
    assert_metric,
    assert_precision,
    assert_recall,
    assert_weighted_diagonal,
)
from pytest_confmat.errors import MatrixError, RequestError
from tests.test_verdict import evaluation

COUNTS = [[159, 21, 9], [5, 180, 4], [2, 8, 90]]
MATRIX = ConfusionMatrix(np.array(COUNTS), ("cat", "dog", "fox"))


def test_all_failing_classes_in_one_message():
    with pytest.raises(LimitError) as failed:
        assert_recall(MATRIX, 0.95)
    assert str(failed.value) == (
        "recall of 'cat' is 0.8413, below 0.95\n"
        "  159 of 189 recognized; 180 were needed\n"
        "  true value 0.7909 to 0.8834, each bound at 95 % confidence\n"
        "  predicted as   dog 21 (11.1 %)   fox 9 (4.8 %)\n"
        "recall of 'fox' is 0.9000, below 0.95\n"
        "  90 of 100 recognized; 95 were needed\n"
        "  true value 0.8363 to 0.9447, each bound at 95 % confidence\n"
        "  predicted as   dog 8 (8.0 %)   cat 2 (2.0 %)"
    )
    assert isinstance(failed.value, AssertionError)


def test_what_holds_is_silent():
    assert_recall(MATRIX, 0.84)
    assert_recall(MATRIX, {"cat": 0.84, "dog": 0.95})
    assert_recall(COUNTS, {"1": "0.95"})
    assert_recall(COUNTS, {"fox": 0.9}, classes=["cat", "dog", "fox"])
    assert_precision(MATRIX, np.float64(0.86))
    assert_metric(MATRIX, "accuracy", 0.89)
    assert_metric(MATRIX, "specificity", 0.88)
    assert_metric(evaluation(), "top_2_accuracy", 1)
    assert_weighted_diagonal(MATRIX, {"cat": 0.84})
    assert_weighted_diagonal(MATRIX, 0.2, weights="balanced", normalize="all")
    assert_weighted_diagonal(
        MATRIX, {"fox": 0.5}, weights={"cat": 1, "dog": 2.5, "fox": "1/2"}, normalize="pred"
    )
    assert_weighted_diagonal(evaluation(), {"cat": 0.25}, weights="sample", normalize="true")
    assert_confusion(MATRIX, 0.12)
    assert_confusion(MATRIX, {("dog", "fox"): 0.03, ("cat", "fox"): 0.05})


@pytest.mark.parametrize(
    "broken",
    [
        lambda: assert_precision(MATRIX, {"dog": 0.87}),
        lambda: assert_metric(MATRIX, "balanced_accuracy", 0.9),
        lambda: assert_metric(MATRIX, "f1", 0.9),
        lambda: assert_metric(MATRIX, "top_2_accuracy", 0.1),
        lambda: assert_weighted_diagonal(MATRIX, 0.9),
        lambda: assert_weighted_diagonal(MATRIX, 0.5, weights="balanced", normalize="all"),
        lambda: assert_confusion(MATRIX, 0.1),
        lambda: assert_confusion(MATRIX, {("cat", "dog"): 0.11}),
    ],
)
def test_what_does_not_hold_fails(broken):
    with pytest.raises(LimitError):
        broken()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: assert_recall(MATRIX, {"cot": 0.9}),
            "there is no class 'cot'; did you mean 'cat'?",
        ),
        (lambda: assert_recall(MATRIX, 95), "a bound on recall lies between 0 and 1, not 95"),
        (lambda: assert_recall(MATRIX, True), "a bound is a number; True is none"),
        (lambda: assert_recall(MATRIX, float("nan")), "a bound is a number; nan is none"),
        (
            lambda: assert_recall(MATRIX, 0.9, classes=["a", "b", "c"]),
            "an evaluation or a ConfusionMatrix brings its own class names",
        ),
        (
            lambda: assert_metric(MATRIX, "acuracy", 0.9),
            "there is no metric 'acuracy'; did you mean 'accuracy'?",
        ),
        (
            lambda: assert_metric(MATRIX, "accuracy", {"cat": 0.9}),
            "accuracy is one number for all classes: give one bound",
        ),
        (
            lambda: assert_weighted_diagonal(MATRIX, 0.9, weights="balanced"),
            "these weights need normalize='pred' or 'all' to give shares",
        ),
        (
            lambda: assert_weighted_diagonal(MATRIX, 0.9, weights="balanced", normalize="true"),
            "class weights cancel within a row, so that normalize='true' leaves plain recall: "
            "use assert_recall, or normalize='pred' or 'all'",
        ),
        (
            lambda: assert_weighted_diagonal(MATRIX, 0.9, weights={"cat": 1}, normalize="all"),
            "weights name no weight for ['dog', 'fox']",
        ),
        (
            lambda: assert_weighted_diagonal(MATRIX, 0.9, weights="equal", normalize="all"),
            "weights is 'inverse_frequency', 'balanced', 'sample' or a mapping, not 'equal'",
        ),
        (
            lambda: assert_recall(MATRIX, {}),
            "no bound is given, so that nothing would be checked",
        ),
        (
            lambda: assert_confusion(MATRIX, {}),
            "no bound is given, so that nothing would be checked",
        ),
        (
            lambda: assert_weighted_diagonal(
                MATRIX, 0.9, weights={"cat": "x", "dog": 1, "fox": 1}, normalize="all"
            ),
            "class weights are numbers; {'cat': 'x', 'dog': 1, 'fox': 1} holds others",
        ),
        (
            lambda: assert_confusion(MATRIX, {"cat": 0.1}),
            "a confusion is a pair (actual, predicted), not 'cat'",
        ),
        (
            lambda: assert_confusion(MATRIX, {("cat", "cat"): 0.1}),
            "'cat' predicted as 'cat' is no confusion",
        ),
    ],
)
def test_a_wrong_request_is_no_verdict(wrong, message):
    with pytest.raises(RequestError) as refused:
        wrong()
    assert str(refused.value) == message
    assert not isinstance(refused.value, AssertionError)


@pytest.mark.parametrize(
    "counts", [5, "abc", [[1, 2], [3]], [[np.inf, 0], [0, 1]], [[1e19, 0], [0, 1]]]
)
def test_what_is_no_matrix_is_told(counts):
    with pytest.raises(MatrixError, match="a confusion matrix"):
        assert_recall(counts, 0.1)


def test_a_normalized_matrix_is_refused():
    with pytest.raises(MatrixError, match="give the counts"):
        assert_recall([[0.9, 0.1], [0.2, 0.8]], 0.9)


def test_public_names_resolve():
    for name in pytest_confmat.__all__:
        assert getattr(pytest_confmat, name).__name__ == name
    assert set(pytest_confmat.__all__) <= set(dir(pytest_confmat))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        pytest_confmat.nothing  # noqa: B018


def test_the_package_knows_its_version():
    assert pytest_confmat.__version__ == version("pytest-confmat")
