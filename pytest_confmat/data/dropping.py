"""Whether a data set of the user's own leaves out examples that it was made of.

Nothing that comes out of it tells, so that its parts are asked: a TensorFlow pipeline its steps,
by attributes that are not public, since there are no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_confmat.data.order import steps
from pytest_confmat.errors import DataError
from pytest_confmat.text import plural

_REMAINDER = "drop_remainder=True"


def refuse_dropping(dataset: Any) -> None:
    """Refuse a data set that is known to lose examples.

    Raises
    ------
    DataError
        If it passes over what fails, or leaves out a last batch that is not full.
    """
    if any("IgnoreErrors" in type(step).__name__ for step in steps(dataset)):
        raise DataError(
            "the dataset passes over what cannot be read (ignore_errors), a whole batch at a time, "
            "and nothing tells how many examples are lost: leave it out"
        )
    for number, size in _remainders(dataset):
        if number is not None and size is not None and number % size:
            raise DataError(
                f"the dataset leaves out {plural(number % size, 'example')} of {number:,}, those "
                f"that fill no batch of {size:,} ({_REMAINDER}): leave that out"
            )


def note_on_dropping(dataset: Any) -> str | None:
    """Return what to say of a data set that may lose examples, if it may."""
    loader = getattr(dataset, "drop_last", None) is True  # of a torch DataLoader
    if loader or any(None in found for found in _remainders(dataset)):
        return (
            "the dataset leaves out the examples at its end that fill no batch "
            f"({'drop_last=True' if loader else _REMAINDER}), and does not tell how many"
        )
    return None


def _remainders(dataset: Any) -> Iterator[tuple[int | None, int | None]]:
    """Yield, of each step that drops what fills no batch, how many come in, and its batch size."""
    for step in steps(dataset):
        if _value(getattr(step, "_drop_remainder", None)) is not True:
            continue
        inputs = getattr(step, "_inputs", None)
        number = int(inputs()[0].cardinality()) if callable(inputs) else -1
        yield number if number >= 0 else None, _value(getattr(step, "_batch_size", None))


def _value(tensor: Any) -> Any:
    """Return the bool or number that a tensor holds; ``None``: it cannot be known here."""
    if tensor is None or isinstance(tensor, bool | int):
        return tensor
    try:
        return tensor.numpy().item()
    except (AttributeError, NotImplementedError, ValueError):
        return None
