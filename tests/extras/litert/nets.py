"""Nets of Keras's, converted by TensorFlow in every way that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.extras.litert.buffers import SIDE

INT16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


@cache
def net(units: int = 3, end: str = "softmax", batch: int | None = None) -> Any:
    keras.utils.set_random_seed(4)
    layers = keras.layers
    made = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3), batch_size=batch),
            layers.Conv2D(6, 3, padding="same", activation="relu"),
            layers.DepthwiseConv2D(3),
            layers.Flatten(),
            layers.Dense(units, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0)),
            layers.Activation(end),
        ]
    )
    # Scores that differ: what is added brings them to one level.
    head = made.layers[3]
    features = keras.Sequential(made.layers[:3])(np.stack(list(_samples(64))))
    kernel, _ = head.get_weights()
    head.set_weights([kernel, -(np.asarray(features) @ kernel).mean(axis=0)])
    return made


def _samples(number: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(9)
    for _ in range(number):
        yield random.random((SIDE, SIDE, 3), np.float32)


def _whole(converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    batch = converter._keras_model.input_shape[0] or 1
    converter.representative_dataset = lambda: (
        [np.repeat(each[None], batch, 0)] for each in _samples(64)
    )


def _integers(dtype: Any, ops: Any) -> Callable[[Any], None]:
    def settle(converter: Any) -> None:
        _whole(converter)
        converter.target_spec.supported_ops = [ops]
        converter.inference_input_type = converter.inference_output_type = dtype

    return settle


def _dynamic(converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _float16(converter: Any) -> None:
    _dynamic(converter)
    converter.target_spec.supported_types = [tf.float16]


WAYS: dict[str, Callable[[Any], None]] = {
    "float": lambda converter: None,
    "dynamic range": _dynamic,
    "float16": _float16,
    "int8": _integers(tf.int8, tf.lite.OpsSet.TFLITE_BUILTINS_INT8),
    "uint8": _integers(tf.uint8, tf.lite.OpsSet.TFLITE_BUILTINS_INT8),
    "int8 inside": _whole,
    "int16x8": _integers(tf.int16, INT16),
}


@cache
def converted(way: str = "float", **given: Any) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(net(**given))
    WAYS[way](converter)
    made: bytes = converter.convert()
    return made


def write(path: Path, way: str = "float", **given: Any) -> Path:
    path.write_bytes(converted(way, **given))
    return path


def of_functions(path: Path, **functions: Any) -> Path:
    """Convert functions of a batch, each a signature of its name."""
    module = tf.Module()
    module.kept = list(functions.values())
    concrete = {name: each.get_concrete_function() for name, each in functions.items()}
    folder = path.with_suffix("")
    tf.saved_model.save(module, str(folder), signatures=concrete)
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(folder), signature_keys=list(functions)
    )
    path.write_bytes(converter.convert())
    return path
