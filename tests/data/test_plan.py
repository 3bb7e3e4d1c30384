from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.data import shapes
from pytest_confmat.data.plan import resolve, resolve_arrays
from pytest_confmat.errors import DataError
from pytest_confmat.spec import ImageSpec, ModelInput, Rescale

FITS = [
    ((28, 28, 1), (28, 28), (28, 28)),
    ((28, 28), (28, 28, 1), (28, 28, 1)),
    ((28, 28, 1), (1, 28, 28), (1, 28, 28)),
    ((28, 28, 1), (1, 28, 28, 1), (1, 28, 28, 1)),
    ((28, 28, 3), (28, 28, 3), (28, 28, 3)),
    ((28, 30, 3), (None, None, 3), (28, 30, 3)),
    ((28, 30, 1), (None, None), (28, 30)),
    ((28, 30, 1), (None, None, None), (28, 30, 1)),
    ((1, 1, 3), (3,), (3,)),
    ((7,), (None,), (7,)),
    ((5,), None, (5,)),
    ((28, 28, 1), (784,), None),
    ((28, 28, 3), (28, 28), None),
    ((28, 30, 1), (30, 28), None),
    ((28, 28, 3), (3, 28, 28), None),
    ((28, 28, 3), (None, None, 1), None),
    ((28, 28), (28, None, 3), None),
]


@pytest.mark.parametrize(("shape", "model", "fitted"), FITS)
def test_only_unit_axes_are_added_or_dropped(shape, model, fitted):
    assert shapes.fit(shape, model) == fitted


sizes = st.lists(st.integers(1, 4), max_size=5).map(tuple)


@settings(deadline=None)
@given(sizes, st.lists(st.none() | st.integers(1, 4), max_size=5).map(tuple))
def test_a_fitted_shape_is_one_that_the_model_takes_and_no_number_moves(shape, model):
    fitted = shapes.fit(shape, model)
    if fitted is not None:
        assert [size for size in fitted if size != 1] == [size for size in shape if size != 1]
        assert shapes.fit(fitted, model) == fitted


RESOLVED = [
    # images, what the model takes: how images are read, and handed over
    (ImageSpec(), (28, 30, 3), (28, 30, 3), (28, 30, 3)),
    (ImageSpec(), (28, 30, 1), (28, 30, 1), (28, 30, 1)),
    (ImageSpec(), (28, 30, 4), (28, 30, 4), (28, 30, 4)),
    (ImageSpec(), (28, 30), (28, 30, 1), (28, 30)),
    (ImageSpec(), (1, 28, 30), (28, 30, 1), (1, 28, 30)),
    (ImageSpec(), (28, 30, None), (28, 30, 3), (28, 30, 3)),
    (ImageSpec((5, 6)), None, (5, 6, 3), (5, 6, 3)),
    (ImageSpec((5, 6)), (None, None, 1), (5, 6, 1), (5, 6, 1)),
    (ImageSpec((5, 6)), (None, None, None), (5, 6, 3), (5, 6, 3)),
    (ImageSpec((5, 6), "rgba"), None, (5, 6, 4), (5, 6, 4)),
    (ImageSpec((5, 6), "grayscale"), (None, None, None), (5, 6, 1), (5, 6, 1)),
    (ImageSpec((5, 6), reshape=(30,)), (30,), (5, 6, 1), (30,)),
    (ImageSpec((5, 6), reshape=(90,)), (90,), (5, 6, 3), (90,)),
    (ImageSpec((5, 6), "rgb", reshape=(30, 3)), (30, 3), (5, 6, 3), (30, 3)),
    (ImageSpec(reshape=(28, 30, 1)), (28, 30, 1), (28, 30, 1), (28, 30, 1)),
]


@pytest.mark.parametrize(("images", "model", "pixels", "shape"), RESOLVED)
def test_what_the_policy_leaves_open_is_the_models(images, model, pixels, shape):
    plan = resolve(images, ModelInput(model))
    assert (plan.pixels, plan.shape) == (pixels, shape)
    assert (*plan.resize, plan.channels) == pixels


FIRST = (
    "channels first; images are read channels last, and a reshape would scramble them: save the "
    "model with data_format='channels_last', or put a Permute layer in front of it"
)
REFUSED = [
    (
        ImageSpec(),
        (None, None, 3),
        "the model takes images of any size, (None, None, 3); say image_size: [height, width] in "
        "dataset",
    ),
    (
        ImageSpec(),
        None,
        "the model does not say what size of images it takes; say image_size: [height, width] in "
        "dataset",
    ),
    (
        ImageSpec(),
        (784,),
        "the model takes (784,), which is no image of 1, 3 or 4 channels; if it takes the pixels "
        "of one, say image_size: [height, width] and reshape: [784] in dataset",
    ),
    (
        ImageSpec(),
        (28, 28, 2),
        "the model takes (28, 28, 2), which is no image of 1, 3 or 4 channels; if it takes the "
        "pixels of one, say image_size: [height, width] and reshape: [28, 28, 2] in dataset",
    ),
    (
        ImageSpec(reshape=(784,)),
        (784,),
        "reshape needs to know the size of the images before it; say image_size: [height, width] "
        "in dataset",
    ),
    (
        ImageSpec((32, 28)),
        (28, 28, 1),
        "dataset.image_size is [32, 28], and the model takes [28, 28], its input being "
        "(28, 28, 1); leave image_size out to take the model's",
    ),
    (
        ImageSpec(color_mode="rgb"),
        (28, 28),
        "dataset.color_mode is rgb, 3 channels, and the model takes 1, its input being (28, 28); "
        "leave color_mode out to take the model's",
    ),
    (
        ImageSpec((28, 28)),
        (784,),
        "images have shape (28, 28, 3), and the model takes (784,); only axes of length 1 are "
        "added or dropped",
    ),
    (
        ImageSpec((28, 28), "grayscale"),
        (784,),
        "images have shape (28, 28, 1), and the model takes (784,); only axes of length 1 are "
        "added or dropped; if it is meant so, say reshape: [784] in dataset",
    ),
    (
        ImageSpec((28, 28), reshape=(700,)),
        (700,),
        "dataset.reshape (700,) holds 700 numbers, and images of shape (28, 28, 3) have 2,352",
    ),
    (ImageSpec(), (3, 224, 224), f"the model takes (3, 224, 224), {FIRST}"),
    (ImageSpec((9, 9)), (3, None, None), f"the model takes (3, None, None), {FIRST}"),
    (
        ImageSpec(rescale=Rescale(Fraction(1, 255)), preprocess="tf"),
        (28, 28, 3),
        "dataset has both rescale and preprocess; keep the one the model needs",
    ),
    (
        ImageSpec(preprocess="caffe"),
        (28, 28, 1),
        "preprocess: caffe is for rgb images, and these have shape (28, 28, 1)",
    ),
]


@pytest.mark.parametrize(("images", "model", "message"), REFUSED)
def test_what_cannot_be_resolved(images, model, message):
    with pytest.raises(DataError) as caught:
        resolve(images, ModelInput(model))
    assert str(caught.value) == message


def test_fractions_for_a_model_of_integers():
    images = ImageSpec(rescale=Rescale(Fraction(1, 255)))
    with pytest.raises(DataError) as caught:
        resolve(images, ModelInput((8, 8, 3), "uint8"))
    assert str(caught.value) == (
        "dataset.rescale makes fractions, and the model takes uint8, which would cut them to "
        "whole numbers; leave rescale out"
    )


def test_images_for_a_model_of_texts():
    with pytest.raises(DataError) as caught:
        resolve(ImageSpec(), ModelInput((8, 8, 3), "string"))
    assert str(caught.value) == "the model takes string, and the data are numbers"


ARRAYS = [
    (ImageSpec(), (28, 28), (28, 28, 1), (28, 28), (28, 28, 1)),
    (ImageSpec(), None, (10,), (10,), (10,)),
    (ImageSpec(), (10,), (10,), (10,), (10,)),
    (ImageSpec((9, 8)), (28, 28), (9, 8, 1), (9, 8, 1), (9, 8, 1)),
    (ImageSpec((9, 8)), (28, 28, 3), (9, 8, 3), (9, 8, 3), (9, 8, 3)),
    (ImageSpec(reshape=(4, 3)), (12,), (4, 3), (12,), (4, 3)),
]


@pytest.mark.parametrize(("images", "shape", "model", "pixels", "fitted"), ARRAYS)
def test_arrays_are_resized_only_where_it_is_said(images, shape, model, pixels, fitted):
    plan = resolve_arrays(images, ModelInput(model), shape or (10,), "raw images")
    assert (plan.pixels, plan.shape, plan.resize) == (pixels, fitted, images.image_size)


def test_the_shape_of_arrays_defaults_to_the_models():
    assert resolve_arrays(ImageSpec(), ModelInput((28, 28)), None, "raw images").pixels == (28, 28)


ARRAYS_REFUSED = [
    (
        ImageSpec(),
        (784,),
        (28, 28, 1),
        "raw images have shape (784,), and the model takes (28, 28, 1); only axes of length 1 are "
        "added or dropped; if it is meant so, say reshape: [28, 28, 1] in dataset",
    ),
    (
        ImageSpec(),
        None,
        (None, 28),
        "the shape of raw images is not known; say shape: [...] in dataset.image",
    ),
    (
        ImageSpec(color_mode="rgb"),
        (28, 28, 1),
        (28, 28, 1),
        "dataset.color_mode is rgb, and raw images have shape (28, 28, 1); leave color_mode out",
    ),
    (
        ImageSpec((8, 8)),
        (784,),
        (8, 8, 1),
        "dataset.image_size needs raw images of shape [height, width] or [height, width, "
        "channels], and they have (784,)",
    ),
    (
        ImageSpec(preprocess="torch"),
        (28, 28),
        (28, 28),
        "preprocess: torch is for rgb images, and these have shape (28, 28)",
    ),
]


@pytest.mark.parametrize(("images", "shape", "model", "message"), ARRAYS_REFUSED)
def test_arrays_that_cannot_be_resolved(images, shape, model, message):
    with pytest.raises(DataError) as caught:
        resolve_arrays(images, ModelInput(model), shape, "raw images")
    assert str(caught.value) == message
