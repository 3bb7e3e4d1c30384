"""The ways to a confusion matrix that are measured, each in a process of its own.

``python -m benchmarks.competitors NAME WORKLOAD`` runs one and prints a line of JSON: seconds of
wall and CPU time from where model and libraries are loaded, the highest resident memory, and
where counts were made a file that holds them. What is not to be installed here is told as a
reason instead.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.workloads import Workload, named
from pytest_confmat.threads import cores

# As many notebooks do; tools of our own choose theirs by the size of an example.
BATCH = 64
# Without these, whoever needs them is left out.
_OPTIONAL = ("sklearn", "torch", "torchmetrics")
# What runs such files as it comes, by their suffix.
LOOPS = {"onnx": "onnxruntime loop", "tflite": "LiteRT loop"}
_CLOCKS = resource.RUSAGE_SELF


@dataclass(frozen=True)
class Setting:
    """What every competitor is given: a workload, its folder, its model."""

    workload: Workload
    folder: Path
    model: Any

    @property
    def file(self) -> Any:
        """What is loaded where it is no file of Keras's; ``None``: it is."""
        from pytest_confmat.spec import ModelSpec

        stored = self.workload.stored
        return None if stored == "keras" else ModelSpec(self.folder / f"model.{stored}")

    @property
    def k(self) -> int:
        """Number of classes."""
        return self.workload.classes


# A competitor loads its libraries, and returns the pass that is measured. The pass returns
# counts (K, K), or nothing where it makes none.
Pass = Callable[[], Any]
Competitor = Callable[[Setting], Pass]


def ours(setting: Setting) -> Pass:
    """Prepare ours without start-up: open the set, one pass, a matrix, a verdict for each limit."""
    from pytest_confmat import data, models, streaming
    from pytest_confmat.judging import judge
    from pytest_confmat.models.keras import KerasPredictor
    from pytest_confmat.policy import read_policy

    policy = read_policy(setting.folder / "thresholds.yaml")
    classes = setting.workload.class_names
    loaded = models.load(setting.file, classes, policy.decision) if setting.file else None
    limits, _ = policy.limits_for(classes)
    assert policy.dataset is not None

    def run() -> Any:
        predictor = loaded or KerasPredictor(setting.model, classes, policy.decision, "the model")
        source = data.open_source(policy.dataset, classes, predictor.input)
        evaluation = streaming.evaluate(source, predictor, classes)
        judge(limits, evaluation)
        return evaluation.matrix.counts

    return run


def without_jpeg_check(setting: Setting) -> Pass:
    """Prepare ours on a system where nobody can listen to what libjpeg warns of."""
    from pytest_confmat.data.overhearing import Ear

    Ear._prepare = lambda _: False  # type: ignore[method-assign]
    return ours(setting)


def notebook_loop(setting: Setting) -> Pass:
    """Prepare the loop of many notebooks: ``model.predict`` a batch, Python lists, scikit-learn."""
    from sklearn.metrics import confusion_matrix

    def run() -> Any:
        true: list[int] = []
        predicted: list[int] = []
        for images, labels in _usual_dataset(setting):
            scores = setting.model.predict(images, verbose=0)
            predicted.extend(scores.argmax(axis=1).tolist())
            true.extend(labels.numpy().tolist())
        return confusion_matrix(true, predicted, labels=range(setting.k))

    return run


def predict_then_labels(setting: Setting) -> Pass:
    """Prepare ``model.predict(dataset)``, and a second pass over the data for the labels."""
    import numpy as np
    from sklearn.metrics import confusion_matrix

    def run() -> Any:
        dataset = _usual_dataset(setting, parallel=True)
        predicted = setting.model.predict(dataset, verbose=0).argmax(axis=1)
        true = np.concatenate([labels.numpy() for _, labels in dataset])
        return confusion_matrix(true, predicted, labels=range(setting.k))

    return run


def evaluate_with_metric(setting: Setting) -> Pass:
    """Prepare ``model.evaluate`` with a metric that adds up a confusion matrix."""
    import keras
    import tensorflow as tf

    k = setting.k

    class Matrix(keras.metrics.Metric):
        def __init__(self) -> None:
            super().__init__(name="matrix")
            self.counts = self.add_weight(shape=(k, k), initializer="zeros", dtype="int32")

        def update_state(self, true: Any, scores: Any, **_: Any) -> None:
            predicted = tf.argmax(scores, axis=1)
            true = tf.reshape(tf.cast(true, tf.int64), [-1])
            self.counts.assign_add(tf.math.confusion_matrix(true, predicted, k))

        def result(self) -> Any:
            return self.counts

    def run() -> Any:
        metric = Matrix()
        setting.model.compile(loss="sparse_categorical_crossentropy", metrics=[metric])
        setting.model.evaluate(_usual_dataset(setting, parallel=True), verbose=0)
        return metric.counts.numpy()

    return run


def torchmetrics(setting: Setting) -> Pass:
    """Prepare ``torchmetrics`` fed from the best forward pass and pipeline that are here."""
    import torch
    from torchmetrics.classification import MulticlassConfusionMatrix

    def run() -> Any:
        forward = _forward(setting)
        matrix = MulticlassConfusionMatrix(setting.k)
        for images, labels in _best_dataset(setting):
            scores = forward(images)
            matrix.update(torch.from_numpy(scores.numpy()), torch.from_numpy(labels.numpy()))
        return matrix.compute().numpy()

    return run


def pipeline_alone(setting: Setting) -> Pass:
    """Prepare the limit, in part: reading, decoding and resizing, and nothing else."""

    def run() -> None:
        for _ in _best_dataset(setting):
            pass

    return run


def forward_alone(setting: Setting) -> Pass:
    """Prepare the limit, in part: the forward pass over batches that are there, alone."""
    import numpy as np
    import tensorflow as tf

    if setting.workload.stored == "onnx":
        return _onnx_forward(setting)
    if setting.workload.stored == "tflite":
        return _litert_forward(setting)
    forward = _forward(setting)
    size, examples = _batch_size(setting), setting.workload.examples
    # As the pipeline would give them: what is zero may be quicker.
    images = tf.constant(
        np.random.default_rng(0).random((size, *setting.workload.size), np.float32)
    )
    rest = images[: examples % size]

    def run() -> None:
        for _ in range(examples // size):
            forward(images)
        if len(rest):
            forward(rest)

    return run


def onnxruntime_loop(setting: Setting) -> Pass:
    """Prepare onnxruntime called in a loop, as it comes, over the quickest pipeline."""
    import numpy as np

    session = _session(setting)
    (taken,) = session.get_inputs()

    def run() -> Any:
        counts = np.zeros((setting.k, setting.k), np.int64)
        for images, labels in _best_dataset(setting):
            (scores,) = session.run(None, {taken.name: images.numpy()})
            np.add.at(counts, (labels.numpy(), scores.argmax(axis=1)), 1)
        return counts

    return run


def _onnx_forward(setting: Setting) -> Pass:
    import numpy as np

    from pytest_confmat.models.onnx.predictor import LARGE

    session = _session(setting, threads=1)
    (taken,) = session.get_inputs()
    size, examples = _batch_size(setting), setting.workload.examples
    if np.prod(setting.workload.size) >= LARGE:
        size = 1  # the quickest way for them
    images = np.random.default_rng(0).random((size, *setting.workload.size), np.float32)

    def run() -> None:
        for at in range(0, examples, size):
            session.run(None, {taken.name: images[: examples - at]})

    return run


def litert_loop(setting: Setting) -> Pass:
    """Prepare LiteRT called in a loop, on all cores, over the quickest pipeline."""
    import numpy as np

    run_batch = _interpreter(setting, threads=cores())

    def run() -> Any:
        counts = np.zeros((setting.k, setting.k), np.int64)
        for images, labels in _best_dataset(setting):
            scores = run_batch(images.numpy())
            np.add.at(counts, (labels.numpy(), scores.argmax(axis=1)), 1)
        return counts

    return run


def _litert_forward(setting: Setting) -> Pass:
    import numpy as np

    run_batch = _interpreter(setting, threads=1)
    size, examples = _batch_size(setting), setting.workload.examples
    # As many as are quickest.
    size = max(1, min(size, (1 << 18) // int(np.prod(setting.workload.size))))
    images = np.random.default_rng(0).random((size, *setting.workload.size), np.float32)

    def run() -> None:
        for at in range(0, examples, size):
            run_batch(images[: examples - at])

    return run


def _interpreter(setting: Setting, threads: int) -> Callable[[Any], Any]:
    """Return what gives the scores of a batch; the interpreter is made for batches of its size."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(setting.file.path), num_threads=threads)
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape: tuple[int, ...] = ()

    def run_batch(images: Any) -> Any:
        nonlocal shape
        if images.shape != shape:
            interpreter.resize_tensor_input(taken["index"], images.shape)
            interpreter.allocate_tensors()
            shape = images.shape
        interpreter.set_tensor(taken["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(given["index"])

    return run_batch


def _session(setting: Setting, threads: int = 0) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        setting.file.path, options, providers=["CPUExecutionProvider"]
    )


COMPETITORS: dict[str, Competitor] = {
    "ours": ours,
    "ours, no JPEG check": without_jpeg_check,
    "notebook loop": notebook_loop,
    "predict + labels": predict_then_labels,
    "evaluate + metric": evaluate_with_metric,
    "torchmetrics": torchmetrics,
    LOOPS["onnx"]: onnxruntime_loop,
    LOOPS["tflite"]: litert_loop,
    "pipeline alone": pipeline_alone,
    "forward alone": forward_alone,
}


def _batch_size(setting: Setting) -> int:
    from pytest_confmat.streaming import batch_size_for

    return batch_size_for(setting.workload.size, "float32")


def _forward(setting: Setting) -> Callable[[Any], Any]:
    """Return the forward pass as a graph, weights folded into it: the quickest that we know."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    signature = [tf.TensorSpec((None, *setting.workload.size), tf.float32)]
    function = tf.function(partial(setting.model, training=False), input_signature=signature)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    return lambda images: frozen(images)[0]


def _usual_dataset(setting: Setting, parallel: bool = False) -> Any:
    """Return the pipeline of the tutorials: an example at a time, then batches of 64.

    `parallel` adds what the better of them add: parallel parsing and prefetching.
    """
    import keras
    import tensorflow as tf

    auto = tf.data.AUTOTUNE if parallel else None
    scale = tf.constant(1 / 255, tf.float32)
    data = setting.folder / "data"
    if setting.workload.picture is not None:
        dataset = keras.utils.image_dataset_from_directory(
            data,
            image_size=setting.workload.size[:2],
            batch_size=BATCH,
            shuffle=False,
            verbose=False,
        )
        dataset = dataset.map(
            lambda images, labels: (images * scale, tf.cast(labels, tf.int64)), auto
        )
        return dataset.prefetch(auto) if parallel else dataset

    def parse(record: Any) -> Any:
        found = tf.io.parse_single_example(record, _features(tf))
        pixels = tf.io.decode_raw(found["image"], tf.uint8)
        pixels = tf.reshape(pixels, setting.workload.size)
        return tf.cast(pixels, tf.float32) * scale, found["label"]

    records = tf.data.TFRecordDataset(_shards(data))
    dataset = records.map(parse, num_parallel_calls=auto).batch(BATCH)
    return dataset.prefetch(auto) if parallel else dataset


def _best_dataset(setting: Setting) -> Any:
    """Return the quickest pipeline that we know, by hand: no ids, no digests, no checks."""
    import tensorflow as tf

    workload, parallel, size = setting.workload, cores(), _batch_size(setting)
    options = tf.data.Options()
    options.autotune.enabled = False  # the end of the data may wait for it, for seconds
    scale = tf.constant(1 / 255, tf.float32)
    data = setting.folder / "data"
    if workload.picture is not None:
        files = sorted(data.glob("*/*.jpg"))
        numbers = {name: number for number, name in enumerate(workload.class_names)}
        labels = tf.constant([numbers[file.parent.name] for file in files], tf.int64)

        def decode(path: Any, label: Any) -> Any:
            image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
            return tf.image.resize(image, workload.size[:2]), label

        dataset = tf.data.Dataset.from_tensor_slices(([str(file) for file in files], labels))
        dataset = dataset.map(decode, num_parallel_calls=parallel).batch(size)
        return (
            dataset.map(lambda images, labels: (images * scale, labels))
            .prefetch(2)
            .with_options(options)
        )

    def parse(records: Any) -> Any:
        found = tf.io.parse_example(records, _features(tf))
        pixels = tf.io.decode_raw(found["image"], tf.uint8)
        pixels = tf.reshape(pixels, (-1, *workload.size))
        return tf.cast(pixels, tf.float32) * scale, found["label"]

    records = tf.data.TFRecordDataset(_shards(data), num_parallel_reads=8, buffer_size=1 << 20)
    return (
        records.batch(size)
        .map(parse, num_parallel_calls=parallel)
        .prefetch(2)
        .with_options(options)
    )


def _features(tf: Any) -> dict[str, Any]:
    feature = tf.io.FixedLenFeature
    return {"image": feature([], tf.string), "label": feature([], tf.int64)}


def _shards(data: Path) -> list[str]:
    return [str(path) for path in sorted(data.glob("*.tfrecord"))]


def run(name: str, workload: Workload, counts_to: Path | None = None) -> dict[str, Any]:
    """Run a competitor in this process; return what `main` prints."""
    import keras
    import numpy as np

    folder = workload.folder
    model = None
    if workload.stored == "keras":
        model = keras.saving.load_model(folder / "model.keras", compile=False)
    try:
        measured = COMPETITORS[name](Setting(workload, folder, model))
    except ModuleNotFoundError as error:
        if error.name not in _OPTIONAL:
            raise
        return {"missing": error.name}
    used, started = resource.getrusage(_CLOCKS), time.perf_counter()
    counts = measured()
    wall, after = time.perf_counter() - started, resource.getrusage(_CLOCKS)
    if counts_to is not None and counts is not None:
        np.save(counts_to, counts)
    return {
        "wall": wall,
        "cpu": after.ru_utime - used.ru_utime + after.ru_stime - used.ru_stime,
        "peak_rss_mb": after.ru_maxrss / 1024,
    }


def main() -> None:
    """Run one and print what it took."""
    parser = argparse.ArgumentParser(description="Run one competitor on one workload.")
    parser.add_argument("name", choices=COMPETITORS)
    parser.add_argument("workload", type=named)
    parser.add_argument("--counts", type=Path, help="write the counts to this .npy file")
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.name, arguments.workload, arguments.counts)))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
