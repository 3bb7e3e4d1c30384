"""Files of Keras 2 that Keras 3 cannot load, loaded by tf-keras and compared with it.

tf-keras must be of TensorFlow's minor version: ``pip install --no-deps "tf-keras==2.21.*"``.
"""

from __future__ import annotations

import json
import marshal
import os
import shutil
from pathlib import Path

import h5py
import keras  # noqa: F401 (what pytester takes away again does not survive that)
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import confusion_matrix

import tests.faults.loaded  # noqa: F401
from pytest_confmat.errors import ModelError
from pytest_confmat.models import load
from pytest_confmat.models.keras_2.loading import _install
from pytest_confmat.spec import Argmax, ModelSpec
from tests.support.makers import png, tree

tf_keras = pytest.importorskip("tf_keras", reason=f"tf-keras is not installed: {_install()}")
layers = tf_keras.layers
CLASSES = ("bird", "cat", "dog")
POLICY = "version: 1\ndataset:\n  directory: data\n  rescale: 1/255\nthresholds:\n  accuracy: 0\n"


def batch(n=45):
    return np.random.default_rng(5).random((n, 8, 8, 3), np.float32)


def head(x):
    wide = tf_keras.initializers.RandomNormal(stddev=3.0, seed=5)
    return layers.Dense(3, activation="softmax", kernel_initializer=wide)(layers.Flatten()(x))


def depthwise():
    """As MobileNets are built: Keras 3 stumbles over their `groups`."""
    x = image = tf_keras.Input((8, 8, 3))
    for _ in range(2):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU(6.0)(x)
        x = layers.Conv2D(6, 1)(x)
    return tf_keras.Model(image, head(layers.Dropout(0.5)(x)))


def sequential():
    return tf_keras.Sequential([depthwise()])


def operations():
    """With operations of TensorFlow's in place of layers."""
    image = tf_keras.Input((8, 8, 3))
    x = tf.image.resize(image, (6, 6)) * 2.0 - 1
    x = tf.concat([x[:, 1:], tf.nn.relu(x[:, :5])], axis=-1)
    mean = tf.reduce_mean(x, axis=[1, 2, 3], keepdims=True)
    return tf_keras.Model(image, head(tf.math.subtract(x, mean)))


def transposed():
    image = tf_keras.Input((8, 8, 3))
    return tf_keras.Model(image, head(layers.Conv2DTranspose(4, 3, activation=tf.nn.relu6)(image)))


def recurrent():
    image = tf_keras.Input((8, 8, 3))
    x = layers.Bidirectional(layers.LSTM(4))(layers.Reshape((8, 24))(image))
    return tf_keras.Model(image, head(layers.DepthwiseConv2D(1)(layers.Reshape((1, 1, 8))(x))))


def given_up():
    """With layers that Keras 3 lacks."""
    image = tf_keras.Input((8, 8, 3))
    x = layers.ThresholdedReLU(0.3)(layers.LocallyConnected2D(2, 3)(image))
    return tf_keras.Model(image, head(x))


_ALL = (depthwise, sequential, operations, transposed, recurrent, given_up)
NETS = {each.__name__: each for each in _ALL}


@pytest.fixture(scope="module", params=NETS)
def net(request):
    tf_keras.utils.set_random_seed(2)
    return NETS[request.param]()


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "old.keras"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_it_predicts_as_tf_keras_does(net, tmp_path, name):
    path = tmp_path / name
    net.save(path if name != "old.keras" else tmp_path / "m.h5")
    if name == "old.keras":
        shutil.move(tmp_path / "m.h5", path)  # what TensorFlow 2.11 wrote under this name
    own = load(ModelSpec(path), CLASSES, Argmax())
    own.check_stated()
    own.check(batch())
    found = own.predict(batch(), np.zeros(45, np.int64))
    expected = net.predict(batch(), verbose=0)
    assert len(set(expected.argmax(1))) > 1
    assert found.predicted.tolist() == expected.argmax(1).tolist()
    assert np.allclose(found.score, expected.max(1), atol=1e-5)


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
@pytest.mark.parametrize("kind", ["MobileNetV3Small", "EfficientNetV2B0", "ConvNeXtTiny"])
def test_nets_that_tf_keras_ships(tmp_path, kind, name):
    tf_keras.utils.set_random_seed(2)
    net = getattr(tf_keras.applications, kind)(
        weights=None, input_shape=(32, 32, 3), classes=3, include_top=True
    )
    path, images = tmp_path / name, np.random.default_rng(0).random((6, 32, 32, 3), np.float32)
    net.save(path)
    found = load(ModelSpec(path), CLASSES, Argmax()).predict(images, np.zeros(6, np.int64))
    expected = net.predict(images, verbose=0)
    assert found.predicted.tolist() == expected.argmax(1).tolist()
    assert np.allclose(found.score, expected.max(1), atol=1e-5)


def write(path, net):
    net.save(path)
    return path


pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")


def test_a_note_says_what_loaded_it_and_why(tmp_path):
    own = load(ModelSpec(write(tmp_path / "m.h5", depthwise())), CLASSES, Argmax())
    assert own.notes[-1] == (
        f"m.h5 was loaded by tf-keras {tf_keras.__version__}, as Keras 3 cannot load it: its layer "
        "DepthwiseConv2D was saved with the argument 'groups', which this Keras does not know"
    )


def test_keras_3_goes_first(tmp_path):
    image = tf_keras.Input((8, 8, 3))
    path = write(tmp_path / "m.h5", tf_keras.Model(image, head(image)))
    own = load(ModelSpec(path), CLASSES, Argmax())
    assert not [note for note in own.notes if "tf-keras" in note]


def run(project, model):
    args = ("-p", "no:hypothesispytest", "-p", "no:xdist", "--confmat-report=out")
    result = project.runpytest_inprocess(f"--confmat-model={model}", *args)
    return result, json.loads((project.path / "out" / "confmat.json").read_text())


def test_a_gate_has_the_matrix_of_tf_keras(pytester):
    files = {f"data/{c}/{n:02}.png": png(31 * k + n, (8, 8, 3)) for k, c in enumerate(CLASSES)
             for n in range(20)}  # fmt: skip
    tree(pytester.path, files)
    (pytester.path / "thresholds.yaml").write_text(POLICY)
    tf_keras.utils.set_random_seed(2)
    net = depthwise()
    net.save(pytester.path / "m.h5")
    result, report = run(pytester, "m.h5")
    assert result.ret == 0, result.stdout.str()
    data = tf_keras.utils.image_dataset_from_directory(
        pytester.path / "data", shuffle=False, image_size=(8, 8), batch_size=60
    )
    ((images, labels),) = data
    expected = confusion_matrix(labels, net.predict(images / 255, verbose=0).argmax(1))
    assert (expected > 0).sum() > 4
    assert report["matrix"] == expected.tolist()
    assert report["versions"]["tf_keras"] == tf_keras.__version__
    assert report["model"]["format"] == "hdf5"
    expected = f"tf-keras {tf_keras.__version__} on TensorFlow {tf.__version__}"
    assert report["model"]["runtime"] == expected
    _, report = run(pytester, "m.h5")
    assert "cache" in report["timing"]


class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


def test_a_class_of_the_projects_is_known_by_the_hook(tmp_path):
    image = tf_keras.Input((8, 8, 3))
    net = tf_keras.Model(image, head(layers.DepthwiseConv2D(1)(Doubled()(image))))
    path = write(tmp_path / "m.h5", net)
    with pytest.raises(ModelError, match="'Doubled'"):
        load(ModelSpec(path), CLASSES, Argmax())
    own = load(ModelSpec(path), CLASSES, Argmax(), {"Doubled": Doubled})
    found = own.predict(batch(), np.zeros(45, np.int64))
    assert found.predicted.tolist() == net.predict(batch(), verbose=0).argmax(1).tolist()


def with_lambda(path, to):
    """Write a model with a `Lambda` whose code makes a file as it is called."""
    code = f"import pathlib; pathlib.Path({str(to)!r}).touch()"
    image = tf_keras.Input((8, 8, 3))
    x = layers.Lambda(lambda x, _code=code: (exec(_code), x)[1])(layers.DepthwiseConv2D(1)(image))
    write(path, tf_keras.Model(image, head(x)))
    Path(to).unlink()
    return path


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_code_in_a_lambda_is_not_run(tmp_path, name):
    path, to = tmp_path / name, tmp_path / "made"
    with_lambda(path, to)
    with pytest.raises(ModelError, match="Lambda"):
        load(ModelSpec(path), CLASSES, Argmax())
    assert not to.exists()


def test_who_trusts_it_may_run_it(tmp_path):
    path, to = tmp_path / "m.h5", tmp_path / "made"
    with_lambda(path, to)
    load(ModelSpec(path, safe_mode=False), CLASSES, Argmax())
    assert to.exists()


def surgery(path, change):
    with h5py.File(path, "r+") as stored:
        config = json.loads(stored.attrs["model_config"])
        change(config["config"]["layers"])
        stored.attrs["model_config"] = json.dumps(config)


@pytest.mark.parametrize("function", ["io.write_file", "compat.v1.write_file", "py_function"])
def test_an_operation_that_writes_a_file_is_not_run(tmp_path, function):
    path, to = write(tmp_path / "m.h5", operations()), tmp_path / "made"

    def change(found):
        layer = [e for e in found if e["config"].get("function") == "math.subtract"][-1]
        layer["config"]["function"] = function
        layer["inbound_nodes"][0][3] = {"contents": str(to)}

    surgery(path, change)
    with pytest.raises(ModelError, match=f"it would call the operation tf.{function}, which"):
        load(ModelSpec(path), CLASSES, Argmax())
    assert not to.exists()


def test_a_class_by_its_path_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(f"open({str(tmp_path / 'made')!r}, 'w')\nDense = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = write(tmp_path / "m.h5", depthwise())
    surgery(path, lambda found: found[-1].update(module="theirs", registered_name="Dense"))
    with pytest.raises(ModelError, match="'Dense' in it is not tf-keras's own"):
        load(ModelSpec(path), CLASSES, Argmax())
    assert not (tmp_path / "made").exists()


def test_marshalled_code_is_not_run_by_any_name(tmp_path):
    path = write(tmp_path / "m.h5", depthwise())
    code = compile(f"open({str(tmp_path / 'made')!r}, 'w')", "x", "exec")
    stored = {"class_name": "__lambda__", "config": {"code": marshal.dumps(code).hex()}}
    surgery(path, lambda found: found[-1]["config"].update(activation=stored))
    with pytest.raises(ModelError, match="Lambda"):
        load(ModelSpec(path), CLASSES, Argmax())
    assert not os.path.lexists(tmp_path / "made")


def test_weights_in_another_file_are_not_read(tmp_path):
    path, other = write(tmp_path / "m.h5", depthwise()), tmp_path / "other.h5"
    with h5py.File(path, "r+") as stored, h5py.File(other, "w") as elsewhere:
        found = []
        stored["model_weights"].visititems(
            lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None
        )
        elsewhere["x"] = stored["model_weights"][found[0]][()]
        del stored["model_weights"][found[0]]
        stored["model_weights"][found[0]] = h5py.ExternalLink(str(other), "/x")
    with pytest.raises(ModelError, match="in it lies in another file"):
        load(ModelSpec(path), CLASSES, Argmax())


def test_what_neither_can_load_says_what_each_said(tmp_path):
    path = write(tmp_path / "m.h5", depthwise())
    surgery(path, lambda found: found[-1]["config"].update(theirs=1))
    with pytest.raises(ModelError) as caught:
        load(ModelSpec(path), CLASSES, Argmax())
    said = str(caught.value)
    assert f"neither Keras 3 nor tf-keras {tf_keras.__version__} can load it. Keras 3: " in said
    assert "tf-keras: TypeError: " in said
