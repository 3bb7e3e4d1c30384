"""What a reader should know of single examples: which decode oddly, which count as wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.headers import MARKS
from pytest_confmat.evaluation import Fault
from pytest_confmat.text import and_more, joined, plural

SHOWN = 3

Name = Callable[[int], str]


class Marks:
    """Collects the examples that are marked by their source, some 9 bytes each."""

    def __init__(self) -> None:
        self._found: list[tuple[NDArray[np.int64], NDArray[np.uint8]]] = []

    def add(self, index: NDArray[np.int64], marks: NDArray[np.uint8] | None) -> None:
        """Take the marks of a batch whose examples stand at `index` in the set."""
        if marks is not None and marks.any():
            marked = marks > 0
            self._found.append((index[marked], marks[marked]))

    def notes(self, name: Name, noun: str) -> Iterator[str]:
        """Yield a sentence for each mark, with the first ids in the set's order.

        Parameters
        ----------
        name
            Tells the id of the example at an index.
        noun
            What the examples are, such as ``file``.
        """
        if not self._found:
            return
        index = np.concatenate([index for index, _ in self._found])
        marks = np.concatenate([marks for _, marks in self._found])
        for mark, (one, many) in MARKS.items():
            places = np.unique(index[marks & mark > 0])
            if places.size:
                what = f"{noun} {one}" if places.size == 1 else f"{noun}s {many}"
                ids = ", ".join(name(int(place)) for place in places[:SHOWN])
                hidden = places.size - SHOWN
                others = f" {and_more(hidden)}" if hidden > 0 else ""
                yield f"{places.size:,} {what}: {ids}{others}"


def warning_notes(warned: tuple[int, str] | None) -> Iterator[str]:
    """Yield the sentence on images that only a dataset of the project's own could name.

    Parameters
    ----------
    warned
        How often a decoder warned, and the last warning.
    """
    if warned is not None:
        number, text = warned
        times = "once" if number == 1 else f"{number:,} times"
        yield (
            f"a decoder of images warned {times} while the dataset was read, last of: {text}; "
            "pixels of damaged images are made up, and only the dataset's own code knows which "
            "images these are"
        )


def misclassified_note(faults: Sequence[Fault]) -> str:
    """Return the sentence that says which examples count as wrong because they are at fault."""
    told = [f"{fault.id} {fault.reason}" for fault in faults]
    those = plural(len(faults), "example")
    return f"{those} at fault counted as misclassified: {joined(told, SHOWN)}"
