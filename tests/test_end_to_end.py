"""From files on disk to a matrix, compared with scikit-learn on labels collected independently.

The other side never sees our code: Pillow or NumPy makes the inputs, `model.predict` the scores.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.metrics import confusion_matrix

from pytest_confmat.job import Job, run
from pytest_confmat.spec import (
    Argmax,
    DirectorySpec,
    ImageFeature,
    ImageSpec,
    LabelFeature,
    ModelSpec,
    Rescale,
    TFRecordSpec,
    Threshold,
    WeightFeature,
)

CLASSES = ("ape", "bee", "cow")
SCALED = ImageSpec(rescale=Rescale(Fraction(1, 255)))


class World:
    """One set of images, as arrays, as class directories and as shards."""

    def __init__(self, folder: Path) -> None:
        random = np.random.default_rng(7)
        self.folder = folder
        self.labels = np.repeat([0, 1, 2], [40, 25, 12])
        self.images = random.integers(0, 256, (len(self.labels), 8, 8, 1), np.uint8)
        # Something to learn: each class is brighter in rows of its own.
        for label in range(3):
            self.images[self.labels == label, 2 * label : 2 * label + 3] //= 3
        for i, (image, label) in enumerate(zip(self.images, self.labels, strict=True)):
            path = folder / "images" / CLASSES[label] / f"{i:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[..., 0]).save(path)
        self.order = random.permutation(len(self.labels))
        self.weights = random.random(len(self.labels)).astype(np.float32)

    @property
    def inputs(self) -> np.ndarray:
        return self.images.astype(np.float32) * np.float32(1 / 255)

    def shards(self, name: str, feature, *, compression: str = "", count: int = 3) -> str:
        for shard in range(count):
            path = self.folder / f"{name}-{shard:05}-of-{count:05}.tfrecord"
            with tf.io.TFRecordWriter(str(path), compression) as writer:
                for i in self.order[shard::count]:
                    features = tf.train.Features(feature=feature(i))
                    writer.write(tf.train.Example(features=features).SerializeToString())
        return str(self.folder / f"{name}-*.tfrecord")

    def png(self, i: int) -> bytes:
        path = self.folder / "images" / CLASSES[self.labels[i]] / f"{i:04}.png"
        return path.read_bytes()


def bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def ints(*values: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def floats(*values: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def model(world):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(world.inputs, world.labels, epochs=12, verbose=0)
    return model


@pytest.fixture(scope="module")
def saved(world, model) -> Path:
    path = world.folder / "m.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def oracle(world, model) -> np.ndarray:
    predicted = model.predict(world.inputs, verbose=0).argmax(axis=1)
    matrix = confusion_matrix(world.labels, predicted)
    assert (matrix > 0).sum() > 4, "a perfect model would prove little"
    return matrix


def evaluate(model: Path, dataset, decision=None, classes=CLASSES, batch_size=None):
    return run(Job(ModelSpec(model), dataset, classes, decision or Argmax(), batch_size))


@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_class_directories(world, saved, oracle, batch_size):
    evaluation = evaluate(
        saved, DirectorySpec(world.folder / "images", images=SCALED), batch_size=batch_size
    )
    assert np.array_equal(evaluation.matrix.counts, oracle)
    ids = [name for part in evaluation.parts for name in part.ids]
    assert ids == sorted(f"{CLASSES[n]}/{i:04}.png" for i, n in enumerate(world.labels))


KINDS = {
    "encoded": (
        lambda w, i: bytes_feature(w.png(i)),
        ImageFeature("image"),
        SCALED,
    ),
    "raw": (
        lambda w, i: bytes_feature(w.images[i].tobytes()),
        ImageFeature("image", "raw", "uint8", (8, 8, 1)),
        SCALED,
    ),
    "float": (
        lambda w, i: floats(*w.inputs[i].ravel()),
        ImageFeature("image", "float", None, (64,)),
        ImageSpec(reshape=(8, 8, 1)),
    ),
}
LABELS = {
    "int": (ints, LabelFeature("label")),
    "offset": (lambda n: ints(n + 1), LabelFeature("label", 1)),
    "string": (lambda n: bytes_feature(CLASSES[n].encode()), LabelFeature("label")),
    "one-hot": (lambda n: ints(*(int(n == k) for k in range(3))), LabelFeature("label")),
    "one-hot floats": (lambda n: floats(*(float(n == k) for k in range(3))), LabelFeature("label")),
}


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("encoded", "int"),
        ("raw", "string"),
        ("float", "one-hot"),
        ("encoded", "offset"),
        ("raw", "one-hot floats"),
    ],
)
def test_tfrecords(world, saved, oracle, kind, labels, compression):
    make_image, image, images = KINDS[kind]
    make_label, label = LABELS[labels]
    pattern = world.shards(
        f"{kind}-{labels}-{compression}".replace(" ", ""),
        lambda i: {"image": make_image(world, i), "label": make_label(int(world.labels[i]))},
        compression=compression,
    )
    evaluation = evaluate(saved, TFRecordSpec((pattern,), image, label, images=images))
    assert np.array_equal(evaluation.matrix.counts, oracle)
    # Records carry their shard and place: example n of shard s is image order[s + 3 n].
    (part,) = evaluation.parts
    shards = [world.labels[world.order[shard::3]].tolist() for shard in range(3)]
    assert part.true.tolist() == [label for labels in shards for label in labels]
    assert [len(piece) for piece in part.ids.pieces] == list(map(len, shards))


def test_directory_and_shards_agree_example_by_example(world, saved):
    pattern = world.shards(
        "slim",
        lambda i: {
            "image/encoded": bytes_feature(world.png(i)),
            "image/class/label": ints(int(world.labels[i])),
        },
    )
    shards = evaluate(saved, TFRecordSpec((pattern,), images=SCALED))
    folder = evaluate(saved, DirectorySpec(world.folder / "images", images=SCALED))
    assert shards.matrix == folder.matrix

    def by_content(evaluation):
        return sorted(
            (int(check), int(true), int(predicted))
            for part in evaluation.parts
            for check, true, predicted in zip(part.check, part.true, part.predicted, strict=True)
        )

    assert by_content(shards) == by_content(folder)
    assert any("inferred" in note for note in shards.notes)


def test_sample_weights(world, saved, model):
    pattern = world.shards(
        "weighted",
        lambda i: {
            "image": bytes_feature(world.png(i)),
            "label": ints(int(world.labels[i])),
            "weight": floats(float(world.weights[i])),
        },
    )
    spec = TFRecordSpec(
        (pattern,),
        ImageFeature("image"),
        LabelFeature("label"),
        WeightFeature("weight"),
        images=SCALED,
    )
    evaluation = evaluate(saved, spec)
    predicted = model.predict(world.inputs, verbose=0).argmax(axis=1)
    theirs = confusion_matrix(world.labels, predicted, sample_weight=world.weights)
    assert np.allclose(evaluation.sample_weighted.dense(), theirs, rtol=1e-6)


def test_an_h5_file_gives_the_same(world, model, oracle):
    path = world.folder / "m.h5"
    model.save(path)
    evaluation = evaluate(path, DirectorySpec(world.folder / "images", images=SCALED))
    assert np.array_equal(evaluation.matrix.counts, oracle)


def test_a_fixed_batch_is_filled_up_and_the_filling_not_counted(world, model, oracle):
    fixed = keras.Sequential([keras.layers.Input(batch_shape=(32, 8, 8, 1)), *model.layers])
    path = world.folder / "fixed.keras"
    fixed.save(path)
    evaluation = evaluate(path, DirectorySpec(world.folder / "images", images=SCALED))
    assert len(world.labels) % 32
    assert np.array_equal(evaluation.matrix.counts, oracle)


def test_a_channel_axis_is_dropped_where_the_model_has_none(world, model, oracle):
    flat = keras.Sequential(
        [keras.layers.Input((8, 8)), keras.layers.Reshape((8, 8, 1)), *model.layers]
    )
    path = world.folder / "flat.keras"
    flat.save(path)
    evaluation = evaluate(path, DirectorySpec(world.folder / "images", images=SCALED))
    assert np.array_equal(evaluation.matrix.counts, oracle)


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize("positive", [None, "no", "yes"])
def test_a_threshold_on_one_of_two_classes(world, units, positive, tmp_path):
    labels = (world.labels > 0).astype(int)
    for i, label in enumerate(labels):
        target = tmp_path / "images" / ("no", "yes")[label] / f"{i:04}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(world.png(i))
    keras.utils.set_random_seed(5)
    activation = "sigmoid" if units == 1 else "softmax"
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation=activation),
        ]
    )
    model.save(tmp_path / "m.keras")
    scores = model.predict(world.inputs, verbose=0)
    at = ("no", "yes").index(positive or "yes")
    score = scores[:, 0] if units == 1 else scores[:, at]
    threshold = Fraction(str(round(float(np.median(score)), 3)))
    predicted = np.where(score >= np.float32(float(threshold)), at, 1 - at)
    evaluation = evaluate(
        tmp_path / "m.keras",
        DirectorySpec(tmp_path / "images", images=SCALED),
        Threshold(threshold, positive),
        ("no", "yes"),
    )
    assert np.array_equal(evaluation.matrix.counts, confusion_matrix(labels, predicted))
    assert evaluation.matrix.predicted.min() > 0


def test_a_users_dataset_and_an_in_memory_model(world, model, oracle):
    for data in (
        [(world.inputs[:50], world.labels[:50]), (world.inputs[50:], world.labels[50:])],
        tf.data.Dataset.from_tensor_slices((world.inputs, world.labels)).batch(16),
        [(world.inputs, np.eye(3)[world.labels])],
    ):
        evaluation = run(Job(model, data, CLASSES, Argmax()))
        assert np.array_equal(evaluation.matrix.counts, oracle)
    evaluation = run(Job(lambda batch: model.predict(batch, verbose=0), data, CLASSES, Argmax()))
    assert np.array_equal(evaluation.matrix.counts, oracle)


def test_a_wrong_count_is_an_error(world, saved):
    from pytest_confmat.errors import DataError

    spec = DirectorySpec(world.folder / "images", images=SCALED)
    assert len(evaluate(saved, replace(spec, expected_examples=77))) == 77
    with pytest.raises(DataError, match="78") as refused:
        evaluate(saved, replace(spec, expected_examples=78))
    assert "77" in str(refused.value)
