"""Code in models, and which model it is: safe mode, custom objects, the pinned digest."""

import hashlib

import pytest

pytest.importorskip("tensorflow")
import keras
import numpy as np
from PIL import Image

# Runs in this process take away again what they were the first to import.
import tests.faults.loaded  # noqa: F401

POLICY = "version: 1\n{pin}classes: [dark, bright]\nthresholds:\n  accuracy: 1.0\n"
DATA = """
import numpy as np
import pytest


@pytest.fixture(scope="session")
def confmat_dataset():
    return [(np.array([[1, 0], [0, 1]], np.float32), np.array([0, 1]))]
"""


@pytest.fixture
def project(pytester):
    def make(layers=(), pin="", conftest=""):
        keras.Sequential([keras.Input((2,)), *layers, keras.layers.Softmax()]).save("m.keras")
        pytester.makefile(".yaml", thresholds=POLICY.format(pin=pin))
        pytester.makeconftest(DATA + conftest)
        return pytester

    return make


def run(pytester, *args):
    without = ["-p", "no:hypothesispytest"]
    return pytester.runpytest_inprocess(*without, "--confmat-model=m.keras", *args)


class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


HOOK = """

def pytest_confmat_custom_objects():
    import keras

    class Doubled(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    return {"Doubled": Doubled}
"""


def test_a_custom_layer_is_named_by_a_hook(project):
    pytester = project([Doubled()])
    result = run(pytester)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*return it from the hook pytest_confmat_custom_objects in a conftest.py beside *"]
    )
    pytester.makeconftest(DATA + HOOK)
    result = run(pytester)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*confmat: passed*"])


def test_the_hook_serves_all_workers(project):
    pytest.importorskip("xdist")
    pytester = project([Doubled()], conftest=HOOK)
    result = pytester.runpytest_subprocess(
        "-p", "no:hypothesispytest", "--confmat-model=m.keras", "-n2"
    )
    assert result.ret == 0


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("[1]", "the hook pytest_confmat_custom_objects returned [1]: return a dict of names*"),
        ("{1: int}", "the hook pytest_confmat_custom_objects returned {1: <class 'int'>}: return*"),
        ("{'a': 7}", "the hook pytest_confmat_custom_objects says that 'a' is 7: give the class*"),
        ("1 / 0", "the hook pytest_confmat_custom_objects failed: ZeroDivisionError: *"),
    ],
    ids=["list", "number as name", "number as object", "raises"],
)
def test_what_the_hook_must_not_return(project, returned, message):
    hook = f"\n\ndef pytest_confmat_custom_objects():\n    return {returned}\n"
    result = run(project(conftest=hook))
    assert result.ret == 1
    result.stdout.fnmatch_lines([message.replace("[", "[[]")])


def test_two_hooks_that_disagree(project):
    pytester = project(conftest=HOOK)
    pytester.makepyfile(other=HOOK)
    pytester.syspathinsert()
    result = run(pytester, "-p", "other")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "two hooks pytest_confmat_custom_objects name different objects 'Doubled': one in "
            "conftest.py, one in other.py"
        ]
    )


def test_a_hook_counts_only_for_policies_beside_its_conftest_and_below(project):
    pytester = project([Doubled()])
    for folder in ("one", "two"):
        (pytester.path / folder).mkdir()
        (pytester.path / folder / "conftest.py").write_text(HOOK)
        policy = (pytester.path / "thresholds.yaml").read_text()
        (pytester.path / folder / "thresholds.yaml").write_text(policy)
    every = [f"{folder}/thresholds.yaml" for folder in ("one", "two")]
    assert run(pytester, *every).ret == 0
    # Both conftests are loaded, and lie beside no policy above them.
    result = run(pytester, "thresholds.yaml", "one", "two")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*in a conftest.py beside the policy or above it, as*"])


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_one_model_with_the_code_of_two_folders_is_two_evaluations(pytester, workers):
    keras.Sequential([keras.Input((2,)), Doubled(), keras.layers.Softmax()]).save("m.keras")
    (pytester.path / "pets" / "cat").mkdir(parents=True)
    (pytester.path / "pets" / "dog").mkdir()
    for name in ("cat/1.png", "dog/1.png"):
        image = np.full((1, 2), 0, np.uint8)
        image[0, int(name.startswith("dog"))] = 255
        Image.fromarray(image).save(pytester.path / "pets" / name)
    for folder, factor in (("right", "2"), ("wrong", "-2")):
        (pytester.path / folder).mkdir()
        hook = HOOK.replace("2 * x", f"{factor} * x")
        (pytester.path / folder / "conftest.py").write_text(hook)
        (pytester.path / folder / "thresholds.yaml").write_text(
            "version: 1\ndataset: {directory: ../pets, color_mode: grayscale, image_size: [1, 2], "
            "reshape: [2]}\nthresholds: {recall: 0.9}\n"
        )
    both = ["right/thresholds.yaml", "wrong/thresholds.yaml"]
    result = pytester.runpytest_subprocess(
        "-p", "no:hypothesispytest", "--confmat-model=m.keras", "-rA", *workers, *both
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines_random(
        [
            "PASSED right/thresholds.yaml::recall[[]cat]",
            "FAILED wrong/thresholds.yaml::recall[[]cat]*",
        ]
    )


def test_a_hook_counts_for_what_a_test_beside_it_evaluates(project):
    pytester = project([Doubled()])
    for folder in ("one", "two"):
        (pytester.path / folder).mkdir()
        (pytester.path / folder / "conftest.py").write_text(HOOK)
    for name in ("one/test_one.py", "two/test_two.py", "test_above.py"):
        (pytester.path / name).write_text(
            "def test_it(confmat_evaluator, confmat_dataset):\n"
            "    confmat_evaluator('m.keras', confmat_dataset, classes=['dark', 'bright'])\n"
        )
    without = ("-p", "no:hypothesispytest", "--confmat-thresholds=none")
    pytester.runpytest_inprocess(*without, "one", "two").assert_outcomes(passed=2)
    # The conftests are loaded all the same.
    result = pytester.runpytest_inprocess(*without, ".", "--deselect=one", "--deselect=two")
    result.assert_outcomes(failed=1, deselected=2)


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_code_in_the_file_is_run_only_by_name(project):
    pytester = project([keras.layers.Lambda(lambda x: x)])
    result = run(pytester)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*or say --confmat-unsafe-model if you trust the file"])
    result = run(pytester, "--confmat-unsafe-model")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "confmat: model m.keras (--confmat-model), without safe mode (--confmat-unsafe-model)",
            "note: m.keras was loaded without safe mode, so that code in it was run:",
            "  --confmat-unsafe-model asks for that",
        ]
    )


def test_an_unsafe_setting_of_the_project_is_refused_unless_asked_for(project):
    unsafe = "\n\nimport keras\nkeras.config.enable_unsafe_deserialization()\n"
    pytester = project(conftest=unsafe)
    arguments = ["-p", "no:hypothesispytest", "--confmat-model=m.keras"]
    result = pytester.runpytest_subprocess(*arguments)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["keras.config.enable_unsafe_deserialization() was called in*"])
    assert pytester.runpytest_subprocess(*arguments, "--confmat-unsafe-model").ret == 0


def test_a_pinned_model(project):
    pytester = project()
    digest = hashlib.sha256((pytester.path / "m.keras").read_bytes()).hexdigest()
    pytester.makefile(".yaml", thresholds=POLICY.format(pin=f"model_sha256: {digest}\n"))
    assert run(pytester).ret == 0
    other = "0" * 64
    pytester.makefile(".yaml", thresholds=POLICY.format(pin=f"model_sha256: {other}\n"))
    result = run(pytester)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            f"m.keras is not the model that the policy is for: its SHA-256 is {digest}, and "
            f"thresholds.yaml:2 pins {other}; name the other file, or pin this one"
        ]
    )
    result.assert_outcomes(failed=1)
    assert result.parseoutcomes()["not"] == 1


@pytest.mark.parametrize("value", ["'m.keras'", "Path('m.keras').resolve()"])
def test_a_fixture_may_name_the_file(project, value):
    override = (
        "\nfrom pathlib import Path\n\n@pytest.fixture(scope='session')\n"
        f"def confmat_model():\n    return {value}\n"
    )
    pytester = project(conftest=override)
    pytester.makepyfile("def test_it(confmat): assert confmat.matrix.total == 2")
    digest = hashlib.sha256((pytester.path / "m.keras").read_bytes()).hexdigest()
    pytester.makefile(".yaml", thresholds=POLICY.format(pin=f"model_sha256: {digest}\n"))
    result = pytester.runpytest_inprocess("-p", "no:hypothesispytest", "thresholds.yaml", ".")
    assert result.ret == 0
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["confmat: passed *", "", "model m.keras, *"])
    (pytester.path / "m.keras").rename(pytester.path / "other.keras")
    args = ("-p", "no:hypothesispytest", "--confmat-model=other.keras")
    result = pytester.runpytest_inprocess(*args)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["there is no model *m.keras*other.keras*"])


def test_a_pin_needs_a_file(project):
    override = "\n\n@pytest.fixture(scope='session')\ndef confmat_model():\n    return np.asarray\n"
    pytester = project(pin=f"model_sha256: {'0' * 64}\n", conftest=override)
    result = run(pytester)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "thresholds.yaml:2 pins model_sha256, and the model comes from a fixture "
            "confmat_model of the project's (builtins.builtin_function_or_method), which has no "
            "file to compare with it: take the pin out, or name the file with --confmat-model"
        ]
    )


SWAPPED_BY_A_HOOK = """

def pytest_confmat_custom_objects():
    import shutil

    shutil.copy("other.keras", "m.keras")
    return {}
"""


def test_what_is_pinned_is_what_was_evaluated(project):
    pytester = project(conftest=SWAPPED_BY_A_HOOK)
    pinned = hashlib.sha256((pytester.path / "m.keras").read_bytes()).hexdigest()
    keras.Sequential([keras.Input((2,)), keras.layers.ReLU()]).save("other.keras")
    other = hashlib.sha256((pytester.path / "other.keras").read_bytes()).hexdigest()
    pytester.makefile(".yaml", thresholds=POLICY.format(pin=f"model_sha256: {pinned}\n"))
    result = run(pytester)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"m.keras is not the model that*its SHA-256 is {other}, and*"])


def test_a_model_that_changes_during_a_session_is_evaluated_anew(project):
    pytester = project([keras.layers.Dense(2, use_bias=False)])
    pytester.makepyfile(
        """
        import keras
        import numpy as np

        EYE = np.eye(2, dtype=np.float32)
        DATA = [(EYE, np.array([0, 1]))]

        def test_it(confmat_evaluator, tmp_path):
            def accuracy(model):
                counts = confmat_evaluator(model, DATA, classes=["a", "b"]).matrix.counts
                return counts.trace() / counts.sum()

            model = keras.saving.load_model("m.keras")
            path = tmp_path / "exported.keras"
            for weights, expected in ((EYE, 1), (EYE[::-1], 0), (EYE, 1)):
                model.set_weights([weights])
                model.save(path)
                assert accuracy(model) == expected
                assert accuracy(path) == expected
        """
    )
    result = run(pytester, "-k", "test_it", "--confmat-thresholds=none")
    result.assert_outcomes(passed=1)
