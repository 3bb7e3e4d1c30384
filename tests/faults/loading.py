"""Models that are whole files, and cannot or must not be loaded."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile

from tests.faults.models import MODEL, Members, kind, named, zipped
from tests.faults.project import Project, saved
from tests.faults.table import Fault, Make, Section, all_of, file, options


def surgery(old: str, new: str, saved_by: str | None = None, kind: str = "plain") -> Make:
    """Return what replaces a text in the configuration of an HDF5 model."""

    def make(project: Project) -> None:
        import h5py

        with h5py.File(project.model(kind, "m.h5"), "r+") as stored:
            config = stored.attrs["model_config"]
            assert old in config
            stored.attrs["model_config"] = config.replace(old, new)
            stored.attrs["keras_version"] = saved_by or stored.attrs["keras_version"]
        named("m.h5")(project)

    return make


def configured(old: str, new: str) -> Make:
    """Return what replaces a text in the configuration of a .keras model."""

    def change(all_: Members) -> Members:
        assert old.encode() in all_["config.json"]
        return {**all_, "config.json": all_["config.json"].replace(old.encode(), new.encode())}

    return zipped(change)


def as_keras_2(old: str, new: str) -> Make:
    """Return what replaces a text in the configuration, and names Keras 2 as its author."""

    def make(project: Project) -> None:
        path = project.path / MODEL
        with zipfile.ZipFile(path) as archive:
            all_ = {name: archive.read(name) for name in archive.namelist()}
        assert old.encode() in all_["config.json"]
        all_["config.json"] = all_["config.json"].replace(old.encode(), new.encode())
        all_["metadata.json"] = b'{"keras_version": "2.15.0"}'
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in all_.items():
                archive.writestr(name, content)

    return make


def functional_of_keras_2(project: Project) -> None:
    old = '"module": "keras.src.models.functional", "class_name": "Functional"'
    new = '"module": "keras.src.engine.functional", "class_name": "Functional"'
    project.model("functional", MODEL)
    as_keras_2(old, new)(project)


def pickled_weights(project: Project) -> None:
    objects = pickle.dumps({"layers/dense/vars": {"0": [1.0]}})
    zipped(
        lambda all_: {
            **{name: all_[name] for name in all_ if name != "model.weights.h5"},
            "model.weights.npz": objects,
        }
    )(project)


def twice(name: str) -> Make:
    """Return what puts a member of the model's zip there once more."""

    def make(project: Project) -> None:
        with (
            warnings.catch_warnings(action="ignore"),
            zipfile.ZipFile(project.path / MODEL, "a") as archive,
        ):
            archive.writestr(name, "{}")

    return make


def outside(module: str, name: str) -> str:
    """Return how a configuration names a function of a module."""
    config = {"module": module, "class_name": "function", "config": name, "registered_name": name}
    return json.dumps(config)


def damaged(project: Project) -> None:
    content = bytearray(saved("plain", ".keras"))
    content[content.index(b"\x89HDF") + 200] ^= 0xFF
    project.write(MODEL, bytes(content))


def apart(code: str = "", **environment: str) -> Make:
    """Return what is run in a process of its own, after some code in a conftest.py."""

    def make(project: Project) -> None:
        project.environment = environment
        if code:
            project.write("conftest.py", code)

    return make


def no_tf_keras(project: Project) -> None:
    project.write("conftest.py", WITHOUT_TF_KERAS)


def pinned(project: Project) -> None:
    project.policy("directory: data", f"model_sha256: {'0' * 64}\n")


HOOK = """\
import keras


class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def pytest_confmat_custom_objects():
    return {value}
"""


UNSAFE = "import keras\n\nkeras.config.enable_unsafe_deserialization()\n"


TF_KERAS = "tf-keras may well load it, and is not installed: pip install [...]"
WITHOUT_TF_KERAS = "import sys\n\nsys.modules['tf_keras'] = None\n"
DISTRUST = (
    "is no layer, function or class of a model. Do not trust this file, and do not load it in "
    "another way; find out where it comes from"
)
SAVED_MODEL = '"class_name": "TFSMLayer", "config": {"filepath": "elsewhere", '


SECTION = Section(
    "Loading a model",
    "A whole model file; the six images that it is compared with are fine.",
    Project.images,
    [
        Fault(
            "a bit flipped in the weights",
            damaged,
            "m.keras cannot be loaded (saved by Keras [...]): its content is "
            "damaged (Bad CRC-32 for file 'model.weights.h5'): copy or export it "
            "again",
        ),
        Fault(
            "weights of other layers",
            configured('"units": 2', '"units": 3'),
            "m.keras cannot be loaded (saved by Keras [...]): its weights do not "
            "fit its layers ([...]): export it again",
        ),
        Fault(
            "a layer that Keras does not have",
            configured('"class_name": "Dense"', '"class_name": "KanLayer"'),
            "m.keras cannot be loaded (saved by Keras [...]): this Keras has no "
            "keras.layers.KanLayer, which is in it: install the Keras that wrote "
            "it, or a newer one, or hand the model in by overriding the fixture "
            "confmat_model",
        ),
        Fault(
            "a layer of the project's, not registered",
            kind("custom"),
            "m.keras cannot be loaded (saved by Keras [...]): the class 'Doubled' of the module "
            "'tests.faults.nets' in it is not Keras's own and not known here: if it is your "
            "project's, return it from the hook pytest_confmat_custom_objects in a "
            "conftest.py beside the policy or above it, as "
            "{'Doubled': Doubled}, or hand the model in by overriding the fixture confmat_model",
        ),
        Fault(
            "a layer of the project's, registered",
            kind("registered"),
            "m.keras cannot be loaded (saved by Keras [...]): the class 'Tripled' of the module "
            "'tests.faults.nets' in it is not Keras's own and not known here: if it is your "
            "project's, return it from the hook pytest_confmat_custom_objects in a "
            "conftest.py beside the policy or above it, as "
            "{'acme>Tripled': Tripled}, or hand the model in by overriding the fixture "
            "confmat_model",
        ),
        Fault(
            "a layer of the project's, named by the hook",
            all_of(kind("custom"), file("conftest.py", HOOK.format(value='{"Doubled": Doubled}'))),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a hook that names no layers",
            all_of(kind("custom"), file("conftest.py", HOOK.format(value="[Doubled]"))),
            "the hook pytest_confmat_custom_objects returned [<class "
            "'conftest.Doubled'>]: return a dict of names and what they stand for, "
            'such as {"Doubled": Doubled}',
        ),
        Fault(
            "a hook that fails",
            all_of(kind("custom"), file("conftest.py", HOOK.format(value="Tripled"))),
            "the hook pytest_confmat_custom_objects failed: NameError: name "
            "'Tripled' is not defined",
        ),
        Fault(
            "a layer of the project's in an HDF5 file",
            kind("custom", "m.h5"),
            "m.h5 cannot be loaded (saved by Keras [...]): the layer 'Doubled' in "
            "it is not Keras's own and not known here: if it is your project's, return it from the "
            "hook pytest_confmat_custom_objects in a "
            "conftest.py beside the policy or above it, as {'Doubled': "
            "Doubled}, or hand the model in by overriding the fixture confmat_model",
        ),
        Fault(
            "a function of the project's",
            kind("custom_activation"),
            "m.keras cannot be loaded (saved by Keras [...]): the function "
            "'squash' in it is not Keras's own and not known here: if it is your project's, return "
            "it from the hook pytest_confmat_custom_objects in a "
            "conftest.py beside the policy or above it, as {'squash': "
            "squash}, or hand the model in by overriding the fixture confmat_model",
        ),
        Fault(
            "code in a Lambda layer",
            kind("with_lambda"),
            "m.keras cannot be loaded (saved by Keras [...]): it holds Python code "
            "in a Lambda layer, and models are loaded in safe mode, which runs no "
            "code from a file: replace the Lambda by a layer of your own and save "
            "again, or say --confmat-unsafe-model if you trust the file",
        ),
        Fault(
            "code in a Lambda layer, asked for",
            all_of(kind("with_lambda"), options("--confmat-unsafe-model")),
            "m.keras was loaded without safe mode, so that code in it was run: "
            "--confmat-unsafe-model asks for that",
            "noted",
        ),
        Fault(
            "another model than `model_sha256` pins",
            pinned,
            "m.keras is not the model that the policy is for: its SHA-256 is "
            "[...], and thresholds.yaml:4 pins "
            "0000000000000000000000000000000000000000000000000000000000000000; "
            "name the other file, or pin this one",
        ),
        Fault(
            "code in a Lambda layer of an HDF5 file",
            kind("with_lambda", "m.h5"),
            "m.h5 cannot be loaded (saved by Keras [...]): it holds Python code in "
            "a Lambda layer, and models are loaded in safe mode, which runs no "
            "code from a file: replace the Lambda by a layer of your own and save "
            "again, or say --confmat-unsafe-model if you trust the file",
        ),
        Fault(
            "a depthwise convolution of Keras 2",
            all_of(
                surgery(
                    '"depth_multiplier": 1',
                    '"depth_multiplier": 1, "groups": 1',
                    "2.11.0",
                    "depthwise",
                ),
                no_tf_keras,
            ),
            "m.h5 was saved by Keras 2 (2.11.0), and Keras 3 cannot load it: its layer "
            "DepthwiseConv2D was saved with the argument 'groups', which this Keras does not know. "
            + TF_KERAS,
        ),
        Fault(
            "raw TensorFlow operations of Keras 2",
            all_of(surgery('"GlobalAveragePooling2D"', '"TFOpLambda"', "2.11.0"), no_tf_keras),
            "m.h5 was saved by Keras 2 (2.11.0), and Keras 3 cannot load it: it holds raw "
            "TensorFlow operations (layers of the kind TFOpLambda). " + TF_KERAS,
        ),
        Fault(
            "a functional model of Keras 2",
            all_of(functional_of_keras_2, no_tf_keras),
            "m.keras was saved by Keras 2 (2.15.0), and Keras 3 cannot load it: it stores "
            "functional models in another way. " + TF_KERAS,
        ),
        Fault(
            "a batch normalization of Keras 2",
            all_of(kind("batch_normalized"), as_keras_2('"axis": -1', '"axis": [3]'), no_tf_keras),
            "m.keras was saved by Keras 2 (2.15.0), and Keras 3 cannot load it: TypeError: [...]. "
            + TF_KERAS,
        ),
        Fault(
            "a model of Keras 2 that Keras 3 loads",
            as_keras_2("", ""),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a function of the standard library as an activation",
            configured('"softmax"', outside("os", "makedirs")),
            "m.keras is not loaded: it names os.makedirs, which belongs to Python's standard "
            "library and " + DISTRUST,
        ),
        Fault(
            "a function of Python's as an activation",
            configured('"softmax"', outside("builtins", "eval")),
            "m.keras is not loaded: it names builtins.eval, which belongs to Python itself and "
            + DISTRUST,
        ),
        Fault(
            "a function of Keras that no model holds",
            configured('"softmax"', outside("keras.utils", "get_file")),
            "m.keras is not loaded: it names keras.utils.get_file, which belongs to Keras and "
            + DISTRUST,
        ),
        Fault(
            "weights that are pickles",
            pickled_weights,
            "m.keras holds its weights as model.weights.npz, which is made of Python pickles, and "
            "these run code as they are loaded. No file that model.save() writes holds one: do not "
            "load it in any way, and find out where it comes from",
        ),
        Fault(
            "a pickle named as a model",
            file(MODEL, b"\x80\x04\x95\x00"),
            "m.keras is no model: a .keras file is a zip file, and this one begins as a Python "
            "pickle does, which runs code as it is loaded: do not load it in any way, and find out "
            "where it comes from",
        ),
        Fault(
            "two configurations in one file",
            twice("config.json"),
            "m.keras holds config.json more than once, and which of them is read differs between "
            "programs. Keras writes each once: do not trust this file, and do not load it in "
            "another way; export the model again",
        ),
        Fault(
            "a layer that loads a SavedModel from elsewhere",
            configured('"class_name": "GlobalAveragePooling2D", "config": {', SAVED_MODEL),
            "m.keras cannot be loaded (saved by Keras [...]): it holds a TFSMLayer, which loads "
            "and runs a SavedModel from outside the file, and models are loaded in safe mode, "
            "which does not allow that: save a model without it, or hand the model in by "
            "overriding the fixture confmat_model",
        ),
        Fault(
            "an HDF5 file whose configuration is damaged",
            surgery('{"module"', "{module"),
            "m.h5 cannot be loaded (saved by Keras [...]): JSONDecodeError: [...]",
        ),
        Fault(
            "a compile section that cannot be read",
            kind("odd_loss"),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a Keras with known security holes",
            apart("import keras\n\nkeras.__version__ = '3.12.0'\n"),
            "Keras 3.12.0 has known security holes in loading model files: 3.12.4 and 3.15.1 close "
            "them",
            "noted",
        ),
        Fault(
            "Keras on another backend",
            apart(KERAS_BACKEND="jax"),
            "m.keras is run by Keras on TensorFlow, though KERAS_BACKEND asks for 'jax'",
            "noted",
        ),
        Fault(
            "a Keras that a conftest.py has on another backend already",
            apart("import keras\n\nkeras.config.backend = lambda: 'jax'\n"),
            "Keras was imported in this run before the model was loaded, and runs on 'jax'; models "
            "are run on TensorFlow here: leave out the tests and the conftest.py that import it, "
            "set KERAS_BACKEND=tensorflow for this run, or hand in a function that calls the model "
            "by overriding the fixture confmat_model",
        ),
        Fault(
            "safe mode switched off by a conftest.py",
            apart(UNSAFE),
            "keras.config.enable_unsafe_deserialization() was called in this run, "
            "so that loading a model would run whatever code its file holds: "
            "remove the call, or say --confmat-unsafe-model if you trust the file",
        ),
    ],
)
