"""Parts that shards wrote, and a merge of them."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from pytest_confmat.data import class_names, part_plan
from pytest_confmat.job import Job
from pytest_confmat.policy import read_policy
from pytest_confmat.shards.evaluating import evaluate_shard
from pytest_confmat.shards.files import PART, PartFile, read_part, write_part
from pytest_confmat.shards.shard import Shard
from pytest_confmat.spec import ModelSpec
from tests.faults.project import Project
from tests.faults.table import Fault, Make, Section, all_of, options

MERGE = "--confmat-merge=parts"


def job_in(project: Project) -> Job:
    """Return the job of a project's policy and model."""
    policy = read_policy(project.path / "thresholds.yaml")
    classes = class_names(policy.dataset, policy.classes)
    model = ModelSpec(project.path / "m.keras")
    return Job(model, policy.dataset, classes, policy.decision)


def shards(*numbers: int, folder: str = "parts") -> Make:
    """Return what evaluates some of three shards, of a part each."""

    def make(project: Project) -> None:
        with patch.object(part_plan, "PART_EXAMPLES", 2):
            for number in numbers:
                evaluate_shard(job_in(project), Shard(number, 3), project.path / folder)

    return make


def merging(*steps: Make) -> Make:
    """Return what merges all three shards after some steps."""
    return all_of(shards(1, 2, 3), *steps, options(MERGE))


def second(project: Project) -> Path:
    (found,) = (project.path / "parts").glob(f"00001-*{PART}")
    return found


def cut(project: Project) -> None:
    path = second(project)
    path.write_bytes(path.read_bytes()[:-7])


def altered(project: Project) -> None:
    path = second(project)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_result(project: Project) -> None:
    found = read_part(second(project))
    part = found.outcomes.part
    part.score[0] -= 0.01
    write_part(project.path / "parts" / "again", found)


def foreign(project: Project) -> None:
    found = read_part(second(project))
    second(project).unlink()
    write_part(
        project.path / "parts",
        PartFile(found.outcomes, found.classes, "0" * 64, found.shard, {}, ()),
    )


def rescaled(project: Project) -> None:
    project.policy("directory: data\nrescale: 1/255", "")


SECTION = Section(
    "Shards and merges",
    "The set has three parts of two images; each shard evaluates one.",
    Project.images,
    [
        Fault(
            "a shard, and no folder for its parts",
            options("--confmat-shard=1/3"),
            "--confmat-shard needs --confmat-parts DIR: which parts a shard evaluates, and where "
            "it writes them",
            "refused",
        ),
        Fault(
            "a folder for parts, and no shard",
            options("--confmat-parts=parts"),
            "--confmat-parts needs --confmat-shard I/N: which parts a shard evaluates, and where "
            "it writes them",
            "refused",
        ),
        Fault(
            "a shard that there is not",
            options("--confmat-shard=4/3", "--confmat-parts=parts"),
            "--confmat-shard: '4/3' is no shard: give its number, from 1, and how many there are, "
            "as in 2/7",
            "refused",
        ),
        Fault(
            "a shard and a merge in one run",
            options("--confmat-shard=1/3", "--confmat-parts=parts", MERGE),
            "--confmat-shard evaluates a part of the set, and judges nothing: --confmat-merge does "
            "not go with it",
            "refused",
        ),
        Fault(
            "a baseline of a shard",
            options("--confmat-shard=1/3", "--confmat-parts=parts", "--confmat-save-baseline=b"),
            "--confmat-shard evaluates a part of the set, and judges nothing: "
            "--confmat-save-baseline does not go with it",
            "refused",
        ),
        Fault(
            "parts that would lie among the data",
            options("--confmat-shard=1/3", "--confmat-parts=data/cat"),
            "--confmat-parts would write data/cat/plan.confmat-plan, which is among the data of "
            "thresholds.yaml: name another place",
            "refused",
        ),
        Fault(
            "a shard of a model that is not pure",
            all_of(
                lambda project: project.model("stateful"),
                options("--confmat-shard=1/3", "--confmat-parts=parts"),
            ),
            "the model is not pure (it keeps a state, draws at random, or is a function of the "
            "project's own), so that it must see the whole set in its order: evaluate it as a "
            "whole",
        ),
        Fault(
            "a shard where a fixture brings the data",
            all_of(
                Project.batches, options("--confmat-shard=1/3", "--confmat-parts=parts")
            ),
            "--confmat-shard needs a model file and a policy's dataset, which other processes can "
            "see, and here model or data come from a fixture of the project's: evaluate it as a "
            "whole",
        ),
        Fault(
            "a shard beside the parts of another evaluation",
            all_of(
                shards(1), rescaled, options("--confmat-shard=2/3", "--confmat-parts=parts")
            ),
            "parts holds parts of another evaluation ([...].confmat-plan), which could not be "
            "merged with these: name another folder, or empty it dataset.images: ",
        ),
        Fault(
            "a merge of a folder that is not there",
            options(MERGE),
            "there is no folder parts: name one that shards wrote their parts to, with "
            "--confmat-parts",
            "refused",
        ),
        Fault(
            "a merge of a folder without parts",
            all_of(lambda project: (project.path / "parts").mkdir(), options(MERGE)),
            "there is no plan in parts: --confmat-shard I/N --confmat-parts DIR writes parts with "
            "their plan",
            "refused",
        ),
        Fault(
            "a part that is missing",
            all_of(shards(1, 3), options(MERGE)),
            "the parts in parts are not one whole evaluation: 1 of 3 parts is missing: "
            "00001-[...]; run again: --confmat-shard 2/3",
        ),
        Fault(
            "a part that is cut short",
            merging(cut),
            "1 of 3 parts is missing: 00001-[...]; run again: --confmat-shard 2/3 "
            "parts/00001-[...].confmat-part is damaged: it is not what a shard wrote, but cut "
            "short or altered",
        ),
        Fault(
            "a part of which one bit is another",
            merging(altered),
            "parts/00001-[...].confmat-part is damaged: it is not what a shard wrote, but cut "
            "short or altered",
        ),
        Fault(
            "a part of another evaluation among the others",
            merging(foreign),
            "parts/00001-[...].confmat-part is of another evaluation: its plan has the digest "
            "0000000000000000, and that of the others [...]",
        ),
        Fault(
            "a part with two results",
            merging(other_result),
            "is there with two results, parts/[...].confmat-part and parts/[...].confmat-part, "
            "which differ in the score of 1 example: 'cat/2.png'",
        ),
        Fault(
            "parts of two policies",
            all_of(
                shards(1, 2), rescaled, shards(3, folder="others"), options(MERGE),
                options("--confmat-merge=others"),
            ),
            "the parts are of different evaluations, and cannot be merged: "
            "parts/[...].confmat-plan differs from others/[...].confmat-plan dataset.images: ",
            "refused",
        ),
        Fault(
            "a policy that was changed since",
            merging(rescaled),
            "the parts in parts are of another evaluation than this run asks for dataset.images: ",
        ),
        Fault(
            "another model than the parts are of",
            merging(lambda project: project.model("rescaling")),
            "the parts in parts are of another evaluation than this run asks for SHA-256 of the "
            "model: ",
        ),
        Fault(
            "a policy that names other classes than the parts are of",
            merging(lambda project: project.policy("directory: data", "classes: [cat, fox]\n")),
            "the parts are of other classes than the policy: 'cat', 'dog', and 'cat', 'fox' here",
            "refused",
        ),
    ],
)  # fmt: skip
