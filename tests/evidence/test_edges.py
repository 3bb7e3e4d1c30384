from __future__ import annotations

from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.evidence.edges import fewest, highest_kept, lowest_kept, solve

within = st.floats(-1.0, 1.0)


@given(within, within)
def test_the_edge_is_found_to_the_last_digit_however_bad_the_guess(edge, guess):
    assert lowest_kept(lambda value: value < edge, -1.0, 1.0, guess) == edge
    assert highest_kept(lambda value: value > edge, -1.0, 1.0, guess) == edge


@given(within, within)
def test_nothing_below_an_edge_is_kept(edge, guess):
    found = lowest_kept(lambda value: value <= edge, -1.0, 1.0, guess)
    assert found == min(nextafter(edge, inf), 1.0)


@given(st.floats(-3.0, 3.0))
def test_a_guess_may_lie_outside(guess):
    assert lowest_kept(lambda value: value < 0.3, 0.0, 1.0, guess) == 0.3


@given(within)
def test_where_nothing_or_everything_is_ruled_out(guess):
    assert lowest_kept(lambda _: False, -1.0, 1.0, guess) == -1.0
    assert lowest_kept(lambda _: True, -1.0, 1.0, guess) == 1.0


def test_a_good_guess_takes_few_calls():
    calls = []

    def ruled_out(value):
        calls.append(value)
        return value < 0.3

    lowest_kept(ruled_out, 0.0, 1.0, 0.3)
    assert len(calls) <= 3


@given(within)
def test_solve_finds_where_a_function_crosses_zero(root):
    assert solve(lambda x: (x - root) * (2 + x), -1.0, 1.0) == pytest.approx(root, abs=1e-12)
    assert solve(lambda x: x**3 - root**3, -1.0, 1.0) == pytest.approx(root, abs=1e-4)


def test_solve_of_a_function_without_a_root_returns_an_end():
    assert solve(lambda _: 1.0, -1.0, 1.0) == -1.0
    assert solve(lambda _: -1.0, -1.0, 1.0) == 1.0


@given(st.integers(1, 10**15 // 2))
def test_fewest_is_the_first_number(number):
    assert fewest(lambda n: n >= number) == number


def test_fewest_gives_up():
    assert fewest(lambda _: False) is None
