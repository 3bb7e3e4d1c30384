"""Merging without a model: parts made by hand, written to real files."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_confmat.cache.checksummed import write_checksummed
from pytest_confmat.data.headers import TRAITS
from pytest_confmat.data.source import ExampleFault
from pytest_confmat.errors import EvaluationError, ExamplesError
from pytest_confmat.job import Job
from pytest_confmat.outcomes import PartOutcomes
from pytest_confmat.parts import UNPREDICTED, Column
from pytest_confmat.shards.files import PART, PartFile, files_in, read_part, write_part, write_plan
from pytest_confmat.shards.merging import assemble, common_plan, read_parts
from pytest_confmat.shards.plan import EvaluationPlan, PlanPart
from pytest_confmat.shards.shard import Shard
from pytest_confmat.spec import Argmax, DirectorySpec, ModelSpec
from pytest_confmat.stored_outcomes import StoredOutcomes
from tests.support.evaluations import part
from tests.support.strategies import class_names, evaluations

CLASSES = ("cat", "dog")
PROVENANCE = {
    "model": {"path": "m.keras", "format": "keras", "sha256": "0", "runtime": None},
    "dataset": {"source": "directory data", "states_count": True, "input": "numbers"},
    "versions": {"numpy": "2"},
    "batch_size": 8,
}


def job_of(classes, **spec):
    data = DirectorySpec(Path("/nowhere/data"), **spec)
    return Job(ModelSpec(Path("/nowhere/m.keras")), data, classes, Argmax())


def plan_of(parts, classes=CLASSES, **facts):
    return EvaluationPlan(
        tuple(PlanPart(each.id, len(each)) for each in parts), classes, facts, PROVENANCE
    )


def stored(each, plan, classes=CLASSES, shard="1/1", notes=(), faults=(), **environment):
    outcomes = PartOutcomes(each, dict(faults))
    return PartFile(outcomes, classes, plan.digest, Shard.of(shard), environment, tuple(notes))


def three():
    """Three parts of four, three and two examples."""
    parts = (
        part([0, 1, 0, 1], [0, 1, 1, 1], 0, ids=("a", "b", "c", "d")),
        part([0, 0, 1], [0, 0, 1], 1, ids=("e", "f", "g")),
        part([1, 1], [1, 0], 2, ids=("h", "i")),
    )
    return parts, plan_of(parts)


def refused(plan, *folders):
    with pytest.raises(EvaluationError) as caught:
        read_parts(plan, files_in(folders, PART), "out")
    return str(caught.value)


@given(st.data())
def test_any_partition_order_and_repetition_gives_the_same_evaluation(data):
    classes = class_names(3)
    whole = data.draw(evaluations(weighted=data.draw(st.booleans())))
    assume(len(whole))
    plan = plan_of(whole.parts, classes)
    job = job_of(classes)
    expected = assemble(job, plan, [stored(each, plan, classes) for each in whole.parts])
    assert expected.parts == whole.parts
    copies = [each for each in whole.parts for _ in range(data.draw(st.integers(1, 3)))]
    placed = [(each, data.draw(st.integers(0, 3))) for each in data.draw(st.permutations(copies))]
    with TemporaryDirectory() as root:
        for number, (each, folder) in enumerate(placed):
            found = stored(each, plan, classes, f"{number + 1}/{len(placed)}")
            path = write_part(Path(root, str(folder)), found)
            path.rename(path.with_name(f"{number}{path.name}"))  # what they are called says nothing
        paths = data.draw(st.permutations(list(files_in([Path(root)], PART))))
        merged = assemble(job, plan, read_parts(plan, paths, "out"))
    assert merged == expected
    assert merged.matrix == whole.matrix


def test_faults_traits_columns_and_notes_come_through_files(tmp_path):
    true, weight = [0, 1, 1], np.array([1.0, 2.0, 3.0])
    each = part(true, [0, 1, UNPREDICTED], weight=weight, ids=("x", "y", "z"))
    each = replace(each, rank=np.array([0, 0, 2]), columns={"site": Column.of(["n", None, "n"])})
    fault = ExampleFault("has no end", 1, 2**64 - 1, None, stray=7)
    trait = next(iter(TRAITS))
    outcomes = PartOutcomes(each, {2: fault}, np.array([0, trait, 0], np.uint8), late=1)
    again = StoredOutcomes.from_bytes(StoredOutcomes(outcomes, CLASSES, {"k": 1}).to_bytes())
    assert (again.classes, again.about) == (CLASSES, {"k": 1})
    assert again.outcomes.part == each
    assert again.outcomes.late == 1
    assert again.outcomes.traits.tolist() == [0, trait, 0]
    (found,) = again.outcomes.faults.values()
    assert vars(found) == vars(fault)
    assert str(found) == "has no end"
    plan = plan_of([each])
    write_part(tmp_path, PartFile(outcomes, CLASSES, plan.digest, Shard(1, 1), {}, ("a note",)))
    read = read_parts(plan, files_in([tmp_path], PART), "out")
    with pytest.raises(ExamplesError) as caught:
        assemble(job_of(CLASSES), plan, read)
    assert str(caught.value).splitlines()[0].startswith("1 of 3 examples cannot be used")
    assert caught.value.faults == (("z", "has no end", "dog"),)


def test_notes_of_all_parts_are_told_once_and_unlike_machines_in_a_note():
    parts, plan = three()
    files = [
        stored(each, plan, notes=("inferred", f"of {n}"), cores=4 + (n == 2), system="Linux")
        for n, each in enumerate(parts)
    ]
    assert assemble(job_of(CLASSES), plan, files).notes == (
        "inferred",
        "of 0",
        "of 1",
        "of 2",
        "parts were evaluated on machines that differ, which may move scores in their last digits: "
        "cores (4, 5)",
    )


def test_a_missing_part_is_named_with_the_shard_that_has_it(tmp_path):
    parts, plan = three()
    write_part(tmp_path, stored(parts[1], plan, shard="2/3"))
    assert refused(plan, tmp_path) == (
        "the parts in out are not one whole evaluation: "
        "2 of 3 parts are missing: part-0, part-2; run again: each --confmat-shard of 1/3, 3/3"
    )
    write_part(tmp_path, stored(parts[0], plan, shard="1/3"))
    assert refused(plan, tmp_path) == (
        "the parts in out are not one whole evaluation: "
        "1 of 3 parts is missing: part-2; run again: --confmat-shard 3/3"
    )
    write_part(tmp_path, stored(parts[0], plan, shard="1/2"))
    assert refused(plan, tmp_path).endswith(": 1 of 3 parts is missing: part-2")


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "swapped"])
def test_a_damaged_part_is_named(tmp_path, damage):
    parts, plan = three()
    paths = [write_part(tmp_path, stored(each, plan)) for each in parts]
    content = paths[1].read_bytes()
    at = len(content) // 2
    paths[1].write_bytes(
        {
            "cut": content[:at],
            "bit": content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :],
            "empty": b"",
            "swapped": content[32:] + content[:32],
        }[damage]
    )
    said = refused(plan, tmp_path)
    assert ": 1 of 3 parts is missing: part-1; run again: --confmat-shard 1/1" in said
    assert (
        f"{paths[1].name} is damaged: it is not what a shard wrote, but cut short or altered"
        in said
    )


@pytest.mark.parametrize(
    "forged",
    [
        {"predicted": np.array([0, 0, 2])},
        {"predicted": np.array([0, 0, -1])},
        {"rank": np.array([1, 0, 0])},
        {"score": np.array([np.inf, 1, 1], np.float32)},
        {"true_tied": np.array([0, 1, 2])},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_a_part_that_holds_what_no_part_holds_is_refused_whatever_its_digest(tmp_path, forged):
    parts, plan = three()
    made = [parts[0], replace(parts[1], **forged), parts[2]]
    paths = [write_part(tmp_path, stored(each, plan)) for each in made]
    assert f"{paths[1].name} is damaged" in refused(plan, tmp_path)


def test_nothing_else_under_the_name_of_a_part_is_believed(tmp_path):
    _, plan = three()
    for content in (b"x", b"", part([0], [0]).check.tobytes()):
        write_checksummed(tmp_path / f"a{PART}", content)
        assert f"a{PART} is damaged" in refused(plan, tmp_path)
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array([{}], object), allow_pickle=np.array(True))
    write_checksummed(tmp_path / f"a{PART}", buffer.getvalue())
    with pytest.raises(EvaluationError):
        read_part(tmp_path / f"a{PART}")


def test_a_part_of_another_plan_is_foreign(tmp_path):
    parts, plan = three()
    other = plan_of(parts, decision="another")
    for each in parts[:2]:
        write_part(tmp_path, stored(each, plan))
    write_part(tmp_path, stored(parts[2], other))
    said = refused(plan, tmp_path)
    assert "1 of 3 parts is missing: part-2" in said
    assert (
        f"is of another evaluation: its plan has the digest {other.digest[:16]}, and that of the "
        f"others {plan.digest[:16]}"
    ) in said


def test_a_part_that_the_plan_has_otherwise_is_foreign(tmp_path):
    parts, plan = three()
    for each in (parts[0], parts[1], replace(parts[2], position=7), replace(parts[2], id="x")):
        write_part(tmp_path, stored(each, plan))
    said = refused(plan, tmp_path)
    assert "is of the part x, which the plan does not have" in said
    assert (
        "is not the part part-2 of the plan, which is number 2 and has 2 examples: it says number "
        "7, and has 2"
    ) in said


@pytest.mark.parametrize(
    ("change", "what", "named"),
    [
        ({"predicted": np.array([0, 1, 1])}, "prediction of 1 example", "'f'"),
        ({"true": np.array([1, 1, 1])}, "true class of 2 examples", "'e', 'f'"),
        ({"check": np.array([0, 1, 9], np.uint64)}, "content of 1 example", "'g'"),
        ({"score": np.array([1, 0.9, 1], np.float32)}, "score of 1 example", "'f'"),
        ({"ids": ("e", "F", "g")}, "ids of 1 example", "'f'"),
        ({"weight": np.ones(3)}, "weight of 3 examples", "'e', 'f', 'g'"),
    ],
)
def test_two_results_of_one_part_that_differ_name_the_examples(tmp_path, change, what, named):
    parts, plan = three()
    for each in parts:
        write_part(tmp_path / "one", stored(each, plan))
    true, predicted = (change.get(name, getattr(parts[1], name)) for name in ("true", "predicted"))
    rank = np.where(predicted == true, 0, 1)
    write_part(tmp_path / "two", stored(replace(parts[1], rank=rank, **change), plan))
    said = refused(plan, tmp_path / "one", tmp_path / "two")
    assert "the part part-1 is there with two results, " in said
    assert said.count("which differ in the ") == 1
    shown = {named, named.replace("'f'", "'F'")}
    assert any(said.endswith(f"which differ in the {what}: {each}") for each in shown)


def test_two_results_are_the_same_if_scores_are_close_and_which_is_taken_does_not_matter(tmp_path):
    parts, plan = three()
    close = replace(parts[1], score=parts[1].score - np.float32(9e-5))
    for folder, each in (("one", parts[1]), ("two", close)):
        for other in (parts[0], each, parts[2]):
            write_part(tmp_path / folder, stored(other, plan, cores=len(folder)))
    found = [
        [each.outcomes.part for each in read_parts(plan, files_in(order, PART), "out")]
        for order in ([tmp_path / "one", tmp_path / "two"], [tmp_path / "two", tmp_path / "one"])
    ]
    assert found[0] == found[1]
    assert found[0][1] in (parts[1], close)


def test_plans_that_differ_say_in_what(tmp_path):
    parts, plan = three()
    write_plan(tmp_path / "a", plan)
    write_plan(tmp_path / "b", plan)  # the same plan twice is one
    assert common_plan([tmp_path]) == plan
    others = {
        "decision: None, and threshold there": plan_of(parts, decision="threshold"),
        "classes: 'cat', 'dog', and 'cat', 'fox' there": plan_of(parts, ("cat", "fox")),
        "number of parts: 3, and 2 there": plan_of(parts[:2]),
        "the first part that differs: part-0 of 4 examples, and part-1 of 3 there": plan_of(
            (parts[1], parts[0], parts[2])
        ),
    }
    for number, (said, other) in enumerate(others.items()):
        folder = tmp_path / f"c{number}"
        write_plan(folder, other)
        with pytest.raises(EvaluationError) as caught:
            common_plan([tmp_path / "a", folder])
        first, *rest = str(caught.value).splitlines()
        assert first.startswith("the parts are of different evaluations, and cannot be merged: ")
        assert rest == [f"  {said}"]


def test_where_model_and_data_lie_makes_no_other_plan():
    _, plan = three()
    moved = {**PROVENANCE, "model": {**PROVENANCE["model"], "path": "elsewhere/m.keras"}}
    other = replace(plan, provenance=moved)
    assert other.digest == plan.digest
    assert plan.differences(other) == []


def test_a_damaged_plan_or_none_is_named(tmp_path):
    _, plan = three()
    with pytest.raises(EvaluationError) as caught:
        common_plan([tmp_path])
    assert str(caught.value).endswith(
        ": --confmat-shard I/N --confmat-parts DIR writes parts with their plan"
    )
    path = write_plan(tmp_path, plan)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EvaluationError) as caught:
        common_plan([tmp_path])
    assert f"{path.name} is damaged" in str(caught.value)
    for content, why in (
        (b"[]", "is no plan of an evaluation"),
        (
            plan.to_bytes().replace(b'"format": 1', b'"format": 9'),
            "is of format 9, and this release",
        ),
    ):
        write_checksummed(path, content)
        with pytest.raises(EvaluationError) as caught:
            common_plan([tmp_path])
        assert why in str(caught.value)
