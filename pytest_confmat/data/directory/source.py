"""Images in class directories."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import closing
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

from pytest_confmat.data import feeds, images
from pytest_confmat.data.counts import expect
from pytest_confmat.data.directory.listing import list_directory
from pytest_confmat.data.directory.names import names_of_directory
from pytest_confmat.data.part_plan import PlannedPart, part_id, runs
from pytest_confmat.data.pictures import Pictures, of_content
from pytest_confmat.data.pipeline import batches, decoding_chunk, stream, words
from pytest_confmat.data.plan import Plan
from pytest_confmat.data.source import Batch, ExampleFault, Spans
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import system_name
from pytest_confmat.files import read_file
from pytest_confmat.kinds import kind_of
from pytest_confmat.spec import DirectorySpec, Feed, ModelInput

_SAMPLE = 64


class DirectorySource:
    """Images in class directories, read as Keras reads them.

    Parameters
    ----------
    spec, classes, model
        Where, whose names stand for which label, and for which input.

    Raises
    ------
    DataError
        If the directory is not what `spec` and `classes` say, or does not fit `model`.
    """

    def __init__(self, spec: DirectorySpec, classes: tuple[str, ...], model: ModelInput) -> None:
        names_of_directory(spec, classes)
        self._spec = spec
        self._plan: Plan = images.resolve(spec.images, model)
        listing = list_directory(spec, classes)
        expect(spec.expected_examples, len(listing.ids), self.description)
        self._ids = listing.ids
        images.tensorflow()  # or say here that it is missing
        self._labels = np.array(listing.labels, np.int64)
        self._notes = listing.notes

    def beside(self, model: ModelInput) -> DirectorySource:
        """Return the same listing for another model.

        Raises
        ------
        DataError
            If the directory does not fit `model`.
        """
        other = copy(self)
        other._plan = images.resolve(self._spec.images, model)
        return other

    @cached_property
    def parts(self) -> tuple[PlannedPart, ...]:
        """Runs of files."""
        sizes = [self._size(name) for name in self._ids]
        found = []
        for position, run in enumerate(runs((1, size) for size in sizes)):
            ids = self._ids[run.start : run.stop]
            named = zip(ids, sizes[run.start : run.stop], strict=True)
            found.append(PlannedPart(part_id(position, named), ids))
        return tuple(found)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example as the model gets it."""
        return self._plan.shape

    @property
    def notes(self) -> tuple[str, ...]:
        """What was skipped, and how pixels are treated."""
        return (*self._notes, *self._plan.notes, *images.deafness())

    @property
    def feed(self) -> Feed:
        """What becomes of the pixels."""
        return feeds.of_images(self._plan)

    @property
    def description(self) -> str:
        """The directory."""
        return kind_of(self._spec).describe(self._spec)

    @property
    def offset(self) -> int:
        """Labels are the numbers themselves."""
        return 0

    @property
    def states_count(self) -> bool:
        """No: a file that is missing leaves no trace."""
        return False

    @property
    def nondeterminism(self) -> None:
        """Fixed: files in sorted order."""
        return None

    def batches(self, batch_size: int, spans: Spans | None = None) -> Generator[Batch]:
        """One pass; see `Source.batches`."""
        with closing(self.read_with((), batch_size, spans)) as shared:
            for _, each in shared:
                yield each

    def read_with(
        self, others: Sequence[DirectorySource], batch_size: int, spans: Spans | None
    ) -> Generator[tuple[int, Batch]]:
        """One pass for this and other models; see `SharedSource.read`."""
        tf = images.tensorflow()
        plans = [source._plan for source in (self, *others)]
        root = tf.constant(os.fsencode(self._spec.directory))
        names, labels = tf.constant(list(self._ids)), tf.constant(self._labels)
        chunk = decoding_chunk(plans, batch_size, self._file_size())

        def read(name: Any) -> Any:
            return tf.io.read_file(tf.strings.join([root, name], "/"))

        def make(start: Any, stop: Any) -> Any:
            contents = tf.map_fn(read, names[start:stop], fn_output_signature=tf.string)
            views = tuple(
                (images.finish(plan, pixels), traits)
                for plan, (pixels, traits) in zip(
                    plans, images.decode(plans, contents), strict=True
                )
            )
            index = tf.range(start, stop, dtype=tf.int64)
            return views, labels[start:stop], index, words(contents), {}

        bounds = [
            (start, min(start + chunk, span.stop))
            for span in spans or (range(len(self._ids)),)
            for start in range(span.start, span.stop, chunk)
        ]
        chunks = tf.data.Dataset.from_tensor_slices(tuple(np.array(bounds).T))
        with closing(stream(chunks, make, 2 * batch_size // chunk)) as made:
            for batches in made:
                yield from enumerate(batches)

    def example(self, index: int) -> Batch:
        """Read one example; see `Source.example`."""
        tf = images.tensorflow()
        label = int(self._labels[index])
        try:
            content = self._read(self._ids[index])
        except DataError as error:
            raise ExampleFault(str(error), label) from error.__cause__
        check = words(tf.constant([content]))
        # As the pass does it, and only then why not: what is at fault must not depend on its
        # neighbors.
        try:
            ((pixels, traits),) = images.decode([self._plan], tf.constant([content]))
        except tf.errors.OpError as error:
            fault = images.explain(self._plan, content) or "is an image that cannot be resized"
            raise ExampleFault(fault, label, int(check[0])) from error
        views = ((images.finish(self._plan, pixels), traits),)
        place = tf.constant([index], tf.int64)
        return batches(views, tf.constant([label], tf.int64), place, check, {})[0]

    def pictures(self, index: int) -> Pictures:
        """Return one example as pictures, for a report.

        Raises
        ------
        DataError
            If it cannot be read.
        """
        return of_content(self._plan, self._read(self._ids[index]))

    def _file_size(self) -> float:
        """Return the mean size of some of the files, spread over all of them."""
        sizes = [self._size(name) for name in self._ids[:: len(self._ids) // _SAMPLE + 1]]
        return sum(sizes) / max(len(sizes), 1)

    def _size(self, name: str) -> int:
        """Return the size of a file in bytes; 0: there is none any more."""
        try:
            # Once for every file, without a Path for each.
            return os.stat(f"{os.fspath(self._spec.directory)}/{system_name(name)}").st_size  # noqa: PTH116
        except OSError:
            return 0

    def _read(self, name: str) -> bytes:
        path = self._spec.directory / system_name(name)
        try:
            return read_file(path)
        except FileNotFoundError:
            if path.is_symlink():
                target = os.fspath(path.readlink())
                raise DataError(f"is a link to {target!r}, which leads nowhere") from None
            raise DataError("is not there any more") from None
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror}") from error
