"""Keras models, run as a TensorFlow graph."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import ConfmatError, ModelError
from pytest_confmat.models import purity
from pytest_confmat.models.decision import Rule, one_row, with_n
from pytest_confmat.models.folding import folded
from pytest_confmat.models.inputs import Shape, arranged, fit, input_of
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.models.runtime import first_line, root_cause, tolerant
from pytest_confmat.models.variables import Kept
from pytest_confmat.spec import Decision, ModelInput

# Matrix kernels work in blocks of rows, and compute what is left over at the end of a batch in
# another order, so that its scores move by some units in the last place. A block of Eigen's has 24
# rows with AVX2, 48 with AVX-512 and 12 on ARM; one of oneDNN's has 6. In a multiple of 48 rows,
# every row is computed alike.
BLOCK = 48


class KerasPredictor:
    """A Keras model, run as a TensorFlow graph with a fixed signature, and a decision.

    Parameters
    ----------
    model
        A ``keras.Model``.
    name
        The model, as messages should call it.

    Raises
    ------
    ModelError
        If the model has several inputs.
    RequestError
        If the decision does not go with the classes.
    """

    def __init__(
        self,
        model: Any,
        classes: tuple[str, ...],
        decision: Decision,
        name: str,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._model = model
        self._rule = Rule.of(decision, classes)
        self._name = name
        self._notes = notes
        stated = input_of(model, name)
        self._input = stated or ModelInput()
        # What the model does not state, the first batch settles.
        self._shape: Shape | None = stated.shape if stated else None
        self._dtype: str | None = stated.dtype if stated else None
        self._most = self._input.batch or 1
        self._units: int | None = None
        self._step: Any = None
        # Of a model that writes variables: their values before the first batch.
        self._found: Kept | None = None
        # What a fixed batch that is filled up would spoil, and whether one was filled up.
        self._shared: str | None = None
        self._filled_up = False

    @property
    def input(self) -> ModelInput:
        """What the model takes."""
        return self._input

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader; complete after `check`."""
        if self._units != 1:
            return self._notes
        positive = self._rule.classes[self._rule.positive]
        return (*self._notes, f"{self._name} has one output, read as the score of {positive!r}")

    @property
    def runtime(self) -> str:
        """Which Keras runs the model."""
        import keras
        import tensorflow as tf

        if isinstance(self._model, keras.Model):
            return f"Keras {keras.__version__} on TensorFlow {tf.__version__}"
        import tf_keras

        return f"tf-keras {tf_keras.__version__} on TensorFlow {tf.__version__}"

    @property
    def is_pure(self) -> bool | None:
        """Whether the graph does nothing but compute: no state, nothing at random."""
        return None if self._step is None else purity.is_pure(self._step)

    @property
    def is_stateful(self) -> bool:
        """Whether the graph writes variables: states, counts, random seeds."""
        return self._found is not None

    def rewind(self) -> None:
        """Give all variables that the graph may write the values that they had before it ran."""
        self._filled_up = False
        if self._found is not None:
            self._found.restore()

    def check_stated(self) -> None:
        """Compare the outputs that the model states, if it does, with classes and decision.

        Raises
        ------
        ModelError
            If they do not fit.
        """
        if (shape := _stated_shape(self._model)) is not None:
            self._units_of(shape)

    def check(self, inputs: Any, batch_size: int | None = None) -> None:
        """Build the graph for batches like `inputs` and try it on the first examples.

        Parameters
        ----------
        batch_size
            The most examples that a batch will hold: smaller ones are filled up to the next
            multiple of `BLOCK` rows, but never above this. Default: as many as `inputs`.

        Raises
        ------
        ModelError
            If the batch does not fit the model, or the outputs do not fit the classes.
        """
        first = fit(inputs, self._shape, self._dtype, self._name)[:BLOCK]
        self._most = self._input.batch or batch_size or len(inputs)
        try:
            self.predict(first, np.zeros(len(first), np.int64))
            self._shared = self._shared_state()
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
        if not len(labels):
            return self._rule.decide(
                np.zeros((0, self._units or 1), np.float32), labels, self._name
            )
        tensor = fit(inputs, self._shape, self._dtype, self._name)
        size = self._input.batch or len(labels)
        with explained(self._name, len(labels)):
            if self._step is None:
                with tolerant():
                    self._build(tensor)
            if len(labels) <= size:  # the common case: a slice would be a copy
                scores = self._run(tensor)
            else:
                starts = range(0, len(labels), size)
                scores = np.concatenate([self._run(tensor[at : at + size]) for at in starts])
        return self._rule.decide(scores, labels, self._name)

    def _run(self, tensor: Any) -> NDArray[np.floating]:
        n = len(tensor)
        size = self._input.batch or min(-(-n // BLOCK) * BLOCK, self._most)
        if self._found is not None:
            # What a state is made of must be as many examples as it would be elsewhere.
            size = self._input.batch or 1
            self._require_whole_batches(n, size)
        if n < size:
            tensor = _filled(tensor, size)
        scores: NDArray[np.floating] = self._step(tensor).numpy()
        return scores[:n]

    def _require_whole_batches(self, n: int, size: int) -> None:
        """Hold a batch of a stateful model against its fixed size: one may be smaller, the last."""
        if self._filled_up:
            raise ModelError(
                f"{self._name} keeps a state from batch to batch and takes batches of {size}, and "
                "a smaller one came before the last: let the dataset yield batches of that size"
            )
        self._filled_up = n < size
        if self._filled_up and self._shared is not None:
            raise ModelError(
                f"{self._name} takes batches of {size}, and one has {n}, which cannot be filled "
                f"up: the examples of a batch share a state ({self._shared}) that the filling "
                f"would change; give a multiple of {size} examples, or save the model without a "
                "fixed batch size"
            )

    def _shared_state(self) -> str | None:
        """Return the name of a state that is not each example's own, once a batch was run."""
        batch = self._input.batch
        if self._found is None or batch is None:
            return None
        for variable in self._found.changed():
            own = variable.shape.rank and variable.shape[0] == batch
            if not own and "seed_generator" not in variable.name:
                return str(variable.name.partition(":")[0])
        return None

    def _build(self, tensor: Any) -> None:
        import tensorflow as tf

        self._shape = tuple(tensor.shape[1:]) if self._shape is None else self._shape
        self._dtype = tensor.dtype.name
        batch = self._input.batch
        signature = tf.TensorSpec((batch, *self._shape), tensor.dtype)
        self._units = self._stated_units(tensor) or self._traced_units(tensor, signature)
        step = self._folded(signature) or self._trace(self._forward, signature)
        if elsewhere := purity.kept_elsewhere(step):
            raise ModelError(
                f"{self._name} keeps a state outside of variables ({', '.join(elsewhere)}), which "
                "cannot be put back after it was tried on the first batch: keep it in a variable, "
                "or hand in a function that calls the model, by overriding the fixture "
                "confmat_model"
            )
        if purity.writes_variables(step):
            self._found = Kept(step.graph.variables)
        self._step = step

    def _forward(self, inputs: Any) -> Any:
        return self._model(arranged(self._model, inputs), training=False)

    def _folded(self, signature: Any) -> Any:
        # A layer of the user's may be one that Keras cannot run on constants.
        with contextlib.suppress(Exception):
            if forward := folded(self._model):
                return self._trace(lambda x: forward(arranged(self._model, x)), signature)
        return None

    def _trace(self, forward: Callable[[Any], Any], signature: Any) -> Any:
        """Build the graph of a forward pass: inputs to scores, (n, units)."""
        import tensorflow as tf

        def step(inputs: Any) -> Any:
            scores = self._scores(forward(inputs))
            if scores.dtype not in (tf.float32, tf.float64):
                scores = tf.cast(scores, tf.float32)
            if scores.shape.rank == 2:
                return tf.ensure_shape(scores, (None, self._units))
            # Axes of length 1; any other number of scores does not go into this shape.
            return tf.reshape(scores, (tf.shape(scores)[0], self._units))

        # Without AutoGraph, as Keras's own predict runs a model.
        function = tf.function(step, input_signature=(signature,), autograph=False)
        return function.get_concrete_function()

    def _stated_units(self, tensor: Any) -> int | None:
        """Return the number of output units where the model states it."""
        import keras

        if isinstance(self._model, keras.Sequential) and not self._model.built:
            # A call would build it for batches of this one's size alone.
            self._model.build((None, *tensor.shape[1:]))
        stated = _stated_shape(self._model)
        return None if stated is None else self._units_of(stated)

    def _traced_units(self, tensor: Any, signature: Any) -> int:
        """Return the number of output units from a trace, which runs nothing, or from a call."""
        import tensorflow as tf

        def forward(inputs: Any) -> Any:
            return self._scores(self._forward(inputs))

        function = tf.function(forward, input_signature=[signature], autograph=False)
        traced = function.get_concrete_function()
        shape = traced.output_shapes
        units = None if shape.rank is None else self._units_of(tuple(shape))
        if units is not None:
            return units
        found = Kept(traced.graph.variables)
        try:
            shape = traced(_filled(tensor[:2], self._input.batch or len(tensor[:2]))).shape
        finally:
            found.restore()
        return self._units_of(tuple(shape)) or 0

    def _units_of(self, shape: Shape) -> int | None:
        if None in shape[1:]:
            return None
        self._rule.require_units(shape, self._name)
        return one_row(shape)[1]

    def _scores(self, outputs: Any) -> Any:
        import tensorflow as tf

        while isinstance(outputs, list | tuple | Mapping) and len(outputs) == 1:
            outputs = next(iter(outputs.values() if isinstance(outputs, Mapping) else outputs))
        if isinstance(outputs, tf.Tensor) and outputs.dtype.is_floating:
            return outputs
        if isinstance(outputs, tf.Tensor):
            raise ModelError(
                f"{self._name} gives an output of dtype {outputs.dtype.name}, and scores are "
                "floats: let it end in the scores, not in the class"
            )
        raise ModelError(
            f"{self._name} gives {_described(outputs)}, and one output of scores is supported: "
            "hand in a function that returns the one to judge, by overriding the fixture "
            "confmat_model"
        )


def _stated_shape(model: Any) -> Shape | None:
    """Return the shape of the one output, if the model states it."""
    with contextlib.suppress(Exception):  # of a property of the project's own, anything
        shape = model.output_shape
        if isinstance(shape, tuple) and not any(isinstance(each, tuple) for each in shape):
            return shape
    return None


def _filled(tensor: Any, size: int) -> Any:
    """Return a batch of `size`: its own first example stands in for what is missing."""
    import tensorflow as tf

    filling = tf.broadcast_to(tensor[:1], (max(0, size - len(tensor)), *tensor.shape[1:]))
    return tf.concat([tensor, filling], axis=0)


def _described(outputs: Any) -> str:
    named = outputs.items() if isinstance(outputs, Mapping) else enumerate(outputs)
    listing = [f"{key} {with_n(tuple(each.shape))}" for key, each in named]
    return f"{len(listing)} outputs ({', '.join(listing)})"


@contextlib.contextmanager
def explained(name: str, n: int) -> Iterator[None]:
    """Say in our words what is raised while a model predicts a batch of `n`."""
    try:
        yield
    except ConfmatError:
        raise
    except Exception as error:
        raise ModelError(_failure(name, n, error)) from error


def _failure(name: str, n: int, error: Exception) -> str:
    cause = root_cause(error)
    kind, said = type(cause).__name__, first_line(cause)
    if isinstance(cause, MemoryError) or kind == "ResourceExhaustedError":
        return f"{name} ran out of memory on a batch of {n}: give a smaller --confmat-batch-size"
    if kind == "OperatorNotAllowedInGraphError" or "Symbolic" in said:
        return (
            f"{name} cannot run as a TensorFlow graph ({kind}: {said}): override the fixture "
            "confmat_model and return a function, such as lambda batch: model(batch, "
            "training=False)"
        )
    return f"{name} fails on a batch of {n}: {kind}: {said}"
