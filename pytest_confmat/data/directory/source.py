"""Images in class directories."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from functools import cached_property
from typing import Any

import numpy as np

from pytest_confmat.data import feeds, images
from pytest_confmat.data.counts import expect
from pytest_confmat.data.directory.listing import list_directory
from pytest_confmat.data.directory.names import names_of_directory
from pytest_confmat.data.pipeline import batch, decoding_chunk, stream, words
from pytest_confmat.data.plan import Plan
from pytest_confmat.data.source import Batch, ExampleFault, Piece
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import system_name
from pytest_confmat.files import read_file
from pytest_confmat.kinds import kind_of
from pytest_confmat.spec import DirectorySpec, Feed, ModelInput

PIECE = 4096  # files
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
        self._notes = (*listing.notes, *self._plan.notes)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Runs of files."""
        starts = range(0, len(self._ids), PIECE)
        runs = [(start, self._ids[start : start + PIECE]) for start in starts]
        return tuple(Piece(f"files {start}-{start + len(ids) - 1}", ids) for start, ids in runs)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example as the model gets it."""
        return self._plan.shape

    @property
    def notes(self) -> tuple[str, ...]:
        """What was skipped, and how pixels are treated."""
        return (*self._notes, *images.deafness())

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
    def unfixed(self) -> None:
        """Fixed: files in sorted order."""
        return None

    def batches(self, batch_size: int) -> Generator[Batch]:
        """One pass; see `Source.batches`."""
        tf = images.tensorflow()
        root = tf.constant(os.fsencode(self._spec.directory))

        def read(name: Any) -> Any:
            return tf.io.read_file(tf.strings.join([root, name], "/"))

        def make(index: Any, names: Any, labels: Any) -> Any:
            contents = tf.map_fn(read, names, fn_output_signature=tf.string)
            pixels, marks = images.decode(self._plan, contents)
            return images.finish(self._plan, pixels), labels, index, words(contents), marks

        examples = (np.arange(len(self._ids)), list(self._ids), self._labels)
        chunk = decoding_chunk(self._plan, self._file_size())
        chunks = tf.data.Dataset.from_tensor_slices(examples).batch(chunk)
        return stream(chunks, make, batch_size)

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
            pixels, marks = images.decode(self._plan, tf.constant([content]))
        except tf.errors.OpError as error:
            fault = images.explain(self._plan, content) or "is an image that cannot be resized"
            raise ExampleFault(fault, label, int(check[0])) from error
        return batch(
            images.finish(self._plan, pixels),
            tf.constant([label], tf.int64),
            tf.constant([index], tf.int64),
            check,
            marks,
        )

    def _file_size(self) -> float:
        """Return the mean size of some of the files, spread over all of them."""
        sizes = []
        for name in self._ids[:: len(self._ids) // _SAMPLE + 1]:
            with contextlib.suppress(OSError):
                sizes.append((self._spec.directory / system_name(name)).stat().st_size)
        return sum(sizes) / max(len(sizes), 1)

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
