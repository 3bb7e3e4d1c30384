"""ONNX files gated: each matrix is that of onnxruntime called in a loop, without our code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto
from PIL import Image
from sklearn.metrics import confusion_matrix

import tests.faults.loaded  # noqa: F401
from tests.extras.onnx import graphs
from tests.extras.onnx.graphs import CLASSES, SIDE
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


def run(project, model, *more):
    args = ("-p", "no:hypothesispytest", "-p", "no:xdist", "--confmat-report=out")
    result = project.runpytest_inprocess(f"--confmat-model={model}", *args, *more)
    return result, json.loads((project.path / "out" / "confmat.json").read_text())


def pictures(folder):
    """Pixels of all pictures as Pillow reads them, and their classes."""
    paths = [
        (k, path) for k, c in enumerate(CLASSES) for path in sorted((folder / "data" / c).glob("*"))
    ]
    return np.stack([np.asarray(Image.open(p)) for _, p in paths]), [k for k, _ in paths]


def expected(path, folder, first=False, raw=False, cut=None):
    """The matrix that onnxruntime's own API gives, one example at a time."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0]
    kind = {"tensor(float16)": np.float16, "tensor(uint8)": np.uint8}.get(taken.type, np.float32)
    copies = taken.shape[0] if isinstance(taken.shape[0], int) else 1
    pixels, true = pictures(folder)
    predicted = []
    for image in pixels:
        example = image if raw else image.astype(np.float32) * np.float32(1 / 255)
        example = example.transpose(2, 0, 1) if first else example
        batch = np.repeat(example[None], copies, 0).astype(kind)
        scores = session.run(None, {taken.name: batch})[0][0]
        predicted.append(int(scores[0] >= cut) if cut is not None else int(np.argmax(scores)))
    return confusion_matrix(true, predicted, labels=range(len(CLASSES)))


def quantized(folder):
    """A net of whole numbers inside, by onnxruntime's own tool."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            found = (pictures(folder)[0] / 255).astype(np.float32).transpose(0, 3, 1, 2)
            self.batches = iter([{"x": found[at : at + 5]} for at in range(0, len(found), 5)])

        def get_next(self):
            return next(self.batches, None)

    graphs.write(folder / "float.onnx", graphs.conv())
    quantize_static(
        folder / "float.onnx", folder / "m.onnx", Reader(), quant_format=QuantFormat.QDQ
    )
    kinds = {each.op_type for each in onnx.load(folder / "m.onnx").graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds


def external(folder):
    graphs.write(
        folder / "m.onnx", graphs.conv(), save_as_external_data=True, location="w/m.data",
        size_threshold=0,
    )  # fmt: skip


def external_data(folder):
    (folder / "w").mkdir()
    external(folder)
    assert (folder / "w" / "m.data").stat().st_size > 1000


def made(net):
    return lambda folder: graphs.write(folder / "m.onnx", net)


FIRST = {
    "channels first": made(graphs.conv()),
    "fixed batch of one": made(graphs.conv(1)),
    "fixed batch that divides nothing": made(graphs.conv(7)),
    "float16": made(graphs.conv(dtype=np.float16)),
    "logits": made(graphs.conv(end="Identity")),
    "quantized": quantized,
    "external data": external_data,
}


@pytest.mark.parametrize("name", FIRST)
def test_a_net_that_takes_channels_first(project, name):
    FIRST[name](project.path)
    result, report = run(project, "m.onnx")
    assert result.ret == 0, result.stdout.str()
    matrix = expected(project.path / "m.onnx", project.path, first=True)
    assert (matrix > 0).sum() > 5
    assert report["matrix"] == matrix.tolist()
    assert report["model"]["format"] == "onnx"
    assert report["model"]["runtime"] == f"onnxruntime {onnxruntime.__version__}"
    said = "the model m.onnx takes images channels first, (N, 3, 8, 8): they are turned before"
    assert any(note.startswith(said) for note in report["notes"])


def test_a_net_that_takes_pixels_as_they_are(project):
    graphs.write(project.path / "m.onnx", graphs.last(dtype=TensorProto.UINT8))
    (project.path / "thresholds.yaml").write_text(POLICY.format(rescale="", more=""))
    result, report = run(project, "m.onnx")
    assert result.ret == 0, result.stdout.str()
    matrix = expected(project.path / "m.onnx", project.path, raw=True)
    assert (matrix > 0).sum() > 5
    assert report["matrix"] == matrix.tolist()


def test_one_unit_under_a_threshold(project):
    shutil.rmtree(project.path / "data" / "dog")
    graphs.write(project.path / "m.onnx", graphs.conv(units=1, end="Sigmoid"))
    more = "decision: {threshold: 0.4}\n"
    (project.path / "thresholds.yaml").write_text(POLICY.format(rescale=RESCALE, more=more))
    result, report = run(project, "m.onnx")
    assert result.ret == 0, result.stdout.str()
    matrix = expected(project.path / "m.onnx", project.path, first=True, cut=0.4)[:2, :2]
    assert (matrix > 0).all()
    assert report["matrix"] == matrix.tolist()


def test_logits_under_a_threshold_are_an_error(project):
    shutil.rmtree(project.path / "data" / "dog")
    graphs.write(project.path / "m.onnx", graphs.conv(units=1, end="Identity"))
    more = "decision: {threshold: 0.5}\n"
    (project.path / "thresholds.yaml").write_text(POLICY.format(rescale=RESCALE, more=more))
    result, _ = run(project, "m.onnx")
    assert result.ret == 1
    assert "these look like logits" in result.stdout.str()


@pytest.fixture(scope="module")
def of_keras(tmp_path_factory):
    """A net of Keras's as `model.export` writes it, with its own weights in `.keras` beside."""
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed: pip install tf2onnx")
    keras.utils.set_random_seed(4)
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(6, 3, padding="same"),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0)),
            layers.Softmax(),
        ]
    )
    net(np.zeros((1, SIDE, SIDE, 3), np.float32))
    folder = tmp_path_factory.mktemp("keras")
    net.export(folder / "m.onnx", format="onnx", verbose=False)
    return folder / "m.onnx"


def test_a_net_that_keras_exports(project, of_keras):
    shutil.copy(of_keras, project.path / "m.onnx")
    result, report = run(project, "m.onnx")
    assert result.ret == 0, result.stdout.str()
    matrix = expected(of_keras, project.path)
    assert (matrix > 0).sum() > 4
    assert report["matrix"] == matrix.tolist()
    assert not any("channels first" in note for note in report["notes"])
    _, again = run(project, "m.onnx")
    assert "cache" in again["timing"]
    assert again["matrix"] == report["matrix"]


def test_a_red_gate_says_which_class(project):
    graphs.write(project.path / "m.onnx", graphs.conv())
    policy = POLICY.format(rescale=RESCALE, more="").replace("accuracy: 0", "recall: 0.9")
    (project.path / "thresholds.yaml").write_text(policy)
    result, report = run(project, "m.onnx")
    assert result.ret == 1
    matrix = expected(project.path / "m.onnx", project.path, first=True)
    recalls = {f"recall[{c}]": matrix[k, k] / EACH for k, c in enumerate(CLASSES)}
    assert {each["id"]: each["observed"] for each in report["verdicts"]} == recalls
    assert all(value < 0.9 for value in recalls.values())


def test_other_weights_beside_it_are_another_model(project):
    external_data(project.path)
    _, first = run(project, "m.onnx")
    path = project.path / "w" / "m.data"
    (-np.fromfile(path, np.float32)).tofile(path)
    _, second = run(project, "m.onnx")
    assert "cache" not in second["timing"]
    assert first["model"]["sha256"] != second["model"]["sha256"]
    command = "cd {} && sha256sum m.onnx w/m.data | sha256sum"
    project_sha = project.run("bash", "-c", command.format(project.path)).stdout.lines[0]
    assert second["model"]["sha256"] == project_sha.split()[0]


def test_a_dataset_of_ones_own_may_yield_channels_first(project):
    graphs.write(project.path / "m.onnx", graphs.conv())
    pixels, true = pictures(project.path)
    images = (pixels.astype(np.float32) * np.float32(1 / 255)).transpose(0, 3, 1, 2)
    np.savez(project.path / "set.npz", images=images, labels=true)
    project.makeconftest(
        "import numpy as np, pytest\n\n\n@pytest.fixture(scope='session')\n"
        "def confmat_dataset():\n    found = np.load('set.npz')\n"
        "    return [(found['images'], found['labels'])]\n"
    )
    names = f"classes: [{', '.join(CLASSES)}]"
    (project.path / "thresholds.yaml").write_text(
        f"version: 1\n{names}\nthresholds:\n  accuracy: 0\n"
    )
    result, report = run(project, "m.onnx")
    assert result.ret == 0, result.stdout.str()
    matrix = expected(project.path / "m.onnx", project.path, first=True)
    assert report["matrix"] == matrix.tolist()


def test_nothing_is_written_to_standard_error(project):
    graphs.write(project.path / "m.onnx", graphs.conv())
    # With -s, since pytest would catch what is written while the gate runs.
    options = ("-q", "-s", "--confmat-model=m.onnx", "-W", "error", "-p", "no:cacheprovider")
    result = project.runpytest_subprocess(*options)
    assert result.ret == 0, result.stdout.str()
    assert result.stderr.str() == ""


def test_without_its_libraries_one_line_names_the_extra(project, monkeypatch):
    graphs.write(project.path / "m.onnx", graphs.conv())
    for gone, said in (
        ({"onnxruntime"}, "onnxruntime is not installed, and loading HERE needs it: "),
        ({"onnx"}, "onnx is not installed, and loading HERE needs it: "),
        ({"onnx", "onnxruntime"}, "onnxruntime and onnx are not installed, and loading HERE "
                                  "needs them: "),
    ):  # fmt: skip
        code = "import importlib.util as u\n_real = u.find_spec\n"
        code += f"u.find_spec = lambda name, *a: None if name in {gone!r} else _real(name, *a)\n"
        (project.path / "conftest.py").write_text(code)
        result = project.runpytest_subprocess("--confmat-model=m.onnx", "-p", "no:xdist")
        assert result.ret == 1
        shown = result.stdout.str().replace(f"{Path(project.path)}/m.onnx", "HERE")
        assert f'{said}pip install "pytest-confmat[onnx]"' in shown
