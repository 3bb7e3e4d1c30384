"""The contract of a source: an evaluation set as batches, each example with its place and id."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.errors import DataError
from pytest_confmat.spec import Feed


class ExampleFault(DataError):  # noqa: N818 (it is a fault, in our words)
    """One example is at fault, and this is what is known of it all the same.

    Parameters
    ----------
    reason
        What is wrong, without the example's id.
    label
        Its true class, compared with the number of classes; ``None``: not known.
    check
        The word over its content; 0: its content cannot be read.
    weight
        Its own weight; ``None``: not known, or the source has none.
    stray
        A label that is none of the classes; ``None``: it is not that.
    """

    def __init__(
        self,
        reason: str,
        label: int | None = None,
        check: int = 0,
        weight: float | None = None,
        stray: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.label = label
        self.check = check
        self.weight = weight
        self.stray = stray


@dataclass(frozen=True, eq=False)
class Batch:
    """Examples on their way to the model.

    Attributes
    ----------
    inputs
        Array or tensor of shape (n, ...), in the shape and dtype the model is fed with.
    labels
        True classes, int64 (n,), counted from 0. Not yet compared with the number of classes;
        a label that names no class at all is -1.
    index
        Place of each example in the set's order, int64 (n,).
    check
        A word over each example's content, the label excluded, uint64 (n,).
    weights
        float64 (n,), or ``None`` if the source has none.
    traits
        What is remarkable in how each example decodes, sums of the keys of
        `pytest_confmat.data.headers.TRAITS`, uint8 (n,); ``None``: nothing is.
    texts
        What the data call each example's class beside its number, a string tensor (n,), empty
        where they do not; ``None``: they never do.
    columns
        Properties of the examples: a text for each, ``None`` where it has none, by name.
    """

    inputs: Any
    labels: NDArray[np.int64]
    index: NDArray[np.int64]
    check: NDArray[np.uint64]
    weights: NDArray[np.float64] | None = None
    traits: NDArray[np.uint8] | None = None
    texts: Any = None
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)


Spans = Sequence[range]


class Described(Protocol):
    """What is known of an evaluation set without reading it; see `Source`."""

    @property
    def parts(self) -> Sequence[PlannedPart] | None:
        """The parts, or ``None`` if only the pass can tell how many examples there are."""

    @property
    def description(self) -> str:
        """The set in a few words: ``directory data/test``."""

    @property
    def offset(self) -> int:
        """What a label is lower by than the number that the data hold."""


class Source(Protocol):
    """An evaluation set, ready to be streamed for one model.

    Parts in their order, and the examples in each in theirs, make up the set's order, to which
    `Batch.index` refers. Batches may come in any order, but every example must come, or be
    found wanting by `example`: streaming counts them.
    """

    @property
    def parts(self) -> Sequence[PlannedPart] | None:
        """The parts, or ``None`` if only the pass can tell how many examples there are."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Shape of one example as the model gets it, or ``None`` if only the pass can tell."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for the reader: what was inferred, skipped or counted."""

    @property
    def feed(self) -> Feed:
        """What goes into the model; for batches that only the pass shows, known after it."""

    @property
    def description(self) -> str:
        """The set in a few words: ``directory data/test``."""

    @property
    def offset(self) -> int:
        """What a label is lower by than the number that the data hold."""

    @property
    def states_count(self) -> bool:
        """Whether the data themselves say how many examples there must be."""

    @property
    def nondeterminism(self) -> str | None:
        """Why another run may see other examples, or see them in another order.

        ``it shuffles (ShuffleDataset)``; ``None``: order and content are promised. No baseline
        is made of a set without that promise.
        """

    def batches(self, batch_size: int, spans: Spans | None = None) -> Generator[Batch]:
        """Read the set, or the examples of some parts; whoever gives it up early closes it.

        A batch that cannot be produced because an example in it is at fault is left out here;
        streaming then asks for its examples one by one.

        Parameters
        ----------
        batch_size
            How many examples the model is given at a time. Batches here may be smaller or larger:
            streaming makes them that size.
        spans
            Places in the set's order to read: each span covers whole parts, and its examples
            should come in their order. ``None``: all, as one span. A source without parts knows
            no other.

        Raises
        ------
        DataError
            If the set as a whole is not what it should be.
        """

    def example(self, index: int) -> Batch:
        """Read one example by itself, as a batch of one.

        Raises
        ------
        DataError
            If it is at fault; the text is the reason, without the example's id. An
            `ExampleFault` where its class is known all the same.
        """


@dataclass(frozen=True)
class SharedSource:
    """An evaluation set as each of several models sees it, to be read in one pass.

    Attributes
    ----------
    sources
        The set for each model; they differ in what a model is fed with.
    read
        As `Source.batches`, with the number of the model that each batch is for. What is read and
        decoded for one model is not read and decoded again for another that can use it.
    """

    sources: tuple[Source, ...]
    read: Callable[[int, Spans | None], Generator[tuple[int, Batch]]]

    @classmethod
    def of(cls, *sources: Source) -> SharedSource:
        """Return sources of one set that share nothing: it is read once for each, in turns."""

        def read(batch_size: int, spans: Spans | None) -> Generator[tuple[int, Batch]]:
            with ExitStack() as stack:
                reading = {
                    number: stack.enter_context(closing(source.batches(batch_size, spans)))
                    for number, source in enumerate(sources)
                }
                while reading:
                    for number, batches in list(reading.items()):
                        batch = next(batches, None)
                        if batch is None:
                            del reading[number]
                        else:
                            yield number, batch

        return cls(sources, read)
