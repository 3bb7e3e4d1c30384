"""JPEGs whose pixels TensorFlow makes up are at fault; those that are odd, and whole, are not."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_confmat.data import images, jpeg, open_source
from pytest_confmat.data.headers import ImageTrait
from pytest_confmat.data.plan import resolve
from pytest_confmat.errors import DataError
from pytest_confmat.spec import (
    DirectorySpec,
    ImageFeature,
    ImageSpec,
    LabelFeature,
    ModelInput,
    TFRecordSpec,
)
from pytest_confmat.streaming import evaluate
from tests.support import jpegs
from tests.support.makers import CLASSES, example, shard, tree

INPUT = ModelInput((jpegs.SIDE, jpegs.SIDE, 3))
PLAN = resolve(ImageSpec(), INPUT)


NAMES = ("a.jpg", "z.jpg")  # whole, before and after all others


def directory(root, contents):
    """Two classes; the files of the first are `contents` between two that are whole."""
    files = {f"cat/{name}": jpegs.whole() for name in NAMES} | {"dog/0.jpg": jpegs.whole()}
    files |= {f"cat/n{n:02}.jpg": content for n, content in enumerate(contents)}
    return open_source(DirectorySpec(tree(root, files)), CLASSES, INPUT)


def records(root, contents):
    contents = [jpegs.whole(), *contents, jpegs.whole(), jpegs.whole()]
    path = shard(root / "a.tfrecord", [example(image=each, label=0) for each in contents])
    spec = TFRecordSpec((str(path),), ImageFeature("image"), LabelFeature("label"))
    return open_source(spec, CLASSES, INPUT)


SOURCES = {"directory": directory, "records": records}


class Sums:
    """A predictor that remembers what it was fed with."""

    input, notes, is_pure, is_stateful = INPUT, (), False, False

    def __init__(self):
        self.inputs = []

    def check(self, inputs, batch_size=None):
        """Any inputs will do."""

    def predict(self, inputs, labels):
        from pytest_confmat.models.predictor import Prediction

        self.inputs.append(np.asarray(inputs))
        n = len(labels)
        return Prediction(
            np.zeros(n, np.int64), np.ones(n, np.float32), (labels != 0) + 0, np.ones(n, bool)
        )


def ids(kind, number):
    """The ids of `number` contents in their order."""
    if kind == "directory":
        return [f"cat/n{n:02}.jpg" for n in range(number)]
    return [f"a.tfrecord#{n + 1}" for n in range(number)]


@pytest.mark.parametrize("kind", SOURCES)
def test_what_is_damaged_is_at_fault_and_its_neighbors_are_not(tmp_path, kind, capfd):
    source = SOURCES[kind](tmp_path, [make() for make, _ in jpegs.DAMAGED.values()])
    sums = Sums()
    found = evaluate(source, sums, CLASSES, on_fault="misclassified")
    assert [fault.id for fault in found.faults] == ids(kind, len(jpegs.DAMAGED))
    for fault, (name, (_, reason)) in zip(found.faults, jpegs.DAMAGED.items(), strict=True):
        assert fault.reason.removeprefix("feature 'image' ").startswith(reason), name
    assert len(found) == len(jpegs.DAMAGED) + 3
    inputs = np.concatenate(sums.inputs)
    assert len(inputs) == 3
    assert (inputs == inputs[0]).all()
    with pytest.raises(DataError) as caught:
        source.example(1)
    assert str(caught.value) == found.faults[0].reason
    # What names no file is said of the file by now.
    assert "JPEG" not in capfd.readouterr().err


@pytest.mark.parametrize("kind", SOURCES)
def test_what_is_odd_and_whole_is_read(tmp_path, kind, capfd):
    source = SOURCES[kind](tmp_path, [make() for make, _ in jpegs.ODD.values()])
    sums = Sums()
    found = evaluate(source, sums, CLASSES)
    inputs = np.concatenate(sums.inputs)
    assert len(inputs) == len(jpegs.ODD) + 3
    assert all(np.abs(each - inputs[0]).max() <= 2 for each in inputs)  # progressive: all but equal
    noted = [noted for _, noted in jpegs.ODD.values()]
    first = [name for name, is_noted in zip(ids(kind, len(noted)), noted, strict=True) if is_noted]
    noun = "files" if kind == "directory" else "records"
    assert (
        f"{len(first)} {noun} hold extraneous bytes in their JPEG data, which TensorFlow skips: "
        f"{', '.join(first[:3])} and {len(first) - 3} more"
    ) in found.notes
    traits = [int(source.example(n + 1).traits[0]) for n in range(len(noted))]
    assert traits == [ImageTrait.STRAY if is_noted else 0 for is_noted in noted]
    assert "JPEG" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str
)
def test_wherever_it_is_cut_it_is_at_fault(options):
    for share in np.linspace(0, 0.99, 60):
        assert images.explain(PLAN, jpegs.cut_short(share, **options)), share
    assert images.explain(PLAN, jpegs.whole(**options)) is None


def test_a_sequential_jpeg_of_several_scans_must_have_them_all():
    # The scans of a progressive JPEG, without what makes it one: three of a component each.
    content = jpegs.whole()
    head, data = content[: content.index(b"\xff\xda")], content[jpegs.scan(content) :]
    scans = [
        b"\xff\xda\x00\x08\x01" + bytes([number, tables]) + b"\x00\x3f\x00" + data[:-2]
        for number, tables in ((1, 0x00), (2, 0x11), (3, 0x11))
    ]
    assert jpeg.obstacle(head + b"".join(scans) + b"\xff\xd9") is None
    found = jpeg.obstacle(head + b"".join(scans[:2]) + b"\xff\xd9")
    assert found is not None
    assert found.startswith("is a JPEG without the last of its scans")


def test_what_others_decode_at_the_same_time_is_not_said_of_a_file(monkeypatch):
    said = iter([["Corrupt JPEG data: bad Huffman code"], []])
    monkeypatch.setattr(images, "_lines", lambda _: next(said))
    assert images._warning(jpegs.whole()) is None


def test_where_nothing_can_be_heard_it_is_said(tmp_path, monkeypatch):
    assert directory(tmp_path / "a", []).notes == ()
    monkeypatch.setattr(images, "is_heard", lambda: False)
    for name, make in SOURCES.items():
        assert (
            "JPEGs are not checked for damage: what TensorFlow's decoder warns of cannot be read "
            "on this system"
        ) in make(tmp_path / name, []).notes


def test_a_dataset_of_the_projects_own_is_noted(capfd):
    import tensorflow as tf

    from pytest_confmat.data import open_batches

    tf.zeros(1)  # the first tensor of a process makes TensorFlow speak of the processor
    capfd.readouterr()
    contents = [jpegs.whole(), jpegs.cut_short(), jpegs.whole()]
    dataset = tf.data.Dataset.from_tensor_slices((contents, [0, 1, 0])).map(
        lambda content, label: (tf.io.decode_jpeg(content, 3), label)
    )
    sums = Sums()
    found = evaluate(open_batches(dataset.batch(2), CLASSES, INPUT), sums, CLASSES)
    assert (
        "a decoder of images warned once while the dataset was read, last of: Corrupt JPEG data: "
        "premature end of data segment; pixels of damaged images are made up, and only the "
        "dataset's own code knows which images these are"
    ) in found.notes
    assert capfd.readouterr().err == "Corrupt JPEG data: premature end of data segment\n"
