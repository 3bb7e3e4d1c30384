"""A project whose gate needs no TensorFlow: scores are its data, the model hands them through."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = """
import numpy as np
import pytest

COUNTS = {counts}


class Recorded:
    '''Batches of scores; each pass over them leaves a line in passes.txt.'''

    def __iter__(self):
        with open("passes.txt", "a") as stream:
            stream.write("pass\\n")
        for actual, row in enumerate(COUNTS):
            for predicted, times in enumerate(row):
                if times:
                    scores = np.full((times, len(row)), 0.1, np.float32)
                    scores[:, predicted] = 0.8
                    yield scores, np.full(times, actual)


@pytest.fixture(scope="session")
def confmat_model():
    return lambda scores: scores


@pytest.fixture(scope="session")
def confmat_dataset():
    return Recorded()
"""

GOOD = [[19, 1, 0], [2, 18, 0], [0, 0, 10]]
POLICY = """\
version: 1
classes: [cat, dog, fox]
thresholds:
  accuracy: 0.9
  recall:
    at_least: 0.9
    classes: {dog: 0.8}
  confusions:
    - {at_most: 0.2}
"""


class Project:
    """A folder with a gate, and a way to run pytest in it as a user would."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path: Path = pytester.path
        self.policy()
        self.scores(GOOD)

    def policy(self, text: str = POLICY, name: str = "thresholds.yaml") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def scores(self, counts: list[list[int]], folder: str = ".") -> None:
        path = self.path / folder / "conftest.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFTEST.format(counts=counts), encoding="utf-8")

    def run(self, *args: str, gate: bool = True) -> pytest.RunResult:
        asked = ["--confmat-thresholds=thresholds.yaml"] if gate else []
        # Hypothesis costs every run half a second and has no part in these.
        without = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        return self.pytester.runpytest_subprocess(*without, *asked, *args)

    @property
    def passes(self) -> int:
        path = self.path / "passes.txt"
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)
