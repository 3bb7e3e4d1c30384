"""What a traceback or an assertion shows of the values that hold arrays."""

import numpy as np

from pytest_confmat.baseline import Baseline
from pytest_confmat.baseline.comparison import compare
from pytest_confmat.evaluation import Evaluation, Part
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.sparse_counts import SparseCounts


def test_they_are_one_short_line(tmp_path):
    n, classes = 5000, tuple(f"class {i}" for i in range(300))
    true = np.arange(n) % 300
    predicted = np.where(np.arange(n) < 100, 7, true)
    part = Part(
        *("train-0", 0, NumberedIds("t", n), true, predicted),
        *(np.full(n, 0.5, np.float32), (predicted != true).astype(int), true.astype(np.uint64)),
    )
    evaluation = Evaluation(classes, (part,))
    baseline = Baseline.of(evaluation, tmp_path.relative_to(tmp_path) / "b")
    assert list(map(repr, (evaluation, evaluation.matrix, part))) == [
        "<Evaluation: 5000 examples of 300 classes, 4901 right>",
        "<ConfusionMatrix: 5000 examples of 300 classes, 4901 right>",
        "<Part 'train-0' at 0: 5000 examples>",
    ]
    assert repr(baseline) == "<Baseline b: 5000 examples of 300 classes>"
    assert repr(compare(baseline, evaluation, 1)) == (
        "<Comparison: 5000 examples of 300 classes in common>"
    )
    assert repr(SparseCounts.of([[1, 0], [2, 3]])) == "<SparseCounts: 3 cells of 2 x 2>"
