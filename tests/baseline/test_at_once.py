"""Several processes store one baseline at once, while others read it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from pytest_confmat.baseline import file_pair, load_baseline, save_baseline
from pytest_confmat.errors import BaselineError
from tests.support.baselines import evaluation_of, predicted_right

ROUNDS = 60
SIZES = (600, 900)
SAVE = """
import sys
from pathlib import Path
from pytest_confmat.baseline import save_baseline
from tests.support.baselines import evaluation_of, predicted_right

evaluation = evaluation_of(predicted_right(int(sys.argv[1])))
print("ready", flush=True)
for line in sys.stdin:
    save_baseline(evaluation, Path(line.strip()))
    print("saved", flush=True)
"""
# Ends at the end of its input, or with the error of what it read.
LOAD = """
import select, sys
from pathlib import Path
from pytest_confmat.baseline import load_baseline

print("ready", flush=True)
seen = []
while not select.select([sys.stdin], [], [], 0)[0]:
    seen.append(len(load_baseline(Path(sys.argv[1]))))
print(len(seen), *sorted(set(seen)), flush=True)
"""


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(processes: list, script: str, argument: object) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(argument)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    processes.append(process)
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="select waits for no pipe there")
def test_whoever_saves_last_leaves_both_files_and_a_reader_never_sees_less(tmp_path, processes):
    path = tmp_path / "b" / "production"
    save_baseline(evaluation_of(predicted_right(30)), path)
    reader = start(processes, LOAD, path)
    writers = [start(processes, SAVE, size) for size in SIZES]
    for _ in range(ROUNDS):
        for writer in writers:
            writer.stdin.write(f"{path}\n")
            writer.stdin.flush()
        assert [writer.stdout.readline() for writer in writers] == ["saved\n"] * 2
        assert len(load_baseline(path)) in SIZES
        names = sorted(file.name for file in path.parent.iterdir())
        assert len(names) == 2, names
    said, _ = reader.communicate("")
    assert reader.returncode == 0, said
    times, *sizes = map(int, said.split())
    assert times > 0
    assert set(sizes) <= {30, *SIZES}


def test_one_that_does_not_finish_is_an_error_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(file_pair, "_PATIENCE", 0.01)
    path = tmp_path / "production"
    save_baseline(evaluation_of(predicted_right(30)), path)
    with FileLock(tmp_path / ".production.lock"):
        with pytest.raises(BaselineError) as raised:
            save_baseline(evaluation_of(predicted_right(60)), path)
        # Whoever waited in vain does not take the lock's file away from who holds it.
        assert (tmp_path / ".production.lock").exists()
    assert str(raised.value) == (
        f"the baseline {path}.json was not saved: for 0 s another process has held "
        ".production.lock beside it; see what it does, and try again"
    )
    assert len(load_baseline(path)) == 30
    save_baseline(evaluation_of(predicted_right(60)), path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_binary_part_that_is_gone_while_its_text_stays_is_lost(tmp_path):
    path = tmp_path / "production"
    save_baseline(evaluation_of(predicted_right(30)), path)
    (binary,) = tmp_path.glob("*.bin")
    binary.unlink()
    with pytest.raises(BaselineError, match=f"has lost its binary part: there is no {binary.name}"):
        load_baseline(path)
