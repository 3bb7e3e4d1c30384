"""Records that are no examples, or whose features are not what they should be."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from tests.faults.images import LFS
from tests.faults.project import Project, picture, record
from tests.faults.table import Fault, Make, Section
from tests.support import jpegs
from tests.support.images import MARKED, png_of
from tests.support.makers import encoded, example, noise

CLASSES = "classes: [cat, dog]\n"
FROM = "tfrecord: test.tfrecord\n"


def with_last(*made: Callable[[], bytes]) -> Make:
    """Return what writes records of which the last are `made`, after four good ones."""
    return lambda project: _write(project, [*(record(n) for n in range(4)), *(m() for m in made)])


def all_as(make: Callable[[int], bytes], dataset: str = "") -> Make:
    """Return what writes six records, each as `make` makes it."""

    def write(project: Project) -> None:
        project.policy(FROM + dataset, CLASSES)
        _write(project, [make(n) for n in range(6)])

    return write


def _write(project: Project, records: list[bytes]) -> None:
    project.examples = 0
    project.records(*records)


def last(**features: Any) -> Make:
    """Return what writes five records of which the last has other features."""
    return with_last(lambda: record(4, **features))


def sequence() -> bytes:
    import tensorflow as tf

    made = tf.train.SequenceExample()
    made.feature_lists.feature_list["frames"].feature.add().int64_list.value.append(1)
    return made.SerializeToString()


def raw(n: int, **features: Any) -> bytes:
    pixels = noise(8, 8, 3).tobytes()
    return record(n, **{"image": pixels, **features})


def sized(n: int, **sizes: int | None) -> bytes:
    return raw(n, **sizes)


def tensor(height: int = 8) -> bytes:
    import tensorflow as tf

    serialized: bytes = tf.io.serialize_tensor(noise(height, 8, 3)).numpy()
    return serialized


SIZED = (
    "image: {key: image, encoding: raw, dtype: uint8, shape: {height: height, width: width, "
    "channels: depth}}\n"
)


def floats(n: int, **features: Any) -> bytes:
    return record(n, **{"image": [0.5] * 192, **features})


RAW = "image: {key: image, encoding: raw, dtype: uint8, shape: [8, 8, 3]}\n"
FLOAT = "image: {key: image, encoding: float, shape: [8, 8, 3]}\n"
WEIGHT = "weight: {key: w}\n"


def but_last(make: Callable[..., bytes], dataset: str, **features: Any) -> Make:
    """Return what writes six records, of which the last has other features."""
    return all_as(lambda n: make(n, **(features if n == 5 else {})), dataset)


def weighted(n: int, **features: Any) -> bytes:
    return record(n, **{"w": 1.5, **features})


def two_labels(n: int) -> bytes:
    return example(img=picture(n), image__class__label=n % 2, label=n % 2)


def misclassified(*made: Callable[[], bytes]) -> Make:
    def make(project: Project) -> None:
        project.policy(FROM + "on_fault: misclassified", CLASSES)
        with_last(*made)(project)

    return make


SECTION = Section(
    "Records",
    "A shard whose bytes are whole. Where one record is at fault, it is the last.",
    Project.shards,
    [
        Fault(
            "a record that is no Example",
            with_last(lambda: b"\x0agarbage"),
            "test.tfrecord#4 is no tf.train.Example: it starts with b'\\ngarbage'",
            faulty=1,
        ),
        Fault(
            "an empty record",
            with_last(lambda: b""),
            "test.tfrecord#4 is no tf.train.Example: it is empty (0 bytes)",
            faulty=1,
        ),
        Fault(
            "an image in place of a record",
            with_last(picture),
            "test.tfrecord#4 is no tf.train.Example: it is a PNG image",
            faulty=1,
        ),
        Fault(
            "a SequenceExample",
            with_last(sequence),
            "test.tfrecord#4 is a SequenceExample, with the lists 'frames'; only Examples are read",
            faulty=1,
        ),
        Fault(
            "nothing but SequenceExamples",
            all_as(lambda _: sequence()),
            "test.tfrecord#0 is a SequenceExample, with the lists 'frames'; only Examples are read",
        ),
        Fault(
            "nothing but text",
            all_as(lambda n: b"id,label %d" % n),
            "test.tfrecord#0 is no tf.train.Example: it starts with b'id,label 0'",
        ),
        Fault(
            "no image",
            last(image=None),
            "test.tfrecord#4 has no feature 'image'; it has 'label'",
            faulty=1,
        ),
        Fault(
            "an image that is a number",
            last(image=3),
            "test.tfrecord#4 feature 'image' is an int64, expected a string",
            faulty=1,
        ),
        Fault(
            "two images",
            last(image=[picture(), picture()]),
            "test.tfrecord#4 feature 'image' is 2 strings, expected a string",
            faulty=1,
        ),
        Fault(
            "an image that is empty",
            last(image=b""),
            "test.tfrecord#4 feature 'image' is empty (0 bytes)",
            faulty=1,
        ),
        Fault(
            "an image that is no image",
            last(image=b"nothing"),
            "test.tfrecord#4 feature 'image' is no image that can be read: it "
            "starts with b'nothing'",
            faulty=1,
        ),
        Fault(
            "a JPEG that is cut, and ends properly",
            last(image=jpegs.cut_short()),
            "test.tfrecord#4 feature 'image' is a damaged JPEG, and TensorFlow makes up some of "
            "its pixels: Corrupt JPEG data: premature end of data segment",
            faulty=1,
        ),
        Fault(
            "a JPEG with extraneous bytes",
            last(image=jpegs.filled_up()),
            "1 record holds extraneous bytes in its JPEG data, which TensorFlow skips: "
            "test.tfrecord#4",
            "noted",
        ),
        Fault(
            "an image that is cut",
            last(image=encoded(noise(40, 40, 3), "JPEG")[:500]),
            "test.tfrecord#4 feature 'image' cannot be decoded as JPEG: it does "
            "not end with its end-of-image marker, so it seems cut",
            faulty=1,
        ),
        Fault(
            "an image that is a git-LFS pointer",
            last(image=LFS),
            "test.tfrecord#4 feature 'image' is a git-LFS pointer; run `git lfs pull`",
            faulty=1,
        ),
        Fault(
            "an image of too many pixels",
            last(image=png_of(40_000, 30_000)),
            "test.tfrecord#4 feature 'image' is 40,000 x 30,000 pixels, more than "
            "max_pixels 178,956,970",
            faulty=1,
        ),
        Fault(
            "a feature that the policy names and no record has",
            all_as(record, "image: {key: images}"),
            "test.tfrecord#0 has no feature 'images'; it has 'image', 'label'; did "
            "you mean 'image'?",
        ),
        Fault(
            "images under a key that is not known",
            all_as(lambda n: example(img=picture(n), label=0)),
            "test.tfrecord#0 has neither 'image/encoded' nor 'image'; say which "
            "feature holds the image: image: {key: img} in dataset",
        ),
        Fault(
            "images in a form of their own under a key that is not known",
            all_as(lambda n: example(img=b64encode(picture(n)), label=0)),
            "test.tfrecord#0 has neither 'image/encoded' nor 'image', but a string in 'img'; it is "
            "a PNG image in base64: say image: {key: img, encoding: base64} in dataset",
        ),
        Fault(
            "a table in place of images",
            all_as(lambda n: example(age=0.5, income=1.0, label=n % 2)),
            "test.tfrecord#0 holds nothing that looks like an image: 'age' (a float), 'income' (a "
            "float), 'label' (an int64); columns of a table are not read from records: yield "
            "batches of them from a fixture confmat_dataset in a conftest.py",
        ),
        Fault(
            "a row of numbers under the key of `image`, without an `encoding`",
            all_as(lambda n: example(x=[0.5] * 192, label=n % 2), "image: {key: x}"),
            "test.tfrecord#0 holds 192 floats in 'x', where an encoded image is a string; if the "
            "model takes the numbers in 'x', say image: {key: x, encoding: float, shape: [192]} "
            "in dataset",
        ),
        Fault(
            "no label in any record",
            all_as(lambda n: example(image=picture(n))),
            "test.tfrecord#0 has neither 'image/class/label' nor 'label'; say "
            "which feature holds the class, as label: {key: ...} in dataset; it "
            "has 'image'",
        ),
        Fault(
            "a label that is no whole number",
            all_as(lambda n: record(n, label=0.5 if n == 5 else float(n % 2))),
            "test.tfrecord#5 label 'label' is 0.5, expected a whole number",
            faulty=1,
        ),
        Fault(
            "a label that is text among numbers written as text",
            all_as(lambda n: record(n, label=b"dog" if n == 5 else b"%d" % (n % 2))),
            "test.tfrecord#5 label 'dog' is no whole number in digits",
            faulty=1,
        ),
        Fault(
            "a row of bytes that is not one-hot",
            all_as(lambda n: record(n, label=b"\1\1" if n == 5 else b"\0\1")),
            "test.tfrecord#5 label 'label' is not one-hot: [1, 1]",
            faulty=1,
        ),
        Fault(
            "two labels of which either could be meant",
            all_as(two_labels, "image: {key: img}"),
            "test.tfrecord#0 has both 'image/class/label' and 'label'; say which "
            "feature holds the class, as label: {key: ...} in dataset; it has "
            "'image/class/label', 'img', 'label'",
        ),
        Fault(
            "pixels that are not encoded, and nothing says so",
            all_as(raw),
            "test.tfrecord#0 holds a string in 'image' that is no encoded image; 192 bytes are 8 "
            "x 8 x 3: say image: {key: image, encoding: raw, dtype: uint8, shape: [8, 8, 3]} in "
            "dataset",
        ),
        Fault(
            "pixels that are not encoded, under a key that the policy names",
            all_as(raw, "image: {key: image}"),
            "test.tfrecord#0 holds a string in 'image' that is no image as encoding: encoded says; "
            "192 bytes are 8 x 8 x 3: say image: {key: image, encoding: raw, dtype: uint8, shape: "
            "[8, 8, 3]} in dataset",
        ),
        Fault(
            "raw pixels whose size stands in features of its own",
            all_as(lambda n: sized(n, height=8, width=8, depth=3)),
            "test.tfrecord#0 holds a string in 'image' that is no encoded image; 192 bytes are "
            "'height' x 'width' x 'depth': say image: {key: image, encoding: raw, dtype: uint8, "
            "shape: {height: height, width: width, channels: depth}} in dataset",
        ),
        Fault(
            "a record of another size than the first",
            all_as(lambda n: sized(n, height=4 if n == 5 else 8, width=8, depth=3), SIZED),
            "test.tfrecord#5 is of shape (4, 8, 3) by 'height', 'width', 'depth', expected "
            "(8, 8, 3)",
            faulty=1,
        ),
        Fault(
            "a record without its size",
            all_as(lambda n: sized(n, height=None if n == 5 else 8, width=8, depth=3), SIZED),
            "test.tfrecord#5 has no feature 'height'; it has 'depth', 'image', 'label', 'width'",
            faulty=1,
        ),
        Fault(
            "serialized tensors, and nothing says so",
            all_as(lambda n: record(n, image=tensor())),
            "test.tfrecord#0 holds a string in 'image' that is no encoded image; it is a "
            "serialized tensor, uint8 of 8 x 8 x 3: say image: {key: image, encoding: tensor} in "
            "dataset",
        ),
        Fault(
            "a tensor of another shape than the first",
            all_as(
                lambda n: record(n, image=tensor(4 if n == 5 else 8)),
                "image: {key: image, encoding: tensor}",
            ),
            "test.tfrecord#5 feature 'image' is a tensor of uint8 and shape (4, 8, 3), expected "
            "uint8 and (8, 8, 3)",
            faulty=1,
        ),
        Fault(
            "images in base64, and nothing says so",
            all_as(lambda n: record(n, image=b64encode(picture(n)))),
            "test.tfrecord#0 holds a string in 'image' that is no encoded image; it is a PNG image "
            "in base64: say image: {key: image, encoding: base64} in dataset",
        ),
        Fault(
            "a text that is no base64",
            all_as(
                lambda n: record(n, image=b"!" if n == 5 else b64encode(picture(n))),
                "image: {key: image, encoding: base64}",
            ),
            "test.tfrecord#5 feature 'image' is no base64",
            faulty=1,
        ),
        Fault(
            "lists of int64 where the policy says nothing",
            all_as(lambda n: record(n, image=[1] * 192)),
            "test.tfrecord#0 holds 192 int64 in 'image' that are no encoded image; 192 numbers are "
            "8 x 8 x 3: say image: {key: image, encoding: int64, shape: [8, 8, 3]} in dataset",
        ),
        Fault(
            "too few int64",
            but_last(
                lambda n, image=None: record(n, image=image or [1] * 192),
                "image: {key: image, encoding: int64, shape: [8, 8, 3]}",
                image=[1] * 191,
            ),
            "test.tfrecord#5 feature 'image' is 191 int64, expected 192 int64 for shape (8, 8, 3)",
            faulty=1,
        ),
        Fault(
            "floats where the policy says raw bytes",
            all_as(floats, RAW),
            "test.tfrecord#0 holds 192 floats in 'image', and dataset.image says encoding: raw",
        ),
        Fault(
            "raw bytes of a wrong length",
            but_last(raw, RAW, image=b"123"),
            "test.tfrecord#5 feature 'image' holds 3 bytes, expected 192 for uint8 "
            "of shape (8, 8, 3)",
            faulty=1,
        ),
        Fault(
            "raw bytes of another dtype than the policy says",
            all_as(raw, RAW.replace("uint8", "float32")),
            "test.tfrecord#0 feature 'image' holds 192 bytes, expected 768 for "
            "float32 of shape (8, 8, 3)",
            faulty=6,
        ),
        Fault(
            "too few floats",
            but_last(floats, FLOAT, image=[0.5] * 191),
            "test.tfrecord#5 feature 'image' is 191 floats, expected 192 floats "
            "for shape (8, 8, 3)",
            faulty=1,
        ),
        Fault(
            "a float that is NaN",
            but_last(floats, FLOAT, image=[math.nan] * 192),
            "test.tfrecord#5 feature 'image' holds nan as its number 0, expected finite numbers",
            faulty=1,
        ),
        Fault(
            "no weight",
            but_last(weighted, WEIGHT, w=None),
            "test.tfrecord#5 has no feature 'w'; it has 'image', 'label'",
            faulty=1,
        ),
        Fault(
            "a weight that is NaN",
            but_last(weighted, WEIGHT, w=math.nan),
            "test.tfrecord#5 weight 'w' is nan, expected a finite number from 0 up",
            faulty=1,
        ),
        Fault(
            "a weight that is infinite",
            but_last(weighted, WEIGHT, w=math.inf),
            "test.tfrecord#5 weight 'w' is inf, expected a finite number from 0 up",
            faulty=1,
        ),
        Fault(
            "a weight below zero",
            but_last(weighted, WEIGHT, w=-0.5),
            "test.tfrecord#5 weight 'w' is -0.5, expected a finite number from 0 up",
            faulty=1,
        ),
        Fault(
            "a weight that is text",
            but_last(weighted, WEIGHT, w=b"1"),
            "test.tfrecord#5 weight 'w' is a string, expected a float",
            faulty=1,
        ),
        Fault(
            "weights of another kind in all records",
            all_as(lambda n: weighted(n, w=[1.0, 2.0]), WEIGHT),
            "test.tfrecord#0 holds 2 floats in 'w', and a weight is one float",
        ),
        Fault(
            "one feature for image and label",
            all_as(record, "label: {key: image}"),
            "test.tfrecord#0 has one feature for two of image, label and weight: 'image', 'image'",
        ),
        Fault(
            "a broken image, counted as misclassified",
            misclassified(lambda: record(4, image=b"broken")),
            "1 example at fault counted as misclassified: test.tfrecord#4 feature "
            "'image' is no image that can be read: it starts with b'broken'",
            "noted",
        ),
        Fault(
            "a record without a class, to be counted as misclassified",
            misclassified(lambda: record(4, image=b"broken"), lambda: record(5, label=None)),
            "test.tfrecord#5 has no feature 'label'; it has 'image'\n"
            "test.tfrecord#4 feature 'image' is no image that can be read: it "
            "starts with b'broken'\n"
            "on_fault: misclassified cannot count them all: the class of one is "
            "not known",
            faulty=2,
        ),
        Fault(
            "records with an EXIF rotation",
            all_as(lambda n: record(n, image=MARKED["a rotated PNG"][0])),
            "6 records carry an EXIF rotation that TensorFlow ignores: "
            "test.tfrecord#0, test.tfrecord#1, test.tfrecord#2 and 3 more",
            "noted",
        ),
    ],
)
