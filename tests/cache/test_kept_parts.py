"""Parts kept while an evaluation is done: a run that ended early is continued."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from pytest_confmat import job as jobs
from pytest_confmat.cache import kept_parts
from pytest_confmat.cache.kept_parts import KeptParts
from pytest_confmat.cache.store import EntryStore
from pytest_confmat.data import part_plan
from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.data.source import ExampleFault
from pytest_confmat.errors import UndeterminedError
from pytest_confmat.outcomes import PartOutcomes
from pytest_confmat.parts import UNPREDICTED
from tests.support.evaluations import part
from tests.test_shared_pass import job_of, net, place  # noqa: F401

CLASSES = ("cat", "dog")
PARTS = (
    part([0, 1], [0, 1], 0, ids=("a", "b")),
    part([0, 1], [1, 1], 1, ids=("c", "d")),
)
PLANNED = tuple(PlannedPart(each.id, each.ids) for each in PARTS)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Kept:
    """Parts in a folder, as several runs see them."""

    def __init__(self, folder):
        self.store = EntryStore(folder)
        self.folder = folder
        folder.mkdir()
        self.clock = Clock()
        self.is_same = True

    def run(self, key="k"):
        return KeptParts(self.store, key, lambda: self.is_same, self.clock)

    def done(self, key="k", planned=PLANNED, classes=CLASSES):
        return sorted(self.run(key).done(planned, classes))


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "cache")


def keep_both(kept, notes=("n",)):
    run = kept.run()
    kept.clock.now += kept_parts.KEEP_EVERY
    for each in PARTS:
        run.keep(PartOutcomes(each, {}), CLASSES, notes)
    run.close()


def test_what_was_kept_is_done_and_told_until_it_is_forgotten(kept):
    keep_both(kept)
    run = kept.run()
    done = run.done((*PLANNED, PlannedPart("part-2", ("e",))), CLASSES)
    assert [each.outcomes.part for each in done.values()] == list(PARTS)
    assert {each.notes for each in done.values()} == {("n",)}
    assert run.remarks == (
        "2 of 3 parts were done by an earlier run that did not finish; --confmat-cache=off "
        "evaluates all of them anew",
    )
    run.forget()
    assert kept.done() == []
    assert kept.run().remarks == ()
    assert list(kept.folder.glob("k.*")) == []


def test_what_is_short_is_not_written(kept):
    run = kept.run()
    run.keep(PartOutcomes(PARTS[0], {}), CLASSES, ())
    run.close()
    assert kept.done() == []
    kept.clock.now += kept_parts.KEEP_EVERY
    run.keep(PartOutcomes(PARTS[1], {}), CLASSES, ())
    assert kept.done() == [each.id for each in PARTS]


def test_nothing_is_kept_of_model_or_data_that_changed(kept):
    kept.is_same = False
    keep_both(kept)
    assert kept.done() == []

    def unknown():
        raise UndeterminedError("x")

    run = KeptParts(kept.store, "k", unknown, kept.clock)
    kept.clock.now += 2 * kept_parts.KEEP_EVERY
    run.keep(PartOutcomes(PARTS[0], {}), CLASSES, ())
    assert kept.done() == []


def test_a_part_with_examples_at_fault_is_evaluated_again(kept):
    faulty = replace(
        PARTS[0],
        predicted=np.array([0, UNPREDICTED]),
        rank=np.array([0, 2]),
        score=np.array([1, np.nan], np.float32),
    )
    run = kept.run()
    kept.clock.now += kept_parts.KEEP_EVERY
    run.keep(PartOutcomes(faulty, {1: ExampleFault("x", 1)}), CLASSES, ())
    run.close()
    assert kept.done() == []


def test_what_is_not_of_this_evaluation_is_not_taken(kept):
    keep_both(kept)
    assert kept.done("other") == []
    assert kept.done(classes=("cat", "fox")) == []
    assert kept.done(planned=PLANNED[::-1]) == []  # in other places
    others = (PlannedPart("part-0", ("a", "x")), PLANNED[1])
    assert kept.done(planned=others) == ["part-1"]
    for path in kept.folder.glob("k.part-0.*"):
        path.rename(kept.folder / path.name.replace("k.", "other."))
    assert kept.done("other") == []
    for path in kept.folder.glob("k.part-1.*"):
        path.write_bytes(path.read_bytes()[:-1])
    assert kept.done() == []


@pytest.mark.parametrize("kind", ["directory", "tfrecord"])
def test_interrupted_at_any_moment_it_goes_on_to_the_same_evaluation(
    place,  # noqa: F811
    kind,
    kept,
    monkeypatch,
):
    monkeypatch.setattr(part_plan, "PART_EXAMPLES", 9)
    monkeypatch.setattr(kept_parts, "KEEP_EVERY", 0)
    job = job_of(place, kind, "small", batch_size=8)
    whole = jobs.run(job)
    total, resumed = len(whole.parts), []
    for moment in random.Random(4).sample(range(9, 60), 4):

        def interrupt(seen, _, moment=moment):
            if seen >= moment:
                raise KeyboardInterrupt

        run = kept.run(f"key-{moment}")
        with pytest.raises(KeyboardInterrupt):
            jobs.run(job, interrupt, kept=run)
        again, seen = kept.run(f"key-{moment}"), []
        found = jobs.run(job, lambda *counts, seen=seen: seen.append(counts), kept=again)
        assert found == whole
        assert found.notes == whole.notes
        assert "evaluate" not in found.timing or not again.resumed
        assert not seen or seen[-1] == (60, 60)
        resumed.append(again.resumed)
        third = kept.run(f"key-{moment}")
        assert jobs.run(job, kept=third) == whole
        assert third.resumed == total  # nothing at all is evaluated
    assert any(0 < number < total for number in resumed)


def test_of_a_model_that_is_not_pure_nothing_is_kept(place, kept, monkeypatch, tmp_path):  # noqa: F811
    import keras

    monkeypatch.setattr(part_plan, "PART_EXAMPLES", 9)
    monkeypatch.setattr(kept_parts, "KEEP_EVERY", 0)
    pure = net((6, 5, 3))
    random_net = keras.Sequential([keras.Input((6, 5, 3)), Noisy(), pure])
    job = job_of(place, "directory", "small")
    run = kept.run()
    found = jobs.run(replace(job, model=random_net), kept=run)
    assert len(found) == 60
    assert list(kept.folder.iterdir()) == []


def Noisy():  # noqa: N802
    import keras

    class Noise(keras.layers.Layer):
        def call(self, x):
            return x + keras.random.normal((1,), seed=self.seeds) * 0

        def build(self, _):
            self.seeds = keras.random.SeedGenerator(1)

    return Noise()
