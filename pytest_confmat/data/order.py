"""Whether a data set of the user's own comes in the same order every time."""

from __future__ import annotations

from typing import Any


def shuffling(dataset: Any) -> str | None:
    """Return what shows that a data set comes in another order each time, if something does."""
    sampler = type(getattr(dataset, "sampler", None)).__name__
    if sampler == "RandomSampler":  # of a torch DataLoader
        return sampler
    if getattr(dataset, "shuffle", None) is True:  # of Keras's older iterators
        return "shuffle=True"
    if type(dataset).__module__.startswith("tensorflow"):
        waiting = [dataset]
        while waiting:
            step = waiting.pop()
            if "Shuffle" in type(step).__name__:
                return type(step).__name__.strip("_")
            # There is no public way to ask; without this one there is no note.
            inputs = getattr(step, "_inputs", None)
            waiting += inputs() if callable(inputs) else []
    return None
