"""Several models in one pass, and parts evaluated by themselves: equal to the bit."""

from __future__ import annotations

import io
import os
import random
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_confmat import job as jobs
from pytest_confmat.assembly import assembled
from pytest_confmat.baseline import load_baseline, save_baseline
from pytest_confmat.data import images, part_plan
from pytest_confmat.data.source import Batch
from pytest_confmat.errors import ExamplesError, ModelError, RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.faults import Care
from pytest_confmat.job import Job
from pytest_confmat.models import wrap
from pytest_confmat.spec import (
    Argmax,
    DirectorySpec,
    ImageFeature,
    ImageSpec,
    LabelFeature,
    ModelSpec,
    TFRecordSpec,
)
from pytest_confmat.streaming import evaluate
from tests.support.makers import encoded, example, shard, tree

CLASSES = ("cat", "dog", "fox")
SIZES = {"small": (6, 5, 3), "large": (12, 9, 3), "gray": (7, 7, 1)}
N = 60


def net(shape, seed: int = 0, batch: int | None = None):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input(shape, batch_size=batch),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("shared")
    rng = np.random.default_rng(3)
    contents = [
        encoded(rng.integers(0, 256, (10, 8, 3), np.uint8), ("PNG", "JPEG")[n % 2])
        for n in range(N)
    ]
    labels = [n % 3 for n in range(N)]
    tree(
        root / "test",
        {
            f"{CLASSES[y]}/{n:03}.png": c
            for n, (c, y) in enumerate(zip(contents, labels, strict=True))
        },
    )
    for number in range(4):
        mine = slice(number * 15, number * 15 + 15)
        shard(
            root / f"t-{number}.tfrecord",
            [example(image=c, label=y) for c, y in zip(contents[mine], labels[mine], strict=True)],
        )
    for seed, (name, shape) in enumerate(SIZES.items()):
        net(shape, seed).save(root / f"{name}.keras")
    net(SIZES["small"], 5, batch=7).save(root / "fixed.keras")
    return root


def dataset(place, kind: str):
    spec = ImageSpec(rescale=None)
    if kind == "directory":
        return DirectorySpec(place / "test", images=spec)
    return TFRecordSpec(
        (str(place / "t-*.tfrecord"),),
        ImageFeature("image"),
        LabelFeature("label"),
        images=spec,
    )


def job_of(place, kind: str, model: str, **how) -> Job:
    return Job(ModelSpec(place / f"{model}.keras"), dataset(place, kind), CLASSES, Argmax(), **how)


def equal(one: Evaluation, other: Evaluation) -> bool:
    return one == other and one.notes == other.notes


@pytest.mark.parametrize("kind", ["directory", "tfrecord"])
def test_each_evaluation_is_that_of_its_model_alone(place, kind, monkeypatch):
    monkeypatch.setattr(part_plan, "PART_EXAMPLES", 25)
    alone = [job_of(place, kind, name) for name in (*SIZES, "fixed")]
    alone[1] = replace(alone[1], batch_size=10)
    together = jobs.run_all(alone)
    for job, found in zip(alone, together, strict=True):
        assert equal(found, jobs.run(job))
    assert len({found.provenance["dataset"]["input"] for found in together}) == 3
    assert [found.provenance["batch_size"] for found in together] == [384, 10, 384, 7]
    assert len(together[0].parts) > 2


def test_a_file_is_read_once_and_decoded_once_for_each_number_of_channels(place, monkeypatch):
    groups = []
    alike = images._decode_alike

    def counted(plans, contents):
        groups.append((plans[0].channels, len(plans)))
        return alike(plans, contents)

    monkeypatch.setattr(images, "_decode_alike", counted)
    jobs.run_all([job_of(place, "directory", name) for name in (*SIZES, "fixed")])
    # Traced once, for all models.
    assert groups == [(3, 3), (1, 1)]


@pytest.mark.parametrize("kind", ["directory", "tfrecord"])
def test_parts_by_id_make_up_the_same_evaluation_in_any_order(place, kind, monkeypatch):
    monkeypatch.setattr(part_plan, "PART_EXAMPLES", 25)
    job = job_of(place, kind, "small")
    whole = jobs.run(job)
    ids = tuple(part.id for part in jobs.divided(job).parts)
    assert ids == tuple(part.id for part in whole.parts)
    assert len(ids) > 2
    found = [
        outcome
        for part in random.Random(1).sample(ids, len(ids))
        for outcome in jobs.divided(job).outcomes([part])
    ]
    (both,) = [list(jobs.divided(job).outcomes(ids[:2]))]
    assert [each.part for each in both] == list(whole.parts[:2])
    opened = jobs._open([job], None)
    made = assembled(
        opened.shared.sources[0],
        CLASSES,
        found,
        care=Care(),
        provenance=whole.provenance,
        notes=(),
        timing={},
    )
    assert made.parts == whole.parts
    for one, other in zip(made.parts, whole.parts, strict=True):
        assert one.score.tobytes() == other.score.tobytes()
        assert one.content == other.content


def test_a_part_of_another_set_is_refused(place):
    job = job_of(place, "directory", "small")
    with pytest.raises(RequestError) as caught:
        list(jobs.divided(job).outcomes(["00000-0123456789abcdef"]))
    assert str(caught.value) == (
        f"{jobs._open([job], None).shared.sources[0].description} has no part "
        "'00000-0123456789abcdef': its parts are those of another set, or files of it have changed"
    )


def test_data_of_the_projects_own_have_no_parts():
    job = Job(lambda x: x, (np.eye(3), np.arange(3)), CLASSES, Argmax())
    with pytest.raises(RequestError) as caught:
        jobs.divided(job)
    assert str(caught.value) == (
        "dataset of the project's own (tuple) has no parts that could be evaluated by themselves: "
        "only a pass over all of it tells what it holds"
    )


def test_several_models_on_data_of_the_projects_own():
    x = np.random.default_rng(0).random((50, 6, 5, 3)).astype(np.float32)
    y = np.arange(50) % 3
    read = []

    def batches():
        for at in range(0, 50, 8):
            read.append(at)
            yield x[at : at + 8], y[at : at + 8]

    class Data:
        def __iter__(self):
            return batches()

    models = [net(SIZES["small"], 1), net((None, None, 3), 2)]
    data = Data()
    alone = [Job(model, data, CLASSES, Argmax()) for model in models]
    together = jobs.run_all(alone)
    assert len(read) == 7
    for job, found in zip(alone, together, strict=True):
        assert equal(found, jobs.run(job))


class Noisy(keras.layers.Layer):
    def call(self, x):
        return x + 0 * tf.random.uniform(tf.shape(x))


def test_a_model_that_is_not_pure_sees_the_whole_set_in_its_order(place, monkeypatch):
    monkeypatch.setattr(part_plan, "PART_EXAMPLES", 25)
    pure = net(SIZES["small"], 0)
    inputs = keras.Input(SIZES["small"])
    impure = keras.Model(inputs, pure(Noisy()(inputs)))
    seen = []
    kind = dataset(place, "directory")
    alone = [Job(model, kind, CLASSES, Argmax(), batch_size=48) for model in (pure, impure)]

    def recording(images):
        seen.append(len(images))
        return np.asarray(pure(images))

    own = Job(recording, replace(kind, images=ImageSpec((6, 5), "rgb")), CLASSES, Argmax(), 48)
    assert jobs.run(own).matrix == jobs.run(alone[0]).matrix
    assert seen == [48, 12]
    beside = jobs.run_all(alone)
    assert equal(beside[0], jobs.run(alone[0]))
    assert beside[1].matrix == beside[0].matrix
    assert [len(part) for part in beside[0].parts] == [25, 25, 10]
    apart = jobs.divided(alone[1])
    with pytest.raises(ModelError) as caught:
        list(apart.outcomes([apart.parts[0].id]))
    assert "the model is not pure" in str(caught.value)


def nothing_but_nan(images):
    return np.full((len(images), 3), np.nan)


def broken(images):
    return images / {}


def test_what_is_wrong_with_one_model_is_its_own_error(place):
    spec = replace(dataset(place, "directory"), images=ImageSpec((6, 5), "rgb"))
    bad, raising = (Job(own, spec, CLASSES, Argmax()) for own in (nothing_but_nan, broken))
    good = replace(job_of(place, "directory", "small"), dataset=spec)
    found = jobs.run_all([bad, good, raising])
    assert isinstance(found[0], ExamplesError)
    assert "has a score from the model that is NaN or infinite" in str(found[0])
    assert equal(found[1], jobs.run(good))
    assert isinstance(found[2], ModelError)
    assert "TypeError" in str(found[2])
    with pytest.raises(ModelError):
        jobs.run_all([raising, raising])


def test_what_is_wrong_with_the_data_is_every_models_error(place, tmp_path):
    files = {f"{name}/1.png": encoded(np.ones((9, 9, 3), np.uint8)) for name in CLASSES}
    spec = DirectorySpec(tree(tmp_path, {**files, "cat/2.png": b"no image"}))
    both = [replace(job_of(place, "directory", name), dataset=spec) for name in ("small", "gray")]
    for found in jobs.run_all(both):
        assert isinstance(found, ExamplesError)
        assert "cat/2.png" in str(found)
    counted = [replace(job, dataset=replace(spec, on_fault="misclassified")) for job in both]
    for job, each in zip(counted, jobs.run_all(counted), strict=True):
        assert equal(each, jobs.run(job))
        assert [fault.id for fault in each.faults] == ["cat/2.png"]


def test_os_names_that_are_no_utf8_have_parts(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    assert part_plan.part_id(0, [(name, 3)]) == part_plan.part_id(0, [(name, 3)])


class Sited:
    """Rows with the site that each was taken at."""

    description, offset, states_count, nondeterminism, notes = "rows", 0, True, None, ()
    shape, feed = (3,), None
    parts = (
        part_plan.PlannedPart("p0", NumberedIds("r", 3)),
        part_plan.PlannedPart("p1", NumberedIds("r", 3, 3)),
    )
    sites = ("north", None, "south", "east", "north", None)

    def batches(self, *_):
        for at in (0, 2, 4):
            index = np.arange(at, at + 2)
            scores = np.eye(3, dtype=np.float32)[index % 3]
            columns = {"site": self.sites[at : at + 2]}
            yield Batch(scores, index % 3, index, index.astype(np.uint64), columns=columns)


def test_columns_of_a_source_reach_the_evaluation_and_a_baseline(tmp_path):
    found = evaluate(Sited(), wrap(lambda x: x, CLASSES, Argmax()), CLASSES)
    assert [part.columns["site"].values for part in found.parts] == [
        ("north", "south"),
        ("east", "north"),
    ]
    assert found.column("site").texts() == list(Sited.sites)
    assert found.column("site").codes.dtype == np.int8
    again = Evaluation.load(io.BytesIO(found.to_bytes()))
    assert again == found
    assert again.column("site") == found.column("site")
    assert save_baseline(found, tmp_path / "none").columns == {}
    save_baseline(found, tmp_path / "b", columns=["site"])
    assert load_baseline(tmp_path / "b").columns["site"].texts() == list(Sited.sites)
