"""Thumbnails in a report: asked for, kept, and never without being asked."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

DIGITS = Path(__file__).parents[2] / "examples/digits"
POLICY = """\
version: 1
dataset: {directory: data, color_mode: grayscale, rescale: 1/255}
thresholds: {accuracy: 0.999}
"""
WATCH = """
import sys

def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        print("TENSORFLOW", "tensorflow" in sys.modules)
"""


@pytest.fixture
def project(pytester):
    """Ten digits of each class, the model that has forgotten the eights, and a policy."""
    for folder in sorted((DIGITS / "test").iterdir()):
        target = pytester.path / "data" / folder.name
        target.mkdir(parents=True)
        for file in sorted(folder.iterdir())[:10]:
            shutil.copy(file, target)
    shutil.copy(DIGITS / "digits-regressed.keras", pytester.path / "m.keras")
    (pytester.path / "thresholds.yaml").write_text(POLICY)
    pytester.makeconftest(WATCH)
    return pytester


def run(project, *args):
    without = ("-p", "no:hypothesispytest")
    return project.runpytest_subprocess(
        *without, "--confmat-model=m.keras", "--confmat-report=out", *args
    )


def pictures(project):
    text = (project.path / "out/report.html").read_text("utf-8")
    found = re.search(r'id="data">(.*?)</script>', text).group(1)
    data = json.loads(gzip.decompress(base64.b64decode(found)))
    return data["pictures"], data["examples"]["id"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_errors_have_pictures(project, workers):
    assert run(project, "--confmat-thumbnails=3", *workers).ret == 1
    found, ids = pictures(project)
    assert len(ids) > 3
    assert sum(sheet is not None for sheet in found["sheet"]) == 3
    (sheet,) = found["sheets"]
    assert base64.b64decode(sheet).startswith(b"\x89PNG")


def test_nobody_asked_for_any(project):
    run(project)
    found, _ = pictures(project)
    assert found is None


def test_a_policy_asks_and_an_option_goes_before_it(project):
    (project.path / "thresholds.yaml").write_text(POLICY + "report: {thumbnails: 2}\n")
    run(project)
    assert sum(sheet is not None for sheet in pictures(project)[0]["sheet"]) == 2
    run(project, "--confmat-thumbnails=0")
    assert pictures(project)[0] is None


def test_recalled_pictures_need_no_tensorflow(project):
    first = run(project, "--confmat-thumbnails=4")
    assert "TENSORFLOW True" in first.stdout.str()
    before = pictures(project)
    second = run(project, "--confmat-thumbnails=4")
    assert "TENSORFLOW False" in second.stdout.str()
    assert "from the cache" in second.stdout.str()
    assert pictures(project) == before
    kept = next(project.path.glob("**/*.thumbnails-*"))
    kept.write_bytes(b"damaged")
    run(project, "--confmat-thumbnails=4")
    assert pictures(project) == before


def test_a_picture_that_cannot_be_made_hides_nothing(project):
    project.makeconftest(
        WATCH
        + """
import pathlib

def pytest_runtest_logfinish(nodeid):
    if nodeid.endswith("accuracy"):
        for path in pathlib.Path("data/8").iterdir():
            path.unlink()
"""
    )
    result = run(project, "--confmat-thumbnails=5")
    assert result.ret == 1
    assert "1 of 1 limit failed: accuracy" in " ".join(result.stdout.str().split())
    text = " ".join(result.stdout.str().split())
    assert "note: there are no thumbnails: DataError: 1 class directory in" in text


@pytest.mark.parametrize("value", ["many", "-1", "2001", ""])
def test_what_is_no_number_is_refused(project, value):
    result = run(project, f"--confmat-thumbnails={value}")
    assert result.ret == 4
    assert (
        f"ERROR: --confmat-thumbnails: {value!r} is no number of examples from 0 to 2,000"
    ) in result.stderr.str()


@pytest.mark.skipif(sys.platform == "win32", reason="xdist and fixtures are tried elsewhere")
def test_a_model_of_a_fixture_is_shown_where_it_ran(project):
    project.makeconftest(
        WATCH
        + """
import pytest

@pytest.fixture(scope="session")
def confmat_model():
    import keras
    return keras.saving.load_model("m.keras")
"""
    )
    run(project, "--confmat-thumbnails=2", "--confmat-model=none")
    command = ("-p", "no:hypothesispytest", "thresholds.yaml", "--confmat-report=out",
               "--confmat-thumbnails=2", "--confmat-thresholds=thresholds.yaml")  # fmt: skip
    project.runpytest_subprocess(*command)
    assert sum(sheet is not None for sheet in pictures(project)[0]["sheet"]) == 2
    result = project.runpytest_subprocess(*command, "-n", "2")
    assert pictures(project)[0] is None
    assert "there are no thumbnails: model or data come from fixtures" in " ".join(
        result.stdout.str().split()
    )
