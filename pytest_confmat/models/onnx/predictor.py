"""An ONNX file, run by onnxruntime, and a decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import ModelError
from pytest_confmat.models.arrays import as_array, cast, matches, misfit
from pytest_confmat.models.decision import Rule, with_n
from pytest_confmat.models.onnx.interface import Interface
from pytest_confmat.models.onnx.session import said_by
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.spec import ModelInput

# As in `models.keras`: in a multiple of so many rows, each is computed alike.
BLOCK = 48
# Examples of so many numbers are run one by one: what a net makes of several at once does not stay
# in the cache of a core, and takes 1.4 times as long (MobileNetV2 at 128 x 128).
LARGE = 1 << 15


class OnnxPredictor:
    """A session with one input and one output of scores, and a decision.

    Parameters
    ----------
    start
        Makes a session, as at first.
    draws
        Whether the graph draws at random.
    """

    def __init__(
        self,
        start: Callable[[], Any],
        taken: Interface,
        rule: Rule,
        *,
        name: str,
        runtime: str,
        draws: bool,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._start = start
        self._taken = taken
        self._rule = rule
        self._name = name
        self._runtime = runtime
        self._draws = draws
        self._notes = notes
        self._most = taken.batch or 1
        self._units: int | None = None
        self._session = start()

    @property
    def input(self) -> ModelInput:
        """What the model takes."""
        return self._taken.input

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader; complete after `check`."""
        if self._units != 1:
            return self._notes
        positive = self._rule.classes[self._rule.positive]
        return (*self._notes, f"{self._name} has one output, read as the score of {positive!r}")

    @property
    def runtime(self) -> str:
        """The runtime, with its version."""
        return self._runtime

    @property
    def is_pure(self) -> bool:
        """Whether the graph does nothing but compute: a session keeps nothing between runs."""
        return not self._draws

    @property
    def is_stateful(self) -> bool:
        """Whether what it says depends on chance, and so on what was drawn before."""
        return self._draws

    def rewind(self) -> None:
        """Begin anew, with the same numbers to be drawn."""
        if self._draws:
            self._session = self._start()

    def check_stated(self) -> None:
        """Compare the output that the file states with classes and decision.

        Raises
        ------
        ModelError
            If they do not fit.
        """
        if self._taken.shape is not None:
            self._rule.require_units(self._taken.shape, self._name)

    def check(self, inputs: Any, batch_size: int | None = None) -> None:
        """Try the model on the first examples; see `Predictor.check`.

        Raises
        ------
        ModelError
            If the batch does not fit the model, or the outputs do not fit the classes.
        """
        first = as_array(inputs, self._name)[:BLOCK]
        self._most = self._taken.batch or batch_size or len(inputs)
        try:
            self.predict(first, np.zeros(len(first), np.int64))
        finally:
            self.rewind()

    def predict(self, inputs: Any, labels: NDArray[np.int64]) -> Prediction:
        """Predict a batch: inputs of shape (n, ...), true classes int64 (n,).

        A batch of more examples than the model's fixed size is split, one of fewer is filled up;
        what it is filled with is not in the result.

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
        batch = self._fit(inputs)
        size = self._piece(batch)
        parts = [self._scores(batch[at : at + size]) for at in range(0, n, size)]
        scores = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return self._rule.decide(scores, labels, self._name)

    def _fit(self, inputs: Any) -> NDArray[Any]:
        """Return a batch as the model takes it, images turned where it takes channels first."""
        batch = as_array(inputs, self._name)
        found, usual = batch.shape[1:], self._taken.input.shape
        turned = self._taken.channels_first
        if not matches(found, usual):
            turned = False
            if usual is None or not matches(found, self._taken.own_shape):
                raise misfit(batch.shape, usual or (), self._name)
        batch = cast(batch, self._taken.input.dtype, self._name)
        return np.moveaxis(batch, -1, 1) if turned else batch

    def _scores(self, batch: NDArray[Any]) -> NDArray[np.floating]:
        n = len(batch)
        size = self._size(n, batch[0].size >= LARGE)
        if n < size:
            # Its own first example stands in for what is missing.
            filling = np.broadcast_to(batch[:1], (size - n, *batch.shape[1:]))
            batch = np.concatenate([batch, filling])
        scores = self._run(np.ascontiguousarray(batch), n)
        if not scores.ndim or len(scores) != size:
            raise ModelError(
                f"{self._name} gives an output of shape {with_n(scores.shape)} for a batch of "
                f"{size}: one row of scores an example is supported"
            )
        self._rule.require_units(scores.shape, self._name)
        scores = scores.reshape(size, -1)[:n]
        self._units = scores.shape[1]
        return scores if scores.dtype in (np.float32, np.float64) else scores.astype(np.float32)

    def _piece(self, batch: NDArray[Any]) -> int:
        """Return how many examples of a batch go into the model at once."""
        alone = batch[0].size >= LARGE and not self._draws
        return self._taken.batch or (1 if alone else len(batch))

    def _run(self, batch: NDArray[Any], n: int) -> NDArray[Any]:
        try:
            found = self._session.run([self._taken.output_name], {self._taken.input_name: batch})
        except Exception as error:
            said = said_by(str(error))
            if isinstance(error, MemoryError) or "allocate memory" in said:
                raise ModelError(
                    f"{self._name} ran out of memory on a batch of {n}: give a smaller "
                    "--confmat-batch-size"
                ) from error
            raise ModelError(f"{self._name} fails on a batch of {n}: {said}") from error
        return np.asarray(found[0])

    def _size(self, n: int, large: bool) -> int:
        """Return how many examples the model is given for `n`."""
        fixed = self._taken.batch
        if not self._draws and large:
            return fixed or n
        if not self._draws:
            return fixed or min(-(-n // BLOCK) * BLOCK, max(self._most, n))
        if fixed is not None and n < fixed:
            raise ModelError(
                f"{self._name} takes batches of {fixed} and draws at random, so that one of {n} "
                f"cannot be filled up: give a multiple of {fixed} examples, or export it without a "
                "fixed batch size"
            )
        return n
