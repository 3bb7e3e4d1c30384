from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_confmat import writing
from pytest_confmat.writing import remove_leftovers, write_atomically, written_beside

ROOT = Path(__file__).parents[1]
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
# Says when the file is begun, and waits for a word before it goes on.
WRITER = """
import os, sys
from pathlib import Path
from pytest_confmat import writing

def wait(descriptor):
    print("writing", flush=True)
    sys.stdin.readline()

writing.os.fsync = wait
writing.write_atomically(Path(sys.argv[1]), b"new")
"""


def begun(path: Path) -> subprocess.Popen[str]:
    """Return a process that has begun to write to `path`."""
    command = [sys.executable, "-c", WRITER, str(path)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "writing\n"
    return process


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    write_atomically(tmp_path / "new" / "a.json", b"one")
    write_atomically(tmp_path / "new" / "a.json", b"two")
    assert names(tmp_path / "new") == ["a.json"]
    assert (tmp_path / "new" / "a.json").read_bytes() == b"two"


def test_who_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomically(path, b"one")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"two")
    assert names(tmp_path) == ["a.json"]
    assert path.read_bytes() == b"one"


@posix
def test_what_a_killed_process_left_is_removed_by_the_next_that_writes_there(tmp_path):
    path = tmp_path / "a.json"
    process = begun(path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(names(tmp_path)) == 1
    write_atomically(tmp_path / "b.json", b"another file")
    assert len(names(tmp_path)) == 2
    write_atomically(path, b"two")
    assert names(tmp_path) == ["a.json", "b.json"]


@posix
def test_what_is_being_written_is_not_removed(tmp_path):
    path = tmp_path / "a.json"
    process = begun(path)
    write_atomically(path, b"old")
    remove_leftovers(tmp_path)
    assert len(names(tmp_path)) == 2
    process.communicate("go on\n", timeout=60)
    assert process.returncode == 0
    assert names(tmp_path) == ["a.json"]
    assert path.read_bytes() == b"new"


def test_a_file_beside_is_there_for_as_long_as_it_is_needed(tmp_path):
    policy = tmp_path / "thresholds.yaml"
    with written_beside(policy, "version: 1 # é\n") as beside:
        write_atomically(policy, b"version: 1\n")
        assert beside.path.parent == tmp_path
        assert beside.path.read_text("utf-8") == "version: 1 # é\n"
    assert names(tmp_path) == ["thresholds.yaml"]


@posix
def test_what_was_left_beside_a_policy_is_removed_too(tmp_path):
    (tmp_path / ".thresholds.yaml.0a1b2c3d.part").touch()
    with written_beside(tmp_path / "thresholds.yaml", "x") as beside:
        assert names(tmp_path) == [beside.path.name]


def test_files_of_others_stay(tmp_path):
    others = ["a.json.x.part", ".a.json.part", ".b.json.x1.part", ".a.json.x1.part2", ".a.json.X"]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / ".a.json.folder.part").mkdir()
    write_atomically(tmp_path / "a.json", b"one")
    assert names(tmp_path) == sorted([*others, ".a.json.folder.part", "a.json"])


@posix
def test_without_locks_age_tells(tmp_path, monkeypatch):
    import fcntl

    def missing(*args):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", missing)
    for name, age in (("young", 60), ("old", 3 * 24 * 60 * 60)):
        path = tmp_path / f".a.json.{name}.part"
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    write_atomically(tmp_path / "a.json", b"one")
    assert names(tmp_path) == [".a.json.young.part", "a.json"]


@posix
def test_who_removes_leftovers_and_who_begins_to_write_do_not_meet(tmp_path, monkeypatch):
    # What waits for the disk is no part of the race.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    # Between making a file and holding it, one that clears up may come by.
    done = threading.Event()

    def clear() -> None:
        while not done.is_set():
            remove_leftovers(tmp_path)

    thread = threading.Thread(target=clear)
    thread.start()
    try:
        for number in range(300):
            write_atomically(tmp_path / "a", b"%d" % number)
            assert (tmp_path / "a").read_bytes() == b"%d" % number
    finally:
        done.set()
        thread.join()
    assert names(tmp_path) == ["a"]
