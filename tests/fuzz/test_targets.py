"""Only our errors come out of any reader, whatever the bytes are."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fuzz.keep import MOST_BYTES, fixed
from fuzz.mutators import mutate
from fuzz.mutators.raw import splice
from fuzz.run import CORPUS
from fuzz.seeds import seeds
from fuzz.targets import TARGETS, check

# Inputs a test: those with TensorFlow behind them take some milliseconds each, and more where a
# whole pass is among them.
EXAMPLES = {"example": 20, "shard": 20, "image": 30, "policy": 40, "evaluation": 40}
MOST = 60

targets = pytest.mark.parametrize("name", TARGETS)


def examples(name: str) -> settings:
    return settings(max_examples=EXAMPLES.get(name, MOST))


@st.composite
def valid(draw: st.DrawFn, name: str) -> bytes:
    return draw(st.sampled_from(seeds(name)))


@st.composite
def damaged(draw: st.DrawFn, name: str) -> bytes:
    """A valid input that was cut, changed, doubled, or joined to another one."""
    data = draw(valid(name))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
    how = draw(st.sampled_from(["cut", "flip", "insert", "double", "delete", "splice"]))
    if how == "cut":
        return data[:end]
    if how == "flip" and start < len(data):
        bit = 1 << draw(st.integers(0, 7))
        return data[:start] + bytes([data[start] ^ bit]) + data[start + 1 :]
    if how == "insert":
        return data[:start] + draw(st.binary(max_size=16)) + data[start:]
    if how == "double":
        return data[:end] + data[start:]
    if how == "delete":
        return data[:start] + data[end:]
    return splice(data, draw(valid(name)), Random(draw(st.integers(0, 1 << 16))))


@st.composite
def changed(draw: st.DrawFn, name: str) -> bytes:
    """A valid input that was changed where its structure allows."""
    return mutate(name, draw(valid(name)), Random(draw(st.integers(0, 1 << 32))))


@targets
def test_kept_inputs_and_seeds(name: str) -> None:
    inputs = [(path.name, path.read_bytes()) for path in sorted((CORPUS / name).glob("*"))]
    assert inputs
    for where, data in [*inputs, *((f"seed {n}", data) for n, data in enumerate(seeds(name)))]:
        try:
            check(name, data)
        except BaseException as error:
            error.add_note(f"the input: {where} of {name}")
            raise


@targets
def test_any_bytes(name: str) -> None:
    @examples(name)
    @given(st.binary(max_size=300))
    @example(b"")
    def only_our_errors(data: bytes) -> None:
        check(name, data)

    only_our_errors()


@targets
def test_damaged_bytes(name: str) -> None:
    @examples(name)
    @given(damaged(name))
    def only_our_errors(data: bytes) -> None:
        check(name, data)

    only_our_errors()


@targets
def test_changed_structures(name: str) -> None:
    @examples(name)
    @given(changed(name))
    def only_our_errors(data: bytes) -> None:
        check(name, data)

    only_our_errors()


def test_corpora_are_small() -> None:
    for name in TARGETS:
        kept = [path for path in (CORPUS / name).glob("*") if not fixed(path)]
        assert sum(path.stat().st_size for path in kept) <= MOST_BYTES
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS)
