"""The fixtures. Their bodies import what they need, so that naming them here costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_confmat.plugin.options import ASKED

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_confmat.evaluation import Evaluation
    from pytest_confmat.plugin.evaluator import Evaluator
    from pytest_confmat.plugin.state import GateState
    from pytest_confmat.spec import DirectorySpec, TFRecordSpec

NO_GATE = "no gate was asked for: run pytest with --confmat-model PATH"


def _state(config: pytest.Config) -> GateState | None:
    if not config.stash.get(ASKED, False):
        return None
    from pytest_confmat.plugin.session import state_of

    return state_of(config)


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    """Return the scope of model and data: where policies differ in them, it is a test's file."""
    if not config.stash.get(ASKED, False):
        return "session"
    from pytest_confmat.plugin.session import differs

    return "class" if differs(config, fixture_name) else "session"


def _file_of(request: pytest.FixtureRequest) -> Path:
    """Return the file of the test that asks; of all tests, the folder that pytest was called in."""
    config = request.config
    return config.invocation_params.dir if request.scope == "session" else request.path


@pytest.fixture(scope=_scope)
def confmat_model(request: pytest.FixtureRequest) -> Any:
    """The model to judge: what ``--confmat-model``, the policy or the ini file names.

    Override it in a ``conftest.py`` to judge anything else: return the path of a model file, a
    Keras model, or anything callable on a batch (a NumPy array in, scores out).
    """
    state = _state(request.config)
    if state is None:
        pytest.skip(NO_GATE)
    model = state.model_for(_file_of(request))
    if model is None:
        from pytest_confmat.errors import RequestError

        raise RequestError(
            "there is no model to judge: pass --confmat-model PATH, write model: PATH in the "
            "policy, or override the fixture confmat_model in a conftest.py"
        )
    return model


@pytest.fixture(scope=_scope)
def confmat_dataset(request: pytest.FixtureRequest) -> Any:
    """The evaluation set: the dataset of the policy; of several, the one of the test's folder.

    Override it in a ``conftest.py`` to evaluate anything else: return a ``tf.data.Dataset`` or
    any iterable of batches (inputs, labels) or (inputs, labels, weights).
    """
    state = _state(request.config)
    if state is None:
        pytest.skip(NO_GATE)
    return state.gate_for(_file_of(request)).dataset if state.gates else None


@pytest.fixture(scope="session")
def confmat_evaluator(pytestconfig: pytest.Config) -> Evaluator:
    """A callable that streams any model over any data, once: ``confmat_evaluator(model, data)``.

    See `Evaluator.__call__` for what it takes; what it returned it remembers for the session.
    """
    state = _state(pytestconfig)
    if state is not None:
        return state.evaluator
    from pytest_confmat.plugin import workers
    from pytest_confmat.plugin.custom_objects import CustomObjects
    from pytest_confmat.plugin.evaluator import Evaluator

    custom_objects = CustomObjects(pytestconfig)
    return Evaluator(
        workers.shared_folder(pytestconfig),
        custom_objects=custom_objects,
        code_sources=custom_objects.sources,
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

    Classes and decision are those of the policy; of several policies, of the one in the test's
    folder or above it. It is made for each test anew, so that tests below a ``conftest.py`` that
    overrides model or data see theirs, but evaluated once.
    """
    from pytest_confmat.data.counts import expect
    from pytest_confmat.errors import ConfmatError, RequestError
    from pytest_confmat.plugin.findings import FINDINGS, FixtureFindings
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
    if state.shard is not None:
        pytest.skip("a shard evaluates a part of the set: --confmat-merge runs this test on all")
    gate = state.gate_for(request.path)
    job = state.runs[gate.path].job(state.as_model(confmat_model), confmat_dataset)
    with state.custom_objects.judging(gate.path):
        key = state.evaluator.key(job)
    request.node.stash[FINDINGS] = FixtureFindings(request.node.nodeid, key)
    try:
        with state.custom_objects.judging(gate.path):
            found = state.evaluator.evaluate(job, keep=True, fingerprint=fingerprint_of(request))
        if computed := state.evaluator.cache_info(key).computed:
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
