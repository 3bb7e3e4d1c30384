"""What fuzzing relies on: findings are found, and structured changes get past the first check."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from fuzz import targets, texts
from fuzz.guard import Blowup, Hang, budgets
from fuzz.mutators import mutate
from fuzz.seeds import good_record, png, seeds
from fuzz.targets import check
from fuzz.wire import decode, encode, frame, unframe
from pytest_confmat.data.headers import read_header
from pytest_confmat.data.tfrecord.shards import scan_shard
from pytest_confmat.errors import DataError

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def test_another_exception_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "read_manifest", lambda _: 1 / 0)
    targets._warm.cache_clear()
    monkeypatch.setattr(targets, "seeds", lambda _: ())
    with pytest.raises(ZeroDivisionError):
        check("manifest", b"")


def test_an_endless_loop_is_a_finding_even_where_all_exceptions_are_caught() -> None:
    def stubborn() -> None:
        try:
            while True:
                pass
        except Exception:
            pytest.fail("taken for a fault")

    with pytest.raises(Hang, match=r"more than 0\.05 seconds"), budgets(0, seconds=0.05):
        stubborn()


@needs_proc
def test_memory_beyond_the_input_is_a_finding() -> None:
    with pytest.raises(Blowup, match="for an input of 10"), budgets(10, memory=1 << 20):
        np.ones(1 << 27, np.uint8)  # more than the allocator keeps for later


@needs_proc
def test_memory_that_was_used_before_is_not_held_against_an_input() -> None:
    np.ones(1 << 27, np.uint8)
    with budgets(10, memory=1 << 24):
        np.ones(1 << 20, np.uint8)


def test_an_error_without_a_text_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(path: Path) -> None:
        raise DataError

    monkeypatch.setattr(texts, "read_manifest", silent)
    with pytest.raises(AssertionError, match="an error without a text"):
        check("manifest", b"")


def test_a_message_as_long_as_the_file_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def talkative(path: Path) -> None:
        raise DataError("x" * 20_001)

    monkeypatch.setattr(texts, "read_manifest", talkative)
    with pytest.raises(AssertionError, match="a text of 20,001 characters"):
        check("manifest", b"")


def test_our_error_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check("manifest", b"nothing")
    assert found is not None
    assert "is no manifest: its first line is 'nothing'" in found


@pytest.mark.parametrize("name", targets.TARGETS)
def test_changes_are_the_same_for_the_same_seed_and_stay_within_bounds(name: str) -> None:
    for seed in range(50):
        first, again = (mutate(name, seeds(name)[0], Random(seed)) for _ in range(2))
        assert first == again
        assert len(first) <= targets.TARGETS[name].longest
    several = {mutate(name, seeds(name)[0], Random(seed)) for seed in range(50)}
    assert len(several) > 25


def test_changed_shards_mostly_have_whole_frames(tmp_path: Path) -> None:
    whole = 0
    for seed in range(100):
        path = tmp_path / "a"
        path.write_bytes(mutate("shard", seeds("shard")[0], Random(seed)))
        try:
            whole += scan_shard(path).records > 0
        except DataError:
            continue
    assert whole > 25


def test_changed_pictures_mostly_declare_a_size() -> None:
    headers = [read_header(mutate("image", png(), Random(seed))) for seed in range(100)]
    assert sum(header.height > 0 for header in headers) > 50
    assert sum(header.height * header.width > 1 << 20 for header in headers) > 5


def test_changed_policies_mostly_are_yaml_and_some_are_read() -> None:
    seed = seeds("policy")[0]
    assert check("policy", seed) is None
    found = [check("policy", mutate("policy", seed, Random(n))) for n in range(150)]
    assert sum("not valid YAML" in (message or "") for message in found) < 75
    assert found.count(None) > 5
    assert len(set(found)) > 50


def test_the_wire_format_is_protobufs() -> None:
    import tensorflow as tf

    found = tf.train.Example.FromString(good_record("raw")).features.feature
    assert found["image"].bytes_list.value[0] == bytes(12)
    assert found["label"].int64_list.value[:] == [1]
    assert found["w"].float_list.value[:] == [0.5]
    fields = decode(good_record("raw"))
    assert fields is not None
    assert encode(fields) == good_record("raw")
    assert decode(b"\x0a\xff") is None


def test_frames_are_tfrecords(tmp_path: Path) -> None:
    import tensorflow as tf

    path = tmp_path / "a"
    path.write_bytes(gzip.compress(frame(b"one") + frame(b"")))
    found = tf.data.TFRecordDataset(str(path), "GZIP")
    assert list(found.as_numpy_iterator()) == [b"one", b""]
    assert list(unframe(frame(b"one") + frame(b"")))[:1] == [b"one"]
