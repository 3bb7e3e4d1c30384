"""Images, Examples and shards made on the spot."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pytest_confmat.batching import Batcher
from pytest_confmat.data.source import Batch
from pytest_confmat.data.tfrecord.crc import masked_crc
from pytest_confmat.spec import ModelInput

CLASSES = ("cat", "dog")
TAKES_8X6 = ModelInput((8, 6, 3))
HEIGHT, WIDTH = 13, 9
_RANDOM = np.random.default_rng(7)


def noise(*shape: int, dtype: Any = np.uint8) -> np.ndarray:
    return _RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def encoded(array: np.ndarray, form: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    image = Image.fromarray(array)
    if mode is not None:
        image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png(seed: int = 0, shape: tuple[int, ...] = (HEIGHT, WIDTH, 3)) -> bytes:
    return encoded(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def tree(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def cats_and_dogs(root: Path, cats: int = 3, dogs: int = 2) -> Path:
    files = {f"cat/{n:04}.png": png(n) for n in range(cats)}
    files |= {f"dog/{n:04}.png": png(100 + n) for n in range(dogs)}
    return tree(root, files)


def example(**features: Any) -> bytes:
    """A serialised Example: bytes, ints and floats, one or a list of them; ``__`` is a slash."""
    import tensorflow as tf

    made = {}
    for name, given in features.items():
        values = given if isinstance(given, list) else [given]
        if isinstance(values[0], bytes):
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        elif isinstance(values[0], float):
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        else:
            feature = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        made[name.replace("__", "/")] = feature
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


def frame(record: bytes) -> bytes:
    length = struct.pack("<Q", len(record))
    checks = [struct.pack("<I", masked_crc(data)) for data in (length, record)]
    return length + checks[0] + record + checks[1]


def shard(path: Path, records: Iterable[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(frame, records)))
    return path


def rebatched(source: Any, batch_size: int) -> list[Batch]:
    """The batches that a model is given in a pass."""
    batcher = Batcher(batch_size)
    read = [batch for each in source.batches(batch_size) for batch in batcher.add(each)]
    return [*read, *batcher.rest()]


def collect(source: Any, batch_size: int = 4) -> dict[str, np.ndarray]:
    """One pass, brought into the set's order."""
    batches = list(source.batches(batch_size))
    index = np.concatenate([batch.index for batch in batches])
    order = np.argsort(index)
    found = {"index": index[order]}
    for name in ("inputs", "labels", "check"):
        arrays = [np.asarray(getattr(batch, name)) for batch in batches]
        found[name] = np.concatenate(arrays)[order]
    if batches[0].weights is not None:
        found["weights"] = np.concatenate([batch.weights for batch in batches])[order]
    return found
