"""What is said of what goes into a model, compared with what a source really hands on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from pytest_confmat.data import open_batches, open_source
from pytest_confmat.spec import (
    DirectorySpec,
    ImageFeature,
    ImageSpec,
    LabelFeature,
    ModelInput,
    Rescale,
    TFRecordSpec,
)
from tests.support.makers import example, shard

CLASSES = ("cat", "dog")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Black and white images in directories; as records too, encoded and as numbers."""
    root = tmp_path_factory.mktemp("feeds")
    records = []
    for label, name in enumerate(CLASSES):
        (root / "images" / name).mkdir(parents=True)
        for level in (0, 255):
            pixels = np.full((4, 6, 3), level, np.uint8)
            path = root / "images" / name / f"{level}.png"
            Image.fromarray(pixels).save(path)
            numbers = np.linspace(-0.25, level / 255, 24, dtype=np.float32)
            raw = np.full((4, 6), level // 5, np.uint8)
            records.append(
                example(encoded=path.read_bytes(), floats=numbers.tolist(), raw=raw.tobytes(),
                        label=label)
            )  # fmt: skip
    shard(root / "a.tfrecord", records)
    return root


def opened(folder, images: ImageSpec, model: ModelInput, image: ImageFeature | None = None):
    if image is None:
        return open_source(DirectorySpec(folder / "images", images=images), CLASSES, model)
    shards = (str(folder / "a.tfrecord"),)
    spec = TFRecordSpec(shards, image, LabelFeature("label"), images=images)
    return open_source(spec, CLASSES, model)


RGB = ModelInput((4, 6, 3))
FLAT = ModelInput((24,))
FLOATS = ImageFeature("floats", "float", shape=(4, 6, 1))
RAW = ImageFeature("raw", "raw", "uint8", (4, 6))
UNIT = ImageSpec(rescale=Rescale(Fraction(1, 255)))
SIGNED = ImageSpec(rescale=Rescale(Fraction(2, 255), Fraction(-1)))


@pytest.mark.parametrize(
    ("images", "model", "image", "text"),
    [
        (
            ImageSpec(image_size=(4, 4)), ModelInput((4, 4, 3)), None,
            "4 x 4 rgb, pixels 0..255 as stored, no rescale",
        ),
        (
            UNIT, RGB, None,
            "4 x 6 (height x width) rgb, pixels 0..255 to 0..1 (rescale: 1/255)",
        ),
        (
            SIGNED, RGB, ImageFeature("encoded"),
            "4 x 6 (height x width) rgb, pixels 0..255 to -1..1 (rescale: {scale: 2/255, offset: "
            "-1})",
        ),
        (
            ImageSpec(preprocess="torch"), RGB, None,
            "4 x 6 (height x width) rgb, pixels 0..255 to -2.12..2.64 (preprocess: torch)",
        ),
        (
            ImageSpec(preprocess="caffe"), RGB, None,
            "4 x 6 (height x width) rgb, pixels 0..255 to -124..151 (preprocess: caffe)",
        ),
        (
            ImageSpec(image_size=(4, 6), color_mode="grayscale", preprocess="tf", reshape=(24,)),
            FLAT, None,
            "4 x 6 (height x width) grayscale, pixels 0..255 to -1..1 (preprocess: tf), reshaped "
            "to 24",
        ),
        (
            ImageSpec(), ModelInput((4, 6, 3), "uint8"), None,
            "4 x 6 (height x width) rgb, pixels 0..255 as stored, no rescale, as uint8",
        ),
        (
            ImageSpec(reshape=(24,)), FLAT, FLOATS,
            "4 x 6 x 1 float32, numbers -0.25..1 in the first records as stored, no rescale, "
            "reshaped to 24",
        ),
        (
            ImageSpec(rescale=Rescale(Fraction(1, 51))), ModelInput((4, 6)), RAW,
            "4 x 6 uint8, numbers 0..51 in the first records to 0..1 (rescale: 1/51)",
        ),
    ],
)  # fmt: skip
def test_what_goes_in_is_what_is_said(folder, images, model, image, text):
    source = opened(folder, images, model, image)
    assert source.feed.text == text
    inputs = np.concatenate([np.asarray(batch.inputs) for batch in source.batches(4)])
    assert source.feed.low == pytest.approx(inputs.min(), abs=1e-4)
    assert source.feed.high == pytest.approx(inputs.max(), abs=1e-4)


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        (
            np.array([[0.0], [np.nan], [7.5], [np.inf]], np.float32),
            "1 float32, 0..7.5 in the first batch, as the dataset yields them",
        ),
        (
            np.full((4, 3, 3, 1), 9, np.uint8),
            "3 x 3 x 1 float32, 9..9 in the first batch, as the dataset yields them",
        ),
        (np.array([[True], [False]] * 2), "1 bool, as the dataset yields them"),
        (np.full((4, 1), np.nan, np.float32), "1 float32, as the dataset yields them"),
    ],
)
def test_datasets_of_the_projects_own(inputs, text):
    labels = np.array([0, 1, 0, 1])
    model = ModelInput(dtype="bool" if inputs.dtype == bool else "float32")
    source = open_batches([(inputs, labels), (inputs[:1], labels[:1])], CLASSES, model)
    for _ in source.batches(4):
        pass
    assert source.feed.text == text
    assert source.feed.is_own
