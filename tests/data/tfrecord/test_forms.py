"""Every form of a record gives the same examples as PNGs with integer labels; hints lead to it."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pytest_confmat.data import open_source
from pytest_confmat.errors import DataError
from pytest_confmat.policy import read_policy
from pytest_confmat.spec import ModelInput
from tests.support.makers import collect, encoded, example, noise, shard

CLASSES = tuple("0123456789")
PIXELS = [noise(8, 8, 1) for _ in range(20)]
SIZES = {"h": 8, "w": 8, "d": 1}
RAW = "encoding: raw, dtype: uint8"
NAMED = "{height: h, width: w, channels: d}"
ONE_HOT = np.eye(10, dtype=np.uint8)

IMAGES = {
    "encoded": (lambda p: {"image": encoded(p[..., 0])}, ""),
    "base64": (
        lambda p: {"image": base64.b64encode(encoded(p[..., 0]))},
        "image: {key: image, encoding: base64}",
    ),
    "tensor": (
        lambda p: {"image": tf.io.serialize_tensor(p).numpy()},
        "image: {key: image, encoding: tensor}",
    ),
    "float tensor": (
        lambda p: {"image": tf.io.serialize_tensor(p.astype(np.float32)).numpy()},
        "image: {key: image, encoding: tensor}",
    ),
    "int64": (
        lambda p: {"image": p.ravel().tolist()},
        "image: {key: image, encoding: int64, shape: [8, 8, 1]}",
    ),
    "int64 with sizes": (
        lambda p: {"image": p.ravel().tolist(), **SIZES},
        f"image: {{key: image, encoding: int64, shape: {NAMED}}}",
    ),
    "raw with sizes": (
        lambda p: {"image_raw": p.tobytes(), **SIZES},
        f"image: {{key: image_raw, {RAW}, shape: {NAMED}}}",
    ),
    "raw with a number of channels": (
        lambda p: {"image_raw": p.tobytes(), **SIZES},
        f"image: {{key: image_raw, {RAW}, shape: {{height: h, width: w, channels: 1}}}}",
    ),
    "raw without channels": (
        lambda p: {"image_raw": p.tobytes(), **SIZES},
        f"image: {{key: image_raw, {RAW}, shape: {{height: h, width: w}}}}",
    ),
}
LABELS = {
    "int64": (int, ""),
    "float": (float, ""),
    "digits": (lambda n: b"%d" % n, ""),
    "digits from 1": (lambda n: b"%d" % (n + 1), "label: {offset: 1}"),
    "int64 from 1": (lambda n: n + 1, "label: {offset: 1}"),
    "one-hot bytes": (lambda n: ONE_HOT[n].tobytes(), ""),
}


def opened(folder: Path, *keys: str):
    body = "\n".join(f"  {key}" for key in ("tfrecord: x.tfrecord", *filter(None, keys)))
    path = folder / "thresholds.yaml"
    path.write_text(f"version: 1\ndataset:\n{body}\nthresholds: {{accuracy: 0}}\n")
    return open_source(read_policy(path).dataset, CLASSES, ModelInput((8, 8, 1)))


def write(folder: Path, image, label=int) -> None:
    records = [example(**image(p), label=label(n % 10)) for n, p in enumerate(PIXELS)]
    shard(folder / "x.tfrecord", records)


def require_digits(source) -> None:
    found = collect(source)
    np.testing.assert_array_equal(found["inputs"], np.stack(PIXELS).astype(np.float32))
    assert found["labels"].tolist() == [*range(10), *range(10)]
    np.testing.assert_array_equal(source.example(3).inputs, found["inputs"][3:4])
    assert source.example(3).check == found["check"][3]


@pytest.mark.parametrize("image", IMAGES)
def test_every_form_of_an_image_gives_the_same_examples(tmp_path, image):
    make, keys = IMAGES[image]
    write(tmp_path, make)
    require_digits(opened(tmp_path, keys))


@pytest.mark.parametrize("label", LABELS)
def test_every_form_of_a_label_gives_the_same_examples(tmp_path, label):
    make, keys = LABELS[label]
    write(tmp_path, IMAGES["encoded"][0], make)
    require_digits(opened(tmp_path, keys))


SIZED = {"height": 8, "width": 8, "depth": 1}
HINTED = {
    "base64": IMAGES["base64"][0],
    "tensor": IMAGES["tensor"][0],
    "int64": IMAGES["int64"][0],
    "raw": lambda p: {"image": p.tobytes()},
    "raw with sizes": lambda p: {"image_raw": p.tobytes(), **SIZED},
    "encoded": IMAGES["encoded"][0],
}
WRONG = ["", "{key}", "{key}, encoding: base64", "{key}, encoding: tensor"]


@pytest.mark.parametrize("form", HINTED)
@pytest.mark.parametrize("said", WRONG)
def test_the_line_of_the_message_can_be_pasted(tmp_path, form, said):
    make = HINTED[form]
    write(tmp_path, make)
    key = next(iter(make(PIXELS[0])))
    keys = f"image: {{key: {said.format(key=key)}}}" if said else ""
    require_digits(opened(tmp_path, pasted(tmp_path, keys)))


def pasted(folder: Path, keys: str) -> str:
    """The line that the message for `keys` shows, or these if nothing is wrong with them."""
    try:
        opened(folder, keys)
    except DataError as error:
        message = str(error)
    else:
        return keys
    line = re.search(r"say (image: \{.*\}) in dataset$", message)
    assert line, message
    return line[1]


MESSAGES = [
    ("raw", "{key: image}", "x.tfrecord#0 holds a string in 'image' that is no image as encoding: "
     "encoded says; 64 bytes are 8 x 8 x 1: say image: {key: image, encoding: raw, dtype: uint8, "
     "shape: [8, 8, 1]} in dataset"),
    ("tensor", "{key: image}", "x.tfrecord#0 holds a string in 'image' that is no image as "
     "encoding: encoded says; it is a serialized tensor, uint8 of 8 x 8 x 1: say image: {key: "
     "image, encoding: tensor} in dataset"),
    ("encoded", "{key: image, encoding: tensor}", "x.tfrecord#0 holds a string in 'image' that is "
     "no tensor as tf.io.serialize_tensor writes it; it is a PNG image: say image: {key: image} in "
     "dataset"),
    ("int64", "{key: image}", "x.tfrecord#0 holds 64 int64 in 'image', where an encoded image is a "
     "string; 64 numbers are 8 x 8 x 1: say image: {key: image, encoding: int64, shape: [8, 8, 1]} "
     "in dataset"),
    ("raw with sizes", "{key: image_raw}", "x.tfrecord#0 holds a string in 'image_raw' that is no "
     "image as encoding: encoded says; 64 bytes are 'height' x 'width' x 'depth': say image: {key: "
     "image_raw, encoding: raw, dtype: uint8, shape: {height: height, width: width, channels: "
     "depth}} in dataset"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "said", "message"), MESSAGES)
def test_what_is_said_of_another_form(tmp_path, form, said, message):
    write(tmp_path, HINTED[form])
    with pytest.raises(DataError) as caught:
        opened(tmp_path, f"image: {said}")
    assert str(caught.value) == message


BAD = [
    ("tensor", {"image": tf.io.serialize_tensor(noise(8, 7, 1)).numpy()}, "feature 'image' is a "
     "tensor of uint8 and shape (8, 7, 1), expected uint8 and (8, 8, 1)"),
    ("tensor", {"image": b"none"}, "feature 'image' is no tensor as tf.io.serialize_tensor writes "
     "it"),
    ("base64", {"image": b"no base64!"}, "feature 'image' is no base64"),
    ("base64", {"image": b"bm8gaW1hZ2U="}, "feature 'image' is no image that can be read: it "
     "starts with b'no image'"),
    ("int64", {"image": [1, 2]}, "feature 'image' is 2 int64, expected 64 int64 for shape "
     "(8, 8, 1)"),
    ("raw with sizes", {"image_raw": bytes(64), "h": 4, "w": 16, "d": 1}, "is of shape (4, 16, 1) "
     "by 'h', 'w', 'd', expected (8, 8, 1)"),
    ("raw with sizes", {"image_raw": bytes(64), "h": 8, "w": 8}, "has no feature 'd'; it has 'h', "
     "'image_raw', 'label', 'w'"),
    ("raw with sizes", {"image_raw": bytes(64), "h": 8, "w": -8, "d": 1}, "size 'w' is -8, "
     "expected one int64 from 1 up"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "features", "message"), BAD)
def test_one_record_at_fault_costs_no_other(tmp_path, form, features, message):
    make, keys = IMAGES[form]
    records = [example(**make(p), label=0) for p in PIXELS[:3]]
    records[1] = example(**features, label=0)
    shard(tmp_path / "x.tfrecord", records)
    source = opened(tmp_path, keys)
    assert 1 not in {int(place) for batch in source.batches(4) for place in batch.index}
    with pytest.raises(DataError) as caught:
        source.example(1)
    assert str(caught.value) == message
    assert source.example(2).labels.tolist() == [0]


@pytest.mark.parametrize("form", ["base64", "tensor", "int64", "raw", "raw with sizes"])
def test_a_form_is_recognized_under_a_key_that_is_not_known(tmp_path, form):
    make = HINTED[form]

    def unknown(p):
        image, *sizes = make(p).items()
        # Neither a text nor a one-hot list is an image, whatever its length.
        return {"pixels": image[1], **dict(sizes), "a": b"sixteen letters!", "b": [1, *[0] * 24]}

    write(tmp_path, unknown)
    require_digits(opened(tmp_path, pasted(tmp_path, "")))


UNKNOWN = [
    ({"pixels": tf.io.serialize_tensor(PIXELS[0]).numpy()}, "x.tfrecord#0 has neither "
     "'image/encoded' nor 'image', but a string in 'pixels'; it is a serialized tensor, uint8 of "
     "8 x 8 x 1: say image: {key: pixels, encoding: tensor} in dataset"),
    ({"pixels": PIXELS[0].ravel().tolist()}, "x.tfrecord#0 has neither 'image/encoded' nor "
     "'image', but 64 int64 in 'pixels'; 64 numbers are 8 x 8 x 1: say image: {key: pixels, "
     "encoding: int64, shape: [8, 8, 1]} in dataset"),
    ({"name": b"sixteen letters!", "kind": [1, *[0] * 15]}, "x.tfrecord#0 holds nothing that "
     "looks like an image: 'kind' (16 int64), 'label' (an int64), 'name' (a string); columns of a "
     "table are not read from records: yield batches of them from a fixture confmat_dataset in a "
     "conftest.py"),
]  # fmt: skip


@pytest.mark.parametrize(("features", "message"), UNKNOWN)
def test_what_is_said_of_keys_that_are_not_known(tmp_path, features, message):
    write(tmp_path, lambda _: features)
    with pytest.raises(DataError) as caught:
        opened(tmp_path)
    assert str(caught.value) == message
