"""A LiteRT file, run by its interpreter, and a decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import ModelError
from pytest_confmat.models.arrays import as_array, cast, matches, misfit
from pytest_confmat.models.decision import Rule, with_n
from pytest_confmat.models.litert.interface import Interface
from pytest_confmat.models.litert.interpreter import Session, quiet, said_by
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.spec import ModelInput
from pytest_confmat.threads import MOST_THREADS, cores

# The most examples that are run one by one and together, to see whether that is the same.
_TRIED = 48
# Numbers that go into a model at once: what it makes of more does not stay in a core's cache.
_AT_ONCE = 1 << 18
# From this share of numbers on that a quantized input cuts off, a note says so.
_MUCH = 0.1


class LiteRTPredictor:
    """Interpreters with one input and one output of scores, and a decision.

    Parameters
    ----------
    start
        Makes an interpreter, as at first.
    is_stateful
        Whether the graph keeps something from run to run, or draws at random.
    """

    def __init__(
        self,
        start: Callable[[], Session],
        taken: Interface,
        rule: Rule,
        *,
        name: str,
        runtime: str,
        is_stateful: bool,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._start = start
        self._taken = taken
        self._rule = rule
        self._name = name
        self._runtime = runtime
        self._is_stateful = is_stateful
        self._notes = notes
        self._own = taken.batch or 1
        # How many examples are run at once.
        self._size = self._own
        self._units: int | None = None
        # Interpreters that no thread uses now.
        self._idle: SimpleQueue[Session] = SimpleQueue()
        self._idle.put(start())
        self._is_checked = False

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
        """Whether the graph does nothing but compute."""
        return not self._is_stateful

    @property
    def is_stateful(self) -> bool:
        """Whether what it says depends on the runs before, or on chance."""
        return self._is_stateful

    def rewind(self) -> None:
        """Begin anew, with variables as the file has them and the same numbers to be drawn."""
        if self._is_stateful:
            self._idle.get()
            self._idle.put(self._start())

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

        Several examples at a time are quicker. A model is given them if its scores are then the
        same, to the bit, as one by one: not all files compute more than they were made for, and
        some compute something else.

        Raises
        ------
        ModelError
            If the batch does not fit the model, or the outputs do not fit the classes.
        """
        batch = self._fit(as_array(inputs, self._name))
        most = _AT_ONCE // max(1, prod(batch.shape[1:]))
        several = max(1, min(batch_size or len(batch), most))
        first = batch[: min(several, _TRIED) if several > 1 else 2]
        self._size = self._own
        try:
            with quiet():
                alone = self._scores(first)
                self._decide(alone, np.zeros(len(first), np.int64))
                if several > 1 and self.input.batch is None and not self._is_stateful:
                    self._size = several if self._same(first, several, alone) else self._own
        finally:
            self.rewind()
        self._note_range(as_array(inputs, self._name))
        if self.is_pure and not self._is_checked:
            # Here and not in the threads, which must not change what warnings do.
            for _ in range(min(cores(), MOST_THREADS) - 1):
                self._idle.put(self._start())
        self._is_checked = True

    def predict(self, inputs: Any, labels: NDArray[np.int64]) -> Prediction:
        """Predict a batch: inputs of shape (n, ...), true classes int64 (n,).

        Of more examples than go into the model at once it is given parts, the last one filled up;
        what it is filled with is not in the result.

        Raises
        ------
        ModelError
            If the batch does not fit the model, the model fails, or a threshold is given scores
            outside 0 to 1.
        """
        if not len(labels):
            none = np.zeros((0, self._units or 1), np.float32)
            return self._rule.decide(none, labels, self._name)
        numbers = as_array(inputs, self._name)
        found = self._decide(self._scores(self._fit(numbers)), labels)
        if self._taken.quantization is None or numbers.dtype.kind != "f":
            return found
        # No whole number stands for what is not finite, so that no score tells of it.
        finite = np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1)
        return found if finite.all() else replace(found, valid=found.valid & finite)

    def _decide(self, scores: NDArray[Any], labels: NDArray[np.int64]) -> Prediction:
        """Decide on quantized scores as they are: rounding must not make ties, nor undo them."""
        quantization = self._taken.scores
        if quantization is None:
            exact = scores.dtype in (np.float32, np.float64)
            return self._rule.decide(
                scores if exact else scores.astype(np.float32), labels, self._name
            )
        if self._rule.threshold is not None:
            return self._rule.decide(quantization.real(scores), labels, self._name)
        found = self._rule.decide(scores.astype(np.float32), labels, self._name)
        return replace(
            found,
            score=quantization.real(found.score),
            runner_up_score=quantization.real(found.runner_up_score),
        )

    def _fit(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Return a batch as the model takes it."""
        shape = self._taken.input.shape
        if not matches(batch.shape[1:], shape):
            raise misfit(batch.shape, shape or (), self._name)
        batch = cast(batch, self._taken.input.dtype, self._name)
        quantization = self._taken.quantization
        return batch if quantization is None else quantization.quantized(batch)

    def _scores(self, batch: NDArray[Any]) -> NDArray[Any]:
        parts = [self._part(batch[at : at + self._size]) for at in range(0, len(batch), self._size)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _part(self, batch: NDArray[Any]) -> NDArray[Any]:
        n, size = len(batch), self._size
        if n < size and self._is_stateful:
            raise ModelError(
                f"{self._name} takes batches of {size} and keeps a state or draws at random, so "
                f"that one of {n} cannot be filled up: give a multiple of {size} examples, or "
                "convert it with a batch of one"
            )
        scores = self._run(_filled(batch, size), n)
        if not scores.ndim or len(scores) != size:
            raise ModelError(
                f"{self._name} gives an output of shape {with_n(scores.shape)} for a batch of "
                f"{size}: one row of scores an example is supported"
            )
        self._rule.require_units(scores.shape, self._name)
        scores = scores.reshape(size, -1)[:n]
        self._units = scores.shape[1]
        return scores

    def _run(self, batch: NDArray[Any], n: int) -> NDArray[Any]:
        session = self._idle.get()
        try:
            return session.run(batch)
        except MemoryError as error:
            raise ModelError(
                f"{self._name} ran out of memory on a batch of {n}: give a smaller "
                "--confmat-batch-size"
            ) from error
        except Exception as error:
            raise ModelError(
                f"{self._name} fails on a batch of {n}: {said_by(str(error))}"
            ) from error
        finally:
            self._idle.put(session)

    def _same(self, first: NDArray[Any], size: int, alone: NDArray[Any]) -> bool:
        """Whether examples get the same scores in a batch of `size`."""
        try:
            together = self._run(_filled(first, size), size)
        except ModelError:
            # The size that it was made for is set again by the next run.
            return False
        rows = together.reshape(len(together), -1)[: len(first)] if together.ndim else together
        return len(together) == size and rows.tobytes() == alone.tobytes()

    def _note_range(self, batch: NDArray[Any]) -> None:
        """Note a first batch of which a quantized input cuts much off."""
        quantization = self._taken.quantization
        if quantization is None or self._is_checked:
            return
        share = quantization.outside(cast(batch, "float32", self._name))
        if share >= _MUCH:
            low, high = quantization.range
            self._notes += (
                f"{self._name} takes numbers from {low:.4g} to {high:.4g}, as {quantization.dtype},"
                f" and {share:.0%} of those in the first batch lie outside and are cut off: see "
                "whether `rescale` fits the model",
            )


def _filled(batch: NDArray[Any], size: int) -> NDArray[Any]:
    """Return a batch of `size`: its own first example stands in for what is missing."""
    missing = size - len(batch)
    if missing <= 0:
        return np.ascontiguousarray(batch)
    return np.concatenate([batch, np.broadcast_to(batch[:1], (missing, *batch.shape[1:]))])
