from __future__ import annotations

import json

K = 2100
CONFTEST = f"""
import numpy as np
import pytest

K = {K}


@pytest.fixture(scope="session")
def confmat_model():
    return lambda classes: np.eye(K, dtype=np.float32)[np.asarray(classes, np.int64)[:, 0]]


@pytest.fixture(scope="session")
def confmat_dataset():
    true = np.arange(K)
    predicted = np.where(true < 100, true + 1, true)
    return [(predicted[i : i + 50, None], true[i : i + 50]) for i in range(0, K, 50)]
"""


def test_the_report_of_many_classes_is_cut_where_reading_ends(project, monkeypatch):
    # In CI pytest says it all again in its short summary.
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)
    names = "\n".join(f"c{number:04}" for number in range(K))
    (project.path / "labels.txt").write_text(names + "\n")
    (project.path / "conftest.py").write_text(CONFTEST)
    project.policy("version: 1\nclasses: labels.txt\nthresholds:\n  recall: 0.9\n  accuracy: 0.9\n")
    result = project.run("--confmat-report=report")
    result.assert_outcomes(failed=1, passed=2)
    text = result.stdout.str()
    assert text.count("0 of 1 recognized") == 50
    assert "and 50 more: confmat.json lists them all" in text
    assert f"note: confmat.png is not drawn of as many as {K:,} classes" in text
    assert not (project.path / "report" / "confmat.png").exists()
    told = json.loads((project.path / "report" / "confmat.json").read_text())
    assert told["matrix"] is None
    assert told["matrix_entries"][:2] == [[[1, 1]], [[2, 1]]]
    assert told["matrix_entries"][-1] == [[K - 1, 1]]
    assert sum(not verdict["blocks"] for verdict in told["verdicts"]) == K + 1 - 100
