"""LiteRT files gated: each matrix is that of the interpreter called in a loop, without our code."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image
from sklearn.metrics import confusion_matrix

import tests.faults.loaded  # noqa: F401
from tests.extras.litert import nets
from tests.extras.litert.buffers import CLASSES, SIDE
from tests.support.makers import png, tree

EACH = 25
POLICY = "version: 1\ndataset:\n  directory: data\n{rescale}{more}thresholds:\n  accuracy: 0\n"
RESCALE = "  rescale: 1/255\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    files = {
        f"data/{name}/{n:02}.png": png(31 * k + n, (SIDE, SIDE, 3))
        for k, name in enumerate(CLASSES)
        for n in range(EACH)
    }
    return tree(tmp_path_factory.mktemp("set"), files)


@pytest.fixture
def project(pytester, data):
    shutil.copytree(data / "data", pytester.path / "data")
    (pytester.path / "thresholds.yaml").write_text(POLICY.format(rescale=RESCALE, more=""))
    return pytester


def run(project, *more):
    args = ("-p", "no:hypothesispytest", "-p", "no:xdist", "--confmat-report=out")
    result = project.runpytest_inprocess("--confmat-model=m.tflite", *args, *more)
    return result, json.loads((project.path / "out" / "confmat.json").read_text())


def pictures(folder):
    """Pixels of all pictures as Pillow reads them, and their classes."""
    paths = [
        (k, path) for k, c in enumerate(CLASSES) for path in sorted((folder / "data" / c).glob("*"))
    ]
    return np.stack([np.asarray(Image.open(p)) for _, p in paths]), [k for k, _ in paths]


def scores_of(path, images):
    """What the interpreter's own API gives, one example at a time, as the file's own numbers."""
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, point = taken["quantization"]
    found = []
    for image in images:
        given_to_it = image
        if scale:
            limits = np.iinfo(taken["dtype"])
            whole = np.round(image / np.float32(scale)) + point
            given_to_it = np.clip(whole, limits.min, limits.max)
        batch = np.repeat(given_to_it[None].astype(taken["dtype"]), taken["shape"][0], 0)
        interpreter.set_tensor(taken["index"], batch)
        interpreter.invoke()
        found.append(interpreter.get_tensor(given["index"])[0])
    scale, point = given["quantization"]
    return np.stack(found), scale, point


def expected(path, folder, cut=None):
    pixels, true = pictures(folder)
    found, scale, point = scores_of(path, pixels.astype(np.float32) * np.float32(1 / 255))
    if cut is None:
        predicted = found.argmax(axis=1)
    else:
        real = (found - np.float32(point)) * np.float32(scale) if scale else found
        predicted = (real[:, 0] >= np.float32(cut)).astype(int)
    return confusion_matrix(true, predicted, labels=range(len(CLASSES)))


@pytest.mark.parametrize(
    ("way", "batch"), [*((way, None) for way in nets.WAYS), ("float", 1), ("float", 7), ("int8", 7)]
)
def test_a_matrix_is_that_of_the_interpreter(project, way, batch):
    path = nets.write(project.path / "m.tflite", way, batch=batch)
    result, report = run(project)
    assert result.ret == 0, result.stdout.str()
    matrix = expected(path, project.path)
    assert (matrix > 0).sum() > 5
    assert report["matrix"] == matrix.tolist()
    assert report["model"]["format"] == "litert"
    assert report["model"]["runtime"].startswith("LiteRT 2.")
    assert len(report["model"]["sha256"]) == 64


@pytest.mark.parametrize("way", ["float", "int8"])
def test_one_unit_under_a_threshold(project, way):
    shutil.rmtree(project.path / "data" / "dog")
    path = nets.write(project.path / "m.tflite", way, units=1, end="sigmoid")
    more = "decision: {threshold: 0.4}\n"
    (project.path / "thresholds.yaml").write_text(POLICY.format(rescale=RESCALE, more=more))
    result, report = run(project)
    assert result.ret == 0, result.stdout.str()
    matrix = expected(path, project.path, cut=0.4)[:2, :2]
    assert (matrix > 0).all()
    assert report["matrix"] == matrix.tolist()


@pytest.mark.parametrize("way", ["float", "int8"])
def test_1001_outputs(project, way):
    path = nets.write(project.path / "m.tflite", way, units=1001)
    names = [f"c{number:04}" for number in range(998)]
    classes = f"classes: {{names: [{', '.join((*CLASSES, *names))}], "
    classes += f"without_examples: [{', '.join(names)}]}}\n"
    (project.path / "thresholds.yaml").write_text(POLICY.format(rescale=RESCALE, more=classes))
    result, report = run(project)
    assert result.ret == 0, result.stdout.str()
    pixels, true = pictures(project.path)
    found, *_ = scores_of(path, pixels.astype(np.float32) * np.float32(1 / 255))
    matrix = confusion_matrix(true, found.argmax(axis=1), labels=range(1001))
    assert np.array_equal(report["matrix"], matrix)


def test_a_run_is_kept_and_recalled(project):
    nets.write(project.path / "m.tflite", "int8")
    _, first = run(project)
    _, again = run(project)
    assert "cache" not in first["timing"]
    assert "cache" in again["timing"]
    assert again["matrix"] == first["matrix"]
    nets.write(project.path / "m.tflite", "float")
    _, other = run(project)
    assert "cache" not in other["timing"]
    assert other["model"]["sha256"] != first["model"]["sha256"]


def test_pixels_that_were_not_rescaled_are_noted(project):
    nets.write(project.path / "m.tflite", "int8")
    (project.path / "thresholds.yaml").write_text(POLICY.format(rescale="", more=""))
    _, report = run(project)
    said = "the model m.tflite takes numbers from 0 to 1, as int8, and "
    assert any(note.startswith(said) and "see whether" in note for note in report["notes"])


@pytest.mark.parametrize("library", ["LiteRT", "TensorFlow Lite"])
def test_nothing_is_written_to_standard_error(project, library):
    nets.write(project.path / "m.tflite", "int8")
    if library != "LiteRT":
        gone = "import importlib.util as u\n_real = u.find_spec\n"
        gone += "u.find_spec = lambda n, *a: None if n == 'ai_edge_litert' else _real(n, *a)\n"
        (project.path / "conftest.py").write_text(gone)
    # With -s, since pytest would catch what is written while the gate runs.
    options = ("-q", "-s", "--confmat-model=m.tflite", "-W", "error", "-p", "no:cacheprovider")
    result = project.runpytest_subprocess(*options, "-p", "no:xdist", "--confmat-report=out")
    assert result.ret == 0, result.stdout.str()
    assert result.stderr.str() == ""
    report = json.loads((project.path / "out" / "confmat.json").read_text())
    assert report["model"]["runtime"].startswith(f"{library} ")
    assert report["matrix"] == expected(project.path / "m.tflite", project.path).tolist()


def test_without_a_library_one_line_names_the_extra(project):
    nets.write(project.path / "m.tflite")
    gone = "import importlib.util as u\n_real = u.find_spec\n"
    gone += "_gone = {'ai_edge_litert', 'tensorflow'}\n"
    gone += "u.find_spec = lambda n, *a: None if n in _gone else _real(n, *a)\n"
    (project.path / "conftest.py").write_text(gone)
    result = project.runpytest_subprocess("--confmat-model=m.tflite", "-p", "no:xdist")
    assert result.ret == 1
    said = 'm.tflite needs it: pip install "pytest-confmat[litert]"'
    assert f"ai-edge-litert is not installed, and loading {project.path}/{said}" in (
        result.stdout.str()
    )
