import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_confmat.models.runtime import import_keras

CLASSES = ("cat", "dog", "bird")


@pytest.fixture(scope="session")
def keras():
    return import_keras()[1]


@pytest.fixture(scope="session")
def nets(keras):
    """Small untrained models by name; their weights are large, so that scores differ."""
    layers = keras.layers
    keras.utils.set_random_seed(7)
    wide = keras.initializers.RandomNormal(stddev=2.0, seed=3)

    def dense(units, activation="softmax", **other):
        return layers.Dense(units, activation=activation, kernel_initializer=wide, **other)

    def stack(*body, shape=(6, 5, 1), units=3, activation="softmax", **how):
        return keras.Sequential(
            [keras.Input(shape, **how), *body, layers.Flatten(), dense(units, activation)]
        )

    image = keras.Input((6, 5, 1), name="image")
    mask = keras.Input((4,), name="mask")
    flat = layers.Flatten()(image)
    fixed = keras.Input(batch_shape=(32, 30))
    number = keras.Input((None,), dtype="int32")
    half = keras.DTypePolicy("mixed_float16")
    brain = keras.DTypePolicy("mixed_bfloat16")
    return SimpleNamespace(
        dense=dense,
        stack=stack,
        sequential=stack(),
        functional=keras.Model(image, dense(3)(flat)),
        unit=stack(units=1, activation="sigmoid"),
        two=stack(units=2),
        logits=stack(units=2, activation=None),
        fixed=keras.Model(fixed, dense(3)(fixed)),
        half=stack(layers.Conv2D(2, 3, dtype=half), units=3),
        float16=keras.Sequential([keras.Input((6,)), dense(3, dtype=half)]),
        bfloat16=keras.Sequential([keras.Input((6,)), dense(3, dtype=brain)]),
        pooled=keras.Sequential(
            [keras.Input((8, 8, 3)), layers.GlobalAveragePooling2D(), dense(3)]
        ),
        any_size=keras.Sequential(
            [keras.Input((None, None, 3)), layers.GlobalAveragePooling2D(), dense(3)]
        ),
        bytes=stack(layers.Rescaling(1 / 255), dtype="uint8"),
        tokens=keras.Model(
            number, dense(3)(layers.GlobalAveragePooling1D()(layers.Embedding(10, 4)(number)))
        ),
        maps=keras.Model(image, layers.Conv2D(3, 3)(image)),
        two_inputs=keras.Model([image, mask], dense(3)(layers.Concatenate()([flat, mask]))),
        two_outputs=keras.Model(image, [dense(3)(flat), dense(1, "sigmoid")(flat)]),
        named_outputs=keras.Model(image, {"kind": dense(3)(flat), "size": dense(1)(flat)}),
    )


@pytest.fixture
def without_tf_keras(monkeypatch):
    """A process in which tf-keras is not installed, though it may be here."""
    monkeypatch.setitem(sys.modules, "tf_keras", None)


@pytest.fixture
def images():
    return np.random.default_rng(5).random((45, 6, 5, 1), dtype=np.float32)
