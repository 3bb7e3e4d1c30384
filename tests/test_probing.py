"""Whether another rescaling changes the picture. Models are functions: few need TensorFlow."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pytest_confmat.data import open_source
from pytest_confmat.job import Job, run
from pytest_confmat.models.configuration import rescaling_layer
from pytest_confmat.probing import SAMPLE, _choose, diagnose, probe_preprocessing
from pytest_confmat.rescalings import MODES, NONE
from pytest_confmat.spec import (
    Argmax,
    DirectorySpec,
    ImageSpec,
    ModelInput,
    ModelSpec,
    Rescale,
    Threshold,
)

CLASSES = ("dark", "gray", "bright", "white")
COLLAPSED = (
    "{n} of 400 predictions are '{name}', as 100 of the examples are: preprocessing may be "
    "missing, or done twice"
)


class Brightness:
    """Scores images of four gray levels; right only for pixels of 0 to `full`."""

    def __init__(self, full: float) -> None:
        self.levels = np.array([0.1, 0.35, 0.6, 0.85], np.float32) * full

    def __call__(self, batch):
        mean = np.asarray(batch).reshape(len(batch), -1).mean(axis=1)
        return -np.abs(mean[:, np.newaxis] - self.levels)


def images(full: float, each: int = 100, shape=(2, 2, 1)):
    """Batches of images in the order of their classes."""
    levels = Brightness(full).levels
    pixels = np.repeat(levels, each).reshape(-1, *[1] * len(shape)) * np.ones(shape, np.float32)
    return pixels, np.repeat(np.arange(4), each)


def diagnosed(model, dataset, classes=CLASSES, decision=None):
    job = Job(model, dataset, classes, decision or Argmax())
    return diagnose(job, run(job))


@pytest.mark.parametrize(
    ("model", "data", "name", "better"),
    [
        (1, 255, "white", "rescale: 1/255"),
        (255, 1, "dark", "rescale: 255"),
    ],
)
def test_inputs_of_the_wrong_scale(model, data, name, better):
    collapsed, probed = diagnosed(Brightness(model), images(data))
    assert collapsed.text == COLLAPSED.format(n=400, name=name)
    assert probed.kind == "preprocessing"
    assert probed.text == (
        "preprocessing, tried on 64 examples: accuracy 0.2500 as declared, "
        f"1.0000 with inputs as after `{better}`"
    )
    assert probed.evidence["better"] == better
    assert probed.evidence["tried"][better] == 1
    assert json.loads(json.dumps(probed.to_plain())) == probed.to_plain()


def test_a_mode_of_keras_applications():
    pixels, labels = images(255, shape=(2, 2, 3))
    model = Brightness(1)
    _, probed = diagnosed(
        lambda batch: model((batch * [0.229, 0.224, 0.225]) + [0.485, 0.456, 0.406]),
        (pixels, labels),
    )
    assert probed.text.endswith("1.0000 with inputs as after `preprocess: torch`")
    assert list(probed.evidence["tried"]) == [
        *("rescale: 1/255", "preprocess: tf", "rescale: {scale: 1/255, offset: -0.5}"),
        *("preprocess: torch", "preprocess: caffe"),
    ]


def test_a_model_that_no_rescaling_helps():
    collapsed, probed = diagnosed(constant, images(1))
    assert collapsed.text == (
        "400 of 400 predictions are 'gray', as 100 of the examples are: no usual rescaling helps, "
        "so it is likely not preprocessing: the weights may not be the trained ones (never loaded, "
        "or from another checkpoint), or the moving statistics of its batch normalization may not "
        "fit the data"
    )
    assert probed.text == (
        "preprocessing, tried on 64 examples: accuracy 0.2500 as declared, "
        "at most 0.2500 with `rescale: {scale: "
        "2, offset: -1}`, `rescale: {scale: 1, offset: -0.5}` or `rescale: 255`"
    )
    assert (probed.evidence["better"], probed.evidence["helps"]) == (None, False)


def constant(batch):
    return np.tile([0, 1, 0, 0], (len(batch), 1))


def test_a_model_without_batch_normalization_is_not_suspected_of_it():
    def model(batch):
        return constant(batch)

    model.get_config = lambda: {"layers": [{"class_name": "Dense", "config": {"name": "d"}}]}
    collapsed, _ = diagnosed(model, images(1))
    assert collapsed.text.endswith("(never loaded, or from another checkpoint)")


def test_where_a_probe_cannot_tell_both_causes_are_named(monkeypatch):
    # Enough to see that the predictions collapsed, and too few to tell which rescaling is right.
    job = Job(Brightness(1), images(255, each=16), CLASSES, Argmax())
    evaluation = run(job)
    monkeypatch.setattr("pytest_confmat.probing.SAMPLE", 16)
    collapsed, probed = diagnose(job, evaluation)
    assert (probed.evidence["better"], probed.evidence["helps"]) == (None, None)
    assert collapsed.text.endswith(
        ": preprocessing may be missing or done twice, or the weights may not be the trained ones"
    )


@pytest.mark.parametrize(
    ("shift", "full", "better"),
    [
        (0.5, 1, "rescale: {scale: 1, offset: 0.5}"),
        (0.5, 255, "rescale: {scale: 255, offset: 127.5}"),
        (128, 1, "rescale: {scale: 1/255, offset: 128/255}"),
        (128, 255, "rescale: {scale: 1, offset: 128}"),
    ],
)
def test_numbers_around_zero_are_shifted(shift, full, better):
    pixels, labels = images(1 if shift < 1 else 255)
    _, probed = diagnosed(Brightness(full), (pixels - np.float32(shift), labels))
    assert probed.text.endswith(f"1.0000 with inputs as after `{better}`")


def test_numbers_from_minus_one_to_one():
    pixels, labels = images(1)
    _, probed = diagnosed(Brightness(255), (2 * pixels - 1, labels))
    assert probed.evidence["better"] == "rescale: {scale: 127.5, offset: 127.5}"


def right(*wrong: int, n: int = 64):
    found = np.ones(n, bool)
    found[list(wrong)] = False
    return found


NOTHING = right(*range(64))


@pytest.mark.parametrize(
    ("tried", "itself", "choice"),
    [
        # One example more is no clear difference; the simplest stands first.
        ({NONE: right(0), "preprocess: caffe": right()}, False, (NONE, ["preprocess: caffe"])),
        ({NONE: right(0), "preprocess: caffe": right()}, True, (NONE, [])),
        # Seven are, unless the model says by a layer that it rescales.
        ({NONE: right(*range(7)), "preprocess: caffe": right()}, False, ("preprocess: caffe", [])),
        ({NONE: right(*range(7)), "preprocess: caffe": right()}, True, (NONE, [])),
        # Of a model without such a layer, a scale is likelier than none.
        ({NONE: right(0), "rescale: 1/255": right()}, False, ("rescale: 1/255", [NONE])),
        ({NONE: right(0), "rescale: 1/255": right()}, True, (NONE, [])),
        ({NONE: NOTHING, "preprocess: caffe": right()}, True, ("preprocess: caffe", [])),
        ({NONE: NOTHING}, True, (None, [])),
        ({}, False, (None, [])),
    ],
)
def test_the_simplest_change_is_preferred(tried, itself, choice):
    assert _choose(tried, NOTHING, itself) == choice


def test_what_is_as_good_is_named_too():
    levels = Brightness(1).levels

    def model(batch):
        # As right for -1 to 1, and by one example of 64 more so.
        mean = np.asarray(batch).reshape(len(batch), -1).mean(axis=1)
        mean = np.where(batch.min() < 0, (mean + 1) / 2, mean)
        if len(batch) == SAMPLE and batch.min() >= 0:
            mean = np.where(np.arange(len(batch)) == 0, levels[3], mean)
        return Brightness(1)(mean)

    _, probed = diagnosed(model, images(255))
    assert probed.text == (
        "preprocessing, tried on 64 examples: accuracy 0.2500 as declared, "
        "0.9844 with inputs as after `rescale: "
        "1/255` (1.0000 with `preprocess: tf`: too close to tell, and what training did decides)"
    )


def test_too_few_examples_to_tell():
    job = Job(Brightness(1), images(255, each=4), CLASSES, Argmax())
    probed = probe_preprocessing(job, run(job))
    assert probed.evidence["tried"]["rescale: 1/255"] == 1
    assert probed.evidence["better"] is None


def test_a_good_model_and_a_weak_one_are_not_probed():
    calls = []

    def model(batch):
        calls.append(len(batch))
        scores = Brightness(1)(batch)
        scores[::3] = scores[::3, ::-1]
        return scores

    assert diagnosed(model, images(1)) == ()
    assert sum(calls) == 400


def test_a_set_that_is_shuffled_anew():
    class Shuffled:
        def __init__(self):
            self.random = np.random.default_rng(0)

        def __iter__(self):
            pixels, labels = images(255)
            order = self.random.permutation(len(labels))
            return ((pixels[at], labels[at]) for at in np.split(order, 10))

    _, probed = diagnosed(Brightness(1), Shuffled())
    assert probed.text.endswith("1.0000 with inputs as after `rescale: 1/255`")


def test_a_generator_that_is_spent_is_told():
    pixels, labels = images(255)
    collapsed, probed = diagnosed(Brightness(1), iter([(pixels, labels)]))
    assert collapsed.kind == "collapsed"
    assert (probed.kind, probed.text) == (
        "preprocessing",
        "the usual rescalings could not be tried: the dataset yields no examples; a generator "
        "that was read before yields nothing a second time",
    )


def test_whatever_the_probe_meets_the_rest_is_told():
    class Breaks:
        passes = 0

        def __iter__(self):
            self.passes += 1
            if self.passes > 1:
                raise RuntimeError("\nlost\nfor good")
            return iter([images(255)])

    collapsed, probed = diagnosed(Brightness(1), Breaks())
    assert collapsed.kind == "collapsed"
    assert probed.text.startswith("the usual rescalings could not be tried: lost")
    assert "\n" not in probed.text


def test_scores_that_a_threshold_refuses_leave_the_others():
    def model(batch):
        mean = np.asarray(batch).reshape(len(batch), -1).mean(axis=1)
        return np.where(mean < 2, 1 / (1 + np.exp(8 * (0.5 - mean))), mean)[:, np.newaxis]

    def tried(scale: float):
        pixels, labels = images(1)
        data = pixels / np.float32(scale), (labels > 1).astype(int)
        collapsed, probed = diagnosed(model, data, ("low", "high"), Threshold(Fraction(1, 2)))
        assert collapsed.evidence["classes"] == ["low"]
        return probed.evidence

    assert tried(255)["better"] == "rescale: 255"
    # Now that makes more than 1 of some, which is no score.
    assert list(tried(100)["tried"]) == [
        *("rescale: {scale: 2, offset: -1}", "rescale: {scale: 1, offset: -0.5}"),
    ]


def test_only_the_beginning_of_own_data_is_read():
    read = []

    class Long:
        def __iter__(self):
            pixels, labels = images(255)
            order = np.random.default_rng(0).permutation(400)
            for number in range(100):
                read.append(number)
                yield pixels[order], labels[order]

    _, probed = diagnosed(Brightness(1), Long())
    assert probed.evidence["better"] == "rescale: 1/255"
    assert len(read) < 100 + 8


# Files.


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> DirectorySpec:
    from PIL import Image

    root = tmp_path_factory.mktemp("images")
    for name, level in zip(CLASSES, Brightness(255).levels, strict=True):
        (root / name).mkdir()
        for number in range(30):
            pixels = np.full((2, 2, 3), round(float(level)), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number:03}.png")
    return DirectorySpec(root, images=ImageSpec(image_size=(2, 2), color_mode="rgb"))


@pytest.mark.parametrize(
    ("model", "rescale", "better"),
    [
        (255, Rescale(Fraction(1, 255)), "without `rescale`"),
        (1, Rescale(Fraction(1, 255**2)), "with `rescale: 1/255`"),
        (1, None, "with `rescale: 1/255`"),
    ],
)
def test_images_are_rescaled_from_their_pixels(directory, model, rescale, better):
    spec = replace(directory, images=replace(directory.images, rescale=rescale))
    collapsed, probed = diagnosed(Brightness(model), spec)
    assert collapsed.kind == "collapsed"
    assert probed.text == (
        f"preprocessing, tried on 64 examples: accuracy 0.2500 as declared, 1.0000 {better}"
    )


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_modes_equal_those_of_the_data(directory, mode):
    def inputs(spec):
        batches = open_source(spec, CLASSES, ModelInput()).batches(SAMPLE)
        return np.concatenate([np.asarray(batch.inputs) for batch in batches])

    prepared = replace(directory, images=replace(directory.images, preprocess=mode))
    assert np.allclose(MODES[mode](inputs(directory)), inputs(prepared), atol=1e-6)


def test_an_example_that_cannot_be_read_is_passed_over(directory, tmp_path):
    copy = replace(directory, directory=tmp_path / "images")
    shutil.copytree(directory.directory, copy.directory)
    job = Job(Brightness(1), copy, CLASSES, Argmax())
    evaluation = run(job)
    (copy.directory / "dark" / "000.png").write_bytes(b"no image")
    _, probed = diagnose(job, evaluation)
    assert probed.text.startswith("preprocessing, tried on 63 examples: ")
    assert probed.text.endswith("1.0000 with `rescale: 1/255`")


# Layers.


def test_layers_that_rescale(tmp_path):
    import keras

    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Rescaling(2.0, name="twice")], name="core")
    nested = keras.Sequential([keras.Input((4,)), inner, layers.Dense(2)])
    plain = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    for suffix in (".keras", ".h5"):
        path = tmp_path / f"model{suffix}"
        nested.save(path)
        assert rescaling_layer(ModelSpec(path)) == ("Rescaling", "twice")
        plain.save(path)
        assert rescaling_layer(ModelSpec(path)) is None
    assert rescaling_layer(nested) == ("Rescaling", "twice")
    assert rescaling_layer(Brightness(1)) is None


def test_a_layer_with_a_hostile_name_stays_on_one_line(tmp_path, monkeypatch):
    config = {
        "layers": [{"class_name": "Rescaling", "config": {"name": "a\n::error::" + "x" * 999}}]
    }
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", b"")
    model = Brightness(1)
    model.get_config = lambda: config
    _, probed = diagnosed(model, images(255))
    assert (
        "; the model rescales its input itself, by a Rescaling layer 'a\\n::error::xxx"
        in probed.text
    )
    assert len(probed.text) < 400
    assert rescaling_layer(ModelSpec(Path(path)))[1].startswith("a\n")
