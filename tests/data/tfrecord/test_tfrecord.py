from __future__ import annotations

import gzip
import json
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pytest_confmat.data import open_source
from pytest_confmat.errors import DataError
from pytest_confmat.example_ids import JoinedIds, NumberedIds
from pytest_confmat.spec import (
    DirectorySpec,
    ImageFeature,
    ImageSpec,
    LabelFeature,
    ModelInput,
    Rescale,
    TFRecordSpec,
    WeightFeature,
)
from tests.support.makers import (
    CLASSES,
    TAKES_8X6,
    cats_and_dogs,
    collect,
    encoded,
    example,
    frame,
    noise,
    png,
    rebatched,
    shard,
    tree,
)
from tests.support.refusals import refusal

PACK = {"": bytes, "GZIP": gzip.compress, "ZLIB": zlib.compress}
RAW = ImageFeature("image", "raw", "uint8", (4, 3, 1))
FLOAT = ImageFeature("image", "float", None, (5,))
PIXELS = [noise(4, 3, 1) for _ in range(7)]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(here, classes=CLASSES, model=None, **spec):
    patterns = spec.pop("tfrecord", ("*.tfrecord",))
    patterns = tuple(str(here / pattern) for pattern in patterns)
    return open_source(TFRecordSpec(patterns, **spec), classes, model or ModelInput())


def refused(here, *arguments, **spec) -> str:
    return refusal(DataError, opened, here, *arguments, **spec)


def reason(source, place) -> str:
    return refusal(DataError, source.example, place)


def pictures(here, form="{}.tfrecord", shards=3, size=4, pack=bytes) -> list[bytes]:
    contents = [png(seed) for seed in range(shards * size)]
    for number in range(shards):
        records = [
            example(image__encoded=contents[place], image__class__label=place % 2)
            for place in range(number * size, (number + 1) * size)
        ]
        path = shard(here / form.format(number), records)
        path.write_bytes(pack(path.read_bytes()))
    return contents


def test_a_directory_and_its_records_give_the_same_batches(here):
    root = cats_and_dogs(here / "test")
    directory = open_source(DirectorySpec(root), CLASSES, TAKES_8X6)
    (part,) = directory.parts
    contents = [(root / name).read_bytes() for name in part.ids]
    labels = [CLASSES.index(name[:3]) for name in part.ids]
    shard(
        here / "x.tfrecord",
        [example(image=c, label=n) for c, n in zip(contents, labels, strict=True)],
    )
    ours, theirs = collect(opened(here, model=TAKES_8X6)), collect(directory)
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)
        assert ours[name].dtype == array.dtype


@pytest.mark.parametrize("compression", PACK)
def test_small_shards_are_one_part_and_records_are_numbered(here, compression):
    pictures(here, "test-0000{}-of-00003.tfrecord", pack=PACK[compression])
    source = opened(here, model=TAKES_8X6, tfrecord=("test-*",))
    (part,) = source.parts
    names = [f"test-0000{number}-of-00003.tfrecord" for number in range(3)]
    assert part.ids == JoinedIds(tuple(NumberedIds(name, 4) for name in names))
    found = collect(source)
    assert found["index"].tolist() == list(range(12))
    assert found["labels"].tolist() == [0, 1] * 6
    assert source.description == "TFRecords test-*"
    assert source.notes == (
        "image inferred: image/encoded (encoded)",
        "label inferred: image/class/label (int64)",
    )


def test_shards_may_be_compressed_each_in_its_way(here):
    for number, pack in enumerate(PACK.values()):
        path = shard(here / f"{number}.tfrecord", [example(image=png(number), label=number)])
        path.write_bytes(pack(path.read_bytes()))
    assert collect(opened(here, ("a", "b", "c"), TAKES_8X6))["labels"].tolist() == [0, 1, 2]


def test_shards_of_one_name_are_told_apart_by_their_folders(here):
    for folder in "ab":
        shard(here / folder / "x.tfrecord", [example(image=png(), label=0)])
    source = opened(here, model=TAKES_8X6, tfrecord=("b/*", "a/*"))
    (part,) = source.parts
    assert list(part.ids) == ["b/x.tfrecord#0", "a/x.tfrecord#0"]
    assert source.description == "TFRecords b/* and 1 more"


def test_batch_size_and_shards_change_nothing_but_the_batches(here):
    contents = pictures(here, shards=3, size=4)
    one = collect(opened(here, model=TAKES_8X6), 1)
    many = collect(opened(here, model=TAKES_8X6), 5)
    records = [
        example(image__encoded=content, image__class__label=place % 2)
        for place, content in enumerate(contents)
    ]
    shard(here / "all.rec", records)
    single = collect(opened(here, model=TAKES_8X6, tfrecord=("all.rec",)), 7)
    for name in ("inputs", "labels", "check", "index"):
        np.testing.assert_array_equal(one[name], many[name])
        np.testing.assert_array_equal(one[name], single[name])


def test_batches_come_in_the_same_order_each_time_and_are_full(here):
    pictures(here, shards=9, size=3)
    source = opened(here, model=TAKES_8X6)
    orders = [[batch.index.tolist() for batch in rebatched(source, 5)] for _ in range(3)]
    assert orders[0] == orders[1] == orders[2]
    assert [len(index) for index in orders[0]] == [5, 5, 5, 5, 5, 2]


def test_the_example_by_itself_is_the_one_in_the_batch(here):
    pictures(here, pack=gzip.compress)
    source = opened(here, model=TAKES_8X6)
    whole = collect(source)
    for place in (5, 0, 11, 4):
        alone = source.example(place)
        np.testing.assert_array_equal(alone.inputs, whole["inputs"][place : place + 1])
        assert (alone.labels, alone.index) == (whole["labels"][place], place)
        assert alone.check == whole["check"][place]


LABELS = [
    # what records hold, the policy's label, the labels that come, and what is said of it
    ([0, 2, 1], None, [0, 2, 1], "label inferred: label (int64)"),
    ([1, 3, 2], LabelFeature("label", 1), [0, 2, 1], "label read: label (int64)"),
    ([b"cat", b"fox", b"dog"], None, [0, 2, 1], "label inferred: label (string)"),
    ([[1, 0, 0], [0, 0, 1], [0, 1, 0]], None, [0, 2, 1], "label inferred: label (one-hot)"),
    (
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]],
        LabelFeature("label"),
        [0, 2, 1],
        "label read: label (one-hot)",
    ),
    ([0.0, 2.0, 1.0], None, [0, 2, 1], "label inferred: label (float)"),
    ([1.0, 3.0, 2.0], LabelFeature(offset=1), [0, 2, 1], "label inferred: label (float)"),
    ([1, 3, 2], LabelFeature(offset=1), [0, 2, 1], "label inferred: label (int64)"),
    ([b"0", b"2", b"1"], None, [0, 2, 1], "label inferred: label (digits)"),
    ([b"1", b"3", b"2"], LabelFeature("label", 1), [0, 2, 1], "label read: label (digits)"),
    (
        [bytes([1, 0, 0]), bytes([0, 0, 1]), bytes([0, 1, 0])],
        None,
        [0, 2, 1],
        "label inferred: label (one-hot bytes)",
    ),
]
THREE = ("cat", "dog", "fox")


@pytest.mark.parametrize(("stored", "feature", "labels", "note"), LABELS)
def test_labels_of_every_kind(here, stored, feature, labels, note):
    shard(here / "x.tfrecord", [example(image=png(), label=label) for label in stored])
    source = opened(here, THREE, TAKES_8X6, label=feature)
    found = collect(source)
    assert found["labels"].tolist() == labels
    assert found["labels"].dtype == np.int64
    assert source.notes == ("image inferred: image (encoded)", note)
    assert source.example(1).labels.tolist() == [2]


def test_labels_out_of_range_are_left_to_the_pass(here):
    shard(here / "x.tfrecord", [example(image=png(), label=label) for label in (0, 7, -3)])
    assert collect(opened(here, model=TAKES_8X6))["labels"].tolist() == [0, 7, -3]


def test_weights_are_read(here):
    stored = [1.0, 0.0, 2.5]
    shard(here / "x.tfrecord", [example(image=png(), label=0, w=weight) for weight in stored])
    found = collect(opened(here, model=TAKES_8X6, weight=WeightFeature("w")))
    assert found["weights"].tolist() == stored
    assert found["weights"].dtype == np.float64


def test_weights_may_be_whole_numbers(here):
    shard(here / "x.tfrecord", [example(image=png(), label=0, w=weight) for weight in (1, 3)])
    source = opened(here, model=TAKES_8X6, weight=WeightFeature("w"))
    assert collect(source)["weights"].tolist() == [1.0, 3.0]


def raw_shard(here, pixels=PIXELS) -> None:
    records = [example(image=p.tobytes(), label=n % 2) for n, p in enumerate(pixels)]
    shard(here / "x.tfrecord", records)


RAW_DTYPES = (
    *("uint8", "int8", "uint16", "int16", "int32", "int64"),
    *("float16", "float32", "float64", "bool"),
)


@pytest.mark.parametrize("model", [None, (4, 3), (4, 3, 1), (None, None, None)])
def test_raw_pixels(here, model):
    raw_shard(here)
    found = collect(opened(here, model=ModelInput(model), image=RAW))
    shape = (4, 3) if model == (4, 3) else (4, 3, 1)
    np.testing.assert_array_equal(found["inputs"], np.stack(PIXELS).reshape(-1, *shape))
    assert found["inputs"].dtype == np.float32
    assert found["labels"].tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert len(set(found["check"].tolist())) == 7


@pytest.mark.parametrize("dtype", RAW_DTYPES)
def test_raw_pixels_of_any_dtype(here, dtype):
    pixels = [p.astype(dtype) for p in PIXELS]
    raw_shard(here, pixels)
    found = collect(opened(here, image=ImageFeature("image", "raw", dtype, (4, 3, 1))))
    np.testing.assert_array_equal(found["inputs"], np.stack(pixels).astype(np.float32))


def test_raw_pixels_are_rescaled_and_reshaped(here):
    raw_shard(here)
    images = ImageSpec(rescale=Rescale(Fraction(1, 255), Fraction(-1)), reshape=(12,))
    found = collect(opened(here, model=ModelInput((12,)), image=RAW, images=images))
    wanted = np.stack(PIXELS).astype(np.float32) * np.float32(1 / 255) + np.float32(-1)
    np.testing.assert_array_equal(found["inputs"], wanted.reshape(-1, 12))


@pytest.mark.parametrize("aspect", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("stored", [(4, 3, 1), (4, 3)])
def test_raw_pixels_are_resized_as_images_are(here, aspect, stored):
    raw_shard(here)
    records = [example(image=encoded(p[..., 0]), label=0) for p in PIXELS]
    shard(here / "encoded.rec", records)
    images = ImageSpec((7, 9), "grayscale", aspect=aspect)
    image = ImageFeature("image", "raw", "uint8", stored)
    raw = collect(opened(here, image=image, images=images))
    pictures = collect(opened(here, tfrecord=("encoded.rec",), images=images))
    np.testing.assert_array_equal(raw["inputs"], pictures["inputs"])


def test_raw_integers_reach_a_model_of_integers_unchanged(here):
    big = [np.full((2,), 2**24 + 1 + n, np.int32) for n in range(3)]
    raw_shard(here, big)
    image = ImageFeature("image", "raw", "int32", (2,))
    found = collect(opened(here, model=ModelInput((2,), "int32"), image=image))
    np.testing.assert_array_equal(found["inputs"], np.stack(big))


def test_floats(here):
    rows = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    records = [example(image=[float(x) for x in row], label=n % 2) for n, row in enumerate(rows)]
    shard(here / "x.tfrecord", records)
    source = opened(here, model=ModelInput((5,)), image=FLOAT)
    found = collect(source)
    np.testing.assert_array_equal(found["inputs"], rows)
    assert len(set(found["check"].tolist())) == 6
    assert source.example(3).check == found["check"][3]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [None, "float16", "float32", "float64"])
def test_numbers_that_are_not_finite_are_a_fault_of_their_example(here, dtype, bad):
    rows = [[1.0, 2.0, 3.0], [1.0, bad, 3.0], [4.0, 5.0, 6.0]]
    image = ImageFeature("image", "float", None, (3,))
    if dtype:
        rows = [np.array(row, dtype).tobytes() for row in rows]
        image = ImageFeature("image", "raw", dtype, (3,))
    shard(here / "x.tfrecord", [example(image=row, label=n % 2) for n, row in enumerate(rows)])
    source = opened(here, model=ModelInput((3,)), image=image)
    assert collect(source)["index"].tolist() == [0, 2]
    assert reason(source, 1) == (
        f"feature 'image' holds {bad} as its number 1, expected finite numbers"
    )


def test_the_shape_of_arrays_may_be_the_models(here):
    shard(here / "x.tfrecord", [example(image=[1.0, 2.0, 3.0, 4.0], label=0)])
    source = opened(here, model=ModelInput((2, 2)), image=ImageFeature("image", "float"))
    assert collect(source)["inputs"].tolist() == [[[1, 2], [3, 4]]]


FIRST = "x.tfrecord#0"
OPENING = [
    # the first record, what the policy says of it, and the message
    (example(image=b"abc", label=0), {}, f"{FIRST} holds a string in 'image' that is no encoded "
     "image; say image: {key: image, encoding: raw, dtype: ..., shape: [...]} or encoding: float "
     "in dataset"),
    (example(image=[1.0, 2.0], label=0), {}, f"{FIRST} holds 2 floats in 'image' that are no "
     "encoded image; say image: {key: image, encoding: raw, dtype: ..., shape: [...]} or encoding: "
     "float in dataset"),
    (example(jpeg=png(), label=0), {}, f"{FIRST} has neither 'image/encoded' nor 'image'; say "
     "which feature holds the image: image: {key: jpeg} in dataset"),
    (example(age=0.5, sex=b"f", label=0), {}, f"{FIRST} holds nothing that looks like an image: "
     "'age' (a float), 'label' (an int64), 'sex' (a string); columns of a table are not read from "
     "records: yield batches of them from a fixture confmat_dataset in a conftest.py"),
    (example(x=[0.5] * 13, label=0), {}, f"{FIRST} holds nothing that looks like an image: "
     "'label' (an int64), 'x' (13 floats); if the model takes the numbers in 'x', say image: "
     "{key: x, encoding: float, shape: [13]} in dataset"),
    (example(x=[0.5] * 13, label=0), {"image": ImageFeature("x")}, f"{FIRST} holds 13 floats in "
     "'x', where an encoded image is a string; if the model takes the numbers in 'x', say image: "
     "{key: x, encoding: float, shape: [13]} in dataset"),
    (example(image=png(), y=0), {}, f"{FIRST} has neither 'image/class/label' nor 'label'; say "
     "which feature holds the class, as label: {key: ...} in dataset; it has 'image', 'y'"),
    (example(x=png(), label=0, image__class__label=0), {"image": ImageFeature("x")},
     f"{FIRST} has both 'image/class/label' and 'label'; say which feature holds the class, as "
     "label: {key: ...} in dataset; it has 'image/class/label', 'label', 'x'"),
    (example(image=png(), label=0), {"image": ImageFeature("imagee")},
     f"{FIRST} has no feature 'imagee'; it has 'image', 'label'; did you mean 'image'?"),
    (example(image=png(), label=0), {"label": LabelFeature("y")},
     f"{FIRST} has no feature 'y'; it has 'image', 'label'"),
    (example(image=png(), label=0), {"weight": WeightFeature("w")},
     f"{FIRST} has no feature 'w'; it has 'image', 'label'"),
    (example(image=png(), label=0, w=b"1"), {"weight": WeightFeature("w")},
     f"{FIRST} holds a string in 'w', and a weight is one float"),
    (example(image=[1.0], label=0), {"image": ImageFeature("image")},
     f"{FIRST} holds a float in 'image', where an encoded image is a string; columns of a table "
     "are not read from records: yield batches of them from a fixture confmat_dataset in a "
     "conftest.py"),
    (example(image=png(), label=0), {"image": FLOAT},
     f"{FIRST} holds a string in 'image', and dataset.image says encoding: float; it is a PNG "
     "image: say image: {key: image} in dataset"),
    (example(image=png(), label=[1, 0, 0]), {}, f"{FIRST} holds 3 int64 in 'label'; a label is "
     "one whole number, one class name, or one-hot of the 2 classes"),
    (example(image=png(), label=0.5), {}, f"{FIRST} holds 0.5 in 'label'; a label is one "
     "whole number, one class name, or one-hot of the 2 classes"),
    (example(image=png(), label=b"cat"), {"label": LabelFeature("label", 1)},
     f"{FIRST} holds a string in 'label'; dataset.label.offset is for integer labels"),
    (example(image=png(), label=[1, 0]), {"weight": WeightFeature("label")},
     f"{FIRST} holds 2 int64 in 'label', and a weight is one float"),
    (example(image=png(), label=1), {"weight": WeightFeature("label")},
     f"{FIRST} has one feature for two of image, label and weight: 'image', 'label', "
     "'label'"),
    (png(), {}, f"{FIRST} is no tf.train.Example: it is a PNG image"),
    (b"", {}, f"{FIRST} is no tf.train.Example: it is empty (0 bytes)"),
    (b'{"image": 1}', {}, f"{FIRST} is no tf.train.Example: it starts with b'{{\"image\": 1}}'"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "spec", "message"), OPENING)
def test_records_of_another_layout(here, record, spec, message):
    shard(here / "x.tfrecord", [record] * 3)
    assert refused(here, model=TAKES_8X6, **spec) == message


def test_sequence_examples(here):
    import tensorflow as tf

    feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
    record = tf.train.SequenceExample(
        context=tf.train.Features(feature={"label": feature}),
        feature_lists=tf.train.FeatureLists(
            feature_list={"frames": tf.train.FeatureList(feature=[feature])}
        ),
    )
    shard(here / "x.tfrecord", [record.SerializeToString()])
    assert refused(here, model=TAKES_8X6) == (
        f"{FIRST} is a SequenceExample, with the lists 'frames'; only Examples are read"
    )


def test_a_first_record_at_fault_does_not_hide_the_layout(here):
    records = [b"garbage", example(image=png()), example(image=png(), label=1)]
    shard(here / "x.tfrecord", records)
    source = opened(here, model=TAKES_8X6)
    assert reason(source, 0) == "is no tf.train.Example: it starts with b'garbage'"
    assert reason(source, 1) == "has no feature 'label'; it has 'image'"
    assert source.example(2).labels.tolist() == [1]


PLANNING = [
    (ImageFeature("image", "raw", None, (4, 3, 1)), ModelInput(), ImageSpec(),
     "dataset.image.dtype is not given; encoding: raw needs one of uint8, int8, uint16, int16, "
     "int32, int64, float16, float32, float64, bool"),
    (ImageFeature("image", "raw", "uint7", (4, 3, 1)), ModelInput(), ImageSpec(),
     "dataset.image.dtype is 'uint7'; encoding: raw needs one of uint8, int8, uint16, int16, "
     "int32, int64, float16, float32, float64, bool"),
    (ImageFeature("image", "raw", "uint8"), ModelInput(), ImageSpec(),
     "the shape of raw images is not known; say shape: [...] in dataset.image"),
    (ImageFeature("image", "raw", "float32", (3,)), ModelInput((3,), "int32"), ImageSpec(),
     "the records hold float32 numbers in 'image', and the model takes int32, which does not hold "
     "all of them"),
    (ImageFeature("image", "raw", "int64", (3,)), ModelInput((3,), "int32"), ImageSpec(),
     "the records hold int64 numbers in 'image', and the model takes int32, which does not hold "
     "all of them"),
    (RAW, ModelInput((4, 4, 1)), ImageSpec(), "raw images have shape (4, 3, 1), and the model "
     "takes (4, 4, 1); only axes of length 1 are added or dropped"),
]  # fmt: skip


@pytest.mark.parametrize(("image", "model", "images", "message"), PLANNING)
def test_arrays_that_do_not_fit(here, image, model, images, message):
    raw_shard(here)
    assert refused(here, model=model, image=image, images=images) == message


GOOD = {"image": png(), "label": b"cat", "w": 1.0}
BAD = [
    ({"label": None}, "has no feature 'label'; it has 'image', 'w'"),
    ({"label": 1}, "label 'label' is an int64, expected string"),
    ({"label": [b"cat", b"dog"]}, "label 'label' is 2 strings, expected string"),
    ({"label": b"Cat"}, "label 'Cat' is none of the 2 classes; did you mean 'cat'?"),
    ({"label": b"\xff"}, r"label '\\xff' is none of the 2 classes"),
    ({"image": None}, "has no feature 'image'; it has 'label', 'w'"),
    ({"image": 1.0}, "feature 'image' is a float, expected a string"),
    ({"image": [png(), png()]}, "feature 'image' is 2 strings, expected a string"),
    ({"image": b""}, "feature 'image' is empty (0 bytes)"),
    (
        {"image": b"no image at all"},
        "feature 'image' is no image that can be read: it starts with b'no image at '",
    ),
    (
        {"image": png()[:-30]},
        "feature 'image' cannot be decoded as PNG: it does not end with its IEND chunk, so it "
        "seems cut",
    ),
    (
        {"image": b"version https://git-lfs.github.com/spec/v1"},
        "feature 'image' is a git-LFS pointer; run `git lfs pull`",
    ),
    ({"w": None}, "has no feature 'w'; it has 'image', 'label'"),
    ({"w": 1}, "weight 'w' is an int64, expected a float"),
    ({"w": [1.0, 2.0]}, "weight 'w' is 2 floats, expected a float"),
    ({"w": -0.5}, "weight 'w' is -0.5, expected a finite number from 0 up"),
    ({"w": float("nan")}, "weight 'w' is nan, expected a finite number from 0 up"),
    ({"w": float("inf")}, "weight 'w' is inf, expected a finite number from 0 up"),
]


def altered(**change) -> bytes:
    return example(**{name: v for name, v in (GOOD | change).items() if v is not None})


def test_examples_at_fault_say_why_and_cost_no_other(here):
    good = altered()
    records = [good, *(altered(**change) for change, _ in BAD), good, b"garbage", b"\x0a\xff"]
    shard(here / "x.tfrecord", records)
    source = opened(here, model=TAKES_8X6, weight=WeightFeature("w"))
    came = {int(place) for batch in source.batches(4) for place in batch.index}
    fine = {0, len(BAD) + 1}
    assert came <= fine
    for place, (_, message) in enumerate(BAD, 1):
        assert reason(source, place) == message
    assert reason(source, len(BAD) + 2) == "is no tf.train.Example: it starts with b'garbage'"
    assert reason(source, len(BAD) + 3) == r"is no tf.train.Example: it starts with b'\n\xff'"
    for place in fine:
        assert source.example(place).labels.tolist() == [0]


def test_faults_that_parse_cost_only_themselves(here):
    kept = [("label", b"zebra"), ("label", None), ("w", -1.0), ("w", None), ("image", b"")]
    records = [altered(), *(altered(**{key: value}) for key, value in kept), altered()]
    shard(here / "x.tfrecord", records)
    source = opened(here, model=TAKES_8X6, weight=WeightFeature("w"))
    assert collect(source)["index"].tolist() == [0, 6]


INTEGERS_BAD = [
    ({}, "has no feature 'label'; it has 'image'"),
    ({"label": [0, 1, 1]}, "label 'label' is 3 int64, expected int64"),
    ({"label": 0.0}, "label 'label' is a float, expected int64"),
    ({"label": b"cat"}, "label 'label' is a string, expected int64"),
]


@pytest.mark.parametrize(("label", "message"), INTEGERS_BAD)
def test_labels_that_are_not_one_integer(here, label, message):
    records = [example(image=png(), **value) for value in ({"label": 0}, label, {"label": 1})]
    shard(here / "x.tfrecord", records)
    source = opened(here, model=TAKES_8X6)
    assert 1 not in {int(place) for batch in source.batches(4) for place in batch.index}
    assert reason(source, 1) == message
    assert source.example(2).labels.tolist() == [1]


ONE_HOT_BAD = [
    ([0, 0], "label 'label' is not one-hot: [0, 0]"),
    ([1, 1], "label 'label' is not one-hot: [1, 1]"),
    ([2, 0], "label 'label' is not one-hot: [2, 0]"),
    ([1, 0, 0], "label 'label' is 3 int64, expected one-hot"),
    ([1.0, 0.0], "label 'label' is 2 floats, expected one-hot"),
]


@pytest.mark.parametrize(("label", "message"), ONE_HOT_BAD)
def test_labels_that_are_not_one_hot(here, label, message):
    records = [example(image=png(), label=value) for value in ([1, 0], label, [0, 1])]
    shard(here / "x.tfrecord", records)
    source = opened(here, model=TAKES_8X6)
    assert 1 not in {int(place) for batch in source.batches(4) for place in batch.index}
    assert reason(source, 1) == message


@pytest.mark.parametrize(
    ("image", "good", "bad", "message"),
    [
        (RAW, bytes(12), bytes(11), "feature 'image' holds 11 bytes, expected 12 for uint8 of "
         "shape (4, 3, 1)"),
        (RAW, bytes(12), bytes(24), "feature 'image' holds 24 bytes, expected 12 for uint8 of "
         "shape (4, 3, 1)"),
        (FLOAT, [0.0] * 5, [0.0] * 4, "feature 'image' is 4 floats, expected 5 floats for shape "
         "(5,)"),
        (FLOAT, [0.0] * 5, [0.0] * 6, "feature 'image' is 6 floats, expected 5 floats for shape "
         "(5,)"),
        (FLOAT, [0.0] * 5, b"x", "feature 'image' is a string, expected 5 floats for shape (5,)"),
    ],
)  # fmt: skip
def test_arrays_of_another_size(here, image, good, bad, message):
    records = [example(image=value, label=0) for value in (good, bad, good)]
    shard(here / "x.tfrecord", records)
    source = opened(here, image=image)
    assert 1 not in {int(place) for batch in source.batches(8) for place in batch.index}
    assert reason(source, 1) == message
    assert source.example(2).index.tolist() == [2]


@pytest.mark.parametrize("pack", PACK.values())
def test_a_damaged_record_costs_only_its_shard(here, pack):
    pictures(here, shards=3, size=90)
    path = here / "1.tfrecord"
    content = bytearray(path.read_bytes())
    content[len(content) // 2 + 100] ^= 1
    path.write_bytes(pack(bytes(content)))
    source = opened(here, model=ModelInput((2, 2, 3)))
    came = {int(place) for batch in source.batches(64) for place in batch.index}
    assert came >= {*range(90), *range(180, 270)}
    missing = sorted(set(range(270)) - came)
    reasons = []
    for place in missing:
        try:
            assert source.example(place).labels.tolist() == [place % 2]
        except DataError as error:
            reasons.append((place, str(error)))
    assert [text for _, text in reasons] == ["record is damaged (checksum)"]
    assert 90 <= reasons[0][0] < 180


def test_a_shard_that_goes_away_does_not_stop_the_others(here):
    pictures(here, shards=3, size=4)
    source = opened(here, model=TAKES_8X6)
    (here / "1.tfrecord").unlink()
    # The chunk in which it begins is lost with it, and read one by one.
    came = {int(place) for batch in source.batches(2) for place in batch.index}
    assert came == set(range(8, 12))
    assert [source.example(place).index.tolist() for place in range(4)] == [[0], [1], [2], [3]]
    assert reason(source, 5).startswith("cannot be read any more: its shard has changed")


def test_a_shard_that_grew_after_it_was_counted_keeps_its_places(here):
    pictures(here, shards=2, size=3)
    source = opened(here, model=TAKES_8X6)
    path = here / "0.tfrecord"
    path.write_bytes(path.read_bytes() * 2)
    assert collect(source)["index"].tolist() == list(range(6))


def test_a_shard_without_a_whole_record(here):
    content = bytearray(frame(example(image=png(), label=0)))
    content[40] ^= 1
    tree(here, {"x.tfrecord": bytes(content)})
    assert refused(here, model=TAKES_8X6) == f"{FIRST}: record is damaged (checksum)"


def test_another_number_of_examples_than_expected(here):
    pictures(here)
    assert refused(here, model=TAKES_8X6, expected_examples=13) == (
        "1 example missing: TFRecords *.tfrecord holds 12 examples, and "
        "dataset.expected_examples is 13"
    )


def test_lengths_that_tfds_states_are_held_against_the_shards(here):
    name = "mnist-test.tfrecord-0000{}-of-00002"
    pictures(here, name, shards=2, size=3)
    stated = {"name": "mnist", "splits": [{"name": "test", "shardLengths": ["3", "3"]}]}
    tree(here, {"dataset_info.json": json.dumps(stated).encode()})
    source = opened(here, model=TAKES_8X6, tfrecord=("mnist-*",))
    assert source.notes[0] == "records of 2 shards compared with dataset_info.json"
    stated["splits"][0]["shardLengths"] = ["3", "4"]
    tree(here, {"dataset_info.json": json.dumps(stated).encode()})
    assert refused(here, model=TAKES_8X6, tfrecord=("mnist-*",)) == (
        "the shard mnist-test.tfrecord-00001-of-00002 holds 3 records, and dataset_info.json "
        "beside it states 4; write or fetch it again"
    )


def test_integer_labels_in_another_order_than_the_label_file(here):
    pictures(here)
    tree(here, {"labels.txt": b"dog\ncat\n"})
    assert refused(here, model=TAKES_8X6) == (
        "labels.txt and classes list the same names in different orders\n"
        "  labels.txt: 'dog', 'cat'\n"
        "  classes: 'cat', 'dog'\n"
        "labels are numbers that count the lines of labels.txt: if the model's outputs have that "
        "order, write classes so; if not, write the records again in the order of the model's "
        "outputs"
    )


def test_labels_in_another_order_than_a_label_file_for_an_offset(here):
    shard(here / "x.tfrecord", [example(image=png(), label=1 + n % 2) for n in range(4)])
    label = LabelFeature("label", 1)
    tree(here, {"labels.txt": b"0:background\n1:cat\n2:dog\n"})
    assert collect(opened(here, model=TAKES_8X6, label=label))["labels"].tolist() == [0, 1, 0, 1]
    tree(here, {"labels.txt": b"cat\ndog\n"})
    assert opened(here, model=TAKES_8X6, label=label).notes == ("image inferred: image (encoded)",
        "label read: label (int64)")  # fmt: skip
    tree(here, {"labels.txt": b"0:background\n1:dog\n2:cat\n"})
    assert refused(here, model=TAKES_8X6, label=label).startswith(
        "labels.txt and classes differ in number, 3 and 2\n"
        "  labels.txt: 'background', 'dog', 'cat'\n"
    )


def test_a_label_file_with_other_names(here):
    pictures(here)
    tree(here, {"labels.txt": b"n1\nn2\n"})
    assert opened(here, model=TAKES_8X6).notes[-1] == (
        "labels.txt and classes have no name in common, so they are not compared: 'n1', 'n2', and "
        "in classes 'cat', 'dog'"
    )


def test_a_label_file_for_each_feature(here):
    shard(here / "x.tfrecord", [example(image=png(), label=7, coarse_label=0)])
    tree(here, {"label.labels.txt": b"a\nb\nc", "coarse_label.labels.txt": b"cat\ndog"})
    opened(here, model=TAKES_8X6, label=LabelFeature("coarse_label"))
    assert refused(here, model=TAKES_8X6).startswith("label.labels.txt and classes differ in num")


def features(here, number):
    stated = {
        "image": {"image": {"encodingFormat": "png"}},
        "label": {"classLabel": {"numClasses": str(number)}},
    }
    nested = {"info": {"featuresDict": {"features": stated}}, **stated}
    text = json.dumps({"featuresDict": {"features": nested}})
    tree(here, {"features.json": text.encode()})


@pytest.mark.parametrize("key", ["label", "info/label"])
def test_another_number_of_classes_than_tfds_states(here, key):
    made = {key.replace("/", "__"): 0}
    shard(here / "x.tfrecord", [example(image=png(), **made)])
    label = LabelFeature(key)
    features(here, 3)
    assert refused(here, model=TAKES_8X6, label=label) == (
        f"features.json says that '{key}' has 3 classes, and classes names 2; name them all, in "
        "the order of the numbers"
    )
    opened(here, model=TAKES_8X6, label=LabelFeature(key, -1))
    features(here, 2)
    opened(here, model=TAKES_8X6, label=label)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"featuresDict": 3}'])
def test_features_that_are_not_understood_state_nothing(here, content):
    pictures(here)
    tree(here, {"features.json": content})
    opened(here, model=TAKES_8X6)


@pytest.mark.parametrize(
    ("label", "remark"),
    [
        (b"/data/test/cat/001.jpg", "looks like a path that holds the class 'cat'"),
        (b"test/dog/cat/001.jpg", "looks like a path that holds the class 'cat'"),
        (b"C:\\data\\dog\\1.png", "looks like a path that holds the class 'dog'"),
        (b"cat/1", "looks like a path that holds the class 'cat'"),
        (b"dog.jpg", "looks like a path that holds the class 'dog'"),
        (b"test/birds/1.jpg", "looks like a path, and holds none of the 2 classes"),
        (b"/birds", "looks like a path, and holds none of the 2 classes"),
    ],
)
def test_a_label_that_is_a_path(here, label, remark):
    shard(here / "x.tfrecord", [example(image=png(), label=name) for name in (b"cat", label)])
    source = opened(here, model=TAKES_8X6)
    assert reason(source, 1) == (
        f"label {label.decode()!r} {remark}; a label is the name of a class alone, so write the "
        "records with that"
    )


@pytest.mark.parametrize("label", [b"T-Shirt/top", b"/", b"", b"v1.25", b"dogs"])
def test_a_label_that_is_no_path(here, label):
    classes = ("T-shirt/top", "dog")
    shard(here / "x.tfrecord", [example(image=png(), label=name) for name in (b"dog", label)])
    told = reason(opened(here, classes, TAKES_8X6), 1)
    assert told.startswith(f"label {label.decode()!r} is none of the 2 classes")


def test_class_name_labels_in_another_order_than_the_label_file(here):
    shard(here / "x.tfrecord", [example(image=png(), label=b"dog")])
    tree(here, {"labels.txt": b"dog\ncat\n"})
    assert collect(opened(here, model=TAKES_8X6))["labels"].tolist() == [1]


def test_missing_shards_are_found_before_anything_is_read(here):
    shard(here / "x-00000-of-00002", [b"not even an example"])
    assert refused(here, tfrecord=("x-*",)).startswith("1 of 2 shards is missing")


@pytest.mark.parametrize("seed", range(4))
def test_nothing_but_our_error_comes_out_of_any_record(here, seed):
    random = np.random.default_rng(seed)
    whole = example(image=png(), label=[1, 0], w=1.0)
    records = [whole]
    for _ in range(80):
        record = bytearray(whole)
        for place in random.integers(0, len(record), random.integers(1, 4)):
            # Mostly the structure, which stands at both ends; sometimes the image between.
            record[place if random.random() < 0.3 else -1 - place % 40] = random.integers(256)
        records.append(bytes(record[: random.integers(1, len(record) + 1)]))
    shard(here / "x.tfrecord", records)
    source = opened(here, model=TAKES_8X6, weight=WeightFeature("w"))
    came = {int(place) for batch in source.batches(16) for place in batch.index}
    for place in range(len(records)):
        try:
            assert source.example(place).index.tolist() == [place]
        except DataError:
            assert place not in came
