"""From what a source reads to the batches that a model is given."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from pytest_confmat.data.source import Batch

_ENDLESS = range(np.iinfo(np.int64).max)


class Batcher:
    """Puts examples together, or takes them apart, into batches of one size.

    Which examples share a batch follows from their places alone: batch k of a span holds those at
    k * size to (k + 1) * size of it. One that does not come leaves a smaller batch, and the others
    as they are. Examples of different shapes never share one.

    Parameters
    ----------
    size
        Examples a batch.
    spans
        What no batch crosses, in the set's order; ``None``: all is one span.
    """

    def __init__(self, size: int, spans: Sequence[range] | None = None) -> None:
        self._size = size
        self._spans = spans or (_ENDLESS,)
        self._ends = [span.stop for span in self._spans]
        self._held: dict[int, tuple[int, list[Batch]]] = {}

    def add(self, batch: Batch) -> Iterator[Batch]:
        """Take examples; yield the batches that are full, or that nothing more comes for."""
        keys = [self._key(int(place)) for place in batch.index[[0, -1]]] if len(batch.index) else []
        if len(set(keys)) > 1 or _steps_back(batch):
            every = [self._key(int(place)) for place in batch.index]
            cuts = [at for at in range(1, len(every)) if every[at] != every[at - 1]]
            for start, stop in pairwise((0, *cuts, len(every))):
                yield from self._hold(every[start], _slice(batch, start, stop))
        elif keys:
            yield from self._hold(keys[0], batch)

    def rest(self) -> Iterator[Batch]:
        """Yield the batches that are not full, in the set's order; nothing is held after it."""
        for span in sorted(self._held):
            yield joined(self._held[span][1])
        self._held = {}

    def _key(self, place: int) -> tuple[int, int]:
        """Return the span that a place is in, and which of its batches."""
        span = min(bisect_right(self._ends, place), len(self._ends) - 1)
        return span, (place - self._spans[span].start) // self._size

    def _hold(self, key: tuple[int, int], batch: Batch) -> Iterator[Batch]:
        span, number = key
        if span in self._held:
            other, held = self._held[span]
            if other != number or not _alike(held[0], batch):
                yield joined(held)
                del self._held[span]
        held = self._held.setdefault(span, (number, []))[1]
        held.append(batch)
        within = self._spans[span]
        full = min(self._size, len(within) - number * self._size)
        if sum(len(each.labels) for each in held) >= full:
            yield joined(held)
            del self._held[span]


def _steps_back(batch: Batch) -> bool:
    return bool((batch.index[1:] < batch.index[:-1]).any())


def _alike(one: Batch, other: Batch) -> bool:
    """Whether examples can stand in one batch."""
    return (
        tuple(np.shape(one.inputs))[1:] == tuple(np.shape(other.inputs))[1:]
        and (one.weights is None) == (other.weights is None)
        and one.columns.keys() == other.columns.keys()
    )


def _slice(batch: Batch, start: int, stop: int) -> Batch:
    return Batch(
        batch.inputs[start:stop],
        batch.labels[start:stop],
        batch.index[start:stop],
        batch.check[start:stop],
        None if batch.weights is None else batch.weights[start:stop],
        None if batch.traits is None else batch.traits[start:stop],
        columns={name: texts[start:stop] for name, texts in batch.columns.items()},
    )


def joined(batches: Sequence[Batch]) -> Batch:
    """Return batches as one; they are alike."""
    if len(batches) == 1:
        return batches[0]
    weights = [batch.weights for batch in batches if batch.weights is not None]
    return Batch(
        _concatenated([batch.inputs for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
        np.concatenate([batch.index for batch in batches]),
        np.concatenate([batch.check for batch in batches]),
        np.concatenate(weights) if weights else None,
        np.concatenate(
            [
                np.zeros(len(batch.labels), np.uint8) if batch.traits is None else batch.traits
                for batch in batches
            ]
        ),
        columns={
            name: [text for batch in batches for text in batch.columns[name]]
            for name in batches[0].columns
        },
    )


def _concatenated(inputs: Sequence[Any]) -> Any:
    if all(type(each).__module__.startswith("tensorflow") for each in inputs):
        import tensorflow as tf

        return tf.concat(inputs, axis=0)
    return np.concatenate([np.asarray(each) for each in inputs])
