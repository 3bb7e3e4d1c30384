"""The graph of a SavedModel, run in a session, and a decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import ModelError
from pytest_confmat.models import purity
from pytest_confmat.models.decision import Rule, with_n
from pytest_confmat.models.inputs import Shape, fit
from pytest_confmat.models.keras import BLOCK, explained
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.models.runtime import first_line, root_cause, tolerant
from pytest_confmat.models.saved_model.plan import Plan
from pytest_confmat.models.saved_model.signatures import Signature
from pytest_confmat.spec import Decision, ModelInput


class GraphPredictor:
    """A graph with one input and one output of scores, and a decision.

    Run as TensorFlow Serving runs it: a session in which variables are restored and tables filled
    before the first batch.

    Raises
    ------
    ModelError
        If the graph cannot be imported, or its variables do not fit it.
    RequestError
        If the decision does not go with the classes.
    """

    def __init__(
        self,
        plan: Plan,
        signature: Signature,
        classes: tuple[str, ...],
        decision: Decision,
        *,
        name: str,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._plan = plan
        self._signature = signature
        self._rule = Rule.of(decision, classes)
        self._name = name
        self._notes = notes
        self._shape: Shape | None = signature.input.shape
        self._most = signature.input.batch or 1
        self._units: int | None = None
        self._graph = _imported(plan, name)
        self._session: Any = None
        self._run = self._started()

    @property
    def input(self) -> ModelInput:
        """What the signature takes."""
        return self._signature.input

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader; complete after `check`."""
        if self._units != 1:
            return self._notes
        positive = self._rule.classes[self._rule.positive]
        return (*self._notes, f"{self._name} has one output, read as the score of {positive!r}")

    @property
    def runtime(self) -> str:
        """TensorFlow, with its version."""
        import tensorflow as tf

        return f"TensorFlow {tf.__version__}"

    @property
    def is_pure(self) -> bool:
        """Whether the graph does nothing but compute: no state, nothing at random."""
        return purity.are_pure(self._plan.kinds)

    @property
    def is_stateful(self) -> bool:
        """Whether what it says may depend on the batches before, or on chance."""
        return not self.is_pure

    def rewind(self) -> None:
        """Begin anew, with variables as the file has them, if any of them may have changed."""
        if self.is_stateful:
            self._session.close()
            self._run = self._started()

    def check_stated(self) -> None:
        """Compare the output that the signature states with classes and decision.

        Raises
        ------
        ModelError
            If they do not fit.
        """
        if self._signature.shape is not None:
            self._rule.require_units(self._signature.shape, self._name)

    def check(self, inputs: Any, batch_size: int | None = None) -> None:
        """Try the graph on the first examples; see `Predictor.check`.

        Raises
        ------
        ModelError
            If the batch does not fit the model, or the outputs do not fit the classes.
        """
        first = fit(inputs, self._shape, self.input.dtype, self._name)[:BLOCK]
        self._most = self.input.batch or batch_size or len(inputs)
        try:
            self.predict(first, np.zeros(len(first), np.int64))
        finally:
            self.rewind()

    def predict(self, inputs: Any, labels: NDArray[np.int64]) -> Prediction:
        """Predict a batch: inputs of shape (n, ...), true classes int64 (n,).

        A batch of more examples than the signature's fixed size is split, one of fewer is filled
        up; what it is filled with is not in the result.

        Raises
        ------
        ModelError
            If the batch does not fit the model, the model fails, or a threshold is given scores
            outside 0 to 1.
        """
        n = len(labels)
        if not n:
            return self._rule.decide(
                np.zeros((0, self._units or 1), np.float32), labels, self._name
            )
        batch = fit(inputs, self._shape, self.input.dtype, self._name).numpy()
        size = self.input.batch or n
        with explained(self._name, n):
            parts = [self._scores(batch[at : at + size]) for at in range(0, n, size)]
        scores = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return self._rule.decide(scores, labels, self._name)

    def _scores(self, batch: NDArray[Any]) -> NDArray[np.floating]:
        n = len(batch)
        size = self._size(n)
        if n < size:
            # Its own first example stands in for what is missing.
            filling = np.broadcast_to(batch[:1], (size - n, *batch.shape[1:]))
            batch = np.concatenate([batch, filling])
        scores: NDArray[np.floating] = np.asarray(self._run(batch))
        if not scores.ndim or len(scores) != size:
            raise ModelError(
                f"{self._name} gives an output of shape {with_n(scores.shape)} for a batch of "
                f"{size}: one row of scores an example is supported"
            )
        self._rule.require_units(scores.shape, self._name)
        scores = scores.reshape(size, -1)[:n]
        self._units = scores.shape[1]
        return scores if scores.dtype in (np.float32, np.float64) else scores.astype(np.float32)

    def _size(self, n: int) -> int:
        """Return how many examples the graph is given for `n`."""
        fixed = self.input.batch
        if not self.is_stateful:
            return fixed or min(-(-n // BLOCK) * BLOCK, max(self._most, n))
        if fixed is not None and n < fixed:
            raise ModelError(
                f"{self._name} takes batches of {fixed} and keeps a state or draws at random, so "
                f"that one of {n} cannot be filled up: give a multiple of {fixed} examples, or "
                "export it without a fixed batch size"
            )
        return n

    def _started(self) -> Callable[[Any], Any]:
        """Return what runs a batch, in a session in which everything has its first value."""
        import tensorflow as tf

        self._session = tf.compat.v1.Session(graph=self._graph)
        try:
            with tolerant():
                for step in self._plan.steps:
                    self._session.run(self._graph.get_operation_by_name(step))
                run: Callable[[Any], Any] = self._session.make_callable(
                    self._signature.fetch, [self._signature.feed]
                )
        except Exception as error:
            cause = root_cause(error)
            raise ModelError(
                f"{self._name} cannot be loaded: its variables and tables do not fit its graph, or "
                f"are damaged ({type(cause).__name__}: {first_line(cause)}); copy the whole "
                "directory, or export it again"
            ) from error
        return run


def _imported(plan: Plan, name: str) -> Any:
    import tensorflow as tf

    graph = tf.Graph()
    try:
        with tolerant(), graph.as_default():
            tf.graph_util.import_graph_def(plan.graph, name="", producer_op_list=plan.producer)
    except Exception as error:
        cause = root_cause(error)
        raise ModelError(
            f"{name} cannot be loaded: TensorFlow does not take its graph "
            f"({type(cause).__name__}: {first_line(cause)}); export it again, or install the "
            "TensorFlow that wrote it"
        ) from error
    return graph
