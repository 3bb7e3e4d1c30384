"""Notes on single examples: images with special traits, and faults that count as wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.headers import TRAITS
from pytest_confmat.evaluation import Fault
from pytest_confmat.text import and_more, joined, plural

SHOWN = 3


def trait_notes(traits: NDArray[np.uint8], ids: Sequence[str], noun: str) -> Iterator[str]:
    """Yield a sentence for each trait, with the first ids in the set's order.

    Parameters
    ----------
    traits, ids
        Of all examples; see `Batch.traits`.
    noun
        What the examples are, such as ``file``.
    """
    for trait, (one, many) in TRAITS.items():
        places = np.flatnonzero(traits & trait)
        if places.size:
            what = f"{noun} {one}" if places.size == 1 else f"{noun}s {many}"
            shown = ", ".join(ids[int(place)] for place in places[:SHOWN])
            hidden = places.size - SHOWN
            others = f" {and_more(hidden)}" if hidden > 0 else ""
            yield f"{places.size:,} {what}: {shown}{others}"


def warning_notes(warned: tuple[int, str] | None) -> Iterator[str]:
    """Yield the note on damaged images of which no ids are known, if a decoder warned.

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
    """Return the note on examples that are at fault and count as wrong."""
    faulty = [f"{fault.id} {fault.reason}" for fault in faults]
    those = plural(len(faults), "example")
    return f"{those} at fault counted as misclassified: {joined(faulty, SHOWN)}"
