"""What mutation begins with: small valid inputs of every kind, and some that nearly are."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.wire import example, frame
from pytest_confmat.baseline import save_baseline
from pytest_confmat.evaluation import Evaluation, Fault, Part
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.spec import (
    ImageFeature,
    ImageSpec,
    LabelFeature,
    ModelInput,
    SizeFeatures,
    TFRecordSpec,
    WeightFeature,
)

CLASSES = ("cat", "dog")
# Small, so that an image beyond it that is decoded all the same shows in the memory used.
MAX_PIXELS = 1 << 20
TAKES_IMAGES = ModelInput((8, 6, 3))

_IMAGES = ImageSpec(max_pixels=MAX_PIXELS)
_PLAIN = TFRecordSpec((), ImageFeature("image"), LabelFeature("label"), images=_IMAGES)
LAYOUTS = {
    "encoded": TFRecordSpec((), images=_IMAGES),
    "string": TFRecordSpec(
        (), ImageFeature("image/encoded"), LabelFeature("image/class/text"), images=_IMAGES
    ),
    "one-hot": _PLAIN,
    "one-hot bytes": _PLAIN,
    "float label": _PLAIN,
    "digits": _PLAIN,
    "raw": TFRecordSpec(
        (),
        ImageFeature("image", "raw", "uint8", (4, 3, 1)),
        LabelFeature("label", 1),
        WeightFeature("w"),
    ),
    "float": TFRecordSpec(
        (), ImageFeature("image", "float", shape=(5,)), LabelFeature("label"), WeightFeature("w")
    ),
    "int64": TFRecordSpec((), ImageFeature("image", "int64", shape=(5,)), LabelFeature("label")),
    "tensor": TFRecordSpec(
        (), ImageFeature("image", "tensor", "uint8", (4, 3, 1)), LabelFeature("label")
    ),
    "base64": TFRecordSpec(
        (), ImageFeature("image", "base64"), LabelFeature("label"), images=_IMAGES
    ),
    "sizes": TFRecordSpec(
        (),
        ImageFeature("image", "raw", "uint8", sizes=SizeFeatures("height", "width", "depth")),
        LabelFeature("label"),
    ),
}
TAKES = {
    "encoded": TAKES_IMAGES,
    "string": TAKES_IMAGES,
    "one-hot": TAKES_IMAGES,
    "one-hot bytes": TAKES_IMAGES,
    "float label": TAKES_IMAGES,
    "digits": TAKES_IMAGES,
    "raw": ModelInput((4, 3, 1)),
    "float": ModelInput((5,)),
    "int64": ModelInput((5,)),
    "tensor": ModelInput((4, 3, 1)),
    "base64": TAKES_IMAGES,
    "sizes": ModelInput((4, 3, 1)),
}
# A tensor of 4 x 3 x 1 bytes, as tf.io.serialize_tensor writes it.
_TENSOR = (
    b"\x08\x04"  # dtype: uint8
    b"\x12\x0c\x12\x02\x08\x04\x12\x02\x08\x03\x12\x02\x08\x01"  # shape
    b"\x22\x0c" + bytes(12)
)


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """Return inputs for a target, each once."""
    return tuple(dict.fromkeys(_SEEDS[target]()))


def picture(form: str, mode: str = "RGB", size: tuple[int, int] = (9, 7), **options: Any) -> bytes:
    """Return an image of noise, encoded by Pillow."""
    from PIL import Image

    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], channels)
    array = np.random.default_rng(7).integers(0, 256, shape, np.uint8)
    if mode == "I;16":
        image = Image.fromarray(array[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.frombytes(mode, size, array.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@cache
def png() -> bytes:
    """Return a small PNG."""
    return picture("PNG")


@cache
def good_record(layout: str) -> bytes:
    """Return a record of a layout in which nothing is wrong."""
    return {
        "encoded": lambda: example({"image/encoded": [png()], "image/class/label": [1]}),
        "string": lambda: example({"image/encoded": [png()], "image/class/text": [b"dog"]}),
        "one-hot": lambda: example({"image": [png()], "label": [0, 1]}),
        "one-hot bytes": lambda: example({"image": [png()], "label": [b"\x00\x01"]}),
        "float label": lambda: example({"image": [png()], "label": [1.0]}),
        "digits": lambda: example({"image": [png()], "label": [b"1"]}),
        "raw": lambda: example({"image": [bytes(12)], "label": [1], "w": [0.5]}),
        "float": lambda: example({"image": [0.5] * 5, "label": [1], "w": [2]}),
        "int64": lambda: example({"image": [0, 1, 2, 3, 255], "label": [1]}),
        "tensor": lambda: example({"image": [_TENSOR], "label": [1]}),
        "base64": lambda: example({"image": [base64.b64encode(png())], "label": [1]}),
        "sizes": lambda: example(
            {"image": [bytes(12)], "label": [1], "height": [4], "width": [3], "depth": [1]}
        ),
    }[layout]()


def _policies() -> Iterator[bytes]:
    from tests.policy.documents import ACCEPTED, REFUSED, REFUSED_BY_READER

    root = Path(__file__).parents[1]
    for name in ("thresholds.yaml", "examples/digits/tfrecord.yaml"):
        # The target puts a label file beside a policy.
        yield (root / name).read_bytes().replace(b"examples/digits/labels.txt", b"labels.txt")
    for documents in (ACCEPTED, REFUSED, REFUSED_BY_READER):
        # One of them is a bound of 5,000 digits: its like are found from shorter ones.
        yield from (text.encode() for text in documents.values() if len(text) < 2048)


def _names() -> Iterator[bytes]:
    yield b"cat\ndog\n"
    yield b"0:cat\n1:dog\n2:a bird\n"
    yield "\ufeffcaf\u00e9\r\ncat\r\n\r\n".encode()
    yield b"cat\n\ndog\rcat\x0bdog\n"


def _infos() -> Iterator[bytes]:
    split = {"name": "test", "shardLengths": ["3", "2"]}
    info = {"name": "test", "version": "1.0.0", "fileFormat": "tfrecord", "splits": [split]}
    yield json.dumps(info, indent=1).encode()
    for template in ("{SPLIT}-{SHARD_X_OF_Y}.{FILEFORMAT}", "test-{SHARD_INDEX}-of-{NUM_SHARDS}"):
        yield json.dumps({**info, "splits": [{**split, "filepathTemplate": template}]}).encode()
    yield json.dumps({"name": "x", "splits": [{"name": "test"}]}).encode()
    template = "{DATASET}-{SHARD_X_OF_Y}.tfrecord"
    yield json.dumps({**info, "splits": [{**split, "filepathTemplate": template}]}).encode()


def _manifests() -> Iterator[bytes]:
    yield b"# pytest-confmat manifest 1\ncat/0.png\tcat\t0123456789abcdef\n"
    yield (
        b"# pytest-confmat manifest 1\r\na\\u000ab\tcat\t0000000000000000\r\n\\\\\tb\t" + b"f" * 16
    )
    yield b"# pytest-confmat manifest 2\n"


def _examples() -> Iterator[bytes]:
    yield from map(good_record, LAYOUTS)
    yield example({"image": [picture("JPEG")], "label": [0], "w": [1.0]})
    yield example({"image": [bytes(12)], "label": [b"cat"]})
    yield example({"image": [], "label": [], "w": [float("nan")]})
    yield example({"image/encoded": [b"version https://git-lfs.github.com/spec/v1\n"]})
    yield b""


def _shards() -> Iterator[bytes]:
    good = good_record("encoded")
    whole = b"".join(map(frame, (good, good_record("encoded"), good)))
    yield whole
    yield gzip.compress(whole, mtime=0)
    yield zlib.compress(whole)
    yield gzip.compress(frame(good), mtime=0) + gzip.compress(frame(good), mtime=0)
    yield whole[:-20]
    yield frame(b"") + whole
    yield frame(good)


def _pictures() -> Iterator[bytes]:
    from PIL import Image

    for mode in ("1", "L", "LA", "RGB", "RGBA", "I;16", "P"):
        yield picture("PNG", mode)
    turned = Image.Exif()
    turned[0x0112] = 6
    for form in ("PNG", "JPEG", "WEBP"):
        yield picture(form, exif=turned)
    for mode in ("L", "RGB", "CMYK"):
        yield picture("JPEG", mode)
    yield picture("JPEG", progressive=True, comment=b"a comment")
    yield picture("JPEG", restart_marker_blocks=1)
    more = [Image.new("RGB", (9, 7), color) for color in ("red", "blue")]
    for form in ("PNG", "GIF", "WEBP"):
        yield picture(form, save_all=True, append_images=more)
    yield picture("GIF", "L", transparency=3)
    for mode in ("1", "L", "RGB", "RGBA"):
        yield picture("BMP", mode)
    for options in ({"lossless": True}, {"quality": 50}):
        yield picture("WEBP", **options)
        yield picture("WEBP", "RGBA", **options)
    yield b"\xff\x0a" + bytes(30)
    yield b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(30)


def _keras_files() -> Iterator[bytes]:
    layer = {"class_name": "Rescaling", "config": {"name": "r", "scale": 0.5}}
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": [layer]}}
    members = {
        "metadata.json": json.dumps({"keras_version": "3.15.1"}).encode(),
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": b"\x89HDF\r\n\x1a\n",
    }
    yield archive(members)
    yield archive(members, zipfile.ZIP_DEFLATED)
    yield archive({name: members[name] for name in ("metadata.json", "config.json")})
    yield archive({"archive/data.pkl": b""})
    yield b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n"
    yield b"<!DOCTYPE html><html></html>"


def _keras_2() -> Iterator[bytes]:
    dense = {"class_name": "Dense", "config": {"units": 3, "activation": "softmax"}}
    operation = {"class_name": "TFOpLambda", "config": {"function": "math.multiply"}}
    code = {"class_name": "Lambda", "config": {"function": ["4wEAAAAA", None, None]}}
    function = {"class_name": "function", "module": "builtins", "config": "relu"}
    for layers in ([dense, operation], [dense, code], [{**dense, "config": {"f": function}}]):
        inner = {"class_name": "Bidirectional", "config": {"layer": layers[-1]}}
        for held in (layers, [inner]):
            stored = {"class_name": "Sequential", "config": {"name": "m", "layers": held}}
            yield json.dumps({**stored, "compile_config": {"loss": code}}).encode()


def _saved_models() -> Iterator[bytes]:
    from tests.models.saved_model.exports import module, of_tensorflow_1

    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder, "labels.txt")
        labels.write_text("cat\ndog\nbird\n")
        paths = (
            module(Path(folder, "a")),
            of_tensorflow_1(Path(folder, "b")),
            of_tensorflow_1(Path(folder, "c"), labels, resource=True),
        )
        yield from ((path / "saved_model.pb").read_bytes() for path in paths)
    yield b"\x08\x01"


def _onnx_files() -> Iterator[bytes]:
    from tests.extras.onnx import graphs

    yield graphs.conv(units=2).SerializeToString()
    yield graphs.last(units=2).SerializeToString()
    yield graphs.outside(graphs.conv(units=2), "m.data").SerializeToString()
    yield graphs.beside(graphs.last(units=2), "If", "z").SerializeToString()


def _litert_files() -> Iterator[bytes]:
    from tests.extras.litert import buffers

    yield buffers.packed(buffers.net())
    made = buffers.quantized()
    made.signatureDefs = [buffers.signature("serving_default", scores=4)]
    made.signatureDefs.append(buffers.signature("features", scores=4, logits=3))
    yield buffers.packed(made)
    yield buffers.packed(buffers.with_custom(buffers.net(), "FlexErf", "Mfcc"))


def _stored() -> Iterator[Evaluation]:
    def part(position: int, ids: Any, weight: bool) -> Part:
        n = len(ids)
        numbers = np.arange(n)
        return Part(
            f"p{position}",
            position,
            ids,
            true=(numbers % 2).astype(np.int16),
            predicted=(numbers % 3 - 1).astype(np.int16),
            score=np.linspace(0, 1, n, dtype=np.float32),
            rank=(numbers % 2).astype(np.int16),
            check=numbers.astype(np.uint64),
            weight=np.ones(n) if weight else None,
        )

    numbered, named = NumberedIds("a.tfrecord", 5), ("cat/0.png", "dog/1.png")
    for weight in (False, True):
        parts = (part(0, numbered, weight), part(1, named, weight))
        found = Evaluation(CLASSES, parts, {"model": "m"}, ("a note",), {"read": 0.5})
        yield found
    faults = (Fault("a.tfrecord#0", "is empty", "cat"),)
    yield Evaluation(CLASSES, (part(0, numbered, False),), faults=faults)
    yield Evaluation(CLASSES, ())


def _evaluations() -> Iterator[bytes]:
    yield from (found.to_bytes() for found in _stored())


def _baselines() -> Iterator[bytes]:
    for found in _stored():
        if len(found):
            with tempfile.TemporaryDirectory() as folder:
                save_baseline(found, Path(folder, "a"))
                yield from (path.read_bytes() for path in sorted(Path(folder).iterdir()))


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip file; the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


_SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "policy": _policies,
    "names": _names,
    "info": _infos,
    "manifest": _manifests,
    "example": _examples,
    "shard": _shards,
    "header": _pictures,
    "image": _pictures,
    "keras": _keras_files,
    "keras_2": _keras_2,
    "saved_model": _saved_models,
    "onnx": _onnx_files,
    "litert": _litert_files,
    "evaluation": _evaluations,
    "baseline": _baselines,
}
