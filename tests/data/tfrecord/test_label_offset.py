"""Labels counted from another number than 0: what the list of faults says of it."""

import numpy as np
import pytest

from pytest_confmat.data import open_batches, open_source
from pytest_confmat.errors import DataError
from pytest_confmat.models import wrap
from pytest_confmat.spec import Argmax, ImageFeature, LabelFeature, TFRecordSpec
from pytest_confmat.streaming import evaluate
from tests.support.makers import example, shard
from tests.support.refusals import refusal

CLASSES = ("a", "b", "c")


def told(labels):
    inputs = np.eye(3, dtype=np.float32)[np.asarray(labels) % 3]
    predictor = wrap(lambda batch: batch, CLASSES, Argmax())
    source = open_batches([(inputs, np.asarray(labels))], CLASSES, predictor.input)
    return refusal(DataError, evaluate, source, predictor, CLASSES).splitlines()


def test_labels_from_1_up():
    lines = told([1, 2, 3, 3, 1])
    assert lines[1] == "  #2   label 3 is none of the 3 classes (0 to 2)"
    assert lines[-1] == (
        "  no label is 0, as if they were counted from 1: subtract 1 to make them fit"
    )


def test_labels_after_an_offset_too_many():
    lines = told([-1, 0, 1, 0])
    assert lines[-1] == ("  no label is 2, as if they were counted from -1: add 1 to make them fit")


@pytest.mark.parametrize(
    ("numbers", "offset", "fault", "hint"),
    [
        ([1, 2, 3], 0, "  a.tfrecord#2   label 3 is none of the 3 classes (0 to 2)", (0, 1, 1)),
        ([0, 1, 2], 1, "  a.tfrecord#0   label 0 minus offset 1 is -1, which is none of the 3 "
         "classes (0 to 2)", (3, 0, 0)),
        ([2, 3, 4], 1, "  a.tfrecord#2   label 4 minus offset 1 is 3, which is none of the 3 "
         "classes (0 to 2)", (1, 2, 2)),
        ([-1, 0, 1], 0, "  a.tfrecord#0   label -1 is none of the 3 classes (0 to 2)",
         (2, -1, -1)),
    ],
)  # fmt: skip
def test_numbers_are_shown_as_the_records_hold_them(tmp_path, numbers, offset, fault, hint):
    shard(tmp_path / "a.tfrecord", [example(x=[0.5, 0.1, 0.2], y=number) for number in numbers])
    spec = TFRecordSpec(
        (str(tmp_path / "a.tfrecord"),),
        ImageFeature("x", "float", None, (3,)),
        LabelFeature("y", offset),
    )
    predictor = wrap(lambda batch: batch, CLASSES, Argmax())
    with pytest.raises(DataError) as caught:
        evaluate(open_source(spec, CLASSES, predictor.input), predictor, CLASSES)
    lines = str(caught.value).splitlines()
    assert lines[1] == fault
    assert lines[-1] == (
        f"  no label is {hint[0]}, as if they were counted from {hint[1]}: offset: {hint[2]} in "
        "dataset.label would make them fit"
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
