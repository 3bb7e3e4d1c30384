from __future__ import annotations

import pytest

from pytest_confmat.cache.evaluation_cache import CacheInfo
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.errors import EvaluationError, ExamplesError
from pytest_confmat.plugin.shared_results import SharedResults
from tests.support.verdicts import two_models

EVALUATION = two_models([0, 1, 1], [0, 1, 0], [0, 1, 1], 2).evaluation
INFO = CacheInfo("key", "2026-01-01T00:00:00+00:00", ("recalled",))


def never():
    raise AssertionError("another worker has done it")


@pytest.fixture
def workers(tmp_path):
    return SharedResults(tmp_path), SharedResults(tmp_path)


def test_an_evaluation_is_made_by_one_worker(workers):
    first, second = workers
    assert first.read("k") is None
    assert first.cache_info("k") is None
    assert first.evaluation("k", lambda: (EVALUATION, INFO)) is EVALUATION
    assert second.evaluation("k", never).matrix == EVALUATION.matrix
    assert second.cache_info("k") == INFO
    assert second.read("other") is None


def test_an_error_with_its_faults_is_that_of_all_workers(workers):
    faults = [("a.png", "is no image", "cat"), ("b.png", "is empty", None)]

    def evaluate():
        raise ExamplesError("2 of 9 examples cannot be used", faults)

    for worker, asked in zip(workers, (evaluate, never), strict=True):
        with pytest.raises(ExamplesError) as raised:
            worker.evaluation("k", asked)
        assert raised.value.text == "2 of 9 examples cannot be used"
        assert raised.value.faults == tuple(faults)


def test_an_unforeseen_error_is_that_of_all_workers_too(workers):
    first, second = workers
    with pytest.raises(AssertionError):
        first.evaluation("k", never)
    with pytest.raises(EvaluationError, match="AssertionError: another worker has done it"):
        second.evaluation("k", lambda: (EVALUATION, INFO))


def test_an_interrupt_leaves_it_to_the_next_worker(workers):
    def interrupted():
        raise KeyboardInterrupt

    first, second = workers
    with pytest.raises(KeyboardInterrupt):
        first.evaluation("k", interrupted)
    assert second.evaluation("k", lambda: (EVALUATION, INFO)) is EVALUATION


def test_likely_causes_are_looked_for_by_one_worker(workers):
    first, second = workers
    causes = (LikelyCause("shifted", "by one", {"by": 1}),)
    assert first.likely_causes("k", lambda: causes) == causes
    assert second.likely_causes("k", never) == causes
    assert first.likely_causes("none", lambda: ()) == ()
    assert second.likely_causes("none", never) == ()


def test_of_several_keys_only_those_that_no_worker_has_made_are_made(workers):
    first, second = workers
    first.evaluation("a", lambda: (EVALUATION, INFO))
    asked = []

    def evaluate(keys):
        asked.append(list(keys))
        return [(EVALUATION, INFO), EvaluationError("this one alone")]

    found = second.evaluations(["b", "a", "c"], evaluate)
    assert asked == [["b", "c"]]
    assert found["a"].matrix == found["b"].matrix == EVALUATION.matrix
    assert str(first.read("c")) == "this one alone"


def test_an_error_of_all_is_that_of_each(workers):
    first, second = workers

    def evaluate(keys):
        raise EvaluationError("the data are gone")

    with pytest.raises(EvaluationError, match="the data are gone"):
        first.evaluations(["a", "b"], evaluate)
    for key in ("a", "b"):
        assert str(second.read(key)) == "the data are gone"
