"""Labels counted from another number than 0: what the list of faults says of it."""

import numpy as np
import pytest

from pytest_confmat.data import open_batches
from pytest_confmat.errors import DataError
from pytest_confmat.models import wrap
from pytest_confmat.spec import Argmax
from pytest_confmat.streaming import evaluate

CLASSES = ("a", "b", "c")


def told(labels):
    inputs = np.eye(3, dtype=np.float32)[np.asarray(labels) % 3]
    predictor = wrap(lambda batch: batch, CLASSES, Argmax())
    source = open_batches([(inputs, np.asarray(labels))], CLASSES, predictor.input)
    with pytest.raises(DataError) as caught:
        evaluate(source, predictor, CLASSES)
    return str(caught.value).splitlines()


def test_labels_from_1_up():
    lines = told([1, 2, 3, 3, 1])
    assert lines[1] == "  #2   label 3 is none of the 3 classes (0 to 2)"
    assert lines[-1] == (
        "  no label is 0, as if they were counted from 1: a dataset.label.offset that is 1 higher "
        "would make them fit (0 unless the policy says one)"
    )


def test_labels_after_an_offset_too_many():
    lines = told([-1, 0, 1, 0])
    assert lines[-1] == (
        "  no label is 2, as if they were counted from -1: a dataset.label.offset that is 1 lower "
        "would make them fit (0 unless the policy says one)"
    )


@pytest.mark.parametrize("labels", [[0, 1, 3], [1, 2, 3, 4], [-1, 2, 0], [-1, 3, 1]])
def test_other_strays_are_no_offset(labels):
    assert not any("offset" in line for line in told(labels))


def test_a_stray_that_a_narrow_array_takes_for_the_first_class():
    k = 256
    classes = tuple(map(str, range(k)))
    labels = np.arange(1, k + 1)
    predictor = wrap(lambda batch: np.zeros((len(batch), k)), classes, Argmax())
    source = open_batches([(np.zeros((k, 1), np.float32), labels)], classes, predictor.input)
    with pytest.raises(DataError, match="no label is 0, as if they were counted from 1"):
        evaluate(source, predictor, classes)


def test_nan_among_inputs_of_the_users_own_is_counted_and_shown():
    inputs = np.eye(3, dtype=np.float32)
    inputs[1, 2] = np.nan
    inputs[2, 0] = np.inf
    predictor = wrap(lambda batch: np.nan_to_num(batch, posinf=0), CLASSES, Argmax())
    source = open_batches([(inputs, np.arange(3))], CLASSES, predictor.input)
    evaluation = evaluate(source, predictor, CLASSES)
    assert len(evaluation) == 3
    assert evaluation.notes == ("2 examples hold NaN or infinite inputs: #1, #2",)
