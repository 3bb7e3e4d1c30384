"""SavedModels of every origin: Keras 3, tf.Module, TensorFlow 1 with variables of both kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
CLASSES = ("cat", "dog", "bird")
SHAPE = (6, 5, 1)
SIZE = int(np.prod(SHAPE))


def weights() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(SIZE, 3)).astype(np.float32)


def images(n: int = 45) -> np.ndarray:
    return np.random.default_rng(5).random((n, *SHAPE), dtype=np.float32)


def spec(name: str = "x", batch: int | None = None, dtype: Any = tf.float32) -> tf.TensorSpec:
    return tf.TensorSpec((batch, *SHAPE), dtype, name=name)


def scores(x: Any, kernel: Any) -> Any:
    return tf.nn.softmax(tf.matmul(tf.reshape(tf.cast(x, tf.float32), (-1, SIZE)), kernel))


class Net(tf.Module):
    """One layer, as a module with variables; `extra` is run on the input, and its result added."""

    def __init__(self, extra: Any = None) -> None:
        super().__init__()
        self.kernel = tf.Variable(weights())
        self.extra = extra

    def __call__(self, x: Any) -> Any:
        found = scores(x, self.kernel)
        return found if self.extra is None else found + self.extra(self, x)


def module(path: Path, extra: Any = None, taken: tf.TensorSpec | None = None) -> Path:
    net = Net(extra)
    call = tf.function(net.__call__, input_signature=[taken or spec()], autograph=False)
    tf.saved_model.save(
        net, str(path), signatures={"serving_default": call.get_concrete_function()}
    )
    return path


def functions(path: Path, **signatures: tuple[Any, list[tf.TensorSpec]]) -> Path:
    """Write a module with these signatures: functions of the net and their inputs."""
    net = Net()
    made = {
        name: tf.function(bound(function, net), input_signature=taken, autograph=False)
        for name, (function, taken) in signatures.items()
    }
    concrete = {name: function.get_concrete_function() for name, function in made.items()}
    tf.saved_model.save(net, str(path), signatures=concrete)
    return path


def bound(function: Any, net: Net) -> Any:
    return lambda *x: function(net, *x)


def of_tensorflow_1(path: Path, labels: Path | None = None, *, resource: bool = False) -> Path:
    """Write what an Estimator does: a session's variables, and a table of the class names."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, (None, *SHAPE), name="images")
        kernel = v1.get_variable("kernel", initializer=weights(), use_resource=resource)
        outputs = {"scores": scores(x, kernel)}
        if labels is not None:
            asset = tf.constant(str(labels))
            v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, asset)
            lines = tf.lookup.TextFileIndex
            table = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(
                    asset, tf.int64, lines.LINE_NUMBER, tf.string, lines.WHOLE_LINE
                ),
                "?",
            )
            outputs["classes"] = table.lookup(tf.argmax(outputs["scores"], 1))
        session.run(v1.global_variables_initializer())
        utils = v1.saved_model.utils
        signature = v1.saved_model.signature_def_utils.build_signature_def(
            {"images": utils.build_tensor_info(x)},
            {name: utils.build_tensor_info(each) for name, each in outputs.items()},
            "tensorflow/serving/predict",
        )
        builder = v1.saved_model.builder.SavedModelBuilder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.tables_initializer(),
        )
        builder.save()
    return path


def edited(path: Path, change: Any) -> Path:
    """Have `change` edit the ``MetaGraphDef`` of a SavedModel."""
    from tensorflow.core.protobuf import saved_model_pb2

    stored = saved_model_pb2.SavedModel()
    file = path / "saved_model.pb"
    stored.ParseFromString(file.read_bytes())
    change(stored.meta_graphs[0])
    file.write_bytes(stored.SerializeToString())
    return path
