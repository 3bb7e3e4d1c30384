from __future__ import annotations

import pytest

from tests.support.gates import WORKERS

TESTS = """
from pytest_confmat import assert_confusion, assert_recall

seen = []

def test_one(confmat):
    seen.append(confmat)
    assert_recall(confmat, {"fox": 1})

def test_two(confmat):
    seen.append(confmat)
    assert seen[0] is confmat
    assert_confusion(confmat, {("cat", "dog"): 0.05})
"""


def test_all_who_ask_get_the_same_evaluation(project):
    project.pytester.makepyfile(TESTS)
    result = project.run()
    result.assert_outcomes(passed=8)
    assert project.passes == 1


def test_a_test_without_a_gate_is_skipped_with_a_reason(project):
    (project.path / "conftest.py").unlink()
    project.pytester.makepyfile(TESTS)
    result = project.run("-rs", gate=False)
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(
        ["SKIPPED*no gate was asked for: run pytest with --confmat-model PATH"]
    )


def test_a_failing_helper_names_all_failing_classes(project):
    project.pytester.makepyfile(
        """
        from pytest_confmat import assert_recall
        def test_it(confmat):
            assert_recall(confmat, 0.96)
        """
    )
    result = project.run("-k", "test_it or accuracy")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*recall of 'cat' is 0.9500, below 0.96*", "*recall of 'dog' is 0.9000, below 0.96*"]
    )


def test_an_override_elsewhere_serves_its_own_tests_and_is_named(project):
    project.scores([[1, 9, 0], [0, 1, 0], [0, 0, 1]], folder="sub")
    project.pytester.makepyfile("def test_here(confmat): assert confmat.matrix.total == 50")
    (project.path / "sub/test_sub.py").write_text(
        "def test_there(confmat): assert confmat.matrix.total == 12"
    )
    for order in (["."], ["sub", "."], [".", "sub"]):
        result = project.run(*order)
        result.assert_outcomes(passed=8)
        result.stdout.fnmatch_lines(
            [
                "note: a model or data of their own, not those of a policy, were judged by "
                "sub/test_sub.py::test_there"
            ]
        )


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_the_evaluator_works_without_a_gate(project, workers):
    (project.path / "conftest.py").unlink()
    project.pytester.makepyfile(
        """
        import numpy as np
        import pytest
        from pytest_confmat.errors import RequestError

        calls = []

        def model(batch):
            calls.append(len(batch))
            return batch

        DATA = [(np.eye(2, dtype=np.float32), [0, 1])]

        def test_memory(confmat_evaluator):
            known = {"classes": ["a", "b"], "fingerprint": "one"}
            first = confmat_evaluator(model, DATA, **known)
            assert confmat_evaluator(model, DATA, **known) is first
            assert first.matrix.counts.tolist() == [[1, 0], [0, 1]]
            other = confmat_evaluator(model, DATA, classes=["b", "a"])
            assert other is not first

        def test_decision(confmat_evaluator):
            scores = [(np.array([[0.3], [0.2]], np.float32), [1, 0])]
            evaluation = confmat_evaluator(
                lambda batch: batch, scores, classes=["ok", "bad"], decision={"threshold": 0.3}
            )
            assert evaluation.matrix.counts.tolist() == [[1, 0], [0, 1]]

        @pytest.mark.parametrize("decision", ["max", {}, {"threshold": "x"}, {"threshhold": 0.3}])
        def test_wrong_decision(confmat_evaluator, decision):
            with pytest.raises(RequestError):
                confmat_evaluator(model, DATA, classes=["a", "b"], decision=decision)

        def test_unnamed_classes(confmat_evaluator):
            with pytest.raises(RequestError, match="do not name their classes"):
                confmat_evaluator(model, DATA)
        """
    )
    result = project.run(*workers, gate=False)
    result.assert_outcomes(passed=7)


def test_without_a_policy_a_test_that_asks_for_one_is_red(project):
    project.pytester.makepyfile("def test_it(confmat): pass")
    result = project.run("--confmat-thresholds=none", gate=False)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*there is no policy whose classes and decision confmat could use: name one with*"]
    )


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_a_model_fixture_that_skips_is_no_pass(project, workers):
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace("return lambda scores: scores", "pytest.skip('no GPU')")
    )
    result = project.run(*workers)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["confmat: ERROR  5 of 5 limits not checked: the evaluation was skipped: no GPU*"]
    )


def test_data_that_cannot_be_compared_are_told_to_override(project):
    for name in ("cat", "dog", "fox"):
        (project.path / "data" / name).mkdir(parents=True)
    project.policy("version: 1\ndataset: {directory: data}\nthresholds: {accuracy: 0.5}\n")
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace(
            "class Recorded:",
            "class Recorded:\n    def __eq__(self, other): raise ValueError('ambiguous')\n",
        )
    )
    result = project.run()
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["note: the data came from a fixture confmat_dataset*"])
