"""Pixels are those of Keras: equal, not close."""

from __future__ import annotations

import io
import itertools
from fractions import Fraction
from typing import get_args

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pytest_confmat.data import images, open_source
from pytest_confmat.errors import DataError
from pytest_confmat.spec import (
    Aspect,
    ColorMode,
    DirectorySpec,
    ImageSpec,
    Interpolation,
    ModelInput,
    PreprocessMode,
    Rescale,
    TFRecordSpec,
)
from tests.support.makers import HEIGHT, WIDTH, collect, encoded, example, noise, shard, tree

SIZE = (8, 11)
ANY_SIZE = ModelInput((None, None, None))
TAKES_RGB = ModelInput((*SIZE, 3))
RGB, GRAY, RGBA = noise(HEIGHT, WIDTH, 3), noise(HEIGHT, WIDTH), noise(HEIGHT, WIDTH, 4)
DEEP = noise(HEIGHT, WIDTH, dtype=np.uint16)

# Every kind of file, and the color modes in which TensorFlow, and so Keras, decodes it.
FILES = {
    "rgb.jpg": (encoded(RGB, "JPEG"), {"rgb", "grayscale"}),
    "gray.jpeg": (encoded(GRAY, "JPEG"), {"rgb", "grayscale"}),
    "cmyk.JPG": (encoded(RGB, "JPEG", "CMYK"), {"rgb"}),
    "wide.jpg": (encoded(noise(5, 40, 3), "JPEG"), {"rgb", "grayscale"}),
    "tall.png": (encoded(noise(31, 4, 3)), {"rgb", "grayscale", "rgba"}),
    "same.png": (encoded(noise(*SIZE, 3)), {"rgb", "grayscale", "rgba"}),
    "pixel.png": (encoded(noise(1, 1, 3)), {"rgb", "grayscale", "rgba"}),
    "rgb.png": (encoded(RGB), {"rgb", "grayscale", "rgba"}),
    "gray.png": (encoded(GRAY), {"rgb", "grayscale", "rgba"}),
    "alpha.png": (encoded(RGBA), {"rgb", "grayscale", "rgba"}),
    "gray_alpha.png": (encoded(RGBA, mode="LA"), {"rgb", "grayscale", "rgba"}),
    "16bit.png": (encoded(DEEP), {"rgb", "grayscale", "rgba"}),
    "palette.png": (encoded(RGB, mode="P"), {"rgb", "grayscale", "rgba"}),
    "1bit.png": (encoded(GRAY, mode="1"), {"rgb", "grayscale", "rgba"}),
    "still.gif": (encoded(RGB, "GIF", "P"), {"rgb"}),
    "rgb.bmp": (encoded(RGB, "BMP"), {"rgb", "rgba"}),
    "alpha.bmp": (encoded(RGBA, "BMP"), {"rgb", "rgba"}),
}
KERAS_ASPECT = {
    "stretch": {},
    "crop": {"crop_to_aspect_ratio": True},
    "pad": {"pad_to_aspect_ratio": True},
}


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    found = {}
    for mode in get_args(ColorMode):
        root = found[mode] = tmp_path_factory.mktemp(mode)
        for name, (content, modes) in FILES.items():
            if mode in modes:
                tree(root, {f"a/{name}": content})
        tree(root, {"b/x.png": FILES["rgb.png"][0]})
    return found


def keras_pixels(root, **options):
    import keras

    return np.concatenate(
        [
            images.numpy()
            for images, _ in keras.utils.image_dataset_from_directory(
                root, shuffle=False, verbose=False, **options
            )
        ]
    )


CASES = [
    case
    for case in itertools.product(get_args(ColorMode), get_args(Interpolation), get_args(Aspect))
    if case[1:] not in (("gaussian", "crop"), ("mitchellcubic", "crop"))
]


@pytest.mark.parametrize(("mode", "interpolation", "aspect"), CASES)
def test_pixels_are_those_of_keras(directories, mode, interpolation, aspect):
    theirs = keras_pixels(
        directories[mode],
        image_size=SIZE,
        color_mode=mode,
        interpolation=interpolation,
        **KERAS_ASPECT[aspect],
    )
    spec = DirectorySpec(directories[mode], images=ImageSpec(SIZE, mode, interpolation, aspect))
    ours = collect(open_source(spec, ("a", "b"), ANY_SIZE))["inputs"]
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs)


def smooth(height: int, width: int) -> np.ndarray:
    """A picture whose JPEG keeps many frequencies, so that the two ways of decoding differ."""
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 3 + y / 5), np.cos(x * y / 40), np.sin(y / 2)], axis=-1)
    return (127.5 + 127.5 * waves).astype(np.uint8)


JPEG = encoded(smooth(48, 40), "JPEG", quality=85)


def decoded(root, jpeg, mode="rgb", content=JPEG):
    tree(root, {"a/x.jpg": content, "a/y.png": encoded(smooth(48, 40)), "b/z.jpg": content})
    spec = DirectorySpec(root, images=ImageSpec((48, 40), mode, jpeg=jpeg))
    source = open_source(spec, ("a", "b"), ANY_SIZE)
    return collect(source)["inputs"], source


@pytest.mark.parametrize("mode", ["rgb", "grayscale"])
def test_jpegs_are_decoded_as_pillow_does_it_where_the_policy_says_accurate(tmp_path, mode):
    gray = encoded(smooth(48, 40)[..., 0], "JPEG", quality=85)
    content = JPEG if mode == "rgb" else gray
    accurate, source = decoded(tmp_path, "accurate", mode, content)
    fast, other = decoded(tmp_path, "fast", mode, content)
    shape = (48, 40, 3) if mode == "rgb" else (48, 40, 1)
    pillow = np.asarray(Image.open(io.BytesIO(content))).reshape(shape)
    np.testing.assert_array_equal(accurate[0], pillow)
    np.testing.assert_array_equal(accurate[2], pillow)
    np.testing.assert_array_equal(accurate[1], fast[1])  # what is no JPEG
    assert 0 < np.abs(fast[0] - pillow).max() < 10
    assert source.feed.text == f"48 x 40 (height x width) {mode}, jpeg: accurate, " + (
        "pixels 0..255 as stored, no rescale"
    )
    assert "jpeg" not in other.feed.text
    np.testing.assert_array_equal(source.example(0).inputs, accurate[:1])


def test_records_are_decoded_accurately_too(tmp_path):
    root, path = tmp_path / "d", tmp_path / "x.tfrecord"
    accurate, _ = decoded(root, "accurate")
    shard(path, [example(image=JPEG, label=0)])
    spec = TFRecordSpec((str(path),), images=ImageSpec((48, 40), "rgb", jpeg="accurate"))
    found = collect(open_source(spec, ("a", "b"), ANY_SIZE))["inputs"]
    np.testing.assert_array_equal(found, accurate[:1])


def test_models_that_decode_jpegs_differently_share_a_pass():
    model = ModelInput((48, 40, 3))
    plans = [images.resolve(ImageSpec(jpeg=each), model) for each in ("fast", "accurate")]
    (fast, _), (accurate, _) = images.decode(plans, tf.constant([JPEG]))
    pillow = np.asarray(Image.open(io.BytesIO(JPEG)))
    np.testing.assert_array_equal(accurate[0], pillow)
    assert np.abs(fast[0] - pillow).max() > 0


@pytest.mark.parametrize("interpolation", ["gaussian", "mitchellcubic"])
def test_what_keras_refuses_is_refused(directories, interpolation):
    spec = DirectorySpec(directories["rgb"], images=ImageSpec(SIZE, "rgb", interpolation, "crop"))
    with pytest.raises(DataError) as caught:
        open_source(spec, ("a", "b"), ANY_SIZE)
    assert str(caught.value) == (
        f"interpolation: {interpolation} does not go with aspect: crop, nor does it in Keras; "
        "take another interpolation, or aspect: stretch or pad"
    )
    with pytest.raises(ValueError, match="interpolation"):
        keras_pixels(
            directories["rgb"],
            image_size=SIZE,
            interpolation=interpolation,
            crop_to_aspect_ratio=True,
        )


CANNOT = [
    (name, mode)
    for name, (_, modes) in FILES.items()
    for mode in get_args(ColorMode)
    if mode not in modes
]


@pytest.mark.parametrize(("name", "mode"), CANNOT)
def test_a_file_that_keras_cannot_decode_in_a_mode_is_at_fault(tmp_path, name, mode):
    root = tree(tmp_path, {f"a/{name}": FILES[name][0], "b/x.png": FILES["rgb.png"][0]})
    source = open_source(DirectorySpec(root, images=ImageSpec(SIZE, mode)), ("a", "b"), ANY_SIZE)
    with pytest.raises(DataError) as caught:
        source.example(0)
    form = {"gif": "GIF", "bmp": "BMP"}.get(name[-3:].lower(), "JPEG")
    assert str(caught.value) == (
        f"is a {form} image that TensorFlow reads as rgb, and not as {mode}"
    )
    with pytest.raises(Exception, match=r"[Cc]hannels|JPEG"):
        keras_pixels(root, image_size=SIZE, color_mode=mode)


def test_the_example_by_itself_has_the_same_pixels_and_word(directories):
    spec = DirectorySpec(directories["rgb"], images=ImageSpec(SIZE, aspect="pad"))
    source = open_source(spec, ("a", "b"), ANY_SIZE)
    whole = collect(source)
    for index in range(len(whole["index"])):
        alone = source.example(index)
        np.testing.assert_array_equal(alone.inputs, whole["inputs"][index : index + 1])
        assert (alone.labels, alone.index, alone.check) == (
            whole["labels"][index],
            index,
            whole["check"][index],
        )


def test_webp_is_read(tmp_path):
    flat = np.full((8, 6, 3), 200, np.uint8)
    content = encoded(flat, "WEBP", lossless=True)
    root = tree(tmp_path, {"a/x.webp": content, "b/x.webp": content})
    source = open_source(DirectorySpec(root), ("a", "b"), ModelInput((8, 6, 3)))
    np.testing.assert_array_equal(collect(source)["inputs"][0], flat)


def test_the_first_picture_of_an_animation_is_read(tmp_path):
    from PIL import Image

    first, second = np.full((8, 6), 10, np.uint8), np.full((8, 6), 99, np.uint8)
    others = [Image.fromarray(second)]
    content = encoded(first, "GIF", save_all=True, append_images=others)
    root = tree(tmp_path, {"a/x.gif": content, "b/x.gif": content})
    source = open_source(DirectorySpec(root), ("a", "b"), ModelInput((8, 6, 3)))
    assert set(collect(source)["inputs"].ravel()) == {10.0}


def pixels_after(directories, mode="rgb", model=TAKES_RGB, **images):
    spec = DirectorySpec(directories[mode], images=ImageSpec(color_mode=mode, **images))
    return collect(open_source(spec, ("a", "b"), model))["inputs"]


@pytest.mark.parametrize(
    ("scale", "offset"),
    [(Fraction(1, 255), 0), (Fraction(2, 255), -1), (Fraction(1, 3), Fraction(1, 7)), (2, 5)],
)
def test_rescale_is_that_of_keras(directories, scale, offset):
    import keras

    layer = keras.layers.Rescaling(float(scale), float(offset))
    theirs = layer(keras_pixels(directories["rgb"], image_size=SIZE)).numpy()
    ours = pixels_after(directories, rescale=Rescale(Fraction(scale), Fraction(offset)))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("mode", get_args(PreprocessMode))
def test_preprocess_is_that_of_keras(directories, mode):
    from keras.applications.imagenet_utils import preprocess_input

    theirs = preprocess_input(keras_pixels(directories["rgb"], image_size=SIZE), mode=mode)
    np.testing.assert_array_equal(pixels_after(directories, preprocess=mode), theirs)


def test_a_model_of_integers_gets_what_keras_would_hand_it(directories):
    import keras

    entry = keras.Input((*SIZE, 3), dtype="uint8")
    model = keras.Model(entry, keras.layers.Identity(dtype="uint8")(entry))
    theirs = model.predict(keras_pixels(directories["rgb"], image_size=SIZE), verbose=0)
    spec = DirectorySpec(directories["rgb"])
    source = open_source(spec, ("a", "b"), ModelInput((*SIZE, 3), "uint8"))
    ours = collect(source)["inputs"]
    assert ours.dtype == theirs.dtype == np.uint8
    np.testing.assert_array_equal(ours, theirs)
    assert source.notes == (
        "the model takes uint8: pixels are cut to whole numbers after resizing, as Keras does",
    )


def test_nearest_pixels_are_whole_and_need_no_note(directories):
    spec = DirectorySpec(directories["rgb"], images=ImageSpec(interpolation="nearest"))
    assert open_source(spec, ("a", "b"), ModelInput((*SIZE, 3), "uint8")).notes == ()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32"])
def test_inputs_have_the_dtype_of_the_model(directories, dtype):
    import tensorflow as tf

    source = open_source(
        DirectorySpec(directories["rgb"]), ("a", "b"), ModelInput((*SIZE, 3), dtype)
    )
    assert next(source.batches(4)).inputs.dtype == tf.as_dtype(dtype)


def test_unit_axes_are_dropped_and_numbers_reshaped(directories):
    gray = pixels_after(directories, "grayscale", ModelInput((*SIZE, 1)))
    flat = pixels_after(directories, "grayscale", ModelInput((*SIZE,)))
    np.testing.assert_array_equal(flat, gray[..., 0])
    row = pixels_after(directories, "grayscale", ModelInput((88,)), image_size=SIZE, reshape=(88,))
    np.testing.assert_array_equal(row, gray.reshape(-1, 88))
