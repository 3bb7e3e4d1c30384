from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_confmat.models import folding
from pytest_confmat.models.keras import KerasPredictor
from pytest_confmat.spec import Argmax

layers = keras.layers
SHAPE = (12, 12, 3)


def net(*more, normalized=True):
    keras.utils.set_random_seed(3)
    norm = [layers.BatchNormalization()] if normalized else []
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(8, 3, use_bias=False),
            *norm,
            layers.ReLU(),
            *more,
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
    return model


def predictor_of(model):
    predictor = KerasPredictor(model, ("a", "b", "c"), Argmax(), "the model")
    predictor.check(inputs(4))
    return predictor


def inputs(n):
    return np.random.default_rng(1).random((n, *SHAPE), np.float32)


def kinds(predictor):
    return {node.op for node in predictor._step.graph.as_graph_def().node}


class Dropping(layers.Layer):
    def __init__(self):
        super().__init__()
        self.seed = keras.random.SeedGenerator(1)

    def call(self, x):
        return keras.random.dropout(x, 0.5, seed=self.seed)


class Noisy(layers.Layer):
    def call(self, x):
        return x + tf.random.normal(tf.shape(x))


class Nested(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = net()

    def call(self, x):
        return self.inner(x)


@pytest.mark.parametrize("make", [net, Nested], ids=["sequential", "subclassed"])
def test_weights_are_constants_where_batches_are_normalized(make):
    assert "ReadVariableOp" not in kinds(predictor_of(make()))


class Deep(layers.Layer):
    def __init__(self):
        super().__init__()
        self.layers = 3

    def call(self, x):
        return x


class Shy(layers.Layer):
    @property
    def layers(self):
        raise RuntimeError("not before it is built")

    def call(self, x):
        return x


@pytest.mark.parametrize(("layer", "folded"), [(Deep, True), (Shy, False)])
def test_what_a_layer_of_the_users_calls_its_layers_stops_nothing(layer, folded):
    predictor = predictor_of(net(layer()))
    assert predictor.predict(inputs(5), np.zeros(5, np.int64)).valid.all()
    assert ("ReadVariableOp" not in kinds(predictor)) == folded


def test_they_stay_variables_where_nothing_is_gained(monkeypatch):
    assert "ReadVariableOp" in kinds(predictor_of(net(normalized=False)))
    monkeypatch.setattr(folding, "LARGEST", 100)
    assert "ReadVariableOp" in kinds(predictor_of(net()))


def test_scores_are_kerass_but_for_rounding():
    model, images = net(), inputs(50)
    found = predictor_of(model).predict(images, np.zeros(50, np.int64))
    scores = model.predict(images, verbose=0)
    assert np.array_equal(found.predicted, scores.argmax(axis=1))
    assert np.allclose(found.score, scores.max(axis=1), rtol=1e-5, atol=0)


@pytest.mark.parametrize("layer", [Dropping, Noisy])
def test_what_is_random_stays_random_and_is_not_run_at_the_same_time(layer):
    predictor = predictor_of(net(layer()))
    assert not predictor.is_pure
    images, labels = inputs(20), np.zeros(20, np.int64)
    first, second = (predictor.predict(images, labels).score for _ in range(2))
    assert not np.array_equal(first, second)


def test_a_net_that_only_computes_may_be_run_at_the_same_time():
    assert predictor_of(net()).is_pure
    assert predictor_of(net(normalized=False)).is_pure


def test_so_may_one_with_loops_but_not_one_that_remembers():
    def lstm(**more):
        return keras.Sequential(
            [
                keras.Input(SHAPE, batch_size=4),
                layers.Reshape((12, 36)),
                layers.LSTM(4, **more),
                layers.Dense(3),
            ]
        )

    assert predictor_of(lstm()).is_pure
    assert not predictor_of(lstm(stateful=True)).is_pure


def test_a_model_that_is_not_yet_built_says_no():
    assert not KerasPredictor(net(), ("a", "b", "c"), Argmax(), "the model").is_pure
