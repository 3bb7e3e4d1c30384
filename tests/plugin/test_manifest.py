"""The life of a manifest: written by the first run, compared with every later one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

CONFTEST = """
import numpy as np
import pytest


@pytest.fixture(scope="session")
def confmat_model():
    return lambda images: np.stack([1 - images[:, 0, 0, 0], images[:, 0, 0, 0]], axis=1)
"""
POLICY = """\
version: 1
dataset:
  directory: data
  image_size: [2, 2]
  color_mode: rgb
  rescale: 1/255
  {more}
thresholds:
  recall: 0.9
"""


def picture(path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((2, 2, 3), value, np.uint8)).save(path)


@pytest.fixture
def gated(project):
    (project.path / "conftest.py").write_text(CONFTEST)
    for name, value in (("black", 0), ("white", 250)):
        for n in range(3):
            picture(project.path / "data" / name / f"{n}.png", value + n)
    project.policy(POLICY.format(more=""))
    return project


def report(project) -> dict:
    return json.loads((project.path / "out/confmat.json").read_text())


def noted(result, words: str) -> bool:
    return words in " ".join(result.stdout.str().split())


def test_a_manifest_is_written_once_and_held_against_the_set(gated):
    options = ("--confmat-manifest=set.manifest", "--confmat-report=out")
    first = gated.run(*options)
    assert first.ret == 0
    path = gated.path / "set.manifest"
    first.stdout.fnmatch_lines([f"note: manifest of 6 examples written to {path}"])
    written = path.read_bytes()
    assert written.splitlines()[0] == b"# pytest-confmat manifest 1"
    digest = report(gated)["dataset"]["digest"]
    assert noted(first, f"note: digest of the evaluation set: {digest}")
    assert gated.run(*options).ret == 0
    assert path.read_bytes() == written

    picture(gated.path / "data/black/1.png", 9)
    (gated.path / "data/white/0.png").unlink()
    picture(gated.path / "data/white/new.png", 255)
    changed = gated.run(*options)
    assert changed.ret == 1
    shown = changed.stdout.str()
    assert "the evaluation set changed: its digest is sha256:" in shown
    assert f"  against {path}: 1 added, 1 removed, 1 changed" in shown
    for line in ("added        white/new.png", "removed      white/0.png",
                 "changed      black/1.png"):  # fmt: skip
        assert f"  {line}" in shown
    found = report(gated)
    assert (found["outcome"], found["verdicts"]) == ("error", [])
    assert path.read_bytes() == written

    path.unlink()
    assert gated.run(*options).ret == 0
    assert path.read_bytes() != written


def test_a_wrong_number_of_examples_is_said_together_with_what_changed(gated):
    gated.policy(POLICY.format(more="expected_examples: 6"))
    options = ("--confmat-manifest=set.manifest", "--confmat-report=out")
    assert gated.run(*options).ret == 0
    (gated.path / "data/white/0.png").unlink()
    (gated.path / "data/white/1.png").rename(gated.path / "data/white/renamed.png")
    picture(gated.path / "data/black/1.png", 9)
    result = gated.run(*options)
    assert result.ret == 1
    told = report(gated)["error"].splitlines()
    assert told[0] == (
        "1 example missing: directory data holds 5 examples, and dataset.expected_examples is 6"
    )
    assert told[1].startswith("the evaluation set changed: its digest is sha256:")
    assert told[2:] == [
        f"  against {gated.path / 'set.manifest'}: 1 removed, 1 changed, 1 moved",
        "  removed      white/0.png",
        "  changed      black/1.png",
        "  moved        white/1.png -> white/renamed.png",
    ]


def test_the_number_of_examples_is_compared_for_tests_too(gated):
    gated.policy(POLICY.format(more="expected_examples: 7"))
    (gated.path / "test_it.py").write_text("def test_it(confmat):\n    pass\n")
    result = gated.run("--confmat-manifest=set.manifest", "test_it.py")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*1 example missing: *holds 6 examples, and dataset.expected*"])
    counts = result.parseoutcomes()
    assert (counts["failed"], counts["not"], counts["errors"]) == (1, 2, 1)  # "2 not checked"


def test_under_xdist_the_controller_alone_writes_it(gated):
    result = gated.run("-n", "2", "--confmat-manifest=set.manifest")
    assert result.ret == 0
    assert len((gated.path / "set.manifest").read_text().splitlines()) == 7
    picture(gated.path / "data/black/1.png", 9)
    changed = gated.run("-n", "2", "--confmat-manifest=set.manifest")
    assert changed.ret == 1
    assert "  changed      black/1.png" in changed.stdout.str()


def test_a_pinned_digest(gated):
    gated.run("--confmat-report=out")
    digest = report(gated)["dataset"]["digest"]
    gated.policy(POLICY.format(more=f"digest: {digest}"))
    assert gated.run().ret == 0
    picture(gated.path / "data/black/1.png", 9)
    for selected in ((), ("-k", "recall[white]")):
        changed = gated.run(*selected)
        assert changed.ret == 1
        assert f"and dataset.digest is {digest}" in changed.stdout.str()
    written = gated.run("--confmat-manifest=set.manifest")
    assert written.ret == 1
    assert not (gated.path / "set.manifest").exists()


def test_nothing_is_written_for_a_set_with_faults(gated):
    (gated.path / "data/black/1.png").write_bytes(b"")
    assert gated.run("--confmat-manifest=set.manifest").ret == 1
    assert not (gated.path / "set.manifest").exists()


def test_a_passing_run_suggests_the_number_of_examples(gated):
    words = "note: the data do not say how many examples there must be; to notice when some are "
    words += "missing, say expected_examples: 6 in dataset"
    assert noted(gated.run(), words)
    gated.policy(POLICY.format(more="expected_examples: 6"))
    assert not noted(gated.run(), "expected_examples:")
    gated.policy(POLICY.format(more="").replace("recall: 0.9", "recall: 1"))
    picture(gated.path / "data/black/1.png", 200)
    assert not noted(gated.run(), "expected_examples:")


def test_faults_that_count_are_told(gated):
    gated.policy(POLICY.format(more="on_fault: misclassified"))
    (gated.path / "data/black/1.png").write_bytes(b"")
    result = gated.run("--confmat-report=out")
    assert result.ret == 1
    assert noted(
        result, "1 example at fault counted as misclassified: black/1.png is empty (0 bytes)"
    )
    assert "  2 of 3 recognized; 3 were needed" in result.stdout.str()
    found = report(gated)
    assert found["outcome"] == "failed"
    assert found["faults"] == [
        {"id": "black/1.png", "reason": "is empty (0 bytes)", "class": "black"}
    ]
    assert found["dataset"]["unpredicted"] == [1, 0]
    assert found["dataset"]["support"] == [3, 3]
    assert found["matrix"] == [[2, 0], [0, 3]]
    again = gated.run("-n", "2", "--confmat-report=out")
    assert again.ret == 1
    assert report(gated)["faults"] == found["faults"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--confmat-manifest: the manifest * cannot be read: it is a directory, *"),
        ("id,label\n", "--confmat-manifest: * is no manifest: its first line is 'id,label', *"),
    ],
)
def test_what_is_no_manifest_is_a_wrong_request(gated, content, message):
    path = gated.path / "m"
    path.mkdir() if content is None else path.write_text(content)
    result = gated.run("--confmat-manifest=m")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_one_manifest_is_of_one_policy(gated):
    gated.policy(POLICY.format(more=""), "other.yaml")
    result = gated.run("--confmat-thresholds=other.yaml", "--confmat-manifest=m")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["ERROR: --confmat-manifest is of one policy's data, and there are 2 policies"]
    )


def test_a_manifest_that_cannot_be_written_is_no_success(gated):
    (gated.path / "file").write_text("")
    result = gated.run("--confmat-manifest=file/m")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["note: the manifest could not be written to *"])
