"""A kind of data that a project adds from outside: one file, one registration."""

from __future__ import annotations

import numpy as np
import pytest

KIND = '''
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import Field

from pytest_confmat import DataKind
from pytest_confmat.data.reading import Reading
from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.data.source import Batch
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import below
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.policy.dataset_shape import ImagesShape
from pytest_confmat.policy.base_shape import LocalPath
from pytest_confmat.spec import DatasetSpec, Feed


class ColumnsShape(ImagesShape):
    """A table of columns x and label, in one file."""

    columns: LocalPath = Field(description="The table; relative to this file.")


@dataclass(frozen=True)
class ColumnsSpec(DatasetSpec):
    columns: Path


class ColumnsSource:
    offset, states_count, nondeterminism, notes = 0, True, None, ("columns are read as they are",)

    def __init__(self, spec, classes):
        with np.load(spec.columns) as table:
            self.x, self.y = table["x"], table["label"]
        self.description = f"columns {spec.columns.name}"
        self.parts = (PlannedPart("rows", NumberedIds(spec.columns.name, len(self.y))),)
        self.shape = self.x.shape[1:]
        self.feed = Feed("numbers of columns")
        if spec.expected_examples not in (None, len(self.y)):
            raise DataError(f"{self.description} holds {len(self.y)} examples")

    def batches(self, batch_size, spans=None):
        for start in range(0, len(self.y), batch_size):
            yield self._at(np.arange(start, min(start + batch_size, len(self.y))))

    def example(self, index):
        return self._at(np.array([index]))

    def _at(self, index):
        return Batch(self.x[index], self.y[index], index, index.astype(np.uint64) + 1)


class ColumnsKind(DataKind):
    key = noun = "columns"
    spec = ColumnsSpec
    comment = "a table"
    shape = ColumnsShape

    def read(self, shape, folder):
        return ColumnsSpec(below(folder, shape.columns), **shape.common())

    def moved(self, spec, to):
        return replace(spec, columns=to)

    def find(self, path, text, named):
        return named if path.suffix == ".npz" else None

    def class_names(self, spec, declared):
        if declared is None:
            with np.load(spec.columns) as table:
                return tuple(map(str, table["names"]))
        return declared

    def files(self, spec, classes):
        return Reading(str(spec.columns.parent), (spec.columns.name,))

    def place(self, spec):
        return (spec.columns,)

    def describe(self, spec):
        return f"columns {spec.columns.name}"

    def without_place(self, spec):
        return replace(spec, columns=Path())

    def holds(self, spec, classes, path):
        return path == spec.columns

    def open(self, spec, classes, model_input):
        return ColumnsSource(spec, classes)

    def is_of(self, evaluation, reading):
        return evaluation.parts[0].ids.prefix == reading.names[0]
'''
CONFTEST = """
import numpy as np
import pytest
from columns import ColumnsKind


def pytest_confmat_data_kinds(registry):
    registry.register(ColumnsKind())


@pytest.fixture(scope="session")
def confmat_model():
    return lambda x: np.eye(3, dtype=np.float32)[x[:, 0].astype(int)]
"""
POLICY = """\
version: 1
dataset:
  columns: data/t.npz
thresholds:
  recall: {at_least: 0.75}
"""
STATED = """
@pytest.fixture(scope="session")
def confmat_fingerprint():
    return "1"
"""


@pytest.fixture
def project(pytester):
    pytester.makepyfile(columns=KIND)
    pytester.makeconftest(CONFTEST)
    pytester.makefile(".yaml", thresholds=POLICY)
    pytester.syspathinsert()
    write(pytester.mkdir("data") / "t.npz", [0] * 9 + [1], [0] * 10)
    return pytester


def write(path, found, labels) -> None:
    """A table of examples that the model takes for `found`, with one more example a class."""
    x = np.array([*found, 0, 1, 2], np.float32)[:, None]
    y = np.array([*labels, 0, 1, 2], np.int64)
    np.savez(path, x=x, label=y, names=["cat", "dog", "fox"])


def run(project, *args: str):
    gate = ("--confmat-thresholds=thresholds.yaml", "-p", "no:hypothesispytest")
    return project.runpytest_subprocess(*gate, *args)


def test_it_is_gated_as_any_other(project):
    result = run(project, "--confmat-report=r")
    assert result.ret == 0, result.stdout.str()
    text = " ".join(result.stdout.str().split())
    for said in (
        "3 limits, 3 classes, data data/t.npz (policy)",
        "confmat: passed 3 limits on 13 examples",
        "data columns t.npz, 13 examples",
        "input: numbers of columns",
        "note: columns are read as they are",
    ):
        assert said in text
    write(project.path / "data" / "t.npz", [1] * 9 + [0], [0] * 10)
    result = run(project)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["confmat: BLOCKED  1 of 3 limits failed: recall[[]cat]"])


def test_it_lies_elsewhere_and_is_no_place_for_a_report(project):
    write(project.path / "other.npz", [1] * 9 + [0], [0] * 10)
    result = run(project, "--confmat-data=other.npz")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*data other.npz (--confmat-data)"])
    result = run(project, "--confmat-manifest=data/t.npz")
    assert result.ret == 4


def test_its_evaluation_is_kept_where_the_project_vouches_for_its_code(project):
    assert "not kept in the cache" in run(project, "--confmat-cache=on").stdout.str()
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + STATED)
    run(project)
    assert "from the cache: " in run(project).stdout.str()
    write(project.path / "data" / "t.npz", [1] * 9 + [0], [0] * 10)
    result = run(project)
    assert result.ret == 1
    assert "from the cache: " not in result.stdout.str()


def test_messages_name_it(project):
    project.makefile(".yaml", thresholds=POLICY.replace("columns:", "column:"))
    result = run(project)
    assert result.ret == 4
    assert "dataset: it needs directory, tfrecord or columns, and has 'column'" in (
        result.stderr.str()
    )
    project.makefile(".yaml", thresholds=POLICY + "columns: a\n")
    assert "columns belongs below dataset" in run(project).stderr.str()
    project.makefile(".yaml", thresholds=POLICY.replace("t.npz", "t.npz\n  ignore: [a]"))
    assert "ignore is for a directory, and this dataset is columns" in run(project).stderr.str()


@pytest.mark.parametrize(
    ("registered", "message"),
    [
        (
            "1",
            "1 is no kind of data: register an object of pytest_confmat.DataKind, or",
        ),
        ("ColumnsKind()", "there is a kind of data 'columns' already"),
        ("1 / 0", "the hook pytest_confmat_data_kinds failed: ZeroDivisionError: division by zero"),
    ],
)
def test_what_cannot_be_registered(project, registered, message):
    conftest = project.path / "conftest.py"
    line = "    registry.register(ColumnsKind())\n"
    conftest.write_text(
        conftest.read_text().replace(line, f"{line}    registry.register({registered})\n")
    )
    result = run(project)
    assert result.ret == 4
    assert message in result.stderr.str()


def test_a_worker_knows_it_too(project):
    pytest.importorskip("xdist")
    result = run(project, "-n2")
    assert result.ret == 0, result.stdout.str()
    assert "confmat: passed  3 limits on 13 examples" in result.stdout.str()
