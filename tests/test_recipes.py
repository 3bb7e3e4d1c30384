"""The page that shows notebook recipes beside the gate is run as it stands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, list[tuple[str, str]]]:
    page = (ROOT / "docs/recipes.md").read_text()
    titles = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    return {title.split("\n")[0]: BLOCK.findall(title) for title in titles}


@pytest.mark.parametrize("title", [title for title in sections() if title[0].isdigit()])
def test_notebook_and_gate_come_to_the_same_matrix(title, pytester, monkeypatch):
    blocks = sections()[title]
    notebook, test = [source for kind, source in blocks if kind == "python"]
    (policy,) = [source for kind, source in blocks if kind == "yaml"]
    (command,) = [source for kind, source in blocks if kind == "console"]
    shutil.copytree(ROOT / "examples", pytester.path / "examples")
    monkeypatch.chdir(pytester.path)

    # In a process of its own: pytester forgets modules, and TensorFlow imports only once.
    saving = "np.savez('notebook.npz', matrix=matrix, weighted=weighted)\n"
    pytester.path.joinpath("notebook.py").write_text(notebook + saving)
    subprocess.run([sys.executable, "notebook.py"], check=True, capture_output=True)
    theirs = np.load("notebook.npz")

    pytester.path.joinpath("thresholds.yaml").write_text(policy)
    program, *options = command.split()
    assert program == "pytest"
    result = pytester.runpytest_subprocess(*options)
    assert result.ret == 0, result.stdout.str()
    document = json.loads((pytester.path / "report/confmat.json").read_text())
    assert np.array_equal(document["matrix"], theirs["matrix"])
    (weighted,) = document["weighted_matrix"]
    assert np.allclose(weighted["matrix"], theirs["weighted"], rtol=1e-12)
    assert (pytester.path / "report/confmat.png").stat().st_size > 10_000

    pytester.path.joinpath("test_own.py").write_text(test)
    assert pytester.runpytest_subprocess("test_own.py").ret == 0
