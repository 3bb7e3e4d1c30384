"""What a reader should know of single examples: which decode oddly, which count as wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.headers import MARKS
from pytest_confmat.evaluation import Fault
from pytest_confmat.text import and_more, joined, plural

SHOWN = 3


def mark_notes(marks: NDArray[np.uint8], ids: Sequence[str], noun: str) -> Iterator[str]:
    """Yield a sentence for each mark, with the first ids in the set's order.

    Parameters
    ----------
    marks, ids
        Of all examples; see `Batch.marks`.
    noun
        What the examples are, such as ``file``.
    """
    for mark, (one, many) in MARKS.items():
        places = np.flatnonzero(marks & mark)
        if places.size:
            what = f"{noun} {one}" if places.size == 1 else f"{noun}s {many}"
            shown = ", ".join(ids[int(place)] for place in places[:SHOWN])
            hidden = places.size - SHOWN
            others = f" {and_more(hidden)}" if hidden > 0 else ""
            yield f"{places.size:,} {what}: {shown}{others}"


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
