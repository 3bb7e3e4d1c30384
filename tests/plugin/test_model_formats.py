"""A model format that a project adds from outside: one file, one registration."""

from __future__ import annotations

import pytest

FORMAT = """
import json

import numpy as np

from pytest_confmat import ModelFormat
from pytest_confmat.errors import ModelError
from pytest_confmat.models.callables import CallablePredictor


class TableFormat(ModelFormat):
    key = "table"
    suffixes = (".table",)
    noun = "a table of scores"

    def recognizes(self, head):
        return head.startswith(b"TABLE")

    def look(self, path):
        if b"[" not in path.read_bytes():
            raise ModelError(f"{path} holds no scores")
        return "7"

    def load(self, file, classes, decision, *, safe_mode, custom_objects):
        scores = np.array(json.loads(file.path.read_bytes()[5:]), np.float32)
        return CallablePredictor(lambda x: scores[x[:, 0].astype(int)], classes, decision)
"""
CONFTEST = """
import numpy as np
import pytest
from table import TableFormat


def pytest_confmat_model_formats(registry):
    registry.register(TableFormat())


@pytest.fixture(scope="session")
def confmat_dataset():
    return np.arange(3, dtype=np.float32)[:, None], np.arange(3)
"""
STATED = """
@pytest.fixture(scope="session")
def confmat_fingerprint():
    return "1"
"""
GOOD = b"TABLE[[1, 0, 0], [0, 1, 0], [0, 0, 1]]"
WORSE = b"TABLE[[0, 1, 0], [0, 1, 0], [0, 0, 1]]"


@pytest.fixture
def project(pytester):
    pytester.makepyfile(table=FORMAT)
    pytester.makeconftest(CONFTEST)
    pytester.makefile(
        ".yaml", thresholds="version: 1\nclasses: [cat, dog, fox]\nthresholds: {recall: 0.5}\n"
    )
    pytester.syspathinsert()
    (pytester.path / "m.table").write_bytes(GOOD)
    return pytester


def run(project, *args: str, model: str = "m.table"):
    gate = (f"--confmat-model={model}", "-p", "no:hypothesispytest")
    return project.runpytest_subprocess(*gate, *args)


def test_its_files_are_gated_as_any_other(project):
    result = run(project)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["confmat: passed  3 limits on 3 examples", "model m.table, *"])
    (project.path / "m.table").write_bytes(WORSE)
    result = run(project)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["confmat: BLOCKED  1 of 3 limits failed: recall[[]cat]"])


def test_messages_name_it(project):
    (project.path / "m.table").rename(project.path / "m.h5")
    assert "m.h5 is a table of scores named .h5: rename it to m.table" in (
        run(project, model="m.h5").stdout.str()
    )
    (project.path / "n.table").write_bytes(b"TABLE")
    assert "n.table holds no scores" in run(project, model="n.table").stdout.str()
    (project.path / "n.pt").write_bytes(b"?")
    expected = "models are .keras, .h5, .hdf5, .tflite, .onnx or .table files, and '.pt' is PyTorch"
    assert expected in run(project, model="n.pt").stdout.str()
    said = run(project, model="nope.table")
    assert "there is no model" in said.stderr.str()
    assert "in that folder there is n.table" in said.stderr.str()


def test_its_evaluation_is_kept_where_the_project_vouches_for_its_code(project):
    conftest = project.path / "conftest.py"
    text = conftest.read_text()
    conftest.write_text(text + STATED)
    run(project)
    assert "from the cache: " in run(project).stdout.str()
    (project.path / "m.table").write_bytes(WORSE)
    assert run(project).ret == 1


def test_what_is_no_format_cannot_be_registered(project):
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("TableFormat())", "TableFormat)"))
    result = run(project)
    assert result.ret == 4
    assert (
        "is no model format: register an object of pytest_confmat.ModelFormat, or of a subclass"
        in result.stderr.str()
    )
