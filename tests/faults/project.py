"""A project with a gate that is green, for a fault to be put into."""

from __future__ import annotations

import tempfile
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.makers import example, png, shard, tree

SIDE = 8
POLICY = """\
version: 1
dataset:
  {dataset}
{classes}thresholds:
  accuracy: 0
"""
CLASSES = "classes: [cat, dog]\n"
CONFTEST = """\
import numpy as np
import pytest

images = np.random.default_rng(7).random((6, 8, 8, 3), np.float32)
labels = np.arange(6) % 2
"""


class Project:
    """A folder in which `pytest --confmat-model ...` is run.

    Attributes
    ----------
    examples
        How many there are, whether the gate can use them or not.
    options
        What pytest is called with; the report is asked for besides.
    environment
        Variables of a process of its own; ``None``: the run needs none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.examples = 0
        self.options = ["--confmat-model=m.keras"]
        self.environment: dict[str, str] | None = None

    def images(self, dataset: str = "directory: data", classes: str = "") -> None:
        """Six images of 8 x 8 pixels in the folders of two classes."""
        self.model()
        self.policy(dataset, classes)
        for name in ("cat", "dog"):
            tree(self.path / "data", {f"{name}/{n}.png": picture(n) for n in range(3)})
        self.examples = 6

    def shards(self, dataset: str = "tfrecord: test.tfrecord", classes: str = CLASSES) -> None:
        """Six records in one shard, with the keys that are inferred."""
        self.model()
        self.policy(dataset, classes)
        self.records(*(record(n) for n in range(6)))

    def batches(self) -> None:
        """Six arrays that a fixture of the project's hands over."""
        self.model()
        self.write("thresholds.yaml", f"version: 1\n{CLASSES}thresholds:\n  accuracy: 0\n")
        self.conftest("[(images, labels)]")
        self.examples = 6

    def plain_locale(self) -> None:
        """Run where Python decodes file names, and encodes what it prints, as ASCII."""
        self.environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    def policy(self, dataset: str, classes: str = "") -> None:
        body = textwrap.indent(textwrap.dedent(dataset).strip(), "  ").strip()
        self.write("thresholds.yaml", POLICY.format(dataset=body, classes=classes))

    def conftest(
        self, dataset: str | None = None, model: str | None = None, code: str = ""
    ) -> None:
        """Write fixtures that return what expressions say, after some code."""
        parts = [CONFTEST, textwrap.dedent(code).strip()]
        for name, value in (("dataset", dataset), ("model", model)):
            if value is not None:
                fixture = f"def confmat_{name}():\n    return {value}"
                parts.append(f'@pytest.fixture(scope="session")\n{fixture}')
        self.write("conftest.py", "\n\n".join(filter(None, parts)) + "\n")

    def records(self, *records: bytes, name: str = "test.tfrecord") -> Path:
        self.examples += len(records)
        return shard(self.path / name, records)

    def model(self, kind: str = "plain", name: str = "m.keras") -> Path:
        return self.write(name, saved(kind, Path(name).suffix))

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


def picture(seed: int = 0) -> bytes:
    return png(seed, (SIDE, SIDE, 3))


def record(number: int, **features: Any) -> bytes:
    """A record of alternating classes; a feature that is None is left out."""
    found = {"image": picture(number), "label": number % 2, **features}
    return example(**{key: value for key, value in found.items() if value is not None})


@cache
def saved(kind: str, suffix: str) -> bytes:
    """A model as it is saved, by its name in `tests.faults.nets`."""
    from tests.faults import nets

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"m{suffix}")
        getattr(nets, kind)().save(path)
        return path.read_bytes()
