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

ROWS = 5


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
    int32 tensor of shape (ROWS, n), for `unpack`.
    """
    import tensorflow as tf

    if scores.dtype not in (tf.float32, tf.float64):
        scores = tf.cast(scores, tf.float32)
    valid = tf.reduce_all(tf.math.is_finite(scores), axis=1)
    true = tf.cast(tf.clip_by_value(labels, 0, len(rule.classes) - 1), tf.int32)
    choose = _argmax if rule.threshold is None else _threshold
    predicted, score, rank, extreme = choose(rule, scores, true)
    bits = [tf.bitcast(tf.cast(row, tf.float32), tf.int32) for row in (score, extreme)]
    return tf.stack([predicted, rank, tf.cast(valid, tf.int32), *bits])


def _argmax(rule: Rule, scores: Any, true: Any) -> tuple[Any, Any, Any, Any]:
    import tensorflow as tf

    k = len(rule.classes)
    units = tf.constant(np.arange(k, dtype=np.int32))
    top = tf.reduce_max(scores, axis=1)
    # tf.argmax does not say which of equal scores it takes.
    first = tf.reduce_min(tf.where(scores >= top[:, tf.newaxis], units, k), axis=1)
    place = tf.stack([tf.range(tf.shape(true)[0]), true], axis=1)
    own = tf.gather_nd(scores, place)[:, tf.newaxis]
    before = tf.logical_and(tf.equal(scores, own), units < true[:, tf.newaxis])
    above = tf.logical_or(scores > own, before)
    rank = tf.reduce_sum(tf.cast(above, tf.int32), axis=1)
    return first, top, rank, top


def _threshold(rule: Rule, scores: Any, true: Any) -> tuple[Any, Any, Any, Any]:
    import tensorflow as tf

    one_unit = scores.shape[1] == 1
    scores = tf.cast(scores, tf.float32)
    highest, lowest = tf.reduce_max(scores, axis=1), tf.reduce_min(scores, axis=1)
    extreme = tf.where(highest > 1 + ROUNDING, highest, lowest)
    own = scores[:, 0 if one_unit else rule.positive]
    other = 1 - own if one_unit else scores[:, 1 - rule.positive]
    above = own >= rule.threshold
    predicted = tf.where(above, rule.positive, 1 - rule.positive)
    rank = tf.cast(tf.not_equal(predicted, true), tf.int32)
    return predicted, tf.where(above, own, other), rank, extreme


def unpack(packed: NDArray[np.int32], rule: Rule, name: str) -> Prediction:
    """Return the prediction that `decide` packed.

    Raises
    ------
    ModelError
        If a threshold was given scores outside 0 to 1.
    """
    predicted, rank, valid, score, extreme = packed
    finite = valid.astype(np.bool_)
    rule.require_probabilities(extreme.view(np.float32)[finite], name)
    return Prediction(
        predicted.astype(np.int64), score.view(np.float32), rank.astype(np.int64), finite
    )
