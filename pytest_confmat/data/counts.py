"""How many examples there are, against how many there should be."""

from __future__ import annotations

from pytest_confmat.errors import DataError
from pytest_confmat.text import plural


def bound(expected: int | None, found: int, description: str) -> None:
    """Give up data that do not tell how many they hold, as soon as they are too many.

    Raises
    ------
    DataError
        If more than the policy's ``expected_examples`` have come already.
    """
    if expected is not None and found > expected:
        raise DataError(
            f"{description} goes on after {plural(expected, 'example')}, which is what "
            "dataset.expected_examples says: let it end there, or correct the number"
        )


def expect(expected: int | None, found: int, description: str) -> None:
    """Compare the number of examples with the policy's ``expected_examples``.

    Raises
    ------
    DataError
        If there are none, or another number.
    """
    if not found:
        raise DataError(f"{description} holds no examples")
    if fault := miscount(expected, found, description):
        raise DataError(fault)


def miscount(expected: int | None, found: int, description: str) -> str | None:
    """Return by how many examples a set differs from ``expected_examples``, if it does."""
    if expected is None or found == expected:
        return None
    # The difference first: a line that is cut short must still say it.
    differing = plural(abs(found - expected), "example")
    return (
        f"{differing} {'missing' if found < expected else 'too many'}: {description} holds "
        f"{plural(found, 'example')}, and dataset.expected_examples is {expected:,}"
    )
