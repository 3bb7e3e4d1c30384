"""What fuzzing found, one test each. The inputs as they were found are in ``fuzz/corpus``."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fuzz.guard import budgets
from fuzz.place import put
from fuzz.seeds import (
    CLASSES,
    LAYOUTS,
    TAKES,
    TAKES_IMAGES,
    archive,
    good_record,
    picture,
    png,
    seeds,
)
from fuzz.wire import BYTES, Field, encode, example, feature, frame
from pytest_confmat.data import class_names
from pytest_confmat.data.directory.source import DirectorySource
from pytest_confmat.data.tfrecord.shard_names import stated_lengths
from pytest_confmat.data.tfrecord.shards import scan_shard
from pytest_confmat.data.tfrecord.source import TFRecordSource
from pytest_confmat.errors import DataError, EvaluationError, ModelError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.models.configuration import rescaling_layer
from pytest_confmat.models.look import look_at
from pytest_confmat.spec import DirectorySpec, ModelSpec, TFRecordSpec


@pytest.mark.parametrize(
    "info",
    [
        '{"name": "x", "splits": [{"name": "test", "shardLengths": [Infinity]}]}',
        "[" * 100_000,
    ],
    ids=["an infinite length", "too deep"],
)
def test_an_info_file_that_is_not_understood_is_a_note(tmp_path: Path, info: str) -> None:
    path = tmp_path / "dataset_info.json"
    path.write_text(info)
    lengths, notes = stated_lengths([tmp_path / "x-test.tfrecord-00000-of-00001"])
    assert not lengths
    assert notes == ("dataset_info.json is not understood: shard lengths are not checked by it",)


def test_a_line_that_begins_with_thousands_of_digits_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text(f"{'9' * 5000}:cat\ndog\n")
    (tmp_path / "a.tfrecord").touch()
    with pytest.raises(DataError, match="does not look like a list of class names"):
        class_names(TFRecordSpec((str(tmp_path / "a.tfrecord"),)), None)


def test_lines_may_be_numbered_with_zeros_before(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("00:cat\n01:dog\n")
    (tmp_path / "a.tfrecord").touch()
    assert class_names(TFRecordSpec((str(tmp_path / "a.tfrecord"),)), None) == ("cat", "dog")


def test_a_model_whose_config_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    members = {"config.json": bytes(3 << 26), "model.weights.h5": b"x"}
    path.write_bytes(archive(members, zipfile.ZIP_DEFLATED))
    with budgets(0, memory=160 << 20), pytest.raises(ModelError) as caught:
        look_at(path)
    assert str(caught.value) == (
        f"{path} begins as a .keras (zip) file and is cut off or damaged (its config.json is "
        "larger than 64 MiB): copy or export it again"
    )


def test_nor_is_metadata_nor_a_config_that_grew_since(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    members = {
        "config.json": b"{}",
        "metadata.json": bytes(3 << 26),
        "model.weights.h5": b"x",
    }
    path.write_bytes(archive(members, zipfile.ZIP_DEFLATED))
    with budgets(0, memory=160 << 20):
        assert look_at(path).saved_by is None
        assert rescaling_layer(ModelSpec(path)) is None


def stored(**changed: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(seeds("evaluation")[0])) as file:
        members = {name: file.read(name) for name in file.namelist()}
    return archive(members | {f"{name}.npy": content for name, content in changed.items()})


def array(shape: str) -> bytes:
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (array("(8832603018187982912,)"), "Unable to allocate 7.66 EiB"),
        (array("((("), "EOF in multi-line statement"),
        (array("(10,)") + b"[" * 10, "Expecting value: line 1 column 11"),
        (b"not an array", "'bytes' object has no attribute 'tobytes'"),
    ],
    ids=["memory", "syntax", "no JSON", "no array"],
)
def test_a_stored_evaluation_that_is_damaged_is_said_to_be_none(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(stored(header=content))
    with pytest.raises(EvaluationError) as caught:
        Evaluation.load(path)
    assert str(caught.value).startswith(f"{path} is no stored evaluation: ")
    assert reason in str(caught.value)


def test_a_stored_evaluation_of_endless_lists_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    buffer = io.BytesIO()
    np.save(buffer, np.frombuffer(b"[" * 100_000, np.uint8))
    path.write_bytes(stored(header=buffer.getvalue()))
    with pytest.raises(EvaluationError, match="maximum recursion depth exceeded"):
        Evaluation.load(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_shard_that_is_filled_up_with_zeros_is_damaged(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(pack(frame(b"one") + frame(b"") + bytes(1 << 24)))
    with budgets(0, memory=32 << 20), pytest.raises(DataError) as caught:
        scan_shard(path)
    of = " of its gzip stream" if pack is gzip.compress else ""
    assert str(caught.value) == (
        f"the shard {path} is damaged in the header of record #2, which starts at byte 35{of}; "
        "the last whole record is #1; write or fetch it again"
    )


def test_whether_an_image_is_at_fault_does_not_depend_on_its_neighbors(tmp_path: Path) -> None:
    # A version of GIF that there is not, and that TensorFlow reads all the same.
    unknown = b"GIF88a" + picture("GIF")[6:]
    for name, content in {"cat/0.gif": unknown, "dog/0.png": png(), "dog/1.png": b"junk"}.items():
        put(tmp_path / name, content)
    images = DirectorySource(DirectorySpec(tmp_path), CLASSES, TAKES_IMAGES)
    assert images.example(0).labels.tolist() == [0]
    with pytest.raises(DataError) as caught:
        images.example(2)
    assert str(caught.value) == "is no image that can be read: it starts with b'junk'"
    (tmp_path / "dog/1.png").unlink()
    images = DirectorySource(DirectorySpec(tmp_path), CLASSES, TAKES_IMAGES)
    assert sorted(int(i) for batch in images.batches(3) for i in batch.index) == [0, 1]


def source(folder: Path, *records: bytes, layout: str = "encoded") -> TFRecordSource:
    path = folder / "a.tfrecord"
    path.write_bytes(b"".join(map(frame, (good_record(layout), *records))))
    spec = TFRecordSpec(
        (str(path),), LAYOUTS[layout].image, LAYOUTS[layout].label, LAYOUTS[layout].weight
    )
    return TFRecordSource(spec, CLASSES, TAKES[layout])


def test_an_example_that_tensorflow_cannot_parse_and_quotes_is_a_fault(tmp_path: Path) -> None:
    # A key that is there twice within its entry: valid to protobuf, but not to TensorFlow, which
    # quotes the record, and trips over its bytes.
    key: Field = (1, BYTES, b"image/class/label")
    label = encode([key, key, (2, BYTES, feature([1]))])
    image = encode([(1, BYTES, b"image/encoded"), (2, BYTES, feature([png()]))])
    record = encode([(1, BYTES, encode([(1, BYTES, image), (1, BYTES, label)]))])
    found = tf.train.Example.FromString(record)
    assert found.features.feature["image/class/label"].int64_list.value[:] == [1]
    with pytest.raises(DataError) as caught:
        source(tmp_path, record).example(1)
    assert str(caught.value) == "is a tf.train.Example that TensorFlow cannot parse"


def test_whether_an_example_is_at_fault_does_not_depend_on_its_neighbors(tmp_path: Path) -> None:
    # A list in three parts: protobuf joins them, TensorFlow reads one of them.
    parts = b"".join(feature([1]) for _ in range(3))
    entry = encode([(1, BYTES, b"image/class/label"), (2, BYTES, parts)])
    image = encode([(1, BYTES, b"image/encoded"), (2, BYTES, feature([png()]))])
    record = encode([(1, BYTES, encode([(1, BYTES, image), (1, BYTES, entry)]))])
    found = source(tmp_path, record, example({}))
    by_pass = {int(i) for batch in found.batches(3) for i in batch.index}
    alone = set()
    for index in range(3):
        try:
            alone |= set(found.example(index).index.tolist())
        except DataError:
            continue
    assert by_pass <= alone
    beside = {int(i) for batch in source(tmp_path, record).batches(3) for i in batch.index}
    assert (1 in beside) == (1 in alone)
