"""Real files and real nets: shards in any order, with repeats, make up the whole evaluation."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from pytest_confmat import job as jobs
from pytest_confmat.cache import kept_parts
from pytest_confmat.cache.kept_parts import KeptParts
from pytest_confmat.cache.store import EntryStore
from pytest_confmat.data import part_plan
from pytest_confmat.data.tfrecord import shards
from pytest_confmat.errors import EvaluationError, ModelError, RequestError
from pytest_confmat.job import Job
from pytest_confmat.shards.evaluating import evaluate_shard
from pytest_confmat.shards.files import PART, PLAN
from pytest_confmat.shards.merging import merged
from pytest_confmat.shards.shard import Shard
from pytest_confmat.spec import Argmax
from tests.test_shared_pass import CLASSES, dataset, job_of, place  # noqa: F401


@pytest.mark.parametrize("kind", ["directory", "tfrecord"])
def test_seven_shards_in_any_order_with_repeats_are_the_whole(place, kind, monkeypatch, tmp_path):  # noqa: F811
    for module in (part_plan, shards):
        monkeypatch.setattr(module, "PART_EXAMPLES", 9)
    job = job_of(place, kind, "small")
    whole = jobs.run(job)
    parts = len(whole.parts)
    assert parts > 4
    order = random.Random(2).choices(range(1, 8), k=3) + random.Random(3).sample(range(1, 8), 7)
    folders = [tmp_path / name for name in "ab"]
    said = {
        number: evaluate_shard(job, Shard(number, 7), folders[at % 2])
        for at, number in enumerate(order)
    }
    assert f" of {parts} parts with " in said[1]
    assert f" of {len(whole)} examples evaluated, and written to " in said[1]
    found = merged(job, folders)
    assert found == whole
    assert found.notes == whole.notes
    assert {path.suffix for folder in folders for path in folder.iterdir()} == {PLAN, PART}
    one = next(folders[0].glob(f"*{PART}"))
    one.unlink()
    (folders[1] / one.name).unlink(missing_ok=True)
    with pytest.raises(EvaluationError) as caught:
        merged(job, folders)
    assert f"1 of {parts} parts is missing: {one.name.partition('.')[0]}" in str(caught.value)


def test_parts_of_another_job_are_refused_by_shard_and_merge(place, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setattr(part_plan, "PART_EXAMPLES", 25)
    job = job_of(place, "directory", "small")
    evaluate_shard(job, Shard(1, 3), tmp_path)
    other = replace(job, batch_size=24)
    for refuse in (
        lambda: evaluate_shard(other, Shard(2, 3), tmp_path),
        lambda: merged(other, [tmp_path]),
    ):
        with pytest.raises(EvaluationError) as caught:
            refuse()
        assert "batch size: " in str(caught.value)
    assert "holds parts of another evaluation" not in str(caught.value)
    assert len(list(tmp_path.glob(f"*{PLAN}"))) == 1


def test_a_shard_without_parts_writes_the_plan_alone(place, tmp_path):  # noqa: F811
    job = job_of(place, "directory", "small")
    said = evaluate_shard(job, Shard(7, 7), tmp_path)
    assert said.startswith("0 of 1 part with 0 of 60 examples evaluated, and written to ")
    assert [path.suffix for path in tmp_path.iterdir()] == [PLAN]


def test_a_shard_goes_on_where_an_earlier_run_of_it_ended(place, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setattr(part_plan, "PART_EXAMPLES", 9)
    monkeypatch.setattr(kept_parts, "KEEP_EVERY", 0)
    job, store = job_of(place, "directory", "small", batch_size=8), EntryStore(tmp_path / "cache")

    def interrupt(seen, _):
        if seen > 20:
            raise KeyboardInterrupt

    first, again = (KeptParts(store, "k", lambda: True) for _ in range(2))
    with pytest.raises(KeyboardInterrupt):
        evaluate_shard(job, Shard(1, 2), tmp_path / "out", progress=interrupt, kept=first)
    said = evaluate_shard(job, Shard(1, 2), tmp_path / "out", kept=again)
    assert re.search("4 of 7 parts with .* written to .*; [123] of them w[aser]+ done by an", said)
    assert not list((tmp_path / "cache").glob("*.outcomes"))
    evaluate_shard(job, Shard(2, 2), tmp_path / "out")
    assert merged(job, [tmp_path / "out"]) == jobs.run(job)


def test_objects_of_the_projects_own_are_refused(place, tmp_path):  # noqa: F811
    own = Job(lambda x: x, dataset(place, "directory"), CLASSES, Argmax())
    for refuse in (
        lambda: evaluate_shard(own, Shard(1, 1), tmp_path),
        lambda: merged(own, [tmp_path]),
    ):
        with pytest.raises(RequestError) as caught:
            refuse()
        assert "needs a model file and a policy's dataset" in str(caught.value)


def test_a_folder_that_cannot_be_written_to_is_an_error(place, tmp_path):  # noqa: F811
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(EvaluationError) as caught:
        evaluate_shard(job_of(place, "directory", "small"), Shard(1, 1), blocked / "out")
    assert str(caught.value).startswith("parts cannot be written to ")


def test_a_model_that_is_not_pure_is_refused_with_the_reason(tmp_path):
    from tests.faults.parts import job_in
    from tests.faults.project import Project

    project = Project(tmp_path)
    project.images()
    project.model("stateful")
    with pytest.raises(ModelError) as caught:
        evaluate_shard(job_in(project), Shard(1, 1), tmp_path / "out")
    assert "the model is not pure" in str(caught.value)
    assert list((tmp_path / "out").glob(f"*{PART}")) == []
