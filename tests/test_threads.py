from __future__ import annotations

import threading

import pytest

from pytest_confmat.threads import ordered_map


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("number", [0, 1, 2, 5, 20])
def test_results_come_in_the_order_of_the_values(threads, number):
    found = list(ordered_map(lambda n: n * n, range(number), lambda: threads))
    assert found == [(n, n * n) for n in range(number)]


def test_calls_run_at_the_same_time():
    meeting = threading.Barrier(2, timeout=30)
    found = ordered_map(lambda _: meeting.wait(), range(4), lambda: 2)
    # Each call waits for another one: one after the other, none would ever end.
    assert sorted(place for _, place in found) == [0, 0, 1, 1]


def test_with_one_lane_calls_are_made_here():
    found = ordered_map(lambda _: threading.current_thread(), range(3), lambda: 1)
    assert {thread for _, thread in found} == {threading.current_thread()}


def test_values_are_not_taken_far_ahead():
    taken = []

    def values():
        for n in range(20):
            taken.append(n)
            yield n

    for number, _ in ordered_map(lambda n: n, values(), lambda: 2):
        assert len(taken) <= number + 4


@pytest.mark.parametrize("threads", [1, 3])
def test_an_exception_comes_where_the_result_would(threads):
    def call(n):
        if n >= 2:
            raise ValueError(n)
        return n

    found = ordered_map(call, range(10), lambda: threads)
    assert [next(found), next(found)] == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="2"):
        next(found)


def test_an_exception_of_the_values_ends_it():
    def values():
        yield 1
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        list(ordered_map(lambda n: n, values(), lambda: 2))


def test_the_number_is_asked_for_when_the_first_value_is_there():
    known = []

    def values():
        known.append(True)
        yield 1

    assert list(ordered_map(lambda n: n, values(), lambda: 2 if known else 0)) == [(1, 1)]
