"""Exports of Teachable Machine: `--confmat-init` knows their classes and their pixels."""

from __future__ import annotations

import io
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import tests.faults.loaded  # noqa: F401
from tests.support.makers import tree

SIZE = 224


def picture(level: int) -> bytes:
    noise = np.random.default_rng(level).integers(-9, 10, (16, 16, 3))
    buffer = io.BytesIO()
    Image.fromarray((level + noise).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Bright pictures are dogs, the first class: neither in the order of the folders, nor in 0..1.

    Built as the exports are: a stack of a net for features and one for the classes.
    """
    folder = tmp_path_factory.mktemp("export")
    layers = keras.layers
    features = keras.Sequential([keras.Input((SIZE, SIZE, 3)), layers.AveragePooling2D(32)])
    head = keras.Sequential(
        [keras.Input((7, 7, 3)), layers.GlobalAveragePooling2D(),
         layers.Dense(2, activation="softmax", name="d")]
    )  # fmt: skip
    head.get_layer("d").set_weights([np.array([[9, -9]] * 3, np.float32), np.zeros(2, np.float32)])
    net = keras.Sequential([features, head])
    net.save(folder / "keras_model.h5")
    net.export(folder / "model.savedmodel", verbose=False)
    (folder / "labels.txt").write_text("0 dog\n1 cat\n")
    files = {f"data/dog/{n}.png": picture(150 + n) for n in range(40)}
    files |= {f"data/cat/{n}.png": picture(60 + n) for n in range(40)}
    tree(folder, files)
    return folder


@pytest.fixture
def project(export, pytester):
    shutil.copytree(export, pytester.path, dirs_exist_ok=True)
    return pytester


def run(project, *args):
    plain = ("-p", "no:hypothesispytest", "-p", "no:xdist", "-p", "no:cacheprovider")
    return project.runpytest_inprocess(*args, *plain)


def written(project, *args, model="keras_model.h5"):
    given = (f"--confmat-model={model}", "--confmat-data=data")
    result = run(project, "--confmat-init", *given, *args)
    policy = project.path / "thresholds.yaml"
    return result, policy.read_text() if policy.exists() else ""


@pytest.mark.parametrize("model", ["keras_model.h5", "model.savedmodel"])
def test_classes_and_pixels_are_known(project, model):
    result, policy = written(project, model=model)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            f"confmat: {model} is an export of Teachable Machine: its classes are those of "
            "labels.txt and it takes pixels as x / 127.5 - 1"
        ]
    )
    assert "  rescale: {scale: 1/127.5, offset: -1}\n" in policy
    result = run(project, f"--confmat-model={model}")
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["*accuracy*1.0000*"])


def test_what_is_said_by_hand_goes_first(project):
    result, policy = written(project, "--confmat-init=rescale: 1/255")
    assert "its classes are those of labels.txt\n" in result.stdout.str()
    assert "127.5" not in policy


def test_classes_by_hand_go_first(project):
    result, policy = written(project, "--confmat-init=classes: [dog, cat]")
    assert result.ret == 0, result.stdout.str()
    assert "is an export of Teachable Machine: it takes pixels as x / 127.5 - 1\n" in (
        result.stdout.str()
    )
    assert "labels.txt" not in policy


@pytest.mark.parametrize("labels", ["dog\ncat\n", "0 dog\n2 cat\n", "1 dog\n2 cat\n", "", None])
def test_without_its_list_of_classes_it_may_be_anything(project, labels):
    (project.path / "labels.txt").unlink()
    if labels is not None:
        (project.path / "labels.txt").write_text(labels)
    result, policy = written(project)
    assert "Teachable" not in result.stdout.str()
    assert "127.5" not in policy


def test_another_name_is_another_model(project):
    (project.path / "keras_model.h5").rename(project.path / "m.h5")
    result, _ = written(project, model="m.h5")
    assert "Teachable" not in result.stdout.str()


def test_images_of_another_size_are_another_model(project):
    (project.path / "keras_model.h5").unlink()
    net = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    )
    net.save(project.path / "keras_model.h5")
    result, _ = written(project)
    assert "Teachable" not in result.stdout.str()
