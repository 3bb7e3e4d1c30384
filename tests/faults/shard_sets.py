"""Shards that are not all there, or not those that are named."""

from __future__ import annotations

import json

from tests.faults.directories import folder, moved
from tests.faults.project import Project, record
from tests.faults.shards import SHARD, cut_after_four, shard
from tests.faults.table import Fault, Make, Section, all_of, file
from tests.support.fifos import make_fifo


def numbered(*there: int, total: int = 3) -> Make:
    """Return what spreads shards over numbered files, of which some are there."""

    def make(project: Project) -> None:
        (project.path / SHARD).unlink()
        project.policy('tfrecord: "test-*"', "classes: [cat, dog]\n")
        project.examples = 0
        for number in there:
            name = f"test-{number:05}-of-{total:05}"
            project.records(record(0), record(1), name=name)

    return make


def named(*patterns: str) -> Make:
    return lambda project: project.policy(
        f"tfrecord: [{', '.join(patterns)}]", "classes: [cat, dog]\n"
    )


def stated(*lengths: int) -> Make:
    """Return what writes TFDS's dataset_info.json; the policy takes the shard of that name."""

    def make(project: Project) -> None:
        names = [f"pets-test.tfrecord-{n:05}-of-{len(lengths):05}" for n in range(len(lengths))]
        moved(SHARD, names[0])(project)
        split = {"name": "test", "shardLengths": [str(length) for length in lengths]}
        info = {"name": "pets", "fileFormat": "tfrecord", "splits": [split]}
        project.write("dataset_info.json", json.dumps(info))
        project.policy("tfrecord: pets-test.tfrecord-*", "classes: [cat, dog]\n")

    return make


def expected(number: int) -> Make:
    return lambda project: project.policy(
        f"tfrecord: {SHARD}\nexpected_examples: {number}", "classes: [cat, dog]\n"
    )


def gone(project: Project) -> None:
    (project.path / SHARD).unlink()


def pipe(name: str, *patterns: str) -> Make:
    """Return what puts a named pipe beside the shard; nobody ever writes to it."""

    def make(project: Project) -> None:
        make_fifo(project.path / name)
        if patterns:
            named(*patterns)(project)

    return make


SECTION = Section(
    "Sets of shards",
    "One shard of six records, unless the row says otherwise.",
    Project.shards,
    [
        Fault(
            "a shard that is not there",
            gone,
            "the shard test.tfrecord does not exist; . holds 'm.keras', 'thresholds.yaml'",
        ),
        Fault(
            "a named pipe among the shards that a pattern matches",
            pipe("test.tfrecord-2", '"test.tfrecord*"'),
            "dataset.tfrecord names test.tfrecord-2, which is a FIFO (named pipe); shards are "
            "regular files",
        ),
        Fault(
            "a named pipe where TFDS states the lengths of shards",
            pipe("dataset_info.json"),
            "dataset_info.json is not understood: shard lengths are not checked by it",
            "noted",
        ),
        Fault(
            "a shard by a name that is nearly right",
            moved(SHARD, "test.tfrecords"),
            "the shard test.tfrecord does not exist; did you mean 'test.tfrecords'?",
        ),
        Fault(
            "a pattern that matches nothing",
            named('"*.tfr"'),
            "the shard pattern *.tfr matches no file; . holds 'm.keras', "
            "'test.tfrecord', 'thresholds.yaml'",
        ),
        Fault(
            "shards in a folder that is not there",
            named("shards/a.tfrecord"),
            "the shard shards/a.tfrecord does not exist; there is no directory shards",
        ),
        Fault(
            "a folder in place of shards",
            all_of(gone, folder(SHARD)),
            "dataset.tfrecord names the directory test.tfrecord; it takes shards, "
            "such as test.tfrecord/*.tfrecord*",
        ),
        Fault(
            "one of three shards missing",
            numbered(0, 2),
            "1 of 3 shards is missing, by the names of the others: "
            "test-00001-of-00003; fetch them, or let dataset.tfrecord name all of "
            "them",
        ),
        Fault(
            "all but one of ten shards missing",
            numbered(3, total=10),
            "9 of 10 shards are missing, by the names of the others: "
            "test-00000-of-00010, test-00001-of-00010, test-00002-of-00010, "
            "test-00004-of-00010, test-00005-of-00010 and 4 more; fetch them, or "
            "let dataset.tfrecord name all of them",
        ),
        Fault(
            "shards numbered from 1",
            numbered(1, 2, 3),
            "1 of 3 shards is missing, by the names of the others: test-00000-of-00003; fetch "
            "them, or let dataset.tfrecord name all of them",
        ),
        Fault(
            "a shard numbered beyond their number",
            all_of(numbered(0, 1, 2, 3)),
            "the shard test-00003-of-00003 is numbered beyond the 3 that its name "
            "says there are: it is of another set",
        ),
        Fault(
            "a shard named by two patterns",
            named(SHARD, '"*.tfrecord"'),
            "dataset.tfrecord names the shard test.tfrecord twice, by "
            "test.tfrecord and by *.tfrecord: its examples would count twice",
        ),
        Fault(
            "a shard cut between records, TFDS stating its length",
            all_of(shard(cut_after_four), stated(6)),
            "the shard pets-test.tfrecord-00000-of-00001 holds 4 records, and "
            "dataset_info.json beside it states 6; write or fetch it again",
        ),
        Fault(
            "a shard cut between records, with `expected_examples`",
            all_of(shard(cut_after_four), expected(6)),
            "2 examples missing: TFRecords test.tfrecord holds 4 examples, and "
            "dataset.expected_examples is 6",
        ),
        Fault(
            "more records than `expected_examples`",
            expected(5),
            "1 example too many: TFRecords test.tfrecord holds 6 examples, and "
            "dataset.expected_examples is 5",
        ),
        Fault(
            "more records than TFDS states",
            stated(5),
            "the shard pets-test.tfrecord-00000-of-00001 holds 6 records, and "
            "dataset_info.json beside it states 5; write or fetch it again",
        ),
        Fault(
            "a shard missing that TFDS states",
            stated(3, 3),
            "1 of 2 shards is missing, by the names of the others: "
            "pets-test.tfrecord-00001-of-00002; fetch them, or let "
            "dataset.tfrecord name all of them",
        ),
        Fault(
            "a dataset_info.json that is damaged",
            file("dataset_info.json", "{"),
            "dataset_info.json is not understood: shard lengths are not checked by it",
            "noted",
        ),
    ],
)
