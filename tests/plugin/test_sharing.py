"""One file under two names, and files of others' where ours are to be: exit status 4, untouched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_confmat.plugin.sharing import identity
from pytest_confmat.report.json import write_json
from pytest_confmat.result import GateResult
from tests.support.gates import WORKERS

OTHER = "version: 1\nclasses: [cat, dog, fox]\nthresholds: {accuracy: 0.5}\n"
MINE = '{"name": "mine"}'

# Options that lead to one file, and what is said of it.
SHARED = {
    "a report and a baseline": (
        "--confmat-report=out --confmat-save-baseline=out/confmat",
        "--confmat-save-baseline and --confmat-report lead to one file, HERE/out/confmat.json",
    ),
    "a manifest and a baseline": (
        "--confmat-manifest=q.json --confmat-save-baseline=q",
        "--confmat-manifest and --confmat-save-baseline lead to one file, HERE/q.json",
    ),
    "by way of another folder": (
        "--confmat-manifest=q.json --confmat-save-baseline=data/../q.json",
        "--confmat-manifest and --confmat-save-baseline lead to one file, HERE/q.json",
    ),
    "through a link": (
        "--confmat-manifest=link/q.json --confmat-save-baseline=data/q",
        "--confmat-manifest and --confmat-save-baseline lead to one file, HERE/data/q.json",
    ),
    "in another case": (
        "--confmat-manifest=Q.json --confmat-save-baseline=q",
        "--confmat-manifest and --confmat-save-baseline lead to one file, HERE/q.json",
    ),
    "a report and a manifest": (
        "--confmat-report=out --confmat-manifest=out/confmat.json",
        "--confmat-manifest and --confmat-report lead to one file, HERE/out/confmat.json",
    ),
    "a report and a JUnit file": (
        "--confmat-report=out --junitxml=out/confmat.json",
        "--confmat-report and --junitxml lead to one file, HERE/out/confmat.json",
    ),
    "a report of one of several policies": (
        "--confmat-thresholds=b.yaml --confmat-report=out --junitxml=out/b/confmat.png",
        "--confmat-report and --junitxml lead to one file, HERE/out/b/confmat.png",
    ),
    "a baseline and what pytest logs": (
        "--log-file=q.json --confmat-save-baseline=q",
        "--confmat-save-baseline and --log-file lead to one file, HERE/q.json",
    ),
    "the policy and a JUnit file": (
        "--junitxml=thresholds.yaml",
        "the policy thresholds.yaml and --junitxml lead to one file, HERE/thresholds.yaml",
    ),
    "the model and a manifest": (
        "--confmat-model=m.keras --confmat-manifest=m.keras",
        "--confmat-model and --confmat-manifest lead to one file, HERE/m.keras",
    ),
    "the model and a baseline": (
        "--confmat-model=package.json --confmat-save-baseline=package",
        "--confmat-model and --confmat-save-baseline lead to one file, HERE/package.json",
    ),
}
# Options that would write where something stands, or where data are.
FOREIGN = {
    "a baseline over a file of another's": (
        "--confmat-save-baseline=package",
        "--confmat-save-baseline: HERE/package.json is no baseline, and would be overwritten: "
        "move that file, or give the baseline another name",
    ),
    "a manifest over the names of the classes": (
        "--confmat-manifest=labels.txt",
        "--confmat-manifest: HERE/labels.txt is no manifest: its first line is 'cat', and should "
        "be '# pytest-confmat manifest 1'",
    ),
    "a report among images": (
        "--confmat-thresholds=images.yaml --confmat-report=data/cat/report",
        "--confmat-report would write HERE/data/cat/report/confmat.json, which is among the data "
        "of images.yaml: name another place",
    ),
    "a manifest among shards": (
        "--confmat-thresholds=shards.yaml --confmat-manifest=data/a.tfrecord",
        "--confmat-manifest would write HERE/data/a.tfrecord, which is among the data of "
        "shards.yaml: name another place",
    ),
}


@pytest.fixture
def full(project, monkeypatch):
    """A project with a file of every kind that must stay as it is."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    project.policy(OTHER, "b.yaml")
    for name in ("cat", "dog"):
        (project.path / "data" / name).mkdir(parents=True)
    (project.path / "link").symlink_to("data")
    (project.path / "package.json").write_text(MINE)
    (project.path / "labels.txt").write_text("cat\ndog\n")
    (project.path / "m.keras").write_text("a model")
    data = {"images": "directory: data", "shards": "tfrecord: data/*.tfrecord"}
    for name, dataset in data.items():
        project.policy(
            f"version: 1\ndataset: {{{dataset}}}\nclasses: [cat, dog]\n"
            "thresholds: {accuracy: 0.5}\n",
            f"{name}.yaml",
        )
    return project


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    left = {"out", "__pycache__", "runpytest-0", "stdout", "stderr"}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if left.isdisjoint(path.relative_to(folder).parts)
    }


def refused(project, options: str, *more: str) -> str:
    before = contents(project.path)
    # A policy of its own goes alone where the option takes one.
    alone = "images.yaml" in options or "shards.yaml" in options
    result = project.run(*options.split(), *more, gate=not alone or "report" in options)
    assert result.ret == 4, result.stdout.str()
    assert contents(project.path) == before
    assert project.passes == 0
    said = result.stderr.str().strip().removeprefix("ERROR: ")
    return said.replace(str(project.path), "HERE")


@pytest.mark.parametrize("case", SHARED)
def test_one_file_under_two_names_is_refused(full, case):
    options, said = SHARED[case]
    assert refused(full, options) == f"{said}: change one of them"
    assert not (full.path / "out").exists()


def test_a_report_of_an_earlier_run_does_not_stay_there(full):
    path = full.path / "out/confmat.json"
    write_json(GateResult(full.path / "thresholds.yaml", "passed"), path)
    options, said = SHARED["a report and a manifest"]
    assert refused(full, options) == f"{said}: change one of them"
    assert not path.exists()


@pytest.mark.parametrize("case", FOREIGN)
def test_what_is_there_is_not_replaced(full, case):
    options, said = FOREIGN[case]
    assert refused(full, options) == said


def test_it_is_refused_before_there_are_workers(full):
    options, said = SHARED["a manifest and a baseline"]
    assert refused(full, options, "-n", "2") == f"{said}: change one of them"


def test_a_junit_file_that_is_none_is_not_replaced(full):
    assert refused(full, "--confmat-batch-size=0 --junitxml=package.json") == (
        "--confmat-batch-size: '0' is no number of examples"
    )


@pytest.mark.parametrize("workers", WORKERS, ids=["alone", "xdist"])
def test_a_baseline_may_take_the_place_of_the_one_it_is_compared_with(project, workers):
    save = "--confmat-save-baseline=q"
    assert project.run(save, *workers).ret == 0
    before = (project.path / "q.json").read_bytes()
    assert project.run(save, "--confmat-baseline=q", *workers).ret == 0
    assert json.loads(before)["format"] == "pytest-confmat baseline"
    result = project.run("--confmat-baseline=q", "--confmat-report=out", "--confmat-manifest=q.tsv")
    assert result.ret == 0


def test_all_spellings_of_a_place_are_one(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    places = {
        identity(tmp_path / spelling)
        for spelling in (
            "folder/new/caf\u00e9.json",
            "link/new/CAF\u00c9.json",
            "folder/../link/New/cafe\u0301.json",
        )
    }
    assert len(places) == 1
    assert identity(tmp_path / "folder/new") != identity(tmp_path / "folder/other")
    assert identity(tmp_path / "folder") != identity(tmp_path)
