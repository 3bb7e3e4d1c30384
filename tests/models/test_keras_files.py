import json
import os
import shutil
import subprocess
import sys
import textwrap
import warnings
import zipfile
from fractions import Fraction

import h5py
import numpy as np
import pytest

from pytest_confmat.errors import MissingDependencyError, ModelError
from pytest_confmat.models import load, wrap
from pytest_confmat.models.keras_2.loading import _install
from pytest_confmat.models.loading import _known_holes
from pytest_confmat.models.runtime import import_keras
from pytest_confmat.spec import Argmax, ModelInput, ModelSpec, Threshold
from tests.support.refusals import refusal

from .conftest import CLASSES

MODULE = f" of the module {__name__!r}"
TF_KERAS = "tf-keras may well load it, and is not installed: " + _install()
OVERRIDE = "or hand the model in by overriding the fixture confmat_model"


def loaded(path, classes=CLASSES, decision=None, custom_objects=None, safe_mode=True):
    return load(ModelSpec(path, safe_mode), classes, decision or Argmax(), custom_objects)


def failure(path):
    return refusal(ModelError, loaded, path)


def lacking(path):
    return refusal(MissingDependencyError, loaded, path)


def by_surgery(path, change, saved_by=None):
    """Rewrite the architecture inside a .keras or .h5 file."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = change(file.attrs["model_config"])
            file.attrs["keras_version"] = saved_by or file.attrs["keras_version"]
        return path
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = change(members["config.json"].decode())
    if saved_by:
        members["metadata.json"] = json.dumps({"keras_version": saved_by})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(params=[".keras", ".h5"])
def suffix(request):
    return request.param


@pytest.fixture
def path(tmp_path, suffix):
    return tmp_path / f"m{suffix}"


@pytest.mark.parametrize("net", ["sequential", "functional", "half"])
def test_a_saved_model_predicts_as_it_did(nets, images, path, net):
    model = getattr(nets, net)
    model.save(path)
    predictor = loaded(path)
    assert predictor.input == ModelInput((6, 5, 1), "float32", None)
    predictor.check(images)
    found = predictor.predict(images, np.zeros(len(images), np.int64))
    expected = model.predict(images, verbose=0)
    assert found.predicted.tolist() == expected.argmax(1).tolist()
    np.testing.assert_allclose(found.score, expected.max(1), rtol=1e-3)
    assert predictor.notes == ()


@pytest.mark.filterwarnings("error")
def test_warnings_that_are_errors_to_a_project_do_not_stop_keras(nets, images, path):
    with warnings.catch_warnings(action="ignore"):
        # Keras warns of a softmax over one unit wherever it meets one.
        nets.stack(units=1).save(path)
    predictor = loaded(path, ("benign", "malignant"), Threshold(Fraction("0.5")))
    predictor.check(images)
    found = predictor.predict(images, np.zeros(len(images), np.int64))
    # 0.99999994 where exponentials are divided by an approximate reciprocal.
    assert found.score == pytest.approx(np.ones(len(images)), abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_nor_do_those_of_an_old_file(keras, nets, tmp_path):
    path = tmp_path / "m.keras"
    with warnings.catch_warnings(action="ignore"):
        nets.stack(keras.layers.LeakyReLU(0.25)).save(path)
    # Keras warns that it is called negative_slope by now.
    by_surgery(path, lambda text: text.replace('"negative_slope"', '"alpha"'))
    assert loaded(path).input.shape == (6, 5, 1)


def test_saved_models_keep_their_fixed_batch(nets, path):
    nets.fixed.save(path)
    assert loaded(path).input == ModelInput((30,), "float32", 32)


def test_a_saved_sigmoid_unit_is_read_under_a_threshold(nets, images, path):
    nets.unit.save(path)
    predictor = loaded(path, ("benign", "malignant"), Threshold(Fraction("0.5")))
    predictor.check(images)
    found = predictor.predict(images, np.zeros(len(images), np.int64))
    expected = nets.unit.predict(images, verbose=0)[:, 0] >= 0.5
    assert found.predicted.tolist() == expected.astype(int).tolist()
    assert predictor.notes == (
        f"the model {path.name} has one output, read as the score of 'malignant'",
    )


def test_a_spec_given_to_wrap_is_loaded(nets, tmp_path):
    nets.sequential.save(tmp_path / "m.keras")
    predictor = wrap(ModelSpec(tmp_path / "m.keras"), CLASSES, Argmax())
    assert predictor.input.shape == (6, 5, 1)


def test_a_compile_section_that_cannot_be_read_does_not_matter(nets, images, path, keras):
    @keras.saving.register_keras_serializable(package="gone")
    def odd_loss(true, predicted):
        return keras.ops.mean(predicted)

    model = keras.models.clone_model(nets.sequential)
    model.compile(loss=odd_loss)
    model.fit(images, np.zeros((len(images), 3)), verbose=0)
    model.save(path)
    del keras.saving.get_custom_objects()["gone>odd_loss"]
    assert loaded(path).input.shape == (6, 5, 1)


class TestCustomObjects:
    @pytest.fixture
    def layer(self, keras):
        class Doubled(keras.layers.Layer):
            def call(self, x):
                return 2 * x

        return Doubled

    def test_an_unregistered_layer_is_named_with_what_makes_it_known(
        self, keras, nets, path, suffix, layer
    ):
        nets.stack(layer()).save(path)
        kind = {".keras": "class", ".h5": "layer"}[suffix]
        assert failure(path) == (
            f"{path} cannot be loaded (saved by Keras {keras.__version__}): the {kind} 'Doubled'"
            f"{MODULE * (kind == 'class')} in it is not Keras's own and not known here: if it is "
            "your project's, return it from the hook pytest_confmat_custom_objects in a "
            "conftest.py beside the policy or above it, "
            f"as {{'Doubled': Doubled}}, {OVERRIDE}"
        )
        assert loaded(path, custom_objects={"Doubled": layer}).input.shape == (6, 5, 1)

    def test_a_registered_layer_is_named_with_its_package(self, keras, nets, path, suffix, layer):
        keras.saving.register_keras_serializable(package="acme")(layer)
        nets.stack(layer()).save(path)
        del keras.saving.get_custom_objects()["acme>Doubled"]
        shown = {".keras": f"class 'Doubled'{MODULE}", ".h5": "layer 'acme>Doubled'"}[suffix]
        assert failure(path) == (
            f"{path} cannot be loaded (saved by Keras {keras.__version__}): the {shown} in it is "
            "not Keras's own and not known here: if it is your project's, return it from the hook "
            "pytest_confmat_custom_objects in a "
            "conftest.py beside the policy or above it, as {'acme>Doubled': Doubled}, "
            f"{OVERRIDE}"
        )
        assert loaded(path, custom_objects={"acme>Doubled": layer}).input.shape == (6, 5, 1)

    def test_a_function_is_named(self, keras, nets, path):
        def squash(x):
            return x

        nets.stack(keras.layers.Dense(3, activation=squash)).save(path)
        assert failure(path) == (
            f"{path} cannot be loaded (saved by Keras {keras.__version__}): the function 'squash'"
            " in it is not Keras's own and not known here: "
            "if it is your project's, return it from the hook pytest_confmat_custom_objects in a "
            f"conftest.py beside the policy or above it, as {{'squash': squash}}, {OVERRIDE}"
        )
        assert loaded(path, custom_objects={"squash": squash}).input.shape == (6, 5, 1)

    def test_a_subclassed_model_is_loaded_once_it_is_known(self, keras, nets, images, tmp_path):
        @keras.saving.register_keras_serializable(package="acme")
        class Net(keras.Model):
            def __init__(self, **config):
                super().__init__(**config)
                self.flat, self.head = keras.layers.Flatten(), nets.dense(3)

            def call(self, x):
                return self.head(self.flat(x))

        model = Net()
        expected = model(images).numpy().argmax(1)
        model.save(tmp_path / "m.keras")
        predictor = loaded(tmp_path / "m.keras")
        assert predictor.input == ModelInput()
        predictor.check(images)
        found = predictor.predict(images, np.zeros(len(images), np.int64))
        assert found.predicted.tolist() == expected.tolist()
        del keras.saving.get_custom_objects()["acme>Net"]
        assert "{'acme>Net': Net}" in failure(tmp_path / "m.keras")


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_code_in_a_lambda_layer_is_not_run(keras, nets, path):
    nets.stack(keras.layers.Lambda(lambda x: x)).save(path)
    assert failure(path) == (
        f"{path} cannot be loaded (saved by Keras {keras.__version__}): it holds Python code in a "
        "Lambda layer, and models are loaded in safe mode, which runs no code from a file: replace "
        "the Lambda by a layer of your own and save again, or say --confmat-unsafe-model if you "
        "trust the file"
    )
    predictor = loaded(path, safe_mode=False)
    assert predictor.input.shape == (6, 5, 1)
    assert predictor.notes == (
        f"{path.name} was loaded without safe mode, so that code in it was run: "
        "--confmat-unsafe-model asks for that",
    )


def test_safe_mode_cannot_be_switched_off_behind_our_back(tmp_path, nets):
    # In a process of its own: Keras has no way to switch it on again.
    nets.sequential.save(tmp_path / "m.keras")
    run = in_new_process(
        f"""
        import keras
        from pathlib import Path
        from pytest_confmat.models import load
        from pytest_confmat.spec import *
        spec = ModelSpec(Path({str(tmp_path / "m.keras")!r}))
        load(spec, ("a", "b", "c"), Argmax())
        keras.config.enable_unsafe_deserialization()
        try:
            load(spec, ("a", "b", "c"), Argmax())
        except Exception as error:
            print(type(error).__name__, error)
        unsafe = ModelSpec(spec.path, safe_mode=False)
        print(load(unsafe, ("a", "b", "c"), Argmax()).input.shape)
        """
    )
    assert run.stdout == (
        "ModelError keras.config.enable_unsafe_deserialization() was called in this run, so that "
        "loading a model would run whatever code its file holds: remove the call, or say "
        "--confmat-unsafe-model if you trust the file\n"
        "(6, 5, 1)\n"
    )


@pytest.mark.usefixtures("without_tf_keras")
def test_an_argument_that_this_keras_does_not_know_is_named(keras, nets, path):
    nets.sequential.save(path)
    by_surgery(path, lambda text: text.replace('"units": 3', '"units": 3, "groups": 1'), "3.99.0")
    assert failure(path) == (
        f"{path} cannot be loaded (saved by Keras 3.99.0): its layer Dense was saved with the "
        "argument 'groups', which this Keras does not know: install the Keras that wrote it, or a "
        f"newer one, {OVERRIDE}"
    )
    by_surgery(path, lambda text: text, "2.11.0")
    assert lacking(path) == (
        f"{path} was saved by Keras 2 (2.11.0), and Keras 3 cannot load it: its layer Dense was "
        f"saved with the argument 'groups', which this Keras does not know. {TF_KERAS}"
    )


@pytest.mark.usefixtures("without_tf_keras")
@pytest.mark.parametrize("version", ["2.3.0-tf", "1.2.2"])
def test_raw_tensorflow_operations_of_keras_2_are_named(nets, tmp_path, version):
    path = tmp_path / "m.h5"
    nets.sequential.save(path)
    by_surgery(path, lambda text: text.replace('"Flatten"', '"TFOpLambda"'), version)
    assert lacking(path) == (
        f"{path} was saved by Keras {version[0]} ({version}), and Keras 3 cannot load it: it holds "
        f"raw TensorFlow operations (layers of the kind TFOpLambda). {TF_KERAS}"
    )


ENGINES = {
    "2.12.0": "keras.engine.functional",
    "2.15.0": "keras.src.engine.functional",
    "2.21.0": "tf_keras.src.engine.functional",
}


@pytest.mark.usefixtures("without_tf_keras")
@pytest.mark.parametrize("version", ENGINES)
def test_a_functional_model_of_keras_2_has_one_sentence(nets, tmp_path, version, monkeypatch):
    path = tmp_path / "m.keras"
    nets.functional.save(path)

    def as_keras_2(text):
        config = json.loads(text)
        config |= {"module": ENGINES[version], "class_name": "Functional"}
        return json.dumps(config | {"registered_name": "Functional"})

    by_surgery(path, as_keras_2, version)
    with monkeypatch.context() as patch:
        # It is found out before Keras loads anything.
        patch.setattr("keras.saving.load_model", None)
        assert lacking(path) == (
            f"{path} was saved by Keras 2 ({version}), and Keras 3 cannot load it: it stores "
            f"functional models in another way. {TF_KERAS}"
        )


@pytest.mark.usefixtures("without_tf_keras")
def test_whatever_else_fails_in_a_file_of_keras_2_has_the_same_sentence(nets, tmp_path):
    path = tmp_path / "m.keras"
    nets.sequential.save(path)
    # As tf-keras writes the axes of a batch normalization, which are one number to Keras 3.
    by_surgery(path, lambda text: text.replace('"units": 3', '"units": [3]'), "2.15.0")
    message = lacking(path)
    assert message.startswith(f"{path} was saved by Keras 2 (2.15.0), and Keras 3 cannot load it: ")
    assert message.endswith(TF_KERAS)


@pytest.mark.parametrize("version", ["2.2.4-tf", "2.15.0"])
def test_files_of_keras_2_that_keras_3_loads_are_loaded(nets, images, path, version):
    nets.sequential.save(path)
    by_surgery(path, lambda text: text, version)
    found = loaded(path).predict(images, np.zeros(len(images), np.int64))
    assert found.predicted.tolist() == nets.sequential.predict(images, verbose=0).argmax(1).tolist()


def test_weights_that_do_not_fit_the_layers_are_said_to(keras, nets, tmp_path):
    path = tmp_path / "m.keras"
    nets.sequential.save(path)
    by_surgery(path, lambda text: text.replace('"units": 3', '"units": 4'))
    message = failure(path)
    assert message.startswith(
        f"{path} cannot be loaded (saved by Keras {keras.__version__}): its weights do not fit its "
        "layers (<Dense name="
    )
    assert "variable.shape=(30, 4), Received: value.shape=(30, 3)): export it again" in message


def test_damage_in_the_middle_of_a_file_is_damage(keras, nets, tmp_path):
    path = tmp_path / "m.keras"
    nets.sequential.save(path)
    content = bytearray(path.read_bytes())
    at = content.index(b"\x89HDF") + 200
    content[at] ^= 0xFF
    path.write_bytes(content)
    assert failure(path) == (
        f"{path} cannot be loaded (saved by Keras {keras.__version__}): its content is damaged "
        "(Bad CRC-32 for file 'model.weights.h5'): copy or export it again"
    )


def test_whatever_else_keras_says_comes_in_one_line(keras, nets, tmp_path):
    path = tmp_path / "m.h5"
    nets.sequential.save(path)
    by_surgery(path, lambda _: "{nope")
    assert failure(path) == (
        f"{path} cannot be loaded (saved by Keras {keras.__version__}): JSONDecodeError: Expecting "
        "property name enclosed in double quotes: line 1 column 2 (char 1)"
    )


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ("3.10.0", False),
        ("3.12.3", False),
        ("3.12.4", True),
        ("3.13.0", False),
        ("3.15.0", False),
        ("3.15.1", True),
        ("3.16.0", True),
        ("4.0.0", True),
    ],
)
def test_a_keras_with_known_holes_is_noted(version, safe):
    expected = (
        ()
        if safe
        else (
            f"Keras {version} has known security holes in loading model files: 3.12.4 and 3.15.1 "
            "close them",
        )
    )
    assert _known_holes(version) == expected


def in_new_process(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )


class TestRuntime:
    def test_start_up_noise_is_not_seen(self, nets, tmp_path):
        nets.sequential.save(tmp_path / "m.keras")
        run = in_new_process(
            f"""
            import sys
            from pathlib import Path
            from pytest_confmat.models import load
            from pytest_confmat.spec import *
            print("before", file=sys.stderr)
            load(ModelSpec(Path({str(tmp_path / "m.keras")!r})), ("a", "b", "c"), Argmax())
            print("after", file=sys.stderr)
            """,
            TF_CPP_MIN_LOG_LEVEL="2",
        )
        assert run.stderr == "before\nafter\n"

    def stubs(self, folder, **modules):
        for name, code in modules.items():
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(textwrap.dedent(code))
        return str(folder)

    def caught(self, folder, **environment):
        return in_new_process(
            """
            import sys
            from pytest_confmat.models.runtime import import_keras
            try:
                import_keras()
            except Exception as error:
                print(type(error).__name__)
                print(error)
            print(sorted({"tensorflow", "keras"} & set(sys.modules)))
            """,
            PYTHONPATH=folder,
            **environment,
        )

    def test_what_is_no_known_noise_is_shown(self, tmp_path):
        noise = """
            import os
            os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are\\n")
            os.write(2, b"I0000 00:00:1795298264.170574    5499 port.cc:153] oneDNN custom\\n")
            os.write(2, b"2025-01-02 10:11:12.123456: I tensorflow/core/port.cc:1] oneDNN\\n")
            os.write(2, b"E0000 00:00:17.1 1 cuda_fft.cc:4] Unable to register cuFFT factory: x\\n")
            os.write(2, b"E0000 00:00:17.1 1 cuda.cc:4] failed call to cuInit: no device\\n")
            raise ModuleNotFoundError("No module named 'libsomething'", name="libsomething")
        """
        run = self.caught(self.stubs(tmp_path, tensorflow=noise))
        assert run.stderr == "E0000 00:00:17.1 1 cuda.cc:4] failed call to cuInit: no device\n"
        assert run.stdout == (
            "ModelError\nTensorFlow cannot be imported: No module named 'libsomething'\n[]\n"
        )
        everything = self.caught(str(tmp_path), TF_CPP_MIN_LOG_LEVEL="0").stderr
        assert everything.count("\n") == 5

    def test_a_broken_installation_is_no_missing_one(self, tmp_path):
        broken = "raise ImportError('libcudart.so.12: cannot open shared object file\\nmore')"
        run = self.caught(self.stubs(tmp_path, tensorflow=broken))
        assert run.stdout == (
            "ModelError\nTensorFlow is installed, but cannot be imported: libcudart.so.12: cannot "
            "open shared object file\n[]\n"
        )

    @pytest.mark.parametrize(("name", "shown"), [("tensorflow", "TensorFlow"), ("keras", "Keras")])
    def test_what_is_not_installed_is_named_with_what_to_install(self, monkeypatch, name, shown):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(MissingDependencyError) as caught:
            import_keras()
        assert str(caught.value) == (
            f"{shown} is not installed, and loading the model needs it: pip install "
            '"pytest-confmat[tensorflow]" (or "pytest-confmat[cpu]" for the smaller build without '
            "GPU)"
        )

    KERAS = """
        import os
        asked = os.environ["KERAS_BACKEND"]
        class config:
            backend = staticmethod(lambda: asked)
        __version__ = "3.15.1"
    """

    def test_keras_is_imported_on_tensorflow_whatever_is_asked_for(self, tmp_path):
        folder = self.stubs(tmp_path, tensorflow="", keras=self.KERAS)
        run = in_new_process(
            """
            import os
            from pytest_confmat.models.runtime import import_keras
            print(import_keras()[1].config.backend(), os.environ["KERAS_BACKEND"])
            """,
            PYTHONPATH=folder,
            KERAS_BACKEND="jax",
        )
        assert run.stdout == "tensorflow jax\n", run.stderr

    def test_an_environment_that_asks_for_nothing_is_left_so(self, monkeypatch):
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        import_keras()
        assert "KERAS_BACKEND" not in os.environ

    @pytest.mark.parametrize(
        ("variable", "config", "said"),
        [
            ("jax", None, "KERAS_BACKEND asks for 'jax'"),
            ("torch", '{"backend": "jax"}', "KERAS_BACKEND asks for 'torch'"),
            ("", '{"backend": "jax"}', "Keras's configuration file asks for 'jax'"),
            (None, '{"backend": "torch"}', "Keras's configuration file asks for 'torch'"),
            (None, '{"backend": "tensorflow"}', None),
            ("tensorflow", '{"backend": "jax"}', None),
            (None, None, None),
            (None, "{", None),
            (None, "[]", None),
            (None, "{}", None),
        ],
    )
    def test_what_the_environment_asks_for_is_noted(
        self, nets, tmp_path, monkeypatch, variable, config, said
    ):
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        if variable is None:
            monkeypatch.delenv("KERAS_BACKEND", raising=False)
        else:
            monkeypatch.setenv("KERAS_BACKEND", variable)
        if config is not None:
            (tmp_path / "keras.json").write_text(config)
        path = tmp_path / "m.keras"
        nets.sequential.save(path)
        notes = [note for note in loaded(path).notes if "TensorFlow" in note]
        expected = [f"m.keras is run by Keras on TensorFlow, though {said}"] if said else []
        assert notes == expected

    def test_a_keras_that_runs_on_another_backend_already_is_noticed(
        self, keras, nets, monkeypatch
    ):
        monkeypatch.setattr(keras.config, "backend", lambda: "jax")
        with pytest.raises(ModelError) as caught:
            wrap(nets.sequential, CLASSES, Argmax())
        assert str(caught.value) == (
            "Keras was imported in this run before the model was loaded, and runs on 'jax'; models "
            "are run on TensorFlow here: leave out the tests and the conftest.py that import it, "
            "set KERAS_BACKEND=tensorflow for this run, or hand in a function that calls the model "
            "by overriding the fixture confmat_model"
        )

    @pytest.mark.parametrize("kind", ["JaxLayer", "FlaxLayer"])
    def test_a_layer_that_is_bound_to_jax_says_so(self, nets, tmp_path, monkeypatch, kind):
        monkeypatch.setitem(sys.modules, "jax", None)
        path = tmp_path / "m.keras"
        nets.sequential.save(path)
        by_surgery(path, lambda text: text.replace('"Flatten"', f'"{kind}"'))
        assert failure(path) == (
            f"{path} cannot be loaded: it holds a layer of the kind {kind}, which runs JAX, and "
            "JAX is not installed: install it (on TensorFlow it is called by way of jax2tf), or "
            "hand in a function that calls the model by overriding the fixture confmat_model"
        )

    def test_what_runs_a_model_is_known_by_its_version(self, keras, nets, tmp_path):
        path = tmp_path / "m.keras"
        nets.sequential.save(path)
        import tensorflow as tf

        expected = f"Keras {keras.__version__} on TensorFlow {tf.__version__}"
        assert loaded(path).runtime == expected

    def test_a_keras_2_is_too_old(self, tmp_path):
        run = self.caught(self.stubs(tmp_path, tensorflow="", keras="__version__ = '2.15.0'"))
        assert run.stdout.splitlines()[:2] == [
            "ModelError",
            "Keras 2.15.0 is installed, and Keras 3 is needed: pip install "
            '"pytest-confmat[tensorflow]" (or "pytest-confmat[cpu]" for the smaller build without '
            "GPU)",
        ]


def test_the_file_is_looked_at_before_tensorflow_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    (tmp_path / "m.keras").write_bytes(b"")
    with pytest.raises(ModelError, match="is empty"):
        loaded(tmp_path / "m.keras")


def test_a_model_without_tensorflow_says_what_to_install(nets, tmp_path, monkeypatch):
    nets.sequential.save(tmp_path / "m.keras")
    shutil.copy(tmp_path / "m.keras", tmp_path / "n.keras")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingDependencyError, match="TensorFlow is not installed"):
        loaded(tmp_path / "n.keras")
