"""Tiny Keras models, each with what its name says."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

WIDE = keras.initializers.RandomNormal(stddev=2.0, seed=3)


def stack(*body: Any, units: int = 2, activation: Any = "softmax", shape: Any = (8, 8, 3)) -> Any:
    head = layers.Dense(units, activation=activation, kernel_initializer=WIDE)
    return keras.Sequential([keras.Input(shape), *body, layers.GlobalAveragePooling2D(), head])


def plain() -> Any:
    return stack()


def rescaling() -> Any:
    return stack(layers.Rescaling(1 / 255, name="unit"))


def gray() -> Any:
    return stack(shape=(8, 8, 1))


def three() -> Any:
    return stack(units=3)


def unit() -> Any:
    return stack(units=1, activation="sigmoid")


def logits() -> Any:
    return stack(activation=None)


def depthwise() -> Any:
    return stack(layers.DepthwiseConv2D(3))


def functional() -> Any:
    image = keras.Input((8, 8, 3))
    return keras.Model(image, layers.Dense(2, "softmax")(layers.Flatten()(image)))


def batch_normalized() -> Any:
    return stack(layers.BatchNormalization())


def any_size() -> Any:
    return stack(shape=(None, None, 3))


def channels_first() -> Any:
    image = keras.Input((3, 8, 8))
    return keras.Model(image, layers.Dense(2, "softmax")(layers.Flatten()(image)))


def flat() -> Any:
    return keras.Sequential([keras.Input((192,)), layers.Dense(2, "softmax")])


def vector() -> Any:
    return keras.Sequential([keras.Input((100,)), layers.Dense(2, "softmax")])


def bytes_() -> Any:
    image = keras.Input((8, 8, 3), dtype="uint8")
    return keras.Model(image, stack()(layers.Rescaling(1 / 255)(image)))


def half() -> Any:
    with_policy = layers.Dense(2, "softmax", dtype=keras.DTypePolicy("mixed_float16"))
    return keras.Sequential([keras.Input((8, 8, 3)), layers.GlobalAveragePooling2D(), with_policy])


def maps() -> Any:
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)])


def whole() -> Any:
    image = keras.Input((8, 8, 3))
    return keras.Model(image, keras.ops.cast(stack()(image), "int32"))


def two_inputs() -> Any:
    image, age = keras.Input((8, 8, 3), name="image"), keras.Input((1,), name="age")
    both = layers.Concatenate()([layers.Flatten()(image), age])
    return keras.Model([image, age], layers.Dense(2, "softmax")(both))


def two_outputs() -> Any:
    image = keras.Input((8, 8, 3))
    flat_ = layers.Flatten()(image)
    return keras.Model(image, [layers.Dense(2, "softmax")(flat_), layers.Dense(1)(flat_)])


def named_outputs() -> Any:
    image = keras.Input((8, 8, 3))
    flat_ = layers.Flatten()(image)
    return keras.Model(
        image, {"kind": layers.Dense(2, "softmax")(flat_), "size": layers.Dense(1)(flat_)}
    )


def named_output() -> Any:
    image = keras.Input((8, 8, 3))
    return keras.Model(image, {"kind": plain()(image)})


def named_input() -> Any:
    image = keras.Input((8, 8, 3), name="image")
    return keras.Model({"image": image}, plain()(image))


def one_place() -> Any:
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 8, activation="softmax")])


def _learning(batch: int | None) -> Any:
    """Goes on learning the mean of its inputs while it predicts."""
    image = keras.Input(batch_shape=(batch, 8, 8, 3))
    return keras.Model(image, plain()(Learning()(image)))


@keras.saving.register_keras_serializable("tests")
class Learning(layers.Layer):
    def build(self, _: Any) -> None:
        self.mean = self.add_weight(name="moving_mean", shape=(), trainable=False)

    def call(self, x: Any) -> Any:
        self.mean.assign(0.5 * (self.mean + keras.ops.mean(x)))
        return x - self.mean


def shared_state() -> Any:
    return _learning(4)


def stateful() -> Any:
    return _learning(None)


def _with_weights(value: float) -> Any:
    model = plain()
    model.set_weights([weights * 0 + value for weights in model.get_weights()])
    return model


def nan() -> Any:
    return _with_weights(float("nan"))


def infinite() -> Any:
    model = logits()
    model.set_weights([model.get_weights()[0], model.get_weights()[1] + float("inf")])
    return model


def divides() -> Any:
    """Divides by the mean brightness: NaN for what is black."""
    image = keras.Input((8, 8, 3))
    mean = layers.GlobalAveragePooling2D()(image)
    return keras.Model(image, layers.Dense(2)(mean / keras.ops.sum(mean, axis=1, keepdims=True)))


class Doubled(layers.Layer):
    def call(self, x: Any) -> Any:
        return 2 * x


def custom() -> Any:
    return stack(Doubled())


class Tripled(layers.Layer):
    def call(self, x: Any) -> Any:
        return 3 * x


def registered() -> Any:
    keras.saving.register_keras_serializable("acme")(Tripled)
    # From here on the name is what is saved, and nothing that can be found.
    del keras.saving.get_custom_objects()["acme>Tripled"]
    return stack(Tripled())


def squash(x: Any) -> Any:
    return x


def custom_activation() -> Any:
    return stack(activation=squash)


def with_lambda() -> Any:
    return stack(layers.Lambda(lambda x: 2 * x))


def odd_loss() -> Any:
    model = plain()
    model.compile(loss=squash)
    return model
