"""One fixture vouches for all objects of a project: which they are, it does not tell."""

from __future__ import annotations

ROOT = """
import numpy as np
import pytest


@pytest.fixture(scope="session")
def confmat_fingerprint():
    return "1"


@pytest.fixture(scope="session")
def confmat_model():
    return lambda batch: batch
"""
DATA = """
import numpy as np
import pytest


@pytest.fixture(scope="session")
def confmat_dataset():
    return [(np.eye(2, dtype=np.float32), np.array({labels}))]
"""
POLICY = "version: 1\nclasses: [cat, dog]\nthresholds: {recall: 0.9}\n"
TESTS = """
import numpy as np
import pytest


@pytest.fixture(params=[[0, 1], [1, 0]])
def confmat_dataset(request):
    return [(np.eye(2, dtype=np.float32), np.array(request.param))]


def test_mine(confmat):
    assert confmat.matrix.correct.sum() == 2
"""


def test_two_policies_of_one_fingerprint_are_not_taken_for_each_other(pytester):
    pytester.makeconftest(ROOT)
    for name, labels in (("a", [0, 1]), ("b", [1, 0])):
        folder = pytester.mkdir(name)
        (folder / "conftest.py").write_text(DATA.format(labels=labels))
        (folder / "thresholds.yaml").write_text(POLICY)
    options = [f"--confmat-thresholds={name}/thresholds.yaml" for name in "ab"]
    for _ in range(2):
        result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", *options)
        assert result.ret == 1
        result.stdout.fnmatch_lines(
            ["confmat: passed  2 limits*", "confmat: BLOCKED  2 of 2 limits failed*"]
        )


def test_objects_of_tests_are_not_taken_for_each_other(pytester):
    pytester.makeconftest(ROOT + DATA.format(labels=[0, 1]).partition("@")[2].join(["@", ""]))
    pytester.path.joinpath("thresholds.yaml").write_text(POLICY)
    pytester.makepyfile(test_mine=TESTS)
    for _ in range(2):
        result = pytester.runpytest_subprocess(
            "-p", "no:hypothesispytest", "--confmat-thresholds=thresholds.yaml"
        )
        assert result.ret == 1
        result.stdout.fnmatch_lines(["FAILED test_mine.py::test_mine*"])
        result.assert_outcomes(passed=4, failed=1)
