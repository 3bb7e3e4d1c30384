"""What goes in, compared with the first layer: a sentence where it is likely wrong."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_confmat.doubt import doubt
from pytest_confmat.job import Job, run
from pytest_confmat.models.configuration import Layer, first_layer
from pytest_confmat.spec import Argmax, Feed, ModelSpec

CONV, DENSE = Layer("Conv2D", "stem"), Layer("Dense", "hidden")
UNIT, SIGNED = Layer("Rescaling", "unit", 1 / 255), Layer("Rescaling", "signed", 1 / 127.5)
DOUBLE = Layer("Rescaling", "double", 2.0)


def feed(low, high, by=None, own=False, image=True):
    return Feed("text", low, high, image, by, own)


PIXELS = feed(0, 255)
FORGOTTEN = (
    "what goes into the model is 0..255, and it has no layer that rescales before its Conv2D layer "
    "'stem': if training rescaled pixels, say so in dataset, such as `rescale: 1/255`; if it did "
    "not, `rescale: 1` says so and ends this note"
)
TWICE = (
    "the model rescales pixels of 0..255 itself, by its Rescaling layer 'unit' that multiplies by "
    "1/255, and what goes in is {}: {}, unless the model was trained so"
)


@pytest.mark.parametrize(
    ("given", "layer", "said"),
    [
        (PIXELS, CONV, FORGOTTEN),
        (PIXELS, DENSE, FORGOTTEN.replace("Conv2D", "Dense").replace("stem", "hidden")),
        (
            feed(0, 40, own=True),
            CONV,
            "what goes into the model is 0..40, and it has no layer that rescales before its "
            "Conv2D layer 'stem': if training rescaled pixels, the dataset must do the same",
        ),
        (
            feed(0, 1, "rescale: 1/255"),
            UNIT,
            TWICE.format("0..1", "take `rescale: 1/255` out of dataset"),
        ),
        (
            feed(-124, 151, "preprocess: caffe"),
            UNIT,
            TWICE.format("-124..151", "take `preprocess: caffe` out of dataset"),
        ),
        (
            feed(-1, 1, own=True),
            SIGNED,
            TWICE.format("-1..1", "let the dataset yield pixels as they are")
            .replace("unit", "signed")
            .replace("1/255", "2/255"),
        ),
        (
            feed(0, 1),
            UNIT,
            TWICE.format(
                "0..1",
                "say what makes pixels of 0..255 of them, such as `rescale: 255`, in dataset",
            ),
        ),
        (
            PIXELS,
            DOUBLE,
            "the model multiplies its input by 2 in its Rescaling layer 'double', and what goes in "
            "is 0..255: it was likely trained on 0..1, say so in dataset, such as `rescale: 1/255`",
        ),
        (
            feed(0, 1 / 255, "rescale: 1/65025"),
            CONV,
            "what goes into the model is 0..0.00392, as if it were rescaled twice: `rescale: "
            "1/65025` may be meant for other numbers",
        ),
    ],
)
def test_what_is_likely_wrong(given, layer, said):
    assert doubt(given, layer) == said


@pytest.mark.parametrize(
    ("given", "layer"),
    [
        (PIXELS, UNIT),
        (PIXELS, SIGNED),
        (feed(0, 1, "rescale: 1/255"), CONV),
        (feed(0, 1, "rescale: 1/255"), DOUBLE),
        (feed(-1, 1, "preprocess: tf"), CONV),
        (feed(-124, 151, "preprocess: caffe"), CONV),
        (feed(0, 255, "rescale: 1"), CONV),
        (feed(0, 1), CONV),
        (PIXELS, None),
        # Fitted to whatever the model was trained on.
        (PIXELS, Layer("BatchNormalization", "bn")),
        (PIXELS, Layer("Normalization", "norm")),
        (feed(0, 1, "rescale: 1/255"), Layer("Normalization", "norm")),
        (PIXELS, Layer("Embedding", "words")),
        (PIXELS, Layer("Lambda", "own")),
        (PIXELS, Layer("TrueDivide", "by_255")),
        # No pictures.
        (feed(0, 255, image=False), DENSE),
        (feed(0, 9000, own=True), CONV),
        (feed(None, None), CONV),
    ],
)
def test_what_may_well_be_right(given, layer):
    assert doubt(given, layer) is None


def nets(keras) -> dict:
    """Models by what is expected of their first layer."""
    layers, pixels = keras.layers, (32, 32, 3)
    inputs = keras.Input(pixels)
    core = keras.Sequential(
        [
            keras.Input(pixels),
            layers.Rescaling(1 / 255, name="in"),
            layers.Conv2D(2, 3),
            layers.GlobalAveragePooling2D(),
        ],
        name="core",
    )
    head = layers.Dense(2)
    applications = keras.applications
    return {
        ("Conv2D", "first"): keras.Sequential(
            [inputs, layers.RandomFlip(), layers.ZeroPadding2D(),
             layers.Conv2D(2, 3, name="first"), layers.Flatten(), head]
        ),
        ("Rescaling", "in"): keras.Sequential([keras.Input(pixels), core, layers.Dense(2)]),
        ("TrueDivide", None): keras.Model(inputs, layers.Dense(2)(layers.Flatten()(inputs / 255))),
        ("BatchNormalization", "bn"): keras.Sequential(
            [keras.Input(pixels), layers.BatchNormalization(name="bn"), layers.Flatten(),
             layers.Dense(2)]
        ),
        # Keras's own with preprocessing inside: no false alarm.
        ("Rescaling", "rescaling"): applications.EfficientNetB0(
            weights=None, input_shape=pixels, classes=2, name="efficient"
        ),
        ("Conv2D", "conv1_conv"): applications.ResNet50(
            weights=None, input_shape=pixels, classes=2
        ),
    }  # fmt: skip


def test_first_layers_of_files_and_objects(tmp_path):
    import keras

    for (kind, name), model in nets(keras).items():
        small = model.count_params() < 10_000
        path = tmp_path / "m.keras"
        if small:
            model.save(path)
        for given in (model, ModelSpec(path)) if small else (model,):
            found = first_layer(given)
            assert found.kind == kind
            if name is not None:
                assert found.name.startswith(name)
            assert (found.scale is not None) == (kind == "Rescaling")
    assert first_layer(lambda batch: batch) is None


def test_a_scale_for_each_channel_counts_by_the_greatest():
    class Net:
        @staticmethod
        def get_config():
            scales = {"name": "each", "scale": [0.001, 0.25, -0.5]}
            return {"layers": [{"class_name": "Rescaling", "config": scales}]}

    assert first_layer(Net()).scale == 0.5


def test_a_hostile_name_stays_on_one_line():
    layer = Layer("Conv2D", "a\n::error::" + "x" * 999)
    said = doubt(PIXELS, layer)
    assert "\n" not in said
    assert len(said) < 500


class Tells:
    """A model of the project's own that tells its layers."""

    def __init__(self, config):
        self.config = config

    def get_config(self):
        if isinstance(self.config, Exception):
            raise self.config
        return self.config

    def __call__(self, batch):
        return np.eye(2)[np.asarray(batch).reshape(len(batch), -1)[:, 0].astype(int) % 2]


DATA = [(np.arange(64, dtype=np.float32).reshape(-1, 1, 1, 1), np.arange(64) % 2)]


def test_the_evaluation_says_what_went_in_and_doubts_it():
    config = {"layers": [{"class_name": "Conv2D", "config": {"name": "stem"}}]}
    evaluation = run(Job(Tells(config), DATA, ("even", "odd"), Argmax()))
    assert evaluation.provenance["dataset"]["input"] == (
        "1 x 1 x 1 float32, 0..47 in the first batch, as the dataset yields them"
    )
    (note,) = evaluation.notes
    assert note.startswith("what goes into the model is 0..47, and it has no layer that rescales")


@pytest.mark.parametrize("config", [None, {}, {"layers": [3]}, {"layers": {}}, TypeError("no")])
def test_a_model_that_tells_nothing_sensible_is_not_doubted(config):
    evaluation = run(Job(Tells(config), DATA, ("even", "odd"), Argmax()))
    assert evaluation.notes == ()
