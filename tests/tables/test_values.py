"""Single values: the same whether they are typed or written out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.tables.values import ValueFault, integer, is_blank, number, text


@given(st.integers(-(10**17), 10**17))
def test_whole_numbers_are_the_same_in_every_form(value):
    assert {integer(form) for form in (value, str(value), f" {value} ", f"{value}.0")} == {value}
    assert text(value) == str(value)
    if abs(value) < 2**53:
        assert integer(float(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False, max_value=1e307, min_value=-1e307))
def test_numbers_are_the_same_in_every_form(value):
    assert number(value) == number(repr(value)) == value


@pytest.mark.parametrize("value", [None, "", " \t", math.nan])
@pytest.mark.parametrize("read", [text, integer, number])
def test_blanks_are_no_values(read, value):
    assert is_blank(value)
    with pytest.raises(ValueFault, match=r"^is blank$"):
        read(value)


@pytest.mark.parametrize(
    ("read", "value", "says"),
    [
        (text, 1.5, "is 1.5, expected a text"),
        (text, True, "is True, expected a text"),
        (text, ["a"], "is ['a'], expected a text"),
        (text, "\ud800", "is '\\ud800', which is no text"),
        (text, b"\xe9", "is b'\\xe9', which is not UTF-8"),
        (integer, "1.5", "is '1.5', expected a whole number"),
        (integer, "1_0", "is '1_0', expected a whole number"),
        (integer, "\u0661", "is '\u0661', expected a whole number"),
        (integer, True, "is True, expected a whole number"),
        (integer, math.inf, "is inf, expected a whole number"),
        (integer, 2.0**60, "is 1.152921504606847e+18, expected a whole number"),
        (number, "nan", "is 'nan', expected a finite number"),
        (number, "1e999", "is '1e999', expected a finite number"),
        (number, 10**400, "is 1000"),
        (number, "0x1", "is '0x1', expected a finite number"),
        (number, math.inf, "is inf, expected a finite number"),
    ],
)
def test_other_values_are_told(read, value, says):
    with pytest.raises(ValueFault) as caught:
        read(value)
    assert str(caught.value).startswith(says)
