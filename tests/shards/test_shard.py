from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.errors import RequestError
from pytest_confmat.shards.shard import Shard


@given(st.integers(0, 50), st.integers(1, 60))
def test_the_shards_share_all_parts_and_none_twice(n, total):
    parts = range(n)
    shares = [Shard(number, total).share(parts) for number in range(1, total + 1)]
    assert sorted(part for share in shares for part in share) == list(parts)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    for position in parts:
        assert position in shares[Shard.holding(position, total).number - 1]


def test_a_shard_is_a_number_and_how_many_there_are():
    assert Shard.of("2/7") == Shard(2, 7)
    assert str(Shard(2, 7)) == "2/7"


@pytest.mark.parametrize(
    "text", ["0/7", "8/7", "2", "2/", "/7", "-1/7", "2 / 7", "2/7/9", "", "\u0662/\u0667"]
)
def test_anything_else_is_no_shard(text):
    with pytest.raises(RequestError) as caught:
        Shard.of(text)
    assert str(caught.value) == (
        f"{text!r} is no shard: give its number, from 1, and how many there are, as in 2/7"
    )
