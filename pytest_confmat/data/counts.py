"""How many examples there are, against how many there should be."""

from __future__ import annotations

from pytest_confmat.data.wording import counted
from pytest_confmat.errors import DataError


def bound(expected: int | None, found: int, description: str) -> None:
    """Give up data that do not tell how many they hold, as soon as they are too many.

    Raises
    ------
    DataError
        If more than the policy's ``expected_examples`` have come already.
    """
    if expected is not None and found > expected:
        raise DataError(
            f"{description} goes on after {counted(expected, 'example')}, which is what "
            "dataset.expected_examples says: let it end there, or correct the number"
        )


def expect(expected: int | None, found: int, description: str) -> None:
    """Hold the number of examples against the policy's ``expected_examples``.

    Raises
    ------
    DataError
        If there are none, or another number.
    """
    if not found:
        raise DataError(f"{description} holds no examples")
    if expected is not None and found != expected:
        raise DataError(
            f"{description} holds {counted(found, 'example')}, and dataset.expected_examples is "
            f"{expected:,}: {abs(found - expected):,} {'missing' if found < expected else 'more'}"
        )
