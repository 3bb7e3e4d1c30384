"""What a Keras model remembers from one batch to the next, kept and put back.

A stateful layer, a count of batches or a random seed are variables that a model writes while it
predicts. A model that is tried on a batch before the pass, or lent by a project, must be as it
was afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Kept:
    """The values of variables at one time.

    Parameters
    ----------
    variables
        ``tf.Variable`` objects.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        # Reading copies nothing: TensorFlow copies when a variable is written to.
        self._found = [(variable, variable.read_value()) for variable in variables]

    def restore(self) -> None:
        """Give the variables these values again."""
        for variable, value in self._found:
            variable.assign(value)

    def changed(self) -> list[Any]:
        """Return the variables that have other values by now, in any bit."""
        return [
            variable
            for variable, value in self._found
            if variable.numpy().tobytes() != value.numpy().tobytes()
        ]


def variables_of(model: Any) -> Iterator[Any]:
    """Yield every variable of a ``keras.Model``: weights, seeds, states, metrics, and raw ones.

    Keras itself does not count a recurrent layer's states among its variables.
    """
    import keras
    import tensorflow as tf

    holders = (keras.Layer, keras.random.SeedGenerator, keras.metrics.Metric)
    waiting: list[Any] = [model]
    seen: dict[int, Any] = {}  # what is held here keeps its id
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen[id(found)] = found
        if isinstance(found, keras.Variable | tf.Variable):
            yield found
        elif isinstance(found, holders):
            waiting += [*vars(found).values(), getattr(found, "variables", ())]
        elif isinstance(found, Mapping):
            waiting += found.values()
        elif isinstance(found, list | tuple):
            waiting += found
