"""TFRecord shards of tf.train.Example."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from contextlib import closing
from functools import cached_property
from typing import Any

import numpy as np

from pytest_confmat.data import feeds
from pytest_confmat.data.counts import expect
from pytest_confmat.data.images import deafness, tensorflow
from pytest_confmat.data.pipeline import batch, decoding_chunk, stream
from pytest_confmat.data.source import Batch, Piece
from pytest_confmat.data.tfrecord.label_files import compare_label_files
from pytest_confmat.data.tfrecord.layout import SAMPLE, Layout, find_layout
from pytest_confmat.data.tfrecord.records import Parser, plan_for
from pytest_confmat.data.tfrecord.shard_names import resolve, short_names, stated_lengths
from pytest_confmat.data.tfrecord.shards import RecordReader, Shard, scan
from pytest_confmat.data.tfrecord.texts import Texts
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path
from pytest_confmat.kinds import kind_of
from pytest_confmat.parts import NumberedIds
from pytest_confmat.spec import Feed, ModelInput, TFRecordSpec
from pytest_confmat.text import plural
from pytest_confmat.threads import cores

_READERS = 8  # shards read at the same time; part of the order in which batches come
_BUFFER = 1 << 20


class TFRecordSource:
    """TFRecord shards, one piece each.

    Parameters
    ----------
    spec, classes, model
        Which shards and features, whose names stand for which label, and for which input.

    Raises
    ------
    DataError
        If the shards are not whole, not what `spec` and `classes` say, or do not fit `model`.
    """

    def __init__(self, spec: TFRecordSpec, classes: tuple[str, ...], model: ModelInput) -> None:
        paths = resolve(spec.tfrecord)
        self._spec = spec
        self._shards = scan(paths)
        self._names = short_names(paths)
        stated, shard_notes = stated_lengths(paths)
        self._is_stated = all(path in stated for path in paths)
        _expect_stated(self._shards, stated)
        self._starts = np.cumsum([0, *(shard.records for shard in self._shards)])
        expect(spec.expected_examples, int(self._starts[-1]), self.description)
        self._reader = RecordReader()
        layout, layout_notes = self._find_layout(classes)
        file_notes: tuple[str, ...] = ()
        if layout.label_kind != "string":
            file_notes = compare_label_files(spec, classes, layout.label)
        self._plan = plan_for(layout.image, spec.images, model)
        self._encoded = layout.image.encoding == "encoded"
        self._parser = Parser(layout, self._plan, classes)
        self._texts: Texts | None = None
        if layout.text is not None:
            self._texts = Texts(classes, layout.label.key, layout.text, layout.label.offset)
        self.offset = layout.label.offset
        self._notes = (*shard_notes, *layout_notes, *file_notes, *self._plan.notes)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The shards."""
        return tuple(
            Piece(name, NumberedIds(name, shard.records))
            for name, shard in zip(self._names, self._shards, strict=True)
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example as the model gets it."""
        return self._plan.shape

    @property
    def notes(self) -> tuple[str, ...]:
        """What was inferred, how pixels are treated, and texts that are no names of classes."""
        return (
            *self._notes,
            *(self._texts.notes() if self._texts is not None else ()),
            *(deafness() if self._encoded else ()),
        )

    @cached_property
    def feed(self) -> Feed:
        """What becomes of the pixels, or of the numbers as the first records hold them."""
        if self._encoded:
            return feeds.of_images(self._plan)
        first, arrays = self._shards[0], []
        for number in range(min(SAMPLE, first.records)):
            with contextlib.suppress(DataError):  # the pass will say what is wrong with it
                arrays.append(self._parser.numbers(self._reader.read(first, number)))
        return feeds.of_arrays(self._plan, self._parser.dtype, feeds.range_of(arrays))

    @property
    def description(self) -> str:
        """The shards."""
        return kind_of(self._spec).describe(self._spec)

    @property
    def states_count(self) -> bool:
        """Whether TFDS states the length of each shard beside them."""
        return self._is_stated

    @property
    def unfixed(self) -> None:
        """Fixed: records as they lie."""
        return None

    def batches(self, batch_size: int) -> Generator[Batch]:
        """One pass; see `Source.batches`."""
        # Numbers are parsed as a whole batch at a time, images are decoded in smaller chunks.
        chunk = decoding_chunk(self._plan) if self._encoded else batch_size
        batches = stream(self._records(chunk), self._parser.parse, batch_size)
        return batches if self._texts is None else self._compared(batches, self._texts)

    def _compared(self, batches: Generator[Batch], texts: Texts) -> Generator[Batch]:
        """Hand batches on, and compare what they call their classes: it takes all to tell."""
        with closing(batches):
            for each in batches:
                texts.add(each.labels, each.texts, each.index)
                if texts.wrong > self._spec.max_faults:
                    break
                yield each
        if found := texts.contradiction(self._name):
            raise DataError(found)

    def example(self, index: int) -> Batch:
        """Read one example; see `Source.example`."""
        tf = tensorflow()
        shard, number = self._place(index)
        record = self._reader.read(self._shards[shard], number)
        reason = "is left out by TensorFlow, which reads its features otherwise"
        # By the reader of the pass first: what is at fault must not depend on its neighbors.
        try:
            made = self._parser.parse(tf.constant([index], tf.int64), tf.constant([record]))
            found = batch(*made)
            if len(found.labels):
                if self._texts is not None:
                    self._texts.require(int(found.labels[0]), found.texts[0])
                return found
        except (tf.errors.OpError, UnicodeDecodeError):  # whose own text may quote the record
            reason = "is a tf.train.Example that TensorFlow cannot parse"
        raise self._parser.explain(record) or DataError(reason)

    def _place(self, index: int) -> tuple[int, int]:
        """Return in which shard a record is, and its number there."""
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        return shard, index - int(self._starts[shard])

    def _name(self, index: int) -> str:
        shard, number = self._place(index)
        return f"{self._names[shard]}#{number}"

    def _records(self, chunk: int) -> Any:
        """Return chunks of (index, records), deterministically interleaved over shards."""
        tf = tensorflow()
        paths = tf.constant([os.fsencode(shard.path) for shard in self._shards])
        compressions = tf.constant([shard.compression for shard in self._shards])
        starts = tf.constant(self._starts, tf.int64)

        def one_shard(shard: Any) -> Any:
            start, count = starts[shard], starts[shard + 1] - starts[shard]
            records = tf.data.TFRecordDataset(paths[shard], compressions[shard], _BUFFER)
            # The range bounds the pass: a shard that cannot be read would fail for ever.
            number = tf.data.Dataset.range((count + chunk - 1) // chunk)
            chunks = tf.data.Dataset.zip(number, records.take(count).batch(chunk))
            return chunks.map(
                lambda n, found: (
                    start + n * chunk + tf.range(tf.size(found, tf.int64), dtype=tf.int64),
                    found,
                )
            )

        cycle = min(len(self._shards), _READERS)
        return tf.data.Dataset.range(len(self._shards)).interleave(
            tf.autograph.experimental.do_not_convert(one_shard),
            cycle_length=cycle,
            num_parallel_calls=min(cores(), cycle),
            deterministic=True,
        )

    def _find_layout(self, classes: tuple[str, ...]) -> tuple[Layout, tuple[str, ...]]:
        first = self._shards[0]
        sample = []
        for number in range(min(SAMPLE, first.records)):
            try:
                sample.append((number, self._reader.read(first, number)))
            except DataError as error:
                fault = error
        if not sample:
            raise DataError(f"{self._names[0]}#0: {fault}")
        try:
            return find_layout((record for _, record in sample), self._spec, classes)
        except DataError as error:
            raise DataError(f"{self._names[0]}#{sample[0][0]} {error}") from None


def _expect_stated(shards: tuple[Shard, ...], stated: dict[Any, int]) -> None:
    for shard in shards:
        number = stated.get(shard.path, shard.records)
        if shard.records != number:
            raise DataError(
                f"the shard {short_path(shard.path)} holds {plural(shard.records, 'record')}, and "
                f"dataset_info.json beside it states {number:,}; write or fetch it again"
            )
