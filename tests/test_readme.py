"""Every example of the README is run as it stands."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from pytest_confmat.policy import read_policy
from pytest_confmat.spec import DirectorySpec, TFRecordSpec

ROOT = Path(__file__).parents[1]
EXAMPLE = re.compile(r"<!-- example: (\w+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = dict(EXAMPLE.findall((ROOT / "README.md").read_text()))
GOOD, REGRESSED = "examples/digits/digits.keras", "examples/digits/digits-regressed.keras"


@pytest.fixture
def digits(pytester: pytest.Pytester) -> pytest.Pytester:
    shutil.copytree(ROOT / "examples", pytester.path / "examples")
    shutil.copy(ROOT / "thresholds.yaml", pytester.path)
    return pytester


def test_the_first_policy(digits):
    shutil.copytree(ROOT / "examples/digits/test", digits.path / "data/test")
    digits.path.joinpath("thresholds.yaml").write_text(EXAMPLES["first"])
    result = digits.runpytest_subprocess("--confmat-model", GOOD)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["confmat: passed  10 limits on 899 examples"])


def test_the_failing_run_is_shown_as_it_is(digits):
    shown = EXAMPLES["red"].rstrip("\n").splitlines()
    assert shown[0] == f"$ pytest --confmat-model {REGRESSED}"
    result = digits.runpytest_subprocess("--confmat-model", REGRESSED)
    assert result.ret == 1
    printed = [line.rstrip() for line in result.outlines]
    for passage in "\n".join(shown[2:]).split("\n[...]\n"):
        lines = passage.splitlines()
        start = printed.index(lines[0])
        assert printed[start : start + len(lines)] == lines


DROP = """\
version: 1
dataset:
  directory: examples/digits/test
  color_mode: grayscale
  rescale: 1/255
baseline: baselines/production
thresholds:
  recall: {max_drop: 0.02}
"""


def test_the_failing_drop_is_shown_as_it_is(digits):
    digits.path.joinpath("thresholds.yaml").write_text(DROP)
    save = "--confmat-save-baseline", "baselines/production"
    assert digits.runpytest_subprocess("--confmat-model", GOOD, *save).ret == 0
    assert digits.runpytest_subprocess("--confmat-model", GOOD).ret == 0
    result = digits.runpytest_subprocess("--confmat-model", REGRESSED)
    assert result.ret == 1
    shown = EXAMPLES["drop"].rstrip("\n").splitlines()
    printed = [line.rstrip() for line in result.outlines]
    start = printed.index(shown[0])
    assert printed[start : start + len(shown)] == shown


CUSTOM = """\
import keras


class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""
SAVE = """\
import keras
from net.layers import Doubled

keras.Sequential([keras.Input((2,)), Doubled(), keras.layers.Softmax()]).save("m.keras")
"""
DATA = """

import numpy as np
import pytest


@pytest.fixture(scope="session")
def confmat_dataset():
    return [(np.eye(2, dtype=np.float32), np.arange(2))]
"""


def test_a_model_with_a_layer_of_the_projects_own(pytester):
    pytester.path.joinpath("net").mkdir()
    pytester.path.joinpath("net/layers.py").write_text(CUSTOM)
    pytester.run(sys.executable, "-c", SAVE)
    pytester.makeconftest(EXAMPLES["objects"] + DATA)
    pytester.path.joinpath("thresholds.yaml").write_text(
        "version: 1\nclasses: [a, b]\nthresholds: {recall: 1.0}\n"
    )
    pytester.makeini("[pytest]\npythonpath = .\n")
    result = pytester.runpytest_subprocess("--confmat-model", "m.keras")
    assert result.ret == 0, result.stdout.str()


@pytest.mark.parametrize("name", ["policy", "evidence", "tfrecord"])
def test_the_policies_are_read(name, tmp_path):
    (tmp_path / "thresholds.yaml").write_text(EXAMPLES[name])
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    policy = read_policy(tmp_path / "thresholds.yaml")
    assert isinstance(policy.dataset, TFRecordSpec if name == "tfrecord" else DirectorySpec)
    assert policy.limits_for(policy.classes)


def test_data_and_model_of_another_kind(pytester):
    x, y = load_digits(return_X_y=True)
    np.savez(pytester.path / "held-out.npz", x=x[900:], y=y[900:])
    joblib.dump(LogisticRegression(max_iter=2000).fit(x[:900], y[:900]), "model.joblib")
    pytester.makeconftest(EXAMPLES["conftest"])
    names = ", ".join(map(str, range(10)))
    pytester.path.joinpath("thresholds.yaml").write_text(
        f"version: 1\nclasses: [{names}]\nthresholds: {{recall: 0.75, top_3_accuracy: 0.9}}\n"
    )
    result = pytester.runpytest_subprocess("--confmat-thresholds", "thresholds.yaml")
    assert result.ret == 0, result.stdout.str()
    result.assert_outcomes(passed=12)


def test_tests_in_python(digits):
    digits.makepyfile(EXAMPLES["tests"])
    result = digits.runpytest_subprocess("--confmat-model", GOOD)
    assert result.ret == 0, result.stdout.str()
    result.assert_outcomes(passed=37)


def test_the_first_screen_names_both_commands_and_how_to_install():
    screen = (ROOT / "README.md").read_text().split("\n## ")[1].split("Write `thresholds.yaml`")[0]
    assert screen.startswith("Five minutes\n")
    makefile = (ROOT / "Makefile").read_text()
    for target in ("gate", "test", "gate-red"):
        assert f"make {target}" in screen
        assert f"\n{target}: " in makefile
    assert 'pip install "./pytest-confmat[cpu,plot]"' in screen
    assert "not on a package index yet" in screen
