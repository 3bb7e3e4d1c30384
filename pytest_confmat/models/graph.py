"""The rules of `decision` as TensorFlow operations, for the graph of the forward pass.

A batch's decisions leave the graph as one int32 array, so that a batch costs one transfer from
the device, whatever the device is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.models.decision import ROUNDING, Rule
from pytest_confmat.models.predictor import Prediction

# Stateful only in name: these read variables, or call functions that are looked into themselves.
_HARMLESS = frozenset(
    {"ReadVariableOp", "ResourceGather", "PartitionedCall", "StatefulPartitionedCall"}
    | {"While", "If", "Case"}
)


# What gives a variable another value, by how its name begins.
_WRITING = ("Assign", "Resource", "Rng", "Stateful")
_READING = frozenset({"ResourceGather", "ResourceGatherNd", "StatefulPartitionedCall"})
# What is kept where no variable is, so that it cannot be put back.
_KEPT_ELSEWHERE = frozenset(
    {"LookupTableInsertV2", "LookupTableRemoveV2", "LookupTableImportV2"}
    | {"QueueEnqueueV2", "QueueEnqueueManyV2", "QueueDequeueV2", "StackPushV2", "StackPopV2"}
)


def is_pure(function: Any) -> bool:
    """Whether calls of a concrete function cannot influence each other.

    They could by variables that are written to, random numbers, tables, Python code, ...: by any
    operation that TensorFlow calls stateful, but reading a variable.
    """
    return not any(map(_is_stateful, _kinds(function) - _HARMLESS))


def writes_variables(function: Any) -> bool:
    """Whether a concrete function leaves variables with other values than it found."""
    return any(kind.startswith(_WRITING) for kind in _kinds(function) - _READING)


def kept_elsewhere(function: Any) -> list[str]:
    """Return the operations by which a concrete function keeps what is in no variable."""
    return sorted(_kinds(function) & _KEPT_ELSEWHERE)


def _kinds(function: Any) -> set[str]:
    definition = function.graph.as_graph_def()
    kinds = {node.op for node in definition.node}
    for called in definition.library.function:
        kinds |= {node.op for node in called.node_def}
    return kinds


def _is_stateful(kind: str) -> bool:
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(kind)
    return definition is None or definition.is_stateful


def decide(rule: Rule, scores: Any, labels: Any) -> Any:
    """Decide a batch as `Rule.decide` does, but for holding the scores against 0 to 1.

    Parameters
    ----------
    scores
        Float tensor of shape (n, K), or (n, 1) under a threshold.
    labels
        int64 tensor of shape (n,).

    Returns
    -------
    int32 tensor of shape (n, 4), or (n, 5) under a threshold, for `unpack`.
    """
    import tensorflow as tf

    if scores.dtype not in (tf.float32, tf.float64):
        scores = tf.cast(scores, tf.float32)
    finite = tf.reduce_all(tf.math.is_finite(scores), axis=1, keepdims=True)
    true = tf.expand_dims(labels, axis=1)
    choose = _argmax if rule.threshold is None else _threshold
    predicted, score, rank, *others = choose(rule, scores, true)
    bits = [tf.bitcast(tf.cast(column, tf.float32), tf.int32) for column in (score, *others)]
    return tf.concat([predicted, rank, tf.cast(finite, tf.int32), *bits], axis=1)


def _argmax(rule: Rule, scores: Any, true: Any) -> tuple[Any, ...]:
    import tensorflow as tf

    units = tf.constant(np.arange(len(rule.classes))[np.newaxis])
    # Of equal scores top_k takes the first; tf.argmax does not say which it takes.
    top, first = tf.math.top_k(scores, 1)
    # A label out of range has no score, and a rank without meaning.
    own = tf.where(tf.equal(units, true), scores, -np.inf)
    own = tf.reduce_max(own, axis=1, keepdims=True)
    above = tf.where(units < true, scores >= own, scores > own)
    rank = tf.reduce_sum(tf.cast(above, tf.int32), axis=1, keepdims=True)
    return first, top, rank


def _threshold(rule: Rule, scores: Any, true: Any) -> tuple[Any, ...]:
    import tensorflow as tf

    one_unit = scores.shape[1] == 1
    scores = tf.cast(scores, tf.float32)
    highest = tf.reduce_max(scores, axis=1, keepdims=True)
    lowest = tf.reduce_min(scores, axis=1, keepdims=True)
    extreme = tf.where(highest > 1 + ROUNDING, highest, lowest)
    at = 0 if one_unit else rule.positive
    own = scores[:, at : at + 1]
    other = 1 - own if one_unit else scores[:, 1 - at : 2 - at]
    above = own >= rule.threshold
    predicted = tf.where(above, rule.positive, 1 - rule.positive)
    rank = tf.cast(tf.not_equal(tf.cast(predicted, tf.int64), true), tf.int32)
    return predicted, tf.where(above, own, other), rank, extreme


def unpack(packed: NDArray[np.int32], rule: Rule, name: str) -> Prediction:
    """Return the prediction that `decide` packed.

    Raises
    ------
    ModelError
        If a threshold was given scores outside 0 to 1.
    """
    predicted, rank = packed[:, :2].T.astype(np.int64)
    finite = packed[:, 2].astype(np.bool_)
    floats = packed[:, 3:].view(np.float32)
    if rule.threshold is not None:
        rule.require_probabilities(floats[finite, 1], name)
    return Prediction(predicted, floats[:, 0], rank, finite)
