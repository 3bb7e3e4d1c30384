"""The cache is not believed: an entry under a valid seal may be another's, or made by hand."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.cache import evaluation_cache as module
from pytest_confmat.cache.checksummed import read_checksummed, write_checksummed
from pytest_confmat.cache.store import Entry, EntryStore
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.evaluation import Evaluation, Fault
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.parts import ARRAYS, CLOSE, Column, Part
from pytest_confmat.spec import TFRecordSpec
from tests.cache.test_evaluation_cache import World, shards, world  # noqa: F401 (a fixture)

WHEN = "2026-11-22T01:10:00+00:00"


def with_part(change: Callable[[Part], Part]) -> Callable[[Evaluation], Evaluation]:
    return lambda found: replace(found, parts=tuple(map(change, found.parts)))


def with_array(name: str, change: Callable[[Any], Any]) -> Callable[[Evaluation], Evaluation]:
    return with_part(lambda part: replace(part, **{name: change(getattr(part, name))}))


def with_column(column: Column) -> Callable[[Evaluation], Evaluation]:
    return with_part(lambda part: replace(part, columns={"site": column}))


def with_provenance(key: str, value: Any) -> Callable[[Evaluation], Evaluation]:
    return lambda found: replace(found, provenance={**found.provenance, key: value})


def shorter(part: Part) -> Part:
    names = (*ARRAYS, *CLOSE)
    return replace(part, ids=part.ids[1:], **{name: getattr(part, name)[1:] for name in names})


def fewer_records(part: Part) -> Part:
    return replace(shorter(part), ids=NumberedIds(part.id, len(part) - 1))


CLASSES = "is of other classes"
MODEL = "is of another model"
EXAMPLES = "is of other examples"
DAMAGED = "holds what no evaluation holds"
FOREIGN = {
    "other classes": (lambda e: replace(e, classes=("cat", "fox")), CLASSES),
    "more classes": (lambda e: replace(e, classes=("cat", "dog", "fox")), CLASSES),
    "another model": (with_provenance("model", {"sha256": "ab"}), MODEL),
    "no model": (with_provenance("model", {}), MODEL),
    "one example less": (with_part(shorter), EXAMPLES),
    "another id": (with_part(lambda p: replace(p, ids=("cat/3.png", *p.ids[1:]))), EXAMPLES),
    "another order": (with_part(lambda p: replace(p, ids=p.ids[::-1])), EXAMPLES),
    "another truth": (with_array("true", lambda a: a[::-1]), EXAMPLES),
    "no examples": (lambda e: replace(e, parts=()), DAMAGED),
    "a class too high": (with_array("predicted", lambda a: a + 1), DAMAGED),
    "a class below 0": (with_array("true", lambda a: a - 1), DAMAGED),
    "predicted as none": (with_array("predicted", lambda a: a * 0 - 1), DAMAGED),
    "a rank too high": (with_array("rank", lambda a: a + 2), DAMAGED),
    "a rank that contradicts": (with_array("rank", lambda a: a + 1), DAMAGED),
    "classes that are no integers": (with_array("true", lambda a: a + 0.5), DAMAGED),
    "classes that are booleans": (with_array("predicted", lambda a: a == 1), DAMAGED),
    "columns": (with_array("true", lambda a: a[:, np.newaxis]), DAMAGED),
    "scores in double": (with_array("score", lambda a: a.astype(np.float64)), DAMAGED),
    "scores that are none": (with_array("score", lambda a: a * np.float32(np.nan)), DAMAGED),
    "check words with a sign": (with_array("check", lambda a: a.astype(np.int64)), DAMAGED),
    "a runner-up too high": (with_array("runner_up", lambda a: a + 9), DAMAGED),
    "more ties than classes": (with_array("tied", lambda a: a + 9), DAMAGED),
    "ties that are no numbers": (with_array("true_tied", lambda a: a * 1.5), DAMAGED),
    "a column of numbers": (with_column(Column((1,), np.zeros(3, int))), DAMAGED),
    "a column of other values": (with_column(Column(("a",), np.ones(3, int))), DAMAGED),
    "weights below 0": (with_array("weight", lambda _: -np.ones(3)), DAMAGED),
    "ids that are numbers": (with_part(lambda p: replace(p, ids=(1, 2, 3))), DAMAGED),
    "a part without a name": (with_part(lambda p: replace(p, id=None)), DAMAGED),
    "faults": (lambda e: replace(e, faults=(Fault("cat/1.png", "none", "cat"),)), DAMAGED),
    "notes that are numbers": (lambda e: replace(e, notes=(1,)), DAMAGED),
    "provenance that is none": (lambda e: replace(e, provenance=[1]), DAMAGED),
    "a model in one word": (with_provenance("model", "m"), DAMAGED),
    "a digest that is a number": (with_provenance("model", {"sha256": 1}), DAMAGED),
    "versions that are numbers": (with_provenance("versions", {"python": 3}), DAMAGED),
    "a batch size below 1": (with_provenance("batch_size", 0), DAMAGED),
    "a batch size in words": (with_provenance("batch_size", "many"), DAMAGED),
    "a count that is no yes or no": (with_provenance("dataset", {"states_count": 1}), DAMAGED),
}


@pytest.mark.parametrize("verify", [False, True], ids=["on", "verify"])
@pytest.mark.parametrize("name", FOREIGN)
def test_an_entry_that_cannot_be_the_one_asked_for(world, name, verify):  # noqa: F811
    _, origin = world.obtain()
    change, reason = FOREIGN[name]
    EntryStore(world.cache).put(origin.key, Entry(change(world.truth()), WHEN))
    found, again = world.obtain(verify=verify)
    assert found == world.truth()
    assert world.computed == 2
    assert again.computed is None
    assert again.remarks == (
        f"the entry {origin.key}.evaluation of the cache {reason}: evaluated anew",
    )
    assert world.is_kept(verify=verify)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_part(fewer_records), EXAMPLES),
        (with_part(lambda p: replace(p, ids=NumberedIds("x", len(p)))), EXAMPLES),
        (with_part(lambda p: replace(p, ids=tuple(p.ids))), EXAMPLES),
        (lambda e: replace(e, parts=e.parts[1:]), EXAMPLES),
        (with_part(lambda p: replace(p, position=1 - p.position)), EXAMPLES),
        (with_part(lambda p: replace(p, ids=NumberedIds(1, len(p)))), DAMAGED),
    ],
)
def test_an_entry_that_cannot_be_of_these_shards(world, change, reason):  # noqa: F811
    shards(world)
    _, origin = world.obtain()
    EntryStore(world.cache).put(origin.key, Entry(change(world.truth()), WHEN))
    found, again = world.obtain()
    assert found == world.truth()
    assert again.remarks == (
        f"the entry {origin.key}.evaluation of the cache {reason}: evaluated anew",
    )


def test_a_count_that_the_policy_states(world):  # noqa: F811
    world.change(dataset=replace(shards(world), expected_examples=7))
    EntryStore(world.cache).put("key", Entry(world.truth(), WHEN))
    assert not world.is_kept()
    # One that is not what it should be is not kept in the first place.
    _, origin = world.obtain()
    assert origin.remarks == ("the evaluation is not kept in the cache: it is of other examples",)


HEADERS = {
    "no time": ("computed", "yesterday"),
    "a time without a zone": ("computed", "2026-11-22T01:10:00"),
    "a time that is a number": ("computed", 3),
    "likely_causes in one word": ("suspicions", "many"),
    "a cause that is none": ("suspicions", [{"kind": "permuted"}]),
    "a cause in numbers": ("suspicions", [{"kind": 1, "text": 2, "evidence": {}}]),
    "evidence that is none": ("suspicions", [{"kind": "none", "text": "", "evidence": 3}]),
}


def edited(content: bytes, change: Callable[[Any], Any]) -> bytes:
    """Return an entry whose header is another one."""
    end = 8 + int.from_bytes(content[:8], "little")
    text = json.dumps(change(json.loads(content[8:end]))).encode()
    return len(text).to_bytes(8, "little") + text + content[end:]


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_was_not_written_here(world, name):  # noqa: F811
    _, origin = world.obtain()
    path = world.cache / f"{origin.key}.evaluation"
    key, value = HEADERS[name]
    write_checksummed(path, edited(read_checksummed(path), lambda header: {**header, key: value}))
    assert world.keeper().likely_causes(origin) is None
    found, again = world.obtain()
    assert found == world.truth()
    assert again.remarks == (f"the entry {path.name} of the cache is damaged: evaluated anew",)


def test_a_header_too_deep_to_be_read(world):  # noqa: F811
    _, origin = world.obtain()
    path = world.cache / f"{origin.key}.evaluation"
    deep = b"[" * 100_000
    write_checksummed(path, len(deep).to_bytes(8, "little") + deep)
    assert world.obtain()[1].remarks[0].endswith("is damaged: evaluated anew")


# Whatever is in it: nothing crashes, and no evaluation of another model or set comes out.

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 5), st.integers(), st.floats(), st.text(max_size=4)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def places(value: Any, at: tuple = ()) -> Iterator[tuple]:
    """Yield the way to everything in a JSON value."""
    yield at
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*at, key))


def replaced(value: Any, at: tuple, by: Any) -> Any:
    if not at:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = replaced(value[at[0]], at[1:], by)
    return copy


def mutated_json(data: st.DataObject, value: Any) -> Any:
    at = data.draw(st.sampled_from(list(places(value))))
    return replaced(value, at, data.draw(JSON))


def mutated_array(data: st.DataObject, array: np.ndarray) -> np.ndarray:
    how = data.draw(st.sampled_from(["cast", "cut", "fill", "one", "shape"]))
    if how == "cast":
        return array.astype(data.draw(st.sampled_from(["i1", "i8", "u8", "f4", "f8", "?", "U3"])))
    if how == "cut":
        return array[: data.draw(st.integers(0, len(array)))]
    if how == "shape":
        return array.reshape(data.draw(st.sampled_from([(-1, 1), (1, -1), (1, 1, -1)])))
    value = data.draw(st.sampled_from([-1, 0, 1, 2, 300, np.nan]))
    with np.errstate(invalid="ignore"):
        number = np.array(value).astype(array.dtype)
    found = array.copy()
    found[slice(None) if how == "fill" else data.draw(st.integers(0, len(array) - 1))] = number
    return found


def mutated_arrays(data: st.DataObject, content: bytes) -> bytes:
    with np.load(io.BytesIO(content)) as stored:
        arrays = dict(stored)
    name = data.draw(st.sampled_from(sorted(arrays)))
    how = data.draw(st.sampled_from(["change", "drop", "swap"]))
    if how == "drop":
        arrays.pop(name)
    elif how == "swap":
        arrays[name] = arrays[data.draw(st.sampled_from(sorted(arrays)))]
    elif name == "header":
        text = json.dumps(mutated_json(data, json.loads(arrays[name].tobytes()))).encode()
        arrays[name] = np.frombuffer(text, np.uint8)
    else:
        arrays[name] = mutated_array(data, arrays[name])
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def mutated(data: st.DataObject, content: bytes) -> bytes:
    how = data.draw(st.sampled_from(["bytes", "cut", "header", "arrays", "arrays", "arrays"]))
    if how == "bytes":
        at = data.draw(st.integers(0, len(content) - 1))
        return content[:at] + data.draw(st.binary(min_size=1, max_size=4)) + content[at + 1 :]
    if how == "cut":
        return content[: data.draw(st.integers(0, len(content)))]
    if how == "header":
        return edited(content, lambda header: mutated_json(data, header))
    end = 8 + int.from_bytes(content[:8], "little")
    return content[:end] + mutated_arrays(data, content[end:])


@settings(max_examples=100, deadline=None)
@given(st.data(), st.booleans())
def test_no_entry_crashes_or_passes_for_an_evaluation_of_anything_else(data, of_records):
    folder = Path(tempfile.mkdtemp()).resolve()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(module, "environment", lambda: {"python": "3"})
        try:
            world = World(folder)
            if of_records:
                shards(world)
            _, origin = world.obtain()
            suspected = (LikelyCause("permuted", "text", {"accuracy": 0.5}),)
            world.keeper().keep_likely_causes(origin, suspected)
            path = world.cache / f"{origin.key}.evaluation"
            write_checksummed(path, mutated(data, read_checksummed(path)))
            found, again = world.obtain()
            world.keeper().likely_causes(again)
            truth = world.truth()
            if again.computed is None:
                assert found == truth
                assert world.computed == 2
            assert found.classes == truth.classes
            for key in ("path", "sha256"):
                assert found.provenance["model"][key] == truth.provenance["model"][key]
            assert found.provenance["dataset"]["source"] == truth.provenance["dataset"]["source"]
            assert [tuple(p.ids) for p in found.parts] == [tuple(p.ids) for p in truth.parts]
            assert found.matrix.total == truth.matrix.total
            if not isinstance(world.job.dataset, TFRecordSpec):
                assert (found.matrix.support == truth.matrix.support).all()
            assert found.sample_weighted is None or np.isfinite(found.sample_weighted.values).all()
            assert len(found.rank_counts) == len(found.classes)
            assert found.mistakes() is not None
        finally:
            shutil.rmtree(folder)
