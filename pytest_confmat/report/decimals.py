"""Exact values in decimal, never rounded across the number they were held against."""

from __future__ import annotations

from fractions import Fraction

USUAL = 4


def decimal_text(value: Fraction, other: Fraction | None = None) -> str:
    """Return `value` with four decimals, or as many as keep it on its side of `other`.

    A value that differs from `other` prints as a number that differs from it, and stands above
    or below it as the value does; one that equals it prints as it, where decimals can.
    """
    digits = USUAL
    if other is None or (value == other and not _terminates(value)):
        return _fixed(value, digits)
    while _side(_rounded(value, digits), other) != _side(value, other):
        digits += 1
    return _fixed(value, digits)


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


def _side(value: Fraction, other: Fraction) -> int:
    return (value > other) - (value < other)


def _terminates(value: Fraction) -> bool:
    """Whether `value` has finitely many decimals."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1
