"""SciPy's special functions that tests and bounds need, imported when the first of them is called.

``scipy.special`` is a large part of what a gate recalled from the cache imports, and a run that
shows and tests no interval needs none of it.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def _scipy() -> Any:
    import scipy.special

    return scipy.special


def betainc(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function."""
    return float(_scipy().betainc(a, b, x))


def betaincc(a: float, b: float, x: float) -> float:
    """Return one minus `betainc`, exact where that is near 1."""
    return float(_scipy().betaincc(a, b, x))


def betaincinv(a: float, b: float, share: float) -> float:
    """Return the x at which `betainc` is `share`."""
    return float(_scipy().betaincinv(a, b, share))


def ndtr(z: float) -> float:
    """Return the probability of at most `z` under the standard normal distribution."""
    return float(_scipy().ndtr(z))


def ndtri(probability: float) -> float:
    """Return the z at which `ndtr` is `probability`."""
    return float(_scipy().ndtri(probability))
