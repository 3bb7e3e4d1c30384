"""The page on converted models says what happens: its script and its two runs, carried out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "converted-model.md").read_text(encoding="utf-8")
DIGITS = ROOT / "examples" / "digits"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**environment, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )


def in_form(line: str) -> str:
    """Return a line with its numbers taken out, which differ between versions of the converter."""
    return re.sub(r"\d+(\.\d+)?(e-\d+)?", "N", line)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("converted")
    shutil.copy(DIGITS / "digits.keras", root)
    shutil.copytree(DIGITS / "test", root / "test")
    (root / "thresholds.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    (root / "convert.py").write_text(blocks("python")[0], encoding="utf-8")
    made = run(root, "convert.py")
    assert made.returncode == 0, made.stderr
    return root


def test_a_sound_conversion_passes(folder):
    ran = run(folder, "-m", "pytest", "--confmat-model", "digits-int8.tflite")
    assert ran.returncode == 0, ran.stdout
    said = {in_form(line) for line in ran.stdout.splitlines()}
    assert {in_form(line) for line in blocks("console")[0].splitlines()} <= said


def test_a_conversion_that_was_calibrated_on_other_numbers_is_blocked(folder):
    ran = run(folder, "-m", "pytest", "--confmat-model", "digits-miscalibrated.tflite")
    assert ran.returncode == 1
    said = {in_form(line) for line in ran.stdout.splitlines()}
    for line in blocks("console")[1].splitlines():
        if "by this model" in line or line.startswith("drop in"):
            assert in_form(line) in said
