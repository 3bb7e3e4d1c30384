from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.errors import ModelError
from pytest_confmat.models.foreign import foreign_code
from pytest_confmat.spec import ModelSpec

LAYER = {"module": "keras.layers", "class_name": "Dense", "registered_name": None}


def model(tmp_path: Path, *layers: Any, **more: Any) -> ModelSpec:
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": layers}, **more}
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", b"")
    return ModelSpec(path)


def layer(**changes: Any) -> dict[str, Any]:
    return {**LAYER, "config": {"units": 3, "activation": "relu"}, **changes}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, None),
        ({"module": "keras.src.ops.nn", "class_name": "Relu", "registered_name": "Relu"}, None),
        ({"module": None, "class_name": "__tuple__", "items": [1, 2]}, None),
        (
            {
                "config": {
                    "activation": "softmax",
                    "dtype": {
                        "module": "keras",
                    },
                }
            },
            None,
        ),
        ({"module": "net", "class_name": "Mine", "registered_name": "Mine"}, "Mine"),
        ({"module": None, "class_name": "Mine", "registered_name": "lab>Mine"}, "Mine"),
        ({"module": None, "class_name": "Dense", "registered_name": "lab>Dense"}, "Dense"),
        ({"registered_name": "lab>Dense"}, "Dense"),
        ({"module": "keras_hub.layers", "class_name": "Vit"}, "Vit"),
        ({"module": "kerasx"}, "Dense"),
        ({"class_name": "Lambda"}, "Lambda"),
        ({"class_name": "TFSMLayer"}, "TFSMLayer"),
        ({"module": "builtins", "class_name": "__lambda__"}, "__lambda__"),
        ({"config": {"activation": "my_activation"}}, "my_activation"),
        ({"config": {"recurrent_activation": "mine"}}, "mine"),
        ({"config": {"vocabulary": "words.txt"}}, "words.txt"),
        ({"config": {"vocabulary": ["a", "b"]}}, None),
        (
            {
                "config": {
                    "activation": {
                        "module": "builtins",
                        "class_name": "function",
                        "config": "lab>swirl",
                        "registered_name": "function",
                    }
                }
            },
            "lab>swirl",
        ),
        ({"config": {"cell": {"module": "net", "class_name": "Deep"}}}, "Deep"),
    ],
)
def test_what_stands_for_code_outside_keras(tmp_path, changes, found):
    assert foreign_code(model(tmp_path, layer(), layer(**changes))) == found


def test_how_a_model_was_compiled_makes_no_difference(tmp_path):
    loss = {"module": "net", "class_name": "MyLoss"}
    assert foreign_code(model(tmp_path, layer(), compile_config={"loss": loss})) is None


def test_a_model_class_of_the_projects_own(tmp_path):
    spec = model(tmp_path, layer(), module="net", class_name="Net", registered_name="Net")
    assert foreign_code(spec) == "Net"


def hdf5(tmp_path: Path, *layers: Any) -> ModelSpec:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        config = {"class_name": "Sequential", "config": {"layers": list(layers)}}
        file.attrs["model_config"] = json.dumps(config)
    return ModelSpec(path)


def test_hdf5_names_classes_without_modules(tmp_path):
    own = {"class_name": "Conv2D", "config": {"kernel_initializer": {"class_name": "Zeros"}}}
    spec = hdf5(tmp_path, own)
    assert foreign_code(spec) is None
    # Where the project hands in classes, one of them may bear the same name.
    assert foreign_code(spec, own_code=True) == "Sequential"
    assert foreign_code(hdf5(tmp_path, own, {"class_name": "Mine", "config": {}})) == "Mine"


def test_models_that_keras_writes_are_its_own(tmp_path, nets):
    for name in ("sequential", "functional", "half", "pooled", "bytes", "tokens"):
        for suffix in (".keras", ".h5"):
            path = tmp_path / f"{name}{suffix}"
            getattr(nets, name).save(path)
            assert foreign_code(ModelSpec(path)) is None, path.name


def test_what_keras_would_look_up_among_the_projects_classes_first(tmp_path, nets):
    nets.functional.save(tmp_path / "m.keras")
    nets.sequential.save(tmp_path / "s.keras")
    assert foreign_code(ModelSpec(tmp_path / "m.keras"), own_code=True) == "Functional"
    assert foreign_code(ModelSpec(tmp_path / "s.keras"), own_code=True) is None


def test_a_layer_of_the_projects_own_as_keras_writes_it(tmp_path, keras):
    @keras.saving.register_keras_serializable("lab")
    class Mine(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    def swirl(inputs):
        return inputs

    for body, found in (
        (Mine(), {".keras": "Mine", ".h5": "lab>Mine"}),
        (keras.layers.Dense(2, activation=swirl), {".keras": "swirl", ".h5": "swirl"}),
    ):
        net = keras.Sequential([keras.Input((4,)), body])
        for suffix, name in found.items():
            net.save(tmp_path / f"m{suffix}")
            assert foreign_code(ModelSpec(tmp_path / f"m{suffix}")) == name


def test_what_is_no_model_is_an_error(tmp_path):
    (tmp_path / "m.keras").write_bytes(b"nothing")
    with pytest.raises(ModelError):
        foreign_code(ModelSpec(tmp_path / "m.keras"))


def test_asking_imports_no_tensorflow(tmp_path):
    model(tmp_path, layer())
    script = (
        "import sys; from pathlib import Path\n"
        "from pytest_confmat.models.foreign import foreign_code\n"
        "from pytest_confmat.spec import ModelSpec\n"
        "assert foreign_code(ModelSpec(Path('m.keras'))) is None\n"
        "assert not {'tensorflow', 'keras', 'h5py'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
