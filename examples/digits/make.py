"""Make the digits example anew: the images, the TFRecord shards and the three models.

    python examples/digits/make.py --out examples/digits

scikit-learn ships 1,797 handwritten digits of 8 by 8 pixels. The first half, in scikit-learn's
order, trains the models and is not written; the second half, by other writers, is the evaluation
set:

``test/<digit>/NNNN.png``
    One grayscale PNG an image; NNNN is its index in scikit-learn's set.
``tfrecord/test-NNNNN-of-NNNNN.tfrecord``
    The same images in scikit-learn's order, with the usual keys of image shards.
``labels.txt``
    The class names in the order of the models' outputs.
``digits.keras``
    A small convolutional net: pixels times 1/255 in, shape (8, 8, 1); ten softmax units out.
``digits-retrained.keras``
    The same net, trained the same way from another seed: it errs elsewhere, and is as good.
``digits-regressed.keras``
    The same net, trained the same way on what a faulty export left over: most eights are
    missing. As a whole it looks almost as good, and it no longer knows an eight when it sees one.

Images, shards and labels come out equal to the byte on every machine. So do the models on one
machine with one version of TensorFlow and Keras, however many cores it has. On another processor
or with other versions their weights may differ in the last bits after the first step, and visibly
after the last; what stays is how good they are, which this script prints.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Labels = NDArray[np.int64]

CLASSES = tuple("0123456789")
TRAINED_ON = 898  # the rest, 899 images, is the evaluation set
SHARDS = 4
SEED, OTHER_SEED = 2, 3
EPOCHS = 14
EIGHTS_LEFT = 12  # of 86, for the worse model


def load() -> tuple[Bytes, Labels]:
    """Return scikit-learn's digits: pixels uint8 (1797, 8, 8), labels int64 (1797,).

    Its 17 gray levels, 0 to 16, are spread over 0 to 255; no two become one.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return pixels, digits.target.astype(np.int64)


def png(pixels: Bytes) -> bytes:
    """Encode a grayscale image (height, width) without compressing it.

    Compressed bytes depend on the compressor's version, and 64 pixels gain nothing by it.
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)  # 0: no filter
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows, 0)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def write_directories(out: Path, pixels: Bytes, labels: Labels) -> None:
    """Write the evaluation set as class directories."""
    for name in CLASSES:
        (out / "test" / name).mkdir(parents=True, exist_ok=True)
    for index in range(TRAINED_ON, len(pixels)):
        path = out / "test" / CLASSES[labels[index]] / f"{index:04}.png"
        path.write_bytes(png(pixels[index]))


def write_shards(out: Path, pixels: Bytes, labels: Labels) -> None:
    """Write the evaluation set as TFRecord shards."""
    import tensorflow as tf

    def feature(value: bytes | int) -> Any:
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    (out / "tfrecord").mkdir(parents=True, exist_ok=True)
    shards = np.array_split(np.arange(TRAINED_ON, len(pixels)), SHARDS)
    for number, shard in enumerate(shards):
        path = out / "tfrecord" / f"test-{number:05}-of-{SHARDS:05}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for index in shard:
                features = {
                    "image/encoded": feature(png(pixels[index])),
                    "image/class/label": feature(int(labels[index])),
                    "image/class/text": feature(CLASSES[labels[index]].encode()),
                }
                example = tf.train.Example(features=tf.train.Features(feature=features))
                # Otherwise the order of the keys differs from run to run.
                writer.write(example.SerializePartialToString(deterministic=True))


def build() -> Any:
    """Return the untrained net. Layers are named, so that a second one is called the same."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="pixels"),
            layers.Conv2D(16, 3, padding="same", activation="relu", name="strokes"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="shapes"),
            layers.MaxPooling2D(name="halve"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.3, name="dropout"),
            layers.Dense(len(CLASSES), activation="softmax", name="digit"),
        ],
        name="digits",
    )


def inputs(pixels: Bytes) -> NDArray[np.float32]:
    """Return pixels (n, 8, 8) as the model gets them: float32 (n, 8, 8, 1), times 1/255."""
    return pixels[..., None].astype(np.float32) * np.float32(1 / 255)


def shifted(pixels: Bytes) -> Bytes:
    """Return the images (n, 8, 8) and their copies shifted by one pixel, (5 n, 8, 8)."""
    padded = np.pad(pixels, ((0, 0), (1, 1), (1, 1)))
    corners = (1, 1), (0, 1), (2, 1), (1, 0), (1, 2)
    return np.concatenate([padded[:, y : y + 8, x : x + 8] for y, x in corners])


def train(pixels: Bytes, labels: Labels, seed: int) -> Any:
    """Return a net trained on images (n, 8, 8) and labels (n,)."""
    import keras

    keras.utils.set_random_seed(seed)
    shuffle = np.random.default_rng(seed)
    model = build()
    examples, names = inputs(shifted(pixels)), np.tile(labels, 5)
    rate = keras.optimizers.schedules.CosineDecay(4e-3, EPOCHS * len(examples) // 64)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    for _ in range(EPOCHS):
        order = shuffle.permutation(len(examples))
        for start in range(0, len(order), 64):
            batch = order[start : start + 64]
            model.train_on_batch(examples[batch], names[batch])
    bare = build()  # without the optimizer, whose state would treble the file
    bare.set_weights(model.get_weights())
    return bare


def without_eights(labels: Labels) -> NDArray[np.int64]:
    """Return the indices of the training examples that the faulty export left over."""
    eights = np.flatnonzero(labels == CLASSES.index("8"))
    return np.setdiff1d(np.arange(len(labels)), eights[EIGHTS_LEFT:])


def plain(value: Any, setting: bool = False) -> Any:
    """Return a saved model's configuration without what says nothing about the model.

    Object ids change from run to run. Settings that are null are the default, and older versions
    of Keras do not know all of them.
    """
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        key: plain(entry, setting=key == "config")
        for key, entry in value.items()
        if key != "shared_object_id" and not (setting and entry is None)
    }


def save(model: Any, path: Path) -> None:
    """Save a model so that the same weights make the same bytes: no dates, no object ids."""
    model.save(path)
    with zipfile.ZipFile(path) as saved:
        members = {name: saved.read(name) for name in sorted(saved.namelist())}
    metadata = json.loads(members["metadata.json"])
    del metadata["date_saved"]
    members["metadata.json"] = json.dumps(metadata).encode()
    members["config.json"] = json.dumps(plain(json.loads(members["config.json"]))).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as rewritten:
        for name, content in members.items():
            rewritten.writestr(zipfile.ZipInfo(name), content)  # dated 1980-01-01
    path.write_bytes(archive.getvalue())


def describe(model: Any, pixels: Bytes, labels: Labels) -> str:
    """Return how well the model recognizes images (n, 8, 8), in one line."""
    predicted = model(inputs(pixels), training=False).numpy().argmax(axis=1)
    recalls = [(predicted[labels == k] == k).mean() for k in range(len(CLASSES))]
    each = "  ".join(f"{name} {recall:.3f}" for name, recall in zip(CLASSES, recalls, strict=True))
    return f"accuracy {(predicted == labels).mean():.4f}   recall  {each}"


def main() -> None:
    """Make everything below ``--out``."""
    parser = argparse.ArgumentParser(description="Make the digits example anew.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIR")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    # One kind of arithmetic in one order, whatever the machine has to offer.
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()

    pixels, labels = load()
    write_directories(out, pixels, labels)
    write_shards(out, pixels, labels)
    (out / "labels.txt").write_text("".join(f"{name}\n" for name in CLASSES), encoding="utf-8")
    everything = np.arange(TRAINED_ON)
    left_over = without_eights(labels[:TRAINED_ON])
    for name, chosen, seed in (
        ("digits", everything, SEED),
        ("digits-retrained", everything, OTHER_SEED),
        ("digits-regressed", left_over, SEED),
    ):
        model = train(pixels[chosen], labels[chosen], seed)
        save(model, out / f"{name}.keras")
        print(f"{name + '.keras':24}{describe(model, pixels[TRAINED_ON:], labels[TRAINED_ON:])}")


if __name__ == "__main__":
    main()
