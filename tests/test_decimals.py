from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_confmat.decimals import decimal_text, percent

shares = st.fractions(-1, 1, max_denominator=10**9)
bounds = st.integers(-(10**7), 10**7).map(lambda n: Fraction(n, 10**7))


@pytest.mark.parametrize(
    ("value", "other", "text"),
    [
        ("159/189", "0.95", "0.8413"),
        ("0.94999996", "0.95", "0.94999996"),
        ("0.9499", "0.95", "0.9499"),
        ("0.95004", "0.95", "0.95004"),
        ("0.95", "0.95", "0.9500"),
        ("0.949999", "0.949999", "0.949999"),
        ("1/3", "1/3", "0.3333"),
        ("1/3", "0.3333", "0.33333"),
        ("1/3", None, "0.3333"),
        ("-1/8", None, "-0.1250"),
        ("-0.00001", "0", "-0.00001"),
        ("-0.00001", None, "-0.00001"),
        ("-0.00000000000000001", None, "0.0000"),
        ("99999/100000", None, "0.99999"),
        ("145/150", None, "0.9667"),
        ("0.99999999999999999999", "1", "0.99999999999999999999"),
        ("12.5", None, "12.5000"),
    ],
)
def test_as_many_decimals_as_it_takes(value, other, text):
    assert decimal_text(Fraction(value), other and Fraction(other)) == text


@given(shares, bounds)
@example(Fraction(94999996, 10**8), Fraction(95, 100))
def test_the_text_stands_on_the_side_of_the_value(value, other):
    shown = Fraction(decimal_text(value, other))
    assert (shown < other, shown == other) == (value < other, value == other)
    assert abs(shown - value) <= Fraction(1, 2 * 10**4)


@given(bounds)
def test_an_equal_value_prints_as_it(bound):
    assert Fraction(decimal_text(bound, bound)) == bound


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [
        (21, 189, "11.1 %"),
        (0, 7, "0.0 %"),
        (7, 7, "100.0 %"),
        (1, 100_000, "<0.1 %"),
        (99_999, 100_000, ">99.9 %"),
        (1, 3, "33.3 %"),
        (0, 0, "-"),
    ],
)
def test_a_part_is_neither_nothing_nor_the_whole(count, total, text):
    assert percent(count, total) == text
