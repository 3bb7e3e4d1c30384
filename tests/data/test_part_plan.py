from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.data.part_plan import PART_BYTES, PART_EXAMPLES, part_id, runs

units = st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 70 * 2**20)), max_size=12)


@given(units)
def test_runs_cover_every_unit_once_and_are_as_long_as_they_may_be(sizes):
    found = list(runs(sizes))
    assert [unit for run in found for unit in run] == list(range(len(sizes)))
    for run in found:
        inside = [sizes[unit] for unit in run]
        assert len(run) == 1 or (
            sum(n for n, _ in inside) <= PART_EXAMPLES
            and sum(size for _, size in inside) <= PART_BYTES
        )
        if run.stop < len(sizes):
            more = [*inside, sizes[run.stop]]
            assert (
                sum(n for n, _ in more) > PART_EXAMPLES
                or sum(size for _, size in more) > PART_BYTES
            )


def test_an_id_tells_position_names_and_sizes_apart():
    ids = {
        part_id(0, [("a", 1), ("b", 2)]),
        part_id(1, [("a", 1), ("b", 2)]),
        part_id(0, [("a", 1), ("b", 3)]),
        part_id(0, [("a", 1)]),
        part_id(0, [("b", 2), ("a", 1)]),
    }
    assert len(ids) == 5
    assert part_id(7, [("a", 1)]).startswith("00007-")
    part_id(0, [("caf\udce9", 1)])  # a name that is no UTF-8
