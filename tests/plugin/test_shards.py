"""--confmat-shard, --confmat-parts and --confmat-merge, as a user calls them."""

from __future__ import annotations

import json
import shutil
from unittest.mock import patch

import pytest
import tensorflow as tf  # noqa: F401  # pytester forgets it otherwise, and it cannot be imported twice

from pytest_confmat.data import part_plan
from tests.faults.project import Project

# No cache: what is judged must come from the parts.
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:xdist")
OWN_TEST = "def test_own(confmat):\n    assert confmat.matrix.total == 6\n"
NO_TENSORFLOW = """
import sys

def pytest_sessionfinish(session):
    assert not {"tensorflow", "keras"} & set(sys.modules)
"""


@pytest.fixture
def project(pytester):
    made = Project(pytester.path)
    made.images()
    made.run = lambda *given: pytester.runpytest_inprocess(*made.options, *WITHOUT, *given)
    with patch.object(part_plan, "PART_EXAMPLES", 2):
        yield made


def report_of(project, folder):
    return json.loads((project.path / folder / "confmat.json").read_text())


def test_shards_judge_nothing_and_the_merge_is_the_gate(project, pytester):
    project.write("test_own.py", OWN_TEST)
    assert project.run("--confmat-report=whole", ".").ret == 0
    for number in (2, 3, 1, 2):
        shard = project.run(
            f"--confmat-shard={number}/3", "--confmat-parts=parts", "--confmat-report=out", "."
        )
        assert shard.ret == 0
        shard.assert_outcomes(passed=1, skipped=1)
        text = shard.stdout.str()
        assert f"no limit is judged (--confmat-shard {number}/3)" in text
        assert (
            f"confmat: PARTIAL  shard {number}/3: 1 of 3 parts with 2 of 6 examples evaluated, and "
            "written to parts"
        ) in text
        found = report_of(project, "out")
        assert (found["outcome"], found["verdicts"]) == ("incomplete", [])
        assert found["notes"] == [
            "a shard judges nothing: --confmat-merge does, where the parts of all shards are"
        ]
    shutil.rmtree(project.path / "data")
    project.write("conftest.py", NO_TENSORFLOW)
    merge = pytester.runpytest_subprocess(
        *project.options, *WITHOUT, "--confmat-merge=parts", "--confmat-report=merged", "."
    )
    assert merge.ret == 0, merge.stdout.str()
    merge.assert_outcomes(passed=3)
    assert "confmat: nothing is evaluated: parts come from parts" in merge.stdout.str()
    whole, merged = report_of(project, "whole"), report_of(project, "merged")
    assert "merge" in merged.pop("timing")
    assert "evaluate" in whole.pop("timing")
    assert merged == whole


def test_what_is_agreed_on_is_compared_where_all_parts_are(project):
    for number in (1, 2, 3):
        shard = project.run(
            f"--confmat-shard={number}/3", "--confmat-parts=parts", "--confmat-manifest=m.tsv"
        )
        assert shard.ret == 0
    assert not (project.path / "m.tsv").exists()
    project.policy("directory: data\nexpected_examples: 7", "")
    merge = project.run("--confmat-merge=parts", "--confmat-manifest=m.tsv")
    assert merge.ret == 1
    assert "expected_examples" in merge.stdout.str()
    project.policy(f"directory: data\ndigest: sha256:{'0' * 64}", "")
    merge = project.run("--confmat-merge=parts")
    assert merge.ret == 1
    assert "the evaluation set changed" in merge.stdout.str()


def test_a_limit_fails_in_the_merge_with_the_matrix_of_all(project):
    for number in (1, 2):
        project.run(f"--confmat-shard={number}/2", "--confmat-parts=parts")
    text = (project.path / "thresholds.yaml").read_text()
    project.write("thresholds.yaml", text.replace("accuracy: 0\n", "accuracy: 1\n"))
    merge = project.run("--confmat-merge=parts", "--confmat-thumbnails=3", "--confmat-report=out")
    assert merge.ret == 1
    found = report_of(project, "out")
    assert sum(map(sum, found["matrix"])) == 6
    assert (
        "there are no thumbnails: --confmat-merge reads no data, and so no pictures"
        in (found["notes"])
    )
    assert "tried on" not in merge.stdout.str()


def test_a_shard_whose_item_was_left_out_wrote_no_parts(project):
    shard = project.run("--confmat-shard=1/3", "--confmat-parts=parts", "-k", "nothing")
    assert shard.ret in (1, 5)
    assert not (project.path / "parts").exists()


def test_one_run_has_one_policy_for_its_shards(project):
    project.write("b.yaml", (project.path / "thresholds.yaml").read_bytes())
    shard = project.run(
        "--confmat-shard=1/3", "--confmat-parts=p", "thresholds.yaml", "--confmat-thresholds=b.yaml"
    )
    assert shard.ret == 4
    assert (
        "--confmat-shard is of one policy's data, and there are 2 policies: run pytest once for "
        "each, with folders of their own"
    ) in shard.stderr.str()
