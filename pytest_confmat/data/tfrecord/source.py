"""TFRecord shards of tf.train.Example."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Sequence
from contextlib import closing
from copy import copy
from functools import cached_property, partial
from typing import Any

import numpy as np

from pytest_confmat.data import feeds
from pytest_confmat.data.counts import expect
from pytest_confmat.data.images import deafness, tensorflow
from pytest_confmat.data.part_plan import PlannedPart, part_id, runs
from pytest_confmat.data.pictures import Pictures, of_array, of_content
from pytest_confmat.data.pipeline import batches, decoding_chunk, stream
from pytest_confmat.data.source import Batch, Spans
from pytest_confmat.data.tfrecord.files_beside import compare_label_files
from pytest_confmat.data.tfrecord.labels import NameLabel
from pytest_confmat.data.tfrecord.layout import SAMPLE, Layout, find_layout
from pytest_confmat.data.tfrecord.ranges import RecordRange, cut
from pytest_confmat.data.tfrecord.records import Parser, plan_for
from pytest_confmat.data.tfrecord.shard_names import resolve, short_names, stated_lengths
from pytest_confmat.data.tfrecord.shards import RecordReader, Shard, scan
from pytest_confmat.data.tfrecord.texts import Texts
from pytest_confmat.errors import DataError
from pytest_confmat.example_ids import JoinedIds
from pytest_confmat.filenames import short_path
from pytest_confmat.kinds import kind_of
from pytest_confmat.spec import Feed, LabelFeature, ModelInput, TFRecordSpec
from pytest_confmat.text import plural
from pytest_confmat.threads import cores

_READERS = 8  # parts read at the same time
_BUFFER = 1 << 20


class TFRecordSource:
    """TFRecord shards.

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
        lengths, shard_notes = stated_lengths(paths)
        self._is_stated = all(path in lengths for path in paths)
        if lengths:
            _expect_lengths(self._shards, lengths)
        self._starts = np.cumsum([0, *(shard.records for shard in self._shards)])
        expect(spec.expected_examples, int(self._starts[-1]), self.description)
        self._reader = RecordReader()
        layout, layout_notes = self._find_layout(classes)
        file_notes: tuple[str, ...] = ()
        if not isinstance(layout.label, NameLabel):
            label = LabelFeature(layout.label.key, layout.label.offset)
            file_notes = compare_label_files(spec, classes, label)
        self._plan = plan_for(layout.image, spec.images, model)
        self._encoded = layout.image.encoding in ("encoded", "base64")
        self._parser = Parser(layout, self._plan, classes)
        self._image = layout.image
        self._texts: Texts | None = None
        if layout.text is not None:
            self._texts = Texts(classes, layout.label.key, layout.text, layout.label.offset)
        self.offset = layout.label.offset
        self._notes = (*shard_notes, *layout_notes, *file_notes)

    def beside(self, model: ModelInput) -> TFRecordSource:
        """Return the same shards for another model.

        Raises
        ------
        DataError
            If they do not fit `model`.
        """
        other = copy(self)
        other._plan = plan_for(self._image, self._spec.images, model)
        other._parser = self._parser.beside(other._plan)
        return other

    @cached_property
    def parts(self) -> tuple[PlannedPart, ...]:
        """Runs of shards, and ranges of the records of large ones."""
        ranges = self._ranges
        sizes = ((each.records, each.size) for each in ranges)
        return tuple(
            PlannedPart(
                part_id(position, (each.name_and_size for each in ranges[run.start : run.stop])),
                JoinedIds.of(each.ids for each in ranges[run.start : run.stop]),
            )
            for position, run in enumerate(runs(sizes))
        )

    @cached_property
    def _ranges(self) -> tuple[RecordRange, ...]:
        shards = zip(self._shards, self._names, strict=True)
        return tuple(
            each for number, (shard, name) in enumerate(shards) for each in cut(number, shard, name)
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
            *self._plan.notes,
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
    def nondeterminism(self) -> None:
        """Fixed: records as they lie."""
        return None

    def batches(self, batch_size: int, spans: Spans | None = None) -> Generator[Batch]:
        """One pass; see `Source.batches`."""
        with closing(self.read_with((), batch_size, spans)) as shared:
            for _, each in shared:
                yield each

    def read_with(
        self, others: Sequence[TFRecordSource], batch_size: int, spans: Spans | None
    ) -> Generator[tuple[int, Batch]]:
        """One pass for this and other models; see `SharedSource.read`."""
        sources = (self, *others)
        # Numbers are parsed as a whole batch at a time, images are decoded in smaller chunks.
        chunk = batch_size
        if self._encoded:
            plans = [source._plan for source in sources]
            chunk = decoding_chunk(plans, batch_size)
        parsers = [source._parser for source in others]
        parse = partial(self._parser.parse, others=parsers)
        records = self._records(chunk, spans or (range(int(self._starts[-1])),))
        made = stream(records, parse, 2 * batch_size // chunk)
        with closing(made if self._texts is None else self._compared(made, self._texts)) as views:
            for batches in views:
                yield from enumerate(batches)

    def _compared(
        self, made: Generator[tuple[Batch, ...]], texts: Texts
    ) -> Generator[tuple[Batch, ...]]:
        """Hand batches on, and compare what they call their classes: it takes all to tell."""
        with closing(made):
            for each in made:
                texts.add(each[0].labels, each[0].texts, each[0].index)
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
            (found,) = batches(*made)
            if len(found.labels):
                if self._texts is not None:
                    self._texts.require(int(found.labels[0]), found.texts[0])
                return found
        except (tf.errors.OpError, UnicodeDecodeError):  # whose own text may quote the record
            reason = "is a tf.train.Example that TensorFlow cannot parse"
        raise self._parser.explain(record) or DataError(reason)

    def pictures(self, index: int) -> Pictures | None:
        """Return one example as pictures, for a report; ``None``: it is no image.

        Raises
        ------
        DataError
            If it cannot be read.
        """
        shard, number = self._place(index)
        record = self._reader.read(self._shards[shard], number)
        if self._encoded:
            return of_content(self._plan, self._parser.image(record))
        return of_array(self._parser.numbers(record), self._plan.pixels)

    def _place(self, index: int) -> tuple[int, int]:
        """Return in which shard a record is, and its number there."""
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        return shard, index - int(self._starts[shard])

    def _name(self, index: int) -> str:
        shard, number = self._place(index)
        return f"{self._names[shard]}#{number}"

    def _records(self, chunk: int, spans: Spans) -> Any:
        """Return chunks of (index, records); those of several spans take turns."""
        tf = tensorflow()
        ranges = self._ranges
        paths = tf.constant([os.fsencode(self._shards[each.shard].path) for each in ranges])
        compressions = tf.constant([self._shards[each.shard].compression for each in ranges])
        offsets = tf.constant([each.offset for each in ranges], tf.int64)
        buffers = tf.constant([min(each.size, _BUFFER) for each in ranges], tf.int64)
        starts = np.cumsum([0, *(each.records for each in ranges)])
        places = tf.constant(starts, tf.int64)

        def one_range(number: Any) -> Any:
            records = tf.raw_ops.TFRecordDatasetV2(
                filenames=paths[number][None],
                compression_type=compressions[number],
                buffer_size=buffers[number],
                byte_offsets=offsets[number][None],
            )
            content = tf.data.experimental.from_variant(records, tf.TensorSpec((), tf.string))
            # The range bounds the pass: a shard that cannot be read would fail for ever.
            index = tf.data.Dataset.range(places[number], places[number + 1])
            return tf.data.Dataset.zip(index, content)

        def one_span(first: Any, end: Any) -> Any:
            graph = tf.autograph.experimental.do_not_convert(one_range)
            return tf.data.Dataset.range(first, end).flat_map(graph).batch(chunk)

        bounds = np.searchsorted(starts, [(span.start, span.stop) for span in spans])
        cycle = min(len(spans), _READERS)
        return tf.data.Dataset.from_tensor_slices((bounds[:, 0], bounds[:, 1])).interleave(
            tf.autograph.experimental.do_not_convert(one_span),
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


def _expect_lengths(shards: tuple[Shard, ...], lengths: dict[Any, int]) -> None:
    for shard in shards:
        number = lengths.get(shard.path, shard.records)
        if shard.records != number:
            raise DataError(
                f"the shard {short_path(shard.path)} holds {plural(shard.records, 'record')}, and "
                f"dataset_info.json beside it states {number:,}; write or fetch it again"
            )
