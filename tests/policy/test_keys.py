from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from pytest_confmat.errors import RequestError
from pytest_confmat.policy import dataset_from_keys
from pytest_confmat.spec import DirectorySpec, ImageSpec, LabelFeature, Rescale, TFRecordSpec

HERE = Path("/project")


def test_arguments_mean_what_the_keys_of_a_policy_mean():
    found = dataset_from_keys(
        {"directory": "data", "image_size": (8, 9), "rescale": "1/255", "ignore": ["old"]}, HERE
    )
    assert found == DirectorySpec(
        HERE / "data",
        images=ImageSpec(image_size=(8, 9), rescale=Rescale(Fraction(1, 255))),
        ignore=("old",),
    )
    found = dataset_from_keys(
        {"tfrecord": ["a-*", "/b"], "label": {"key": "label", "offset": 1}}, HERE
    )
    assert found == TFRecordSpec(("/project/a-*", "/b"), label=LabelFeature("label", 1))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"directory": "d", "image_sise": [8, 8]},
            "unknown key 'image_sise' in dataset; did you mean 'image_size'?",
        ),
        ({"directory": "d", "image_size": 8}, "dataset.image_size: "),
    ],
)
def test_a_wrong_argument_is_told_as_a_policy_would(keys, message):
    with pytest.raises(RequestError) as refused:
        dataset_from_keys(keys, HERE)
    assert str(refused.value).startswith(message)
