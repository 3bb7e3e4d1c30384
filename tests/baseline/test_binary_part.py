from __future__ import annotations

import json
import tracemalloc
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_confmat.baseline import load_baseline, save_baseline
from pytest_confmat.baseline.binary_part import MAGIC, Outcomes, decode, encode
from pytest_confmat.baseline.file_pair import BaselineFiles
from pytest_confmat.errors import BaselineError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.example_ids import JoinedIds, NumberedIds
from tests.support.baselines import CLASSES, part_of, predicted_right
from tests.support.refusals import refusal
from tests.support.strategies import class_names

EVALUATION = Evaluation(
    CLASSES,
    (
        part_of(predicted_right(9), 0),
        part_of(predicted_right(30), 1, numbered="shard"),
        part_of([("x", 1, 0, -1), ("ab", 2, 1, 0)], 2),
    ),
)


def stored() -> tuple[bytes, bytes]:
    with TemporaryDirectory() as folder:
        save_baseline(EVALUATION, Path(folder, "b"))
        files = [Path(folder, "b.json"), *Path(folder).glob("*.bin")]
        text, binary = (path.read_bytes() for path in files)
    return text, binary


TEXT, BINARY = stored()
HEADER = json.loads(BINARY[len(MAGIC) :].split(b"\n", 1)[0])
BLOCKS = BINARY[len(MAGIC) :].split(b"\n", 1)[1]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def load_or_refuse(text: bytes, binary: bytes | None) -> None:
    """Load a baseline of these parts: it is right, or refused with a reason."""
    with TemporaryDirectory() as folder:
        files = BaselineFiles(Path(folder, "b"))
        if binary is not None:
            files.replace(binary, lambda said: rebound(text, said))
        else:
            files.text.write_bytes(text)
        found, told = None, ""
        try:
            found = load_baseline(Path(folder, "b"))
        except BaselineError as error:
            told = str(error)
        if found is None:
            # What is wrong, and what to do.
            assert "; " in told
            assert str(Path(folder, "b")) in told
            return
        assert found.matrix.total == len(found) == len(list(found.ids))
        assert found.true.min() >= 0
        assert found.predicted.min() >= -1
        assert max(found.true.max(), found.predicted.max()) < len(found.classes)


def rebound(text: bytes, said: Any) -> bytes:
    """Return a text that names another binary part as its own."""
    return json.dumps(json.loads(text) | {"outcomes": said}).encode()


def with_header(change: dict[str, Any], blocks: bytes = BLOCKS) -> bytes:
    return MAGIC + json.dumps(HEADER | change).encode() + b"\n" + blocks


def refused(content: bytes) -> str:
    return refusal(BaselineError, decode, content)


@given(st.binary(max_size=200))
def test_any_bytes_as_text_are_refused(content):
    load_or_refuse(content, None)
    load_or_refuse(TEXT[: len(content)] + content + TEXT[2 * len(content) :], None)


@given(st.data())
def test_any_values_in_the_text_are_refused_or_right(data):
    values = json.loads(TEXT)
    within = values
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(st.sampled_from(sorted(within)))
        if not isinstance(within[key], dict) or not within[key]:
            break
        within = within[key] if data.draw(st.booleans()) else within
    within[data.draw(st.sampled_from(sorted(within)))] = data.draw(anything)
    load_or_refuse(json.dumps(values).encode(), None)


@given(st.data())
def test_bytes_changed_in_the_binary_part_are_refused_or_right(data):
    # Its digest is made to fit, so that what looks into it is put to the test.
    content = bytearray(BINARY)
    start = data.draw(st.sampled_from([0, len(MAGIC), len(BINARY) - len(BLOCKS)]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(start, len(content)))
        gone = data.draw(st.sampled_from([0, 1, 5, len(content)]))
        content[at : at + gone] = data.draw(st.binary(max_size=5))
    load_or_refuse(TEXT, bytes(content))


@given(st.sampled_from(sorted(HEADER)), anything)
def test_any_values_in_the_header_are_refused_or_right(name, value):
    load_or_refuse(TEXT, with_header({name: value}))


@given(st.sampled_from(sorted(HEADER["blocks"])), st.integers(-5, 5))
def test_other_lengths_of_blocks_are_refused_or_right(name, more):
    lengths = HEADER["blocks"] | {name: HEADER["blocks"][name] + more}
    load_or_refuse(TEXT, with_header({"blocks": lengths}))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it does not begin as one"),
        (MAGIC, "it has no header"),
        (MAGIC + b"{\n", "its header cannot be read"),
        (MAGIC + b"1\n", "its header is no mapping"),
        (with_header({"classes": []}), "its classes are no list of names"),
        (with_header({"classes": ["a", 1]}), "its classes are no list of names"),
        (with_header({"classes": ["a", "a"]}), "it names a class twice"),
        (with_header({"classes": ["a", "b"]}), "it has a true class 2 of 2 classes"),
        (with_header({"examples": 40}), "it has 328 bytes of check words of 40"),
        (with_header({"examples": -1}), "its number of examples is '-1'"),
        (with_header({"examples": 41.0}), "its number of examples is '41.0'"),
        (with_header({"blocks": {}}), "its blocks are not check, true, predicted, rank, ids"),
        (with_header({}, BLOCKS[:-1]), "it ends within ids"),
        (with_header({}, BLOCKS + b"12"), "it goes on for 2 bytes after its end"),
        (with_header({"pieces": 3}), "its ids have no pieces"),
        (with_header({"pieces": [40]}), "it has 40 ids for 41 examples"),
        (with_header({"pieces": [[1, 2], 39]}), "its number of ids is '[1, 2]'"),
        (with_header({"pieces": [41]}), "its ids do not unpack to "),
        (with_header({"widths": []}), "its ids have no widths"),
        (with_header({"widths": [5000]}), "its ids have 5000 columns"),
        (with_header({"widths": [1]}), "its ids do not unpack to 11 bytes"),
    ],
)
def test_what_is_wrong_with_the_binary_part_is_told(content, reason):
    assert refused(content).startswith(reason)


def test_outcomes_that_leave_their_range_are_refused():
    for name in ("true", "predicted", "rank"):
        blocks, start = bytearray(BLOCKS), 0
        for block in ("check", "true", "predicted", "rank"):
            length = HEADER["blocks"][block]
            if block == name:
                other = zlib.compress(bytes([0] * 40 + [200]), 6)
                blocks[start : start + length] = other
            start += length
        lengths = HEADER["blocks"] | {name: len(other)}
        assert refused(with_header({"blocks": lengths}, bytes(blocks))) == (
            f"it has 200 in {name}, of 3 classes"
        )


def test_a_content_that_unpacks_to_more_than_it_says_is_not_unpacked():
    bomb = zlib.compress(bytes(10**7), 9)
    start = HEADER["blocks"]["check"]
    end = start + HEADER["blocks"]["true"]
    content = with_header(
        {"blocks": HEADER["blocks"] | {"true": len(bomb)}}, BLOCKS[:start] + bomb + BLOCKS[end:]
    )
    tracemalloc.start()
    try:
        assert refused(content) == "its true do not unpack to 41 bytes"
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("k", [1, 254, 255, 256, 65_535, 65_536, 70_000])
def test_numbers_of_every_width_come_back(k):
    rng = np.random.default_rng(k)
    n = 5000
    true = rng.integers(0, k, n)
    predicted = rng.integers(-1, k, n)
    predicted[:3], true[:3] = [-1, 0, k - 1], [k - 1, 0, 0]
    rank = rng.integers(0, k + 1, n)
    rank[0] = k
    check = rng.integers(0, 2**64, n, dtype=np.uint64)
    ids = JoinedIds((tuple(f"{i:d}" for i in range(4999)), NumberedIds("x", 1)))
    found = decode(encode(Outcomes(class_names(k), ids, check, true, predicted, rank)))
    assert found.ids == ids
    assert found.check.dtype == np.uint64
    assert np.array_equal(found.check, check)
    for name, numbers in (("true", true), ("predicted", predicted), ("rank", rank)):
        assert getattr(found, name).dtype == np.int64
        assert np.array_equal(getattr(found, name), numbers)


@given(st.lists(st.integers(0, 3), max_size=5), st.integers(-12, 12), st.integers(-12, 12))
def test_joined_ids_are_a_sequence_like_any_other(lengths, start, end):
    pieces = tuple(
        NumberedIds(f"s{at}", n) if n % 2 else tuple(f"{at}/{i}" for i in range(n))
        for at, n in enumerate(lengths)
    )
    joined = JoinedIds(pieces)
    plain = [name for piece in pieces for name in piece]
    assert list(joined) == plain == [joined[at] for at in range(len(joined))]
    assert joined[start:end] == tuple(plain[start:end])
    assert joined.repeated is None
    assert JoinedIds((*pieces, ("s0#0", "s0#0"))).repeated == "s0#0"
    if plain:
        assert joined[-1] == plain[-1]
    with pytest.raises(IndexError):
        joined[len(plain)]
