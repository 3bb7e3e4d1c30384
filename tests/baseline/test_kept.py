"""Baselines and manifests that an earlier release wrote are read as they were."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pytest_confmat.baseline import load_baseline, save_baseline
from pytest_confmat.baseline.alignment import align
from pytest_confmat.evaluation import Evaluation, Part
from pytest_confmat.manifest import digest, problem, read_manifest

KEPT = Path(__file__).parent / "kept"


@pytest.mark.parametrize("name", ["directory", "shards"])
def test_a_baseline_of_form_1(name, tmp_path):
    old = load_baseline(KEPT / name)
    assert len(old) == 899
    assert (old.true == old.predicted).mean() == pytest.approx(0.9922, abs=5e-5)
    assert old.columns == {}
    # Written anew, it is the same, and the model that it is of has not changed against it.
    part = Part(
        "all", 0, old.ids, old.true, old.predicted, np.ones(899, np.float32), old.rank, old.check
    )
    save_baseline(Evaluation(old.classes, (part,)), tmp_path / "new")
    new = load_baseline(tmp_path / "new")
    assert new.ids == old.ids
    for array in ("check", "true", "predicted", "rank"):
        np.testing.assert_array_equal(getattr(new, array), getattr(old, array))
    assert (KEPT / f"{name}.json").read_text() != (tmp_path / "new.json").read_text()
    found = align(old, new)
    assert (len(found.here), len(found.added), len(found.removed)) == (899, 0, 0)
    assert (found.renamed, len(found.changed), len(found.relabeled)) == (0, 0, 0)


@pytest.mark.parametrize("name", ["directory", "shards"])
def test_a_manifest_of_then_has_the_digest_of_now(name):
    old = load_baseline(KEPT / name)
    part = Part(
        "all", 0, old.ids, old.true, old.predicted, np.ones(899, np.float32), old.rank, old.check
    )
    evaluation = Evaluation(old.classes, (part,))
    manifest = KEPT / f"{name}.manifest"
    assert read_manifest(manifest)[1] == digest(evaluation)
    assert problem(evaluation, None, manifest) is None


def test_the_kept_files_are_form_1(tmp_path):
    (binary,) = KEPT.glob("shards.*.bin")
    assert binary.read_bytes().startswith(b"pytest-confmat baseline outcomes 1\n")
    shutil.copytree(KEPT, tmp_path / "kept")
    (tmp_path / "kept" / binary.name).write_bytes(b"")
    with pytest.raises(Exception, match="is cut off"):
        load_baseline(tmp_path / "kept" / "shards")
