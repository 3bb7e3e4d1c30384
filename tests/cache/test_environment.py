from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

import pytest

import pytest_confmat
from pytest_confmat.cache import environment as module
from pytest_confmat.cache.environment import environment
from pytest_confmat.errors import UndeterminedError

ROOT = Path(__file__).parents[2]


def asked(script: str = "", **variables: str) -> dict:
    """What a fresh process says, after running `script`."""
    code = (
        f"import json, os, sys\n{script}\n"
        "from pytest_confmat.cache.environment import environment\n"
        "before = set(sys.modules)\n"
        "said = environment()\n"
        "assert 'tensorflow' not in set(sys.modules) - before\n"
        "print(json.dumps(said))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_it_is_the_same_in_every_process_and_json():
    first = asked()
    assert first == asked()
    assert first == json.loads(json.dumps(environment())) or "tensorflow" in sys.modules
    packages = first["packages"]
    assert "numpy" in packages
    assert "keras" in packages
    assert any(name.startswith("tensorflow") for name in packages)


@pytest.mark.parametrize(
    ("name", "value"),
    [("TF_ENABLE_ONEDNN_OPTS", "0"), ("KERAS_BACKEND", "jax"), ("CUDA_VISIBLE_DEVICES", "1")],
)
def test_variables_that_change_what_is_computed(monkeypatch, name, value):
    monkeypatch.delenv(name, raising=False)
    before = environment()
    monkeypatch.setenv(name, value)
    assert environment() != before


def test_other_variables_do_not(monkeypatch):
    before = environment()
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setenv("CI", "true")
    assert environment() == before


def test_the_configuration_file_of_keras(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    before = environment()
    seen = [before]
    for text in ('{"floatx": "float64"}', '{"backend": "jax", "floatx": "float32"}', "{", "[]"):
        (tmp_path / "keras.json").write_text(text)
        assert environment() not in seen
        seen.append(environment())


def test_the_file_that_keras_writes_when_it_finds_none_changes_nothing(tmp_path):
    # In a fresh container the first gate writes it, and the second is to recall the first.
    home = {"KERAS_HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    before = asked(**home)
    asked("import keras", **home)
    assert (tmp_path / "keras.json").exists()
    assert asked(**home) == before


@pytest.mark.parametrize("changed", ["numpy", "keras", "h5py"])
def test_another_version_of_a_package(monkeypatch, changed):
    before = environment()
    version = module._version
    monkeypatch.setattr(module, "_version", lambda name: "0" if name == changed else version(name))
    assert environment() != before


@pytest.mark.parametrize("name", ["tensorflow", "tensorflow-cpu", "tf-nightly"])
def test_tensorflow_by_any_of_its_names(monkeypatch, tmp_path, name):
    origin = str(tmp_path / "tensorflow" / "__init__.py")
    monkeypatch.setattr(module, "find_spec", lambda _: ModuleSpec("t", None, origin=origin))
    monkeypatch.setattr(module, "_version", {name: "2.99"}.get)
    place = SimpleNamespace(locate_file=lambda package: tmp_path / package)
    monkeypatch.setattr(module.importlib.metadata, "distribution", lambda _: place)
    assert module._provided("tensorflow") == {name: "2.99"}


def test_what_a_process_has_set_counts_and_its_defaults_do_not(monkeypatch):
    def keras(floatx="float32", objects=()):
        config = SimpleNamespace(
            floatx=lambda: floatx,
            epsilon=lambda: 1e-07,
            image_data_format=lambda: "channels_last",
            dtype_policy=lambda: SimpleNamespace(name="float32"),
        )
        saving = SimpleNamespace(get_custom_objects=lambda: dict.fromkeys(objects))
        return SimpleNamespace(config=config, saving=saving)

    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    nothing = module._set_in_process()
    assert nothing == {}
    monkeypatch.setitem(sys.modules, "keras", keras())
    assert module._set_in_process() == {}
    monkeypatch.setitem(sys.modules, "keras", keras("float16", ["lab>Mine"]))
    assert module._set_in_process() == {"floatx": "float16", "custom_objects": ["lab>Mine"]}
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace())  # half imported
    assert module._set_in_process() == {}


def test_the_real_keras_has_these_settings():
    # What no code has set is as if nothing were imported.
    imports = "os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'; import keras, tensorflow\n"
    assert asked(imports)["keras"] == asked()["keras"]
    changes = (
        "keras.config.set_floatx('float16')\n"
        "tensorflow.config.threading.set_intra_op_parallelism_threads(3)\n"
        "keras.saving.get_custom_objects()['Mine'] = object\n"
        "tensorflow.config.optimizer.set_jit('autoclustering')\n"
        "tensorflow.config.optimizer.set_experimental_options({'remapping': False})\n"
        "tensorflow.config.experimental.enable_tensor_float_32_execution(False)\n"
        "tensorflow.config.set_visible_devices([], 'CPU')\n"
    )
    assert asked(imports + changes)["keras"][1] == {
        "floatx": "float16",
        "dtype_policy": "float16",
        "custom_objects": ["Mine"],
        "intra_op": 3,
        "jit": "autoclustering",
        "optimizer": {"remapping": False},
        "no_tensor_float_32": True,
        "hidden_devices": ["/physical_device:CPU:0"],
    }


def test_a_package_that_shadows_the_installed_one(monkeypatch, tmp_path):
    def find(name):
        spec = ModuleSpec(name, None, origin=str(tmp_path / name / "__init__.py"))
        return spec if name == "tensorflow" else None

    monkeypatch.setattr(module, "find_spec", find)
    with pytest.raises(UndeterminedError) as raised:
        environment()
    assert str(raised.value) == (
        f"tensorflow is imported from {tmp_path / 'tensorflow'}, where no distribution that is "
        "known to hold it was installed, so that its version says nothing"
    )


def test_no_tensorflow_at_all(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert not any(name.startswith("tensorflow") for name in environment()["packages"])


def test_our_own_code(tmp_path):
    package = tmp_path / "pytest_confmat"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(pytest_confmat.__file__).parent, package, ignore=ignored)

    def digest():
        code = "from pytest_confmat.cache.environment import own_code; print(own_code())"
        command = [sys.executable, "-c", code]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return ended.stdout

    found = [digest(), digest()]
    assert found[0] == found[1]
    for name in ("streaming.py", "data/images.py", "models/keras.py", "cache/store.py"):
        with (package / name).open("a") as stream:
            stream.write("#")
        found.append(digest())
    (package / "data/images.py").rename(package / "data/pictures.py")
    found.append(digest())
    assert len(set(found)) == 6
