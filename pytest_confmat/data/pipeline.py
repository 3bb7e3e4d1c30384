"""From chunks of records or files to batches, by TensorFlow alone: no Python an example."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from math import prod
from typing import Any

import numpy as np

from pytest_confmat.data.held import Held
from pytest_confmat.data.images import tensorflow
from pytest_confmat.data.plan import Plan
from pytest_confmat.data.source import Batch
from pytest_confmat.threads import cores

# Decoded in one go, in numbers. Large enough to spread the cost of a call over many small
# images, small enough that large ones fit into memory some dozens of times.
_CHUNK_NUMBERS = 1 << 20
_CHUNK_BYTES = 1 << 24  # of encoded images, held at the same time
_SMALLEST_CHUNK, _LARGEST_CHUNK = 8, 64


def decoding_chunk(plan: Plan, encoded: float = 0) -> int:
    """Return how many images are decoded in one go: a rule of their size alone.

    Parameters
    ----------
    encoded
        Bytes of an encoded image, roughly; 0 where it is small or not known.
    """
    fitting = min(_CHUNK_NUMBERS // max(prod(plan.pixels), 1), int(_CHUNK_BYTES // max(encoded, 1)))
    return min(max(fitting, _SMALLEST_CHUNK), _LARGEST_CHUNK)


def stream(chunks: Any, make: Callable[..., Any], batch_size: int) -> Generator[Batch]:
    """Turn chunks into batches, in order.

    Parameters
    ----------
    chunks
        A ``tf.data.Dataset``.
    make
        Makes of a chunk the tensors of a `Batch`, in its order. A chunk in which it fails is
        left out: one bad example costs its chunk, whose others are then read one by one.
    batch_size
        Of all batches but the last.
    """
    tf = tensorflow()
    options = tf.data.Options()
    options.deterministic = True
    # Its thread sleeps 10 ms, 20, 40 and so on, up to a minute, and now and then the end of the
    # data waits for it to wake up.
    options.autotune.enabled = False
    graph = tf.autograph.experimental.do_not_convert(make)
    made = chunks.map(graph, num_parallel_calls=cores())
    # Safe here alone: no dataset below yields the same error for ever.
    whole = made.ignore_errors()
    with closing(Held(whole.rebatch(batch_size).prefetch(2).with_options(options))) as held:
        for tensors in held:
            yield batch(*tensors)


def batch(inputs: Any, *others: Any) -> Batch:
    """Return a `Batch` of tensors: labels, index, check words, marks and a dict of what else."""
    labels, index, check, marks = (other.numpy() for other in others[:4])
    more = others[4] if others[4:] else {}
    weights = more["weights"].numpy().astype(np.float64) if "weights" in more else None
    return Batch(inputs, labels, index, check, weights, marks, more.get("texts"))


def words(contents: Any) -> Any:
    """Return a word over each of `contents`: strings (n,), or numbers (n, m); uint64 (n,)."""
    tf = tensorflow()
    return tf.bitcast(tf.fingerprint(contents, method="farmhash64"), tf.uint64)
