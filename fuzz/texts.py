"""Targets: text files that the user wrote."""

from __future__ import annotations

from pathlib import Path

from fuzz.place import folder, put
from pytest_confmat.data import class_names
from pytest_confmat.data.tfrecord.shard_names import stated_lengths
from pytest_confmat.errors import ConfmatError, Location, PolicyError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.manifest import compare, read_manifest
from pytest_confmat.policy import read_policy
from pytest_confmat.policy.label_files import read_label_file
from pytest_confmat.spec import TFRecordSpec

# What the classes are is often known only once the data are.
_CLASSES = (("cat", "dog", "bird"), ("a", "b"), ("no", "true", "7"), ("\u00e9", "x\ty"))
_LABELS = (b"cat", b"dog", b"bird", *(b"%d" % digit for digit in range(10)))
SHARDS = ("test-00000-of-00002.tfrecord", "test-00001-of-00002.tfrecord")


def policy(data: bytes) -> None:
    """Read a policy, and apply it to classes: its own, and some that it may not know."""
    path = put(folder("policy") / "thresholds.yaml", data)
    put(path.parent / "labels.txt", b"\n".join(_LABELS))
    try:
        read = read_policy(path)
    except PolicyError as error:
        _is_in(error.location, data)
        raise
    assert read.classes is None or read.limits_for(read.classes)
    for classes in _CLASSES:
        try:
            limits, exemptions = read.limits_for(classes)
        except PolicyError as error:
            _is_in(error.location, data)
            continue
        assert limits
        assert all(limit.id for limit in limits)
        assert all(str(exemption) for exemption in exemptions)


def names(data: bytes) -> None:
    """Read class names as a policy's label file, and as a file beside TFRecords."""
    path = put(folder("names") / "labels.txt", data)
    shard = put(path.parent / SHARDS[0].replace("00002", "00001"), b"")
    faults: list[ConfmatError] = []
    for beside in (False, True):
        try:
            if beside:
                found = class_names(TFRecordSpec((str(shard),)), None)
            else:
                found = read_label_file(path, Location(Path("thresholds.yaml"), 1))
        except ConfmatError as fault:
            faults.append(fault)
        else:
            assert len(found) == len(set(found)) >= 2
    if faults:
        raise faults[0]


def info(data: bytes) -> None:
    """Read what TFDS states of shards; what cannot be understood is a note."""
    path = put(folder("info") / "dataset_info.json", data)
    lengths, notes = stated_lengths([path.parent / name for name in SHARDS])
    assert notes or not lengths


def manifest(data: bytes) -> None:
    """Read a manifest, and say in what it differs from a set of no examples."""
    entries, _ = read_manifest(put(folder("manifest") / "set.txt", data))
    difference = compare(Evaluation(("a", "b"), ()), entries)
    assert len(difference.removed) == len(entries)


def _is_in(location: Location, data: bytes) -> None:
    """Hold a fault's line against the policy; it may be one of a label file that it names."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
    assert 1 <= location.line <= lines or location.path.name != "thresholds.yaml", location
