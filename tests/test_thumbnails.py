"""Pictures of examples: the right ones, in the right place, as stored and as the model saw them."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_confmat.data import open_source
from pytest_confmat.job import Job
from pytest_confmat.spec import (
    Argmax,
    DirectorySpec,
    ImageFeature,
    ImageSpec,
    ModelInput,
    Rescale,
    TFRecordSpec,
)
from pytest_confmat.sprites import Thumbnail, Thumbnails
from pytest_confmat.thumbnails import SIDE, thumbnails
from tests.support.makers import encoded, example, shard, tree

CLASSES = ("cat", "dog")
rects = st.none() | st.tuples(*4 * [st.integers(0, 500)])


@given(
    st.lists(st.binary(max_size=30), max_size=3),
    st.lists(st.builds(Thumbnail, st.integers(0, 99), st.integers(0, 3), rects, rects), max_size=5),
    st.lists(st.text(), max_size=2),
)
def test_bytes_give_them_back(sheets, shown, notes):
    made = Thumbnails(tuple(sheets), "image/png", tuple(shown), tuple(notes))
    assert Thumbnails.from_bytes(made.to_bytes()) == made


def image(seed: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="module")
def model():
    inputs = tf.keras.Input((16, 12, 3))
    flat = tf.keras.layers.Flatten()(inputs)
    return tf.keras.Model(inputs, tf.keras.layers.Dense(2, "softmax")(flat))


def pieces(made: Thumbnails, thumbnail: Thumbnail) -> tuple[np.ndarray, np.ndarray]:
    """Cut the two pictures of an example out of their sheet."""
    sheet = np.asarray(Image.open(io.BytesIO(made.sheets[thumbnail.sheet])).convert("RGB"))
    (x, y, w, h), (x2, y2, w2, h2) = thumbnail.seen, thumbnail.original
    return sheet[y : y + h, x : x + w], sheet[y2 : y2 + h2, x2 : x2 + w2]


def test_small_pictures_are_exact_and_enlarged_by_whole_dots(tmp_path, model):
    stored = {f"{name}/{n}.png": image(n + 10 * at, 16, 12) for at, name in enumerate(CLASSES)
              for n in range(3)}  # fmt: skip
    tree(tmp_path, {name: encoded(pixels) for name, pixels in stored.items()})
    spec = DirectorySpec(tmp_path, images=ImageSpec(rescale=Rescale(Fraction(1, 255))))
    made = thumbnails(Job(model, spec, CLASSES, Argmax()), [4, 0])
    assert made.mime == "image/png"
    assert [each.place for each in made.shown] == [4, 0]
    for each, name in zip(made.shown, ("dog/1.png", "cat/0.png"), strict=True):
        for picture in pieces(made, each):
            assert picture.shape == (48, 36, 3)
            assert np.array_equal(picture[::3, ::3], stored[name])


def test_large_pictures_fit_and_keep_their_aspect(tmp_path, model):
    pixels = np.full((300, 200, 3), (200, 30, 90), np.uint8)
    tree(tmp_path, {"cat/0.jpg": encoded(pixels, "JPEG"), "dog/0.png": encoded(image(1, 40, 300))})
    made = thumbnails(Job(model, DirectorySpec(tmp_path), CLASSES, Argmax()), [0, 1])
    (_, first), (_, second) = (pieces(made, each) for each in made.shown)
    assert first.shape == (SIDE, 64, 3)
    assert np.abs(first.astype(int) - (200, 30, 90)).max() < 12  # twice through JPEG
    assert second.shape == (13, SIDE, 3)


def test_what_the_model_saw_is_what_the_pass_resized(tmp_path):
    tree(tmp_path, {"cat/0.png": encoded(image(1, 33, 21)), "dog/0.png": encoded(image(2, 5, 7))})
    source = open_source(DirectorySpec(tmp_path), CLASSES, ModelInput((16, 12, 3)))
    for index in range(2):
        seen = source.pictures(index).seen
        inputs = np.asarray(source.example(index).inputs)[0]
        assert np.array_equal(seen, np.clip(np.rint(inputs), 0, 255).astype(np.uint8))
    assert np.array_equal(source.pictures(0).original, image(1, 33, 21))


@pytest.mark.parametrize("channels", [1, 4])
def test_gray_and_transparent_pictures(tmp_path, channels):
    pixels = image(3, 16, 12, channels)
    tree(tmp_path, {f"{name}/0.png": encoded(pixels) for name in CLASSES})
    inputs = tf.keras.Input((16, 12, channels))
    net = tf.keras.Model(inputs, tf.keras.layers.Dense(2)(tf.keras.layers.Flatten()(inputs)))
    made = thumbnails(Job(net, DirectorySpec(tmp_path), CLASSES, Argmax()), [0])
    _, original = pieces(made, made.shown[0])
    if channels == 1:
        expected = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    else:
        white = Image.new("RGBA", (12, 16), "white")
        white.alpha_composite(Image.fromarray(pixels))
        expected = np.asarray(white.convert("RGB"))
    assert np.abs(original[::3, ::3].astype(int) - expected).max() <= (channels == 4)


@pytest.mark.parametrize("encoding", ["encoded", "raw"])
def test_pictures_of_records(tmp_path, model, encoding):
    stored = [image(n, 16, 12) for n in range(4)]
    content = [encoded(pixels) if encoding == "encoded" else pixels.tobytes() for pixels in stored]
    path = tmp_path / "test.tfrecord"
    records = [example(image=each, label=n % 2) for n, each in enumerate(content)]
    shard(path, records)
    feature = ImageFeature("image", encoding)
    if encoding == "raw":
        feature = ImageFeature("image", "raw", "uint8", (16, 12, 3))
    spec = TFRecordSpec((str(path),), image=feature)
    made = thumbnails(Job(model, spec, CLASSES, Argmax()), [3, 1])
    assert [each.place for each in made.shown] == [3, 1]
    for each, place in zip(made.shown, (3, 1), strict=True):
        _, original = pieces(made, each)
        assert np.array_equal(original[::3, ::3], stored[place])


def test_an_example_that_is_gone_costs_its_own_picture(tmp_path, model):
    files = {f"{c}/{n}.png": encoded(image(n, 16, 12)) for c in CLASSES for n in (0, 1)}
    tree(tmp_path, files)
    (tmp_path / "cat/1.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    made = thumbnails(Job(model, DirectorySpec(tmp_path), CLASSES, Argmax()), [0, 1, 2])
    assert [each.place for each in made.shown] == [0, 2]
    assert made.notes == ("1 example could not be shown as a picture",)


def test_data_of_the_projects_own_have_none(model):
    data = [(np.zeros((2, 16, 12, 3), np.float32), np.array([0, 1]))]
    made = thumbnails(Job(model, data, CLASSES, Argmax()), [0])
    assert made == Thumbnails(notes=("there are no thumbnails of this kind of data",))


def test_sheets_stay_small(tmp_path, model, monkeypatch):
    files = {f"{c}/{n:03}.png": encoded(image(n, 16, 12)) for c in CLASSES for n in range(150)}
    tree(tmp_path, files)
    job = Job(model, DirectorySpec(tmp_path), CLASSES, Argmax())
    everything = thumbnails(job, range(300))
    assert len(everything.shown) == 300
    assert len(everything.sheets) == 3
    monkeypatch.setattr("pytest_confmat.thumbnails.MAX_BYTES", len(everything.sheets[0]) + 10)
    made = thumbnails(job, range(300))
    assert len(made.sheets) == 1
    assert made.notes == (
        f"thumbnails of {len(made.shown)} of 300 examples: with more the report would be too large",
    )
