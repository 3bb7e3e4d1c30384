"""From chunks of records or files to batches, by TensorFlow alone: no Python an example."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
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
_CHUNKS = (8, 16, 24, 48, 96)  # of which whole batches consist


def decoding_chunk(plans: Sequence[Plan], batch_size: int, encoded: float = 0) -> int:
    """Return how many images are decoded in one go: a rule of their size alone.

    Parameters
    ----------
    plans
        Of each model that is fed.
    batch_size
        Batches are put together of whole chunks, or chunks cut into whole batches, where there
        is such a size.
    encoded
        Bytes of an encoded image, roughly; 0 where it is small or not known.
    """
    numbers = sum(prod(plan.pixels) for plan in plans)
    most = min(_CHUNK_NUMBERS // max(numbers, 1), int(_CHUNK_BYTES // max(encoded, 1)))
    fitting = [size for size in _CHUNKS if size <= most] or [_CHUNKS[0]]
    whole = (size for size in fitting if not batch_size % size or not size % batch_size)
    return max(whole, default=fitting[-1])


def stream(chunks: Any, make: Callable[..., Any], ahead: int) -> Generator[tuple[Batch, ...]]:
    """Turn chunks into batches, in order: of each chunk one for each model.

    Parameters
    ----------
    chunks
        A ``tf.data.Dataset``.
    make
        Makes of a chunk what `batches` takes. A chunk in which it fails is left out: one bad
        example costs its chunk, whose others are then read one by one.
    ahead
        How many chunks to keep ready.
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
    with closing(Held(whole.prefetch(max(2, ahead)).with_options(options))) as held:
        for tensors in held:
            yield batches(*tensors)


def batches(views: Any, labels: Any, index: Any, check: Any, more: Any) -> tuple[Batch, ...]:
    """Return a `Batch` for each model, of tensors.

    Parameters
    ----------
    views
        What each model gets: inputs and traits.
    labels, index, check
        As in `Batch`, the same for all.
    more
        Weights and texts, where there are any.
    """
    shared = (labels.numpy(), index.numpy(), check.numpy())
    weights = more["weights"].numpy().astype(np.float64) if "weights" in more else None
    return tuple(
        Batch(inputs, *shared, weights, traits.numpy(), more.get("texts"))
        for inputs, traits in views
    )


def words(contents: Any) -> Any:
    """Return a word over each of `contents`: strings (n,), or numbers (n, m); uint64 (n,)."""
    tf = tensorflow()
    return tf.bitcast(tf.fingerprint(contents, method="farmhash64"), tf.uint64)
