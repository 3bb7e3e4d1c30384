"""What is released: its version, and that the wheel works without the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="versions are tags: install git")


def has_index(folder: Path) -> bool:
    """Whether pip reaches a package index."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "iniconfig"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    return done.returncode == 0


def test_the_wheel_alone_passes_a_good_model_and_blocks_a_bad_one(tmp_path):
    pytest.importorskip("build.env", reason="no wheel is built: pip install build")
    if not has_index(tmp_path):
        pytest.skip("the wheel is not tried: pip reaches no package index")
    command = [sys.executable, str(ROOT / ".ci/wheel.py"), "--out", str(tmp_path / "dist")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    (source,) = (tmp_path / "dist").glob("*.tar.gz")
    assert done.stdout.splitlines() == [
        f"version {wheel.name.split('-')[1]}",
        f"{wheel.name} is whole: installed alone, it passes a good model and blocks a bad one",
    ]
    # A source distribution says its version itself: there is no git in it.
    folder = tmp_path / "source"
    shutil.unpack_archive(source, folder, filter="data")
    assert version_of(*folder.iterdir()) == wheel.name.split("-")[1]


def git(folder: Path, *args: str) -> None:
    named = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *named, *args], cwd=folder, capture_output=True, check=True)


def version_of(folder: Path) -> str:
    pytest.importorskip("hatch_vcs", reason="versions are not tried: pip install hatch-vcs")
    command = [sys.executable, "-m", "hatchling", "version"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path) -> Path:
    """A repository with one commit and no tags."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "All")
    return tmp_path


@needs_git
def test_a_tag_is_the_version(clone):
    git(clone, "tag", "v9.8.7")
    assert version_of(clone) == "9.8.7"


@needs_git
def test_a_commit_after_a_tag_comes_before_the_next_version(clone):
    git(clone, "tag", "v9.8.7")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "More")
    assert version_of(clone).startswith("9.8.8.dev1+g")


@needs_git
def test_a_clone_without_tags_has_a_version(clone):
    assert version_of(clone).startswith("0.1.dev1+g")


def test_a_folder_without_git_has_a_version(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert version_of(tmp_path) == "0.1.dev0"
