"""Evaluation sets and models to measure with: generated from a seed, kept outside the repository.

Pictures are noise with a spectrum like that of photographs, because what a JPEG costs to decode
depends on what is in it. Models have random weights: nothing that is measured depends on how well
they do. Run as ``python -m benchmarks.workloads NAME``, it makes one set and prints its folder.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]

SEED = 20
# Raised whenever what is made changes.
VERSION = 2
_SAMPLE = 256
_JPEG_QUALITY = 85


@dataclass(frozen=True)
class Workload:
    """A set and a model.

    Attributes
    ----------
    model
        ``small``: two convolutions and a hidden layer; ``mobilenet``: MobileNetV2, alpha 1.
    size
        Height, width and channels that the model takes.
    picture
        Height and width of the JPEG files; ``None``: raw records of the model's size, in shards.
    limit_alone
        Whether we are compared with the limit, and against nothing else.
    shards
        Of records.
    stored
        The suffix of the model's file.
    """

    name: str
    title: str
    examples: int
    classes: int
    model: Literal["small", "mobilenet"]
    size: tuple[int, int, int]
    picture: tuple[int, int] | None = None
    limit_alone: bool = False
    shards: int = 8
    stored: Literal["keras", "onnx", "tflite"] = "keras"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names that sort as they are numbered."""
        return tuple(f"class-{number:04}" for number in range(self.classes))

    @property
    def folder(self) -> Path:
        """Where it is kept: the model, `thresholds.yaml` and `data`."""
        left_out = {"limit_alone", *(["shards"] if self.shards == 8 else [])}
        left_out |= {"stored"} if self.stored == "keras" else set()
        made = {key: value for key, value in asdict(self).items() if key not in left_out}
        made_of = repr((VERSION, SEED, sorted(made.items())))
        digest = hashlib.sha256(made_of.encode()).hexdigest()[:12]
        return cache_folder() / f"{self.name}-{digest}"


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "records",
            "60,000 records of 28 x 28 through a small convolutional net",
            60_000,
            10,
            "small",
            (28, 28, 1),
        ),
        Workload(
            "onnx-records",
            "300,000 of the same records through the same net as an ONNX file",
            300_000,
            10,
            "small",
            (28, 28, 1),
            limit_alone=True,
            stored="onnx",
        ),
        Workload(
            "onnx-thumbnails",
            "2,000 JPEGs of about 200 x 260 through MobileNetV2 at 128 as an ONNX file",
            2_000,
            10,
            "mobilenet",
            (128, 128, 3),
            (200, 260),
            limit_alone=True,
            stored="onnx",
        ),
        Workload(
            "litert-records",
            "300,000 of the same records through the same net as a LiteRT file",
            300_000,
            10,
            "small",
            (28, 28, 1),
            limit_alone=True,
            stored="tflite",
        ),
        Workload(
            "litert-thumbnails",
            "2,000 JPEGs of about 200 x 260 through MobileNetV2 at 128 as a LiteRT file",
            2_000,
            10,
            "mobilenet",
            (128, 128, 3),
            (200, 260),
            limit_alone=True,
            stored="tflite",
        ),
        Workload(
            "thumbnails",
            "6,000 JPEGs of about 200 x 260 through MobileNetV2 at 128",
            6_000,
            10,
            "mobilenet",
            (128, 128, 3),
            (200, 260),
        ),
        Workload(
            "photos",
            "2,000 JPEGs of about 1,600 x 1,200 through a small convolutional net at 64",
            2_000,
            10,
            "small",
            (64, 64, 3),
            (1200, 1600),
        ),
        Workload(
            "many-classes",
            "50,000 records of 28 x 28 in 1,000 classes through a small convolutional net",
            50_000,
            1_000,
            "small",
            (28, 28, 1),
        ),
        Workload(
            "more-records",
            "1,000,000 of the same records: what starting costs is spread over more of them",
            1_000_000,
            10,
            "small",
            (28, 28, 1),
            limit_alone=True,
        ),
        Workload(
            "ten-shards",
            "50,000 of the same records in ten shards",
            50_000,
            10,
            "small",
            (28, 28, 1),
            limit_alone=True,
            shards=10,
        ),
        Workload(
            "small-shards",
            "50,000 of the same records in 1,000 shards of 50",
            50_000,
            10,
            "small",
            (28, 28, 1),
            limit_alone=True,
            shards=1000,
        ),
    )
}


def quick(workload: Workload) -> Workload:
    """Return a small one of the same kind, to try whether everything runs."""
    height, width = workload.picture or (0, 0)
    return replace(
        workload,
        name=f"{workload.name}-quick",
        examples=400,
        classes=min(workload.classes, 100),
        shards=min(workload.shards, 100),
        picture=(height // 5, width // 5) if workload.picture else None,
        size=(96, 96, 3) if workload.model == "mobilenet" else workload.size,
    )


def named(name: str) -> Workload:
    """Return the workload of this name, ``...-quick`` included."""
    plain = name.removesuffix("-quick")
    return WORKLOADS[plain] if name == plain else quick(WORKLOADS[plain])


def cache_folder() -> Path:
    """Return the folder for what is made, in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "pytest-confmat" / "benchmarks"


def prepare(workload: Workload) -> Path:
    """Make the set and the model unless they are there; return their folder."""
    folder = workload.folder
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place and moved there whole: what is cut off leaves nothing half made.
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        _make(workload, Path(made))
        try:
            Path(made).rename(folder)
        except OSError:
            if not folder.exists():
                raise
        else:
            Path(made).mkdir()  # for the context to remove
    return folder


def _make(workload: Workload, folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    if workload.picture is None:
        _write_records(workload, data)
        dataset = _RECORDS.format(side=list(workload.size))
    else:
        _write_pictures(workload, data, *workload.picture)
        dataset = "  directory: data\n"
    if workload.stored == "onnx":
        model = _model(workload)
        model.predict(_zeros(workload), verbose=0)  # Keras exports only what was called
        model.export(folder / "model.onnx", format="onnx", verbose=False)
    elif workload.stored == "tflite":
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_keras_model(_model(workload))
        (folder / "model.tflite").write_bytes(converter.convert())
    else:
        _model(workload).save(folder / "model.keras")
    (folder / "classes.txt").write_text("\n".join(workload.class_names) + "\n")
    (folder / "thresholds.yaml").write_text(_POLICY.format(dataset=dataset))


def _zeros(workload: Workload) -> Any:
    import numpy as np

    return np.zeros((1, *workload.size), np.float32)


_RECORDS = """\
  tfrecord: data/*.tfrecord
  image: {{key: image, encoding: raw, dtype: uint8, shape: {side}}}
  label: {{key: label}}
"""
# Random models reach no limit but this one.
_POLICY = """\
version: 1
dataset:
{dataset}  rescale: 1/255
classes: classes.txt
thresholds:
  accuracy: 0
  recall: 0
"""


def _model(workload: Workload) -> Any:
    import keras

    keras.utils.set_random_seed(SEED)
    head = keras.layers.Dense(workload.classes, activation="softmax")
    if workload.model == "mobilenet":
        base = keras.applications.MobileNetV2(
            workload.size, alpha=1.0, include_top=False, weights=None, pooling="avg"
        )
        return _spread(workload, keras.Sequential([keras.Input(workload.size), base, head]))
    model = keras.Sequential(
        [
            keras.Input(workload.size),
            keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            head,
        ]
    )
    return _spread(workload, model)


def _spread(workload: Workload, model: Any) -> Any:
    """Set the last layer so that predictions fall on all classes, with scores far apart.

    Left as it is, a random net says the same of every picture, and none could be counted wrongly.
    """
    import keras
    import numpy as np

    pictures = _pictures(np.random.default_rng(SEED + 1), *workload.size)
    sample = np.stack([next(pictures) for _ in range(_SAMPLE)]).astype(np.float32) / 255
    *body, head = model.layers
    features = keras.Sequential([keras.Input(workload.size), *body]).predict(sample, verbose=0)
    kernel = head.get_weights()[0]
    kernel *= 5 / (features @ kernel).std(axis=0)
    head.set_weights([kernel, -(features @ kernel).mean(axis=0)])
    return model


def _write_records(workload: Workload, folder: Path) -> None:
    import numpy as np
    import tensorflow as tf

    generator = np.random.default_rng(SEED)
    pictures = _pictures(generator, *workload.size)
    for shard in range(workload.shards):
        path = folder / f"test-{shard:05}-of-{workload.shards:05}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for number in range(shard, workload.examples, workload.shards):
                image = tf.train.BytesList(value=[next(pictures).tobytes()])
                label = tf.train.Int64List(value=[number % workload.classes])
                features = {
                    "image": tf.train.Feature(bytes_list=image),
                    "label": tf.train.Feature(int64_list=label),
                }
                example = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(example.SerializeToString())


def _write_pictures(workload: Workload, folder: Path, height: int, width: int) -> None:
    import numpy as np
    import tensorflow as tf

    generator = np.random.default_rng(SEED)
    for name in workload.class_names:
        (folder / name).mkdir()
    # No two files of a real set are of one size.
    spare = height // 10, width // 10
    pictures = _pictures(generator, height + spare[0], width + spare[1], 3)
    for number in range(workload.examples):
        cut = [
            side + int(generator.integers(most))
            for side, most in zip((height, width), spare, strict=True)
        ]
        jpeg = tf.io.encode_jpeg(next(pictures)[: cut[0], : cut[1]], quality=_JPEG_QUALITY)
        path = folder / workload.class_names[number % workload.classes] / f"{number:06}.jpg"
        path.write_bytes(jpeg.numpy())


def _pictures(
    generator: np.random.Generator, height: int, width: int, channels: int
) -> Iterator[Pixels]:
    """Yield pictures for ever: windows of a few large ones, turned over, lighter or darker."""
    import numpy as np

    sheets = [_sheet(generator, 2 * height, 2 * width, channels) for _ in range(3)]
    while True:
        sheet = sheets[int(generator.integers(len(sheets)))]
        top, left = int(generator.integers(height)), int(generator.integers(width))
        window = sheet[top : top + height, left : left + width]
        window = window[:: generator.choice((1, -1)), :: generator.choice((1, -1))]
        lighter = int(generator.integers(-40, 41))
        yield np.clip(window + lighter, 0, 255).astype(np.uint8)


def _sheet(generator: np.random.Generator, height: int, width: int, channels: int) -> Any:
    """Return noise of which the finer has the less power, int16 (height, width, channels)."""
    import numpy as np

    fine = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    fine[0, 0] = np.inf
    shape = (height, width)
    layers = []
    for _ in range(channels + 1):
        spectrum = np.fft.rfft2(generator.standard_normal(shape)) / fine**1.4
        noise = np.fft.irfft2(spectrum, shape)
        layers.append(noise / noise.std())
    # Mostly one brightness, and a little color.
    colors = np.stack([layers[0] + 0.3 * layer for layer in layers[1:]], axis=-1)
    return np.clip(128 + 50 * colors, 0, 255).astype(np.int16)


def main() -> None:
    """Make what is asked for, and print where it is."""
    parser = argparse.ArgumentParser(description="Make a workload and print its folder.")
    parser.add_argument("name", choices=[*WORKLOADS, *(f"{name}-quick" for name in WORKLOADS)])
    parser.add_argument("--clear", action="store_true", help="make it anew")
    arguments = parser.parse_args()
    workload = named(arguments.name)
    if arguments.clear and workload.folder.exists():
        shutil.rmtree(workload.folder)
    print(prepare(workload))


if __name__ == "__main__":
    main()
