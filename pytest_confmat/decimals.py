"""Exact values in decimal, never rounded across the number they were compared with."""

from __future__ import annotations

from fractions import Fraction

USUAL = 4
# What differs from 0 or 1 by less than this does so by the noise of floats.
_FINEST = 12


def decimal_text(value: Fraction, other: Fraction | None = None) -> str:
    """Return `value` with four decimals, or as many as keep it on its side of 0, 1 and `other`.

    A value that differs from `other` prints as a number that differs from it, and stands above
    or below it as the value does; one that equals it prints as it, where decimals can. A part is
    never shown as nothing, nor as the whole.
    """
    digits = USUAL
    while digits < _FINEST and any(_crosses(value, end, digits) for end in (0, 1)):
        digits += 1
    if digits == _FINEST:
        digits = USUAL
    if other is not None and (value != other or _terminates(value)):
        while _crosses(value, other, digits):
            digits += 1
    return _fixed(value, digits)


def signed_text(difference: Fraction) -> str:
    """Return a difference with its sign: ``+0.0114``, ``-0.3295``, ``0.0000``."""
    return f"{'+' if difference > 0 else ''}{decimal_text(difference)}"


def percent(count: int, total: int) -> str:
    """Return ``11.1 %``; a part is never shown as nothing, nor as the whole."""
    if not total:
        return "-"
    tenths = round(Fraction(count * 1000, total))
    if count and not tenths:
        return "<0.1 %"
    if tenths == 1000 and count < total:
        return ">99.9 %"
    return f"{tenths // 10}.{tenths % 10} %"


def _fixed(value: Fraction, digits: int) -> str:
    scaled = round(value * 10**digits)
    whole, part = divmod(abs(scaled), 10**digits)
    return f"{'-' if scaled < 0 else ''}{whole}.{part:0{digits}d}"


def _rounded(value: Fraction, digits: int) -> Fraction:
    return Fraction(round(value * 10**digits), 10**digits)


def _crosses(value: Fraction, other: Fraction | int, digits: int) -> bool:
    """Whether `value` is on another side of `other` once it is rounded."""
    return _side(_rounded(value, digits), other) != _side(value, other)


def _side(value: Fraction, other: Fraction | int) -> int:
    return (value > other) - (value < other)


def _terminates(value: Fraction) -> bool:
    """Whether `value` has finitely many decimals."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1
