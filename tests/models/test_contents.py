"""Files that were made to do harm: what they name, and what may be said of it."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from pytest_confmat.errors import ModelError
from pytest_confmat.models import load
from pytest_confmat.models.contents import needs_keras_2, require_harmless
from pytest_confmat.models.formats import ModelFile
from pytest_confmat.models.look import look_at
from pytest_confmat.models.trouble import explain
from pytest_confmat.spec import Argmax, ModelSpec

from .conftest import CLASSES

ELSEWHERE = (
    "is no layer, function or class of a model. Do not trust this file, and do not load it in "
    "another way; find out where it comes from"
)


def function(module, name, registered=None):
    config = {"class_name": "function", "config": name, "registered_name": registered or name}
    return {**config, "module": module}


def holding(inner):
    layer = {"class_name": "Dense", "module": "keras.layers", "config": {"activation": inner}}
    return {"class_name": "Sequential", "module": "keras", "config": {"layers": [layer]}}


def rewritten(path, **members):
    """Put other members into a .keras file; ``None`` takes one out."""
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    found |= {name.replace("_h5", ".h5").replace("__", "."): of for name, of in members.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in found.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def failure(path, custom_objects=None, safe_mode=True):
    with pytest.raises(ModelError) as caught:
        load(ModelSpec(path, safe_mode), CLASSES, Argmax(), custom_objects)
    return caught.value


@pytest.mark.parametrize(
    ("module", "name", "owner"),
    [
        ("os", "makedirs", "Python's standard library"),
        ("posix", "system", "Python's standard library"),
        ("os.path", "exists", "Python's standard library"),
        ("subprocess", "Popen", "Python's standard library"),
        ("urllib.request", "urlopen", "Python's standard library"),
        ("builtins", "eval", "Python itself"),
        ("builtins", "__import__", "Python itself"),
        ("numpy", "load", "the library numpy"),
        ("matplotlib.pyplot", "savefig", "the library matplotlib"),
        ("tensorflow.io", "read_file", "the library tensorflow"),
        ("tensorflow", "py_function", "the library tensorflow"),
        ("pip._internal", "main", "the library pip"),
    ],
)
@pytest.mark.parametrize("kind", ["function", "class"])
def test_what_is_no_part_of_a_model_is_named_with_its_module(tmp_path, module, name, owner, kind):
    file = ModelFile(tmp_path / "m.keras", "keras", "3.15.0")
    named = function(module, name)
    if kind == "class":
        named |= {"class_name": name, "config": {}}
    with pytest.raises(ModelError) as caught:
        require_harmless(file, holding(named))
    assert str(caught.value) == (
        f"{file.path} is not loaded: it names {module}.{name}, which belongs to {owner} and "
        f"{ELSEWHERE}"
    )
    # What the project itself gives that name is the project's, as Keras looks it up.
    require_harmless(file, holding(named), {name})
    registered = holding(named | {"registered_name": "lab>it"})
    if kind == "class":
        require_harmless(file, registered, {"lab>it"})
    for known in [{"lab>it"}] if kind == "function" else [{name}]:
        with pytest.raises(ModelError, match="is not loaded: it names"):
            require_harmless(file, registered, known)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.layers", "Dense"),
        ("net", "Doubled"),
        ("__main__", "Doubled"),
        # Keras says so of every function of a project's.
        ("builtins", "squash"),
        ("builtins", "round"),
        ("tensorflow.python.ops.nn_ops", "leaky_relu"),
        ("keras_hub.src.layers", "Reversible"),
        # Folders of a project's, whatever Python has of that name.
        ("code.layers", "Doubled"),
        ("test.nets", "Doubled"),
        (None, "Doubled"),
    ],
)
def test_what_a_project_may_name_is_left_to_keras(tmp_path, module, name):
    file = ModelFile(tmp_path / "m.keras", "keras", "3.15.0")
    require_harmless(file, holding(function(module, name)))


def test_values_are_found_however_deep_they_lie(tmp_path):
    stored = function("os", "makedirs")
    for _ in range(5000):
        stored = {"config": [stored]}
    with pytest.raises(ModelError, match=r"names os\.makedirs"):
        require_harmless(ModelFile(tmp_path / "m.keras", "keras"), stored)


def test_modules_of_keras_2_are_told_unless_the_project_knows_what_they_hold():
    stored = {"class_name": "Functional", "module": "keras.src.engine.functional", "config": {}}
    assert needs_keras_2(stored)
    assert not needs_keras_2(stored, {"Functional"})
    assert not needs_keras_2({**stored, "module": "keras.src.engines"})


def test_a_file_that_names_the_standard_library_is_not_loaded(nets, tmp_path, monkeypatch):
    path = tmp_path / "m.keras"
    nets.sequential.save(path)
    config = look_config(path).replace('"softmax"', json.dumps(function("os", "makedirs")))
    rewritten(path, config__json=config)
    monkeypatch.setattr("keras.saving.load_model", None)
    for safe_mode in (True, False):
        assert str(failure(path, safe_mode=safe_mode)) == (
            f"{path} is not loaded: it names os.makedirs, which belongs to Python's standard "
            f"library and {ELSEWHERE}"
        )


@pytest.mark.parametrize(
    ("module", "name"), [("keras.utils", "get_file"), ("keras.src.utils.file_utils", "get_file")]
)
def test_a_function_of_keras_that_no_model_holds_is_refused(nets, tmp_path, module, name):
    path = tmp_path / "m.keras"
    nets.sequential.save(path)
    config = look_config(path).replace('"softmax"', json.dumps(function(module, name)))
    assert str(failure(rewritten(path, config__json=config))) == (
        f"{path} is not loaded: it names {module}.{name}, which belongs to Keras and {ELSEWHERE}"
    )


def look_config(path):
    with zipfile.ZipFile(path) as archive:
        return archive.read("config.json").decode()


def objects():
    buffer = io.BytesIO()
    np.savez(buffer, **{"layers/dense/vars": np.array({"0": 1}, dtype=object)})
    return buffer.getvalue()


@pytest.mark.parametrize("content", [objects(), pickle.dumps({"dense": [1.0]})], ids=["npz", "raw"])
def test_weights_that_are_pickles_are_not_to_be_loaded(nets, tmp_path, content, monkeypatch):
    path = tmp_path / "m.keras"
    nets.sequential.save(path)
    rewritten(path, model__weights_h5=None, model__weights__npz=content)
    monkeypatch.setattr("keras.saving.load_model", None)
    assert str(failure(path)) == (
        f"{path} holds its weights as model.weights.npz, which is made of Python pickles, and "
        "these run code as they are loaded. No file that model.save() writes holds one: do not "
        "load it in any way, and find out where it comes from"
    )


def test_a_pickle_that_only_the_loader_meets_is_told_without_numpys_advice(
    keras, nets, tmp_path, monkeypatch
):
    path = tmp_path / "m.keras"
    nets.sequential.save(path)
    (tmp_path / "n.npy").write_bytes(pickle.dumps([1]))
    monkeypatch.setattr("keras.saving.load_model", lambda *_, **__: np.load(tmp_path / "n.npy"))
    error = failure(path)
    assert str(error) == (
        f"{path} cannot be loaded (saved by Keras {keras.__version__}): it holds a Python pickle, "
        "which runs code as it is loaded. No file that model.save() writes holds one: do not load "
        "it in any way, and find out where it comes from"
    )
    # pytest would show the causes, and with them what NumPy recommends.
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_a_pickle_in_place_of_a_model_is_said_to_be_one(tmp_path, suffix, protocol):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(pickle.dumps([1] * 99, protocol))
    kind = "a .keras file is a zip file" if suffix == ".keras" else ".h5 means HDF5"
    assert str(failure(path)) == (
        f"{path} is no model: {kind}, and this one begins as a Python pickle does, which runs code "
        "as it is loaded: do not load it in any way, and find out where it comes from"
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "assets/words.txt"])
def test_an_entry_that_is_there_twice_is_refused_before_anything_is_read(tmp_path, name):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for each in ("config.json", "model.weights.h5", name, name):
            archive.writestr(each, "{}")
    with pytest.raises(ModelError) as caught:
        look_at(path)
    assert str(caught.value) == (
        f"{path} holds {name} more than once, and which of them is read differs between programs. "
        "Keras writes each once: do not trust this file, and do not load it in another way; export "
        "the model again"
    )


OUTWARD = {
    "TFSMLayer": (
        {"class_name": "TFSMLayer", "module": "keras.layers", "registered_name": None,
         "config": {"filepath": "elsewhere", "call_endpoint": "serve"}},
        "a TFSMLayer, which loads and runs a SavedModel from outside the file",
    ),
    "StringLookup": (
        {"class_name": "StringLookup", "module": "keras.layers", "registered_name": None,
         "config": {"vocabulary": "/etc/passwd"}},
        "a layer that reads a vocabulary file from outside the model file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTWARD)
def test_what_safe_mode_refuses_is_not_told_with_a_way_around_it(keras, nets, tmp_path, name):
    layer, what = OUTWARD[name]
    path = tmp_path / "m.keras"
    nets.sequential.save(path)
    config = json.loads(look_config(path))
    config["config"]["layers"][1] = layer
    error = failure(rewritten(path, config__json=json.dumps(config)))
    assert str(error) == (
        f"{path} cannot be loaded (saved by Keras {keras.__version__}): it holds {what}, and "
        "models are loaded in safe mode, which does not allow that: save a model without it, or "
        "hand the model in by overriding the fixture confmat_model"
    )
    assert error.__cause__ is None


def test_a_pytorch_module_needs_no_pytorch_to_be_refused(tmp_path):
    text = (
        "Requested the deserialization of a `torch.nn.Module` object via `torch.load()`. If you "
        "trust the source of the artifact, you can override this error by passing "
        "`safe_mode=False` to the loading function."
    )
    error = explain(ModelFile(tmp_path / "m.keras", "keras"), ValueError(text))
    assert str(error) == (
        f"{tmp_path / 'm.keras'} cannot be loaded: it holds a PyTorch module, which is a pickle "
        "and may run any code, and models are loaded in safe mode, which does not allow that: save "
        "a model without it, or hand the model in by overriding the fixture confmat_model"
    )
