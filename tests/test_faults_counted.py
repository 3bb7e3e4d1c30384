"""Files and records at fault: errors, or counted as misclassified; and those that decode oddly."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as sk

from pytest_confmat.data import open_source
from pytest_confmat.errors import DataError
from pytest_confmat.models import wrap
from pytest_confmat.spec import (
    Argmax,
    DirectorySpec,
    ImageFeature,
    ImageSpec,
    LabelFeature,
    ModelInput,
    TFRecordSpec,
    WeightFeature,
)
from pytest_confmat.streaming import evaluate
from tests.support.images import MARKED, png_of
from tests.support.makers import cats_and_dogs, encoded, example, noise, png, shard, tree
from tests.support.refusals import refusal

CLASSES = ("cat", "dog")
SIZED = ImageSpec((8, 6), "rgb")


def by_brightness(images):
    """A model that says cat of what is dark."""
    bright = np.asarray(images).mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - bright, bright], axis=1)


def run(spec, classes=CLASSES, model=by_brightness, **options):
    predictor = wrap(model, classes, Argmax())
    source = open_source(spec, classes, ModelInput((8, 6, 3)))
    care = {"on_fault": spec.on_fault, "max_faults": spec.max_faults}
    return evaluate(source, predictor, classes, **{**care, **options})


def refused(spec, **options) -> str:
    return refusal(DataError, run, spec, **options)


def directory(root, **keys) -> DirectorySpec:
    return DirectorySpec(root, images=SIZED, **keys)


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """Eight files, three of which cannot be used."""
    monkeypatch.chdir(tmp_path)
    root = cats_and_dogs(tmp_path / "set", 4, 4)
    tree(root, {"cat/0001.png": b"", "dog/0000.png": b"no image at all"})
    (root / "dog/0002.png").unlink()
    (root / "dog/0002.png").symlink_to("0009.png")
    return root


def test_faults_are_an_error_unless_they_count(faulty):
    told = refused(directory(faulty))
    assert told.splitlines() == [
        "3 of 8 examples cannot be used: fix them, or take them out of the set (directory set)",
        "  cat/0001.png   is empty (0 bytes)",
        "  dog/0000.png   is no image that can be read: it starts with b'no image at '",
        "  dog/0002.png   is a link to '0009.png', which leads nowhere",
    ]


def test_faults_count_as_wrong_predictions_of_their_class(faulty):
    found = run(directory(faulty, on_fault="misclassified"))
    assert found.matrix.support.tolist() == [4, 4]
    assert found.matrix.unpredicted.tolist() == [1, 2]
    assert len(found) == 8
    assert [(fault.id, fault.actual) for fault in found.faults] == [
        ("cat/0001.png", "cat"),
        ("dog/0000.png", "dog"),
        ("dog/0002.png", "dog"),
    ]
    assert found.notes[-1] == (
        "3 examples at fault counted as misclassified: cat/0001.png is empty (0 bytes), "
        "dog/0000.png is no image that can be read: it starts with b'no image at ', dog/0002.png "
        "is a link to '0009.png', which leads nowhere"
    )
    (part,) = found.parts
    at = [1, 4, 6]
    assert part.predicted[at].tolist() == [-1] * 3
    assert np.isnan(part.score[at]).all()
    assert part.rank[at].tolist() == [2] * 3
    assert (part.predicted == -1).sum() == 3
    # What can be read has its word also where it is no image: its digest must notice a change.
    assert part.check[4] != 0
    assert part.check[6] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        true, predicted = part.true, np.where(part.predicted < 0, 2, part.predicted)
        theirs = sk.recall_score(true, predicted, labels=[0, 1], average=None)
    assert (found.matrix.correct / found.matrix.support).tolist() == theirs.tolist()


def test_an_example_at_fault_costs_its_neighbors_nothing(faulty):
    whole = run(directory(cats_and_dogs(faulty.parent / "whole", 4, 4))).parts[0]
    some = run(directory(faulty, on_fault="misclassified")).parts[0]
    for name in ("true", "predicted", "score", "rank", "check"):
        fine = some.predicted >= 0
        assert getattr(some, name)[fine].tolist() == getattr(whole, name)[fine].tolist()


def test_many_faults_end_the_pass_early_also_where_they_count(tmp_path):
    root = cats_and_dogs(tmp_path, 6, 6)
    tree(root, {f"cat/{n:04}.png": b"" for n in range(4)})
    for on_fault in ("error", "misclassified"):
        told = refused(directory(root, on_fault=on_fault, max_faults=3))
        assert told.startswith("more than 3 of 12 examples cannot be used: ")
        assert told.endswith("  and more: stopped after 3 faults")
    assert run(directory(root, on_fault="misclassified", max_faults=4)).matrix.total == 12


def test_nothing_but_faults_is_an_error(tmp_path):
    root = tree(tmp_path, {"cat/0.png": b"", "dog/0.png": b""})
    assert refused(directory(root, on_fault="misclassified")).endswith(
        "  on_fault: misclassified needs an example that can be used, and there is none"
    )


def test_a_score_that_is_nan_counts_too(tmp_path):
    root = tree(cats_and_dogs(tmp_path), {"dog/0001.png": encoded(np.zeros((9, 9, 3), np.uint8))})

    def odd(images):
        scores = by_brightness(images)
        scores[np.asarray(images).max(axis=(1, 2, 3)) == 0] = np.nan
        return scores

    told = refused(directory(root), model=odd)
    assert "  dog/0001.png   has a score from the model that is NaN or infinite" in told
    found = run(directory(root, on_fault="misclassified"), model=odd)
    assert found.matrix.unpredicted.tolist() == [0, 1]
    assert found.parts[0].check.all()


@pytest.mark.parametrize("k", [2, 127, 128, 129, 256])
def test_the_rank_of_what_was_not_predicted_fits_any_number_of_classes(tmp_path, k):
    names = tuple(f"{n:03}" for n in range(k))
    tree(tmp_path, {f"{name}/0.png": png(shape=(2, 2, 3)) for name in names})
    tree(tmp_path, {f"{names[-1]}/1.png": b""})

    def first(images):
        return np.eye(k)[np.zeros(len(images), int)]

    found = run(directory(tmp_path, on_fault="misclassified"), names, first)
    part = found.parts[0]
    assert (part.true[-1], part.predicted[-1], part.rank[-1]) == (k - 1, -1, k)
    assert found.matrix.unpredicted.tolist() == [0] * (k - 1) + [1]
    assert found.rank_counts.sum() == k


def records(tmp_path, *made, **keys) -> TFRecordSpec:
    path = shard(tmp_path / "test.tfrecord", made)
    keys = {"image": ImageFeature("image"), "label": LabelFeature("label"), **keys}
    return TFRecordSpec((str(path),), images=SIZED, **keys)


def test_records_count_where_their_label_can_be_read(tmp_path):
    good = [example(image=png(n), label=n % 2) for n in range(4)]
    bad = example(image=b"broken", label=1)
    spec = records(tmp_path, *good, bad, on_fault="misclassified")
    found = run(spec)
    assert found.matrix.unpredicted.tolist() == [0, 1]
    assert found.faults[0].id == "test.tfrecord#4"
    assert found.faults[0].reason == (
        "feature 'image' is no image that can be read: it starts with b'broken'"
    )
    assert found.parts[0].check[4] != 0


@pytest.mark.parametrize(
    "bad",
    [
        example(image=png(), label=2),
        example(image=png(), label=-1),
        example(image=b"broken", label=7),
        example(image=png()),
        example(image=png(), label=b"cat"),
        example(image=png(), label=[0, 1]),
        b"garbage",
        b"",
    ],
    # Bytes make poor names: those of a record differ from process to process.
    ids=["too high", "negative", "broken too", "none", "text", "two", "garbage", "empty"],
)
def test_a_fault_of_an_unknown_class_is_an_error_all_the_same(tmp_path, bad):
    good = [example(image=png(n), label=n % 2) for n in range(4)]
    broken = example(image=b"broken", label=1)
    told = refused(records(tmp_path, *good, broken, bad, on_fault="misclassified")).splitlines()
    assert told[0].startswith("2 of 6 examples cannot be used: ")
    # The one that keeps the others from being counted stands first.
    assert told[1].startswith("  test.tfrecord#5 ")
    assert told[2].startswith("  test.tfrecord#4 ")
    assert told[3] == (
        "  on_fault: misclassified cannot count them all: the class of one is not known"
    )


@pytest.mark.parametrize("kind", ["string", "one-hot"])
def test_labels_of_other_kinds_are_read_too(tmp_path, kind):
    of = {"string": [b"cat", b"dog"], "one-hot": [[1, 0], [0, 1]]}[kind]
    good = [example(image=png(n), label=of[n % 2]) for n in range(4)]
    spec = records(tmp_path, *good, example(image=b"x", label=of[1]), on_fault="misclassified")
    assert run(spec).matrix.unpredicted.tolist() == [0, 1]


def test_weights_of_what_counts_as_wrong(tmp_path):
    good = [example(image=png(n), label=n % 2, w=1.5) for n in range(4)]
    keys = {"weight": WeightFeature("w"), "on_fault": "misclassified"}
    found = run(records(tmp_path, *good, example(image=b"x", label=1, w=0.25), **keys))
    assert found.sample_unpredicted.tolist() == [0, 0.25]
    assert found.sample_weighted.values.sum() == 6
    told = refused(records(tmp_path, *good, example(image=b"x", label=1), **keys))
    assert told.endswith("the class or weight of one is not known")


def test_images_beyond_max_pixels_are_not_decoded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tree(cats_and_dogs(tmp_path / "set"), {"cat/0001.png": png_of(40_000, 30_000)})
    assert "  cat/0001.png   is 40,000 x 30,000 pixels, more than max_pixels 178,956,970" in (
        refused(directory(root))
    )
    # These would decode.
    small = DirectorySpec(
        cats_and_dogs(tmp_path / "small"), images=replace(SIZED, max_pixels=13 * 9)
    )
    assert run(small).matrix.total == 5
    small = replace(small, images=replace(SIZED, max_pixels=13 * 9 - 1))
    assert refused(small).count("is 9 x 13 pixels, more than max_pixels 116") == 5
    spec = records(tmp_path, *(example(image=png(n), label=n % 2) for n in range(4)))
    spec = replace(spec, images=replace(SIZED, max_pixels=100))
    assert "test.tfrecord#0   feature 'image' is 9 x 13 pixels, more than" in refused(spec)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_no_format_goes_around_max_pixels(tmp_path, form):
    root = tree(cats_and_dogs(tmp_path), {"cat/0001.png": encoded(noise(20, 30, 3), form)})
    spec = DirectorySpec(root, images=replace(SIZED, max_pixels=599))
    # The image as such would decode: only its size keeps its chunk from coming.
    assert list(open_source(spec, CLASSES, ModelInput((8, 6, 3))).batches(4)) == []
    assert "  cat/0001.png   is 30 x 20 pixels, more than max_pixels 599" in refused(spec)
    assert run(replace(spec, images=replace(SIZED, max_pixels=600))).matrix.total == 5


def test_what_decodes_oddly_is_counted_in_notes(tmp_path):
    turned = MARKED["a rotated JPEG, big end first"][0]
    files = {f"cat/{n:02}.jpg": turned for n in range(5)}
    files |= {"dog/a.png": MARKED["alpha in PNG"][0], "dog/b.gif": MARKED["an animated GIF"][0]}
    files |= {"dog/c.png": MARKED["16 bits"][0], "dog/d.jpg": MARKED["CMYK"][0]}
    found = run(directory(tree(tmp_path, files)))
    assert found.notes == (
        "5 files carry an EXIF rotation that TensorFlow ignores: cat/00.jpg, cat/01.jpg, "
        "cat/02.jpg and 2 more",
        "1 file has 16 bits a channel, of which the upper 8 are read: dog/c.png",
        "1 file has transparency, which is dropped: dog/a.png",
        "1 file is a CMYK image, which TensorFlow converts without its color profile: dog/d.jpg",
        "1 file is animated, and its first frame is read: dog/b.gif",
    )


def test_records_that_decode_oddly_are_counted_too(tmp_path):
    turned = MARKED["a rotated PNG"][0]
    images = [png(0), turned, png(1), turned]
    made = [example(image=image, label=n % 2) for n, image in enumerate(images)]
    found = run(records(tmp_path, *made))
    assert found.notes[-1] == (
        "2 records carry an EXIF rotation that TensorFlow ignores: test.tfrecord#1, test.tfrecord#3"
    )


def test_transparency_that_has_a_channel_is_not_dropped(tmp_path):
    content = encoded(np.asarray(Image.new("RGBA", (6, 8))))
    root = tree(tmp_path, {"cat/0.png": content, "dog/0.png": content})
    spec = DirectorySpec(root, images=ImageSpec((8, 6), "rgba"))
    predictor = wrap(lambda images: by_brightness(images[..., :3]), CLASSES, Argmax())
    source = open_source(spec, CLASSES, ModelInput((8, 6, 4)))
    assert evaluate(source, predictor, CLASSES).notes == ()
