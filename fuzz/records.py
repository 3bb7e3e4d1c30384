"""Targets: serialised Examples, and the shards that hold them."""

from __future__ import annotations

import contextlib
import struct
import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fuzz.pictures import First
from fuzz.place import folder, one_in, put
from fuzz.seeds import CLASSES, LAYOUTS, TAKES, good_record
from fuzz.wire import frame
from pytest_confmat.data.images import tensorflow
from pytest_confmat.data.pipeline import batches
from pytest_confmat.data.source import ExampleFault
from pytest_confmat.data.tfrecord.crc import masked_crc
from pytest_confmat.data.tfrecord.features import feature, features
from pytest_confmat.data.tfrecord.layout import Layout, find_layout
from pytest_confmat.data.tfrecord.records import Parser, plan_for
from pytest_confmat.data.tfrecord.source import TFRecordSource
from pytest_confmat.errors import DataError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.spec import TFRecordSpec
from pytest_confmat.streaming import evaluate

_HEAD = struct.Struct("<QI")


def example(data: bytes) -> None:
    """Hold a record against every layout, in two ways that must agree; some in a whole pass."""
    faults: list[DataError] = []
    for name, spec in LAYOUTS.items():
        fault = _reader(name).fault(data)
        faults += [fault] if fault else []
        with contextlib.suppress(DataError):
            find_layout([data], spec, CLASSES)
    if one_in(64, data):
        name = list(LAYOUTS)[len(data) % len(LAYOUTS)]
        good = good_record(name)
        shard = b"".join(map(frame, (good, data, good)))
        _evaluated(_open(name, put(folder("example") / "a.tfrecord", shard)))
    if faults:
        raise faults[0]


def shard(data: bytes) -> None:
    """Open a shard and read one of its records; stream many of them to the end."""
    source = _open("encoded", put(folder("shard") / "a.tfrecord", data))
    (part,) = source.parts
    fault: DataError | None = None
    try:
        source.example(len(data) % len(part))
    except DataError as error:
        fault = error
    if one_in(8, data):
        found = _evaluated(source)
        # A verdict of all of them is one of all that there are.
        assert found is None or found.faults or len(found) == _records(data)
    if fault is not None:
        raise fault


@dataclass(frozen=True)
class _Reader:
    """The two readers of a layout: the graph of a pass, and the one that explains faults.

    Where nothing is at fault, both must read the same label.
    """

    layout: Layout
    parser: Parser
    parse: Any
    good: bytes

    def fault(self, record: bytes) -> ExampleFault | None:
        """Return what is wrong with a record; the pass must not take what is wrong."""
        tf = tensorflow()
        fault = self.parser.explain(record)
        places = tf.range(3, dtype=tf.int64)
        try:
            (made,) = batches(*self.parse(places, tf.constant([self.good, record, self.good])))
        except (tf.errors.OpError, UnicodeDecodeError):  # whose own text may quote the record
            return fault
        index = made.index.tolist()
        assert index in ([0, 1, 2], [0, 2]), index
        # TensorFlow also reads some of what is no protocol buffer: then its word counts.
        if len(index) == 3 and fault is None:
            self._is_as_explained(record, int(made.labels[1]))
        return fault

    def _is_as_explained(self, record: bytes, label: int) -> None:
        found = feature(features(record), self.layout.label.key)
        assert label == self.layout.label.value(found), label


@cache
def _reader(name: str) -> _Reader:
    tf = tensorflow()
    good = good_record(name)
    layout, _ = find_layout([good], LAYOUTS[name], CLASSES)
    plan = plan_for(layout.image, LAYOUTS[name].images, TAKES[name])
    parser = Parser(layout, plan, CLASSES)
    signature = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.string)]
    return _Reader(layout, parser, tf.function(parser.parse, input_signature=signature), good)


def _open(name: str, path: Any) -> TFRecordSource:
    spec: TFRecordSpec = replace(LAYOUTS[name], tfrecord=(str(path),))
    return TFRecordSource(spec, CLASSES, TAKES[name])


def _evaluated(source: TFRecordSource) -> Evaluation | None:
    """Return what a pass makes of all examples; ``None``: it says that it cannot."""
    (part,) = source.parts
    try:
        found = evaluate(
            source, First(), CLASSES, batch_size=2, on_fault="misclassified", max_faults=8
        )
    except DataError:
        return None
    assert len(found) == len(part)
    return found


def _records(data: bytes) -> int:
    """Count the records of a shard anew, with each checksum, and without the project's code."""
    plain = data
    if _HEAD.size > len(data) or masked_crc(data[:8]) != _HEAD.unpack_from(data)[1]:
        plain = b""
        while data:
            stream = zlib.decompressobj(32 + zlib.MAX_WBITS)
            plain += stream.decompress(data)
            assert stream.eof
            data = stream.unused_data
    at = number = 0
    while at < len(plain):
        length, check = _HEAD.unpack_from(plain, at)
        assert masked_crc(plain[at : at + 8]) == check
        record = plain[at + _HEAD.size : at + _HEAD.size + length]
        at += _HEAD.size + length + 4
        assert masked_crc(record) == int.from_bytes(plain[at - 4 : at], "little")
        number += 1
    return number
