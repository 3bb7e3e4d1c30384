"""Anything that can be called on a batch, as a predictor; TensorFlow is not needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import ModelError
from pytest_confmat.models.decision import Rule, with_n
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.models.runtime import first_line
from pytest_confmat.spec import Decision, ModelInput


class CallablePredictor:
    """A function from a NumPy batch to scores, and a decision.

    Parameters
    ----------
    function
        Called once a batch, with an array of shape (n, ...); returns anything that
        ``np.asarray`` takes, of shape (n, K), or (n, 1) under a threshold.

    Raises
    ------
    RequestError
        If the decision does not go with the classes.
    """

    def __init__(
        self, function: Callable[[Any], Any], classes: tuple[str, ...], decision: Decision
    ) -> None:
        self._function = function
        self._rule = Rule.of(decision, classes)
        self._name = f"the project's own model ({_named(function)})"
        self._units = 0
        self._probed: tuple[Any, NDArray[Any]] | None = None

    @property
    def input(self) -> ModelInput:
        """Nothing is known about it."""
        return ModelInput()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader; complete after `check`."""
        if self._units != 1:
            return ()
        positive = self._rule.classes[self._rule.positive]
        return (f"{self._name} has one output, read as the score of {positive!r}",)

    @property
    def runtime(self) -> None:
        """Not known: the project runs its function itself."""

    @property
    def is_pure(self) -> bool:
        """No: of a project's own function nobody knows."""
        return False

    @property
    def is_stateful(self) -> bool:
        """Not known either: batches are given in order, each once."""
        return False

    def check_stated(self) -> None:
        """Do nothing: a function states no outputs."""

    def rewind(self) -> None:
        """Do nothing: what a function keeps is the project's."""

    def check(self, inputs: Any, batch_size: int | None = None) -> None:  # noqa: ARG002 (a function is given batches as they come)
        """Call the function on a first batch; `predict` does not call it again for the same.

        Raises
        ------
        ModelError
            If the function fails, or its scores do not fit the classes.
        """
        scores = self._scores(inputs)
        self._units = scores.shape[1]
        self._rule.decide(scores, np.zeros(len(scores), np.int64), self._name)
        self._probed = (inputs, scores)

    def predict(self, inputs: Any, labels: NDArray[np.int64]) -> Prediction:
        """Predict a batch: inputs of shape (n, ...), true classes int64 (n,).

        Raises
        ------
        ModelError
            If the function fails, or its scores do not fit batch, classes or decision.
        """
        probed, self._probed = self._probed, None
        scores = probed[1] if probed and probed[0] is inputs else self._scores(inputs)
        return self._rule.decide(scores, labels, self._name)

    def _scores(self, inputs: Any) -> NDArray[Any]:
        batch = np.asarray(inputs)
        try:
            returned = self._function(batch)
        except Exception as error:
            raise ModelError(
                f"{self._name} fails on a batch of shape {batch.shape}: "
                f"{type(error).__name__}: {first_line(error)}"
            ) from error
        scores = self._array(self._sole(returned, len(batch)))
        # The batch axis has to be held first: a single row would pass for any batch.
        if scores.ndim and len(scores) != len(batch):
            raise ModelError(
                f"{self._name} returned scores of shape {scores.shape} for a batch of "
                f"{len(batch)}: return one row an example"
            )
        self._rule.require_units(scores.shape, self._name)
        return scores.reshape(len(scores), -1)

    def _sole(self, returned: Any, n: int) -> Any:
        """Return the one output of a dict, list or tuple; what is no such container as it is."""
        if isinstance(returned, Mapping):
            outputs = {str(key): value for key, value in returned.items()}
        elif isinstance(returned, list | tuple) and all(_is_output(each, n) for each in returned):
            outputs = {str(at): value for at, value in enumerate(returned)}
        else:
            return returned
        if not outputs:
            return returned
        if len(outputs) == 1:
            return self._sole(next(iter(outputs.values())), n)
        shapes = {key: with_n(np.shape(value)) for key, value in outputs.items()}
        listing = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
        raise ModelError(
            f"{self._name} returned {len(outputs)} outputs ({listing}), and one output of scores "
            "is supported: return the one to judge"
        )

    def _array(self, returned: Any) -> NDArray[Any]:
        try:
            # A torch tensor that needs a gradient, or lies on a GPU, does not become an array.
            if hasattr(returned, "detach"):
                returned = returned.detach().cpu()
            scores = np.asarray(returned)
            if scores.dtype.kind in "biu":
                return scores.astype(np.float64)
            if scores.dtype.kind == "f":
                return scores if scores.dtype.itemsize > 2 else scores.astype(np.float32)
            if scores.dtype.name == "bfloat16":
                return scores.astype(np.float32)
        except Exception as error:
            raise ModelError(
                f"{self._name} returned {_kind(returned)}, which is no array: {first_line(error)}"
            ) from error
        raise ModelError(
            f"{self._name} returned {_kind(returned)} of dtype {scores.dtype}, and scores are "
            "numbers: return one array of shape (N, number of classes)"
        )


def _is_output(value: Any, n: int) -> bool:
    """Whether an entry of a list is a whole output for `n` examples, and not one example's row."""
    shape = getattr(value, "shape", None)
    return isinstance(value, Mapping) or (shape is not None and len(shape) > 1 and shape[0] == n)


def _named(function: Any) -> str:
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__qualname__


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
