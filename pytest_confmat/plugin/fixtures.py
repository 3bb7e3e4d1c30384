"""The fixtures. Their bodies import what they need, so that naming them here costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_confmat.plugin.options import asks_for_gate

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_confmat.evaluation import Evaluation
    from pytest_confmat.plugin.evaluator import Evaluator
    from pytest_confmat.plugin.state import GateState
    from pytest_confmat.spec import DirectorySpec, TFRecordSpec

NO_GATE = "no gate was asked for: run pytest with --confmat-model PATH"


def _state(config: pytest.Config) -> GateState | None:
    if not asks_for_gate(config):
        return None
    from pytest_confmat.plugin.session import STATE

    return config.stash[STATE]


@pytest.fixture(scope="session")
def confmat_model(pytestconfig: pytest.Config) -> Any:
    """The model to judge: what ``--confmat-model`` names.

    Override it in a ``conftest.py`` to judge anything else: return a Keras model, or anything
    callable on a batch (a NumPy array in, scores out).
    """
    state = _state(pytestconfig)
    if state is None:
        pytest.skip(NO_GATE)
    if state.model is None:
        from pytest_confmat.errors import RequestError

        raise RequestError(
            "there is no model to judge: pass --confmat-model PATH, or override the fixture "
            "confmat_model in a conftest.py"
        )
    return state.model


@pytest.fixture(scope="session")
def confmat_dataset(pytestconfig: pytest.Config) -> Any:
    """The evaluation set: the dataset of the policy (of the first, where there are several).

    Override it in a ``conftest.py`` to evaluate anything else: return a ``tf.data.Dataset`` or
    any iterable of batches (inputs, labels) or (inputs, labels, weights).
    """
    state = _state(pytestconfig)
    if state is None:
        pytest.skip(NO_GATE)
    return state.default_dataset


@pytest.fixture(scope="session")
def confmat_evaluator(pytestconfig: pytest.Config) -> Evaluator:
    """A callable that streams any model over any data, once: ``confmat_evaluator(model, data)``.

    See `Evaluator.__call__` for what it takes; what it returned it remembers for the session.
    """
    state = _state(pytestconfig)
    if state is not None:
        return state.evaluator
    from functools import partial

    from pytest_confmat.plugin import workers
    from pytest_confmat.plugin.custom_objects import custom_objects
    from pytest_confmat.plugin.evaluator import Evaluator

    return Evaluator(
        workers.shared_folder(pytestconfig),
        custom_objects=partial(custom_objects, pytestconfig),
    )


@pytest.fixture(scope="session")
def confmat_fingerprint() -> str | None:
    """What an evaluation depends on besides the files that options and policy name: nothing.

    Override it in a ``conftest.py`` whose model or data are objects of its own, or whose model
    files name code of its own, to have their evaluations kept between runs: return a text that
    changes whenever these objects or that code do, such as a digest of the files behind them.
    """
    return None


@pytest.fixture
def confmat(request: pytest.FixtureRequest, confmat_model: Any, confmat_dataset: Any) -> Evaluation:
    """The evaluation of `confmat_model` on `confmat_dataset`; the same object for all who ask.

    Classes and decision are those of the policy. It is made for each test anew, so that tests
    below a ``conftest.py`` that overrides model or data see theirs, but evaluated once.
    """
    from pytest_confmat.data.counts import expect
    from pytest_confmat.errors import ConfmatError, RequestError
    from pytest_confmat.plugin.collection import FOUND
    from pytest_confmat.plugin.run import fingerprint_of

    state = _state(request.config)
    if state is None:
        pytest.skip(NO_GATE)
    if not state.gates:
        # A gate was asked for: passing over the test would end it green and unchecked.
        raise RequestError(
            "there is no policy whose classes and decision confmat could use: name one with "
            "--confmat-thresholds, or use confmat_evaluator"
        )
    gate = state.gates[0]
    job = state.runs[gate.path].job(confmat_model, confmat_dataset)
    request.node.stash[FOUND] = {
        "own": request.node.nodeid,
        "key": state.evaluator.key(job),
    }
    try:
        found = state.evaluator.evaluate(job, keep=True, fingerprint=fingerprint_of(request))
        if computed := state.evaluator.cache_info(state.evaluator.key(job)).computed:
            # The summary speaks of what policies judge, and this may be another.
            cached = ("confmat_cached", computed)
            if cached not in request.node.user_properties:  # a plugin may run a test again
                request.node.user_properties.append(cached)
        if confmat_dataset is gate.dataset:
            expect(gate.expected_examples, len(found), "the evaluation set")
        return found
    except ConfmatError as error:
        fault = str(error)
    # Outside of the handler, or the fault would be told twice.
    pytest.fail(fault, pytrace=False)


@pytest.fixture(scope="session")
def confmat_directory_dataset(
    pytestconfig: pytest.Config,
) -> Callable[..., DirectorySpec]:
    """A factory of evaluation sets from class directories.

    ``confmat_directory_dataset(directory, image_size=(96, 96), rescale="1/255", ...)`` takes the
    keys of a policy's ``dataset``; a relative directory lies below the folder pytest runs in.
    """

    def make(directory: str | Path, **keys: Any) -> DirectorySpec:
        from pytest_confmat.policy import dataset_from_keys
        from pytest_confmat.spec import DirectorySpec

        spec = dataset_from_keys(
            {"directory": str(directory), **keys}, pytestconfig.invocation_params.dir
        )
        assert isinstance(spec, DirectorySpec)
        return spec

    return make


@pytest.fixture(scope="session")
def confmat_tfrecord_dataset(
    pytestconfig: pytest.Config,
) -> Callable[..., TFRecordSpec]:
    """A factory of evaluation sets from TFRecord shards.

    ``confmat_tfrecord_dataset("data/test-*.tfrecord", label={"key": "label"}, ...)`` takes the
    keys of a policy's ``dataset``; relative paths lie below the folder pytest runs in.
    """

    def make(
        tfrecord: str | Path | Sequence[str | Path], **keys: Mapping[str, Any]
    ) -> TFRecordSpec:
        from pathlib import Path

        from pytest_confmat.policy import dataset_from_keys
        from pytest_confmat.spec import TFRecordSpec

        if isinstance(tfrecord, str | Path):
            tfrecord = [tfrecord]
        patterns = [str(pattern) for pattern in tfrecord]
        spec = dataset_from_keys({"tfrecord": patterns, **keys}, pytestconfig.invocation_params.dir)
        assert isinstance(spec, TFRecordSpec)
        return spec

    return make
