"""A gate on a SavedModel: its matrix is that of TensorFlow's own API, and its digest its files'."""

from __future__ import annotations

import json
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import confusion_matrix

import tests.faults.loaded  # noqa: F401
from tests.support.makers import png, tree

CLASSES = ("bird", "cat", "dog")
POLICY = """\
version: 1
dataset:
  directory: data
  rescale: 1/255
{more}thresholds:
  accuracy: 0
"""


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """A model with a folder of images that it confuses."""
    folder = tmp_path_factory.mktemp("export")
    files = {f"data/{c}/{n:02}.png": png(31 * k + n, (8, 8, 3)) for k, c in enumerate(CLASSES)
             for n in range(20)}  # fmt: skip
    tree(folder, files)
    keras.utils.set_random_seed(1)
    wide = keras.initializers.RandomNormal(stddev=3.0, seed=5)
    net = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.DepthwiseConv2D(3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax", kernel_initializer=wide),
        ]
    )
    net.export(folder / "m", verbose=False)
    return folder


@pytest.fixture
def project(export, pytester):
    (pytester.path / "data").symlink_to(export / "data", target_is_directory=True)
    subprocess.check_call(["cp", "-r", str(export / "m"), str(pytester.path)])
    (pytester.path / "thresholds.yaml").write_text(POLICY.format(more=""))
    return pytester


def run(project, *args, model="m"):
    plain = ("-p", "no:hypothesispytest", "-p", "no:xdist", "--confmat-report=out")
    result = project.runpytest_inprocess(f"--confmat-model={model}", *plain, *args)
    return result, json.loads((project.path / "out" / "confmat.json").read_text())


def test_the_matrix_is_that_of_tensorflows_own_api(project):
    result, report = run(project)
    assert result.ret == 0, result.stdout.str()
    data = keras.utils.image_dataset_from_directory(
        project.path / "data", shuffle=False, image_size=(8, 8), verbose=0, batch_size=60
    )
    ((images, labels),) = data
    signature = tf.saved_model.load(str(project.path / "m")).signatures["serving_default"]
    (name,) = signature.structured_input_signature[1]
    scores = signature(**{name: images / 255})["output_0"]
    expected = confusion_matrix(labels, np.argmax(scores, 1))
    assert (expected > 0).sum() > 4, "a perfect model would prove little"
    assert report["matrix"] == expected.tolist()


def test_its_format_and_the_digest_of_its_files_are_in_the_report(project):
    _, report = run(project)
    command = "find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum"
    folder = project.path / "m"
    printed = subprocess.check_output(command, shell=True, cwd=folder, text=True)
    assert report["model"]["format"] == "saved_model"
    assert report["model"]["path"] == "m"
    assert report["model"]["runtime"] == f"TensorFlow {tf.__version__}"
    assert report["model"]["sha256"] == printed.split()[0]


def test_a_pinned_digest_tells_any_change(project):
    _, report = run(project)
    pin = f"model_sha256: {report['model']['sha256']}\n"
    (project.path / "thresholds.yaml").write_text(POLICY.format(more=pin))
    result, _ = run(project)
    assert result.ret == 0, result.stdout.str()
    (project.path / "m" / "assets" / "readme.txt").write_text("x")
    result, _ = run(project)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*m is not the model that the policy is for: *"])


def test_it_is_recalled_until_a_file_of_it_changes(project):
    run(project)
    result, report = run(project)
    result.stdout.fnmatch_lines(["*from the cache*"])
    assert "cache" in report["timing"]
    (project.path / "m" / "assets" / "readme.txt").write_text("x")
    _, report = run(project)
    assert "cache" not in report["timing"]


def test_without_a_look_at_the_graph_nothing_is_recalled(project):
    run(project, "--confmat-unsafe-model")
    _, report = run(project, "--confmat-unsafe-model")
    assert "cache" not in report["timing"]
    assert any("--confmat-unsafe-model asks for that" in note for note in report["notes"])


def test_the_policy_names_directory_and_signature(project):
    more = "model: {path: m, signature: serve}\n"
    (project.path / "thresholds.yaml").write_text(POLICY.format(more=more))
    result = project.runpytest_inprocess("--confmat", "-p", "no:hypothesispytest", "-p", "no:xdist")
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["confmat: passed *", "model m, *"])


def test_a_signature_in_the_policy_is_that_of_the_command_lines_model_too(project):
    (project.path / "thresholds.yaml").write_text(POLICY.format(more="model: {signature: no}\n"))
    result, _ = run(project)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*m has no signature 'no', which the policy asks for: it has 'serve', 'serving_default'*"]
    )
