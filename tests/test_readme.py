"""Every example of the README is run as it stands."""

from __future__ import annotations

import re
import shutil
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
    result.stdout.fnmatch_lines(["confmat: passed  10 limits hold on 899 examples"])


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


@pytest.mark.parametrize("name", ["policy", "tfrecord"])
def test_the_policies_are_read(name, tmp_path):
    (tmp_path / "thresholds.yaml").write_text(EXAMPLES[name])
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    policy = read_policy(tmp_path / "thresholds.yaml")
    assert isinstance(policy.dataset, DirectorySpec if name == "policy" else TFRecordSpec)
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
