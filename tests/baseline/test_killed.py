"""A write that is killed half-way leaves the old baseline whole: tested by killing it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_confmat.baseline import load_baseline, save_baseline
from tests.support.baselines import evaluation_of, predicted_right

OLD, NEW = predicted_right(600), predicted_right(900)

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")

# Kills itself right before the n-th thing it does to files. Python reports each of them.
AT_STEP = """
import os, signal, sys
from pathlib import Path
from pytest_confmat.baseline import save_baseline
from pytest_confmat.evaluation import Evaluation

evaluation, path, step = Evaluation.load(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
seen = 0

def watch(event, _):
    global seen
    if event in ("open", "os.mkdir", "os.chmod", "os.rename", "os.remove", "os.listdir"):
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
save_baseline(evaluation, path)
"""

# The system kills it when a file grows beyond a size: in the middle of writing it.
AT_BYTE = """
import resource, signal, sys
from pathlib import Path
from pytest_confmat.baseline import save_baseline
from pytest_confmat.evaluation import Evaluation

evaluation = Evaluation.load(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, {action})
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
save_baseline(evaluation, Path(sys.argv[2]))
"""


@pytest.fixture
def new(tmp_path) -> Path:
    evaluation_of(NEW).save(tmp_path / "new.npz")
    return tmp_path / "new.npz"


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_process_that_dies_at_any_step_leaves_one_baseline_whole(tmp_path, new):
    sizes, steps = [], 0
    while True:
        path = tmp_path / f"{steps}" / "production"
        save_baseline(evaluation_of(OLD), path)
        steps += 1
        ended = run(AT_STEP, new, path, steps)
        found = load_baseline(path)
        sizes.append(len(found))
        rows = {len(OLD): OLD, len(NEW): NEW}[len(found)]
        assert list(found.ids) == [row[0] for row in rows]
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        # Whatever it left is gone after the next time.
        save_baseline(evaluation_of(NEW), path)
        assert len(list(path.parent.iterdir())) == 2
        assert len(load_baseline(path)) == len(NEW)
    # Two files are opened, renamed and given their rights, and the old one is removed.
    assert steps >= 8
    assert sizes == sorted(sizes)
    assert sizes.count(len(OLD)) >= 6
    assert sizes.count(len(NEW)) >= 2


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_a_process_that_dies_while_it_writes_leaves_the_old_baseline_whole(tmp_path, new, size):
    path = tmp_path / "b" / "production"
    save_baseline(evaluation_of(OLD), path)
    ended = run(AT_BYTE.format(action="signal.SIG_DFL"), new, path, size)
    assert ended.returncode == -signal.SIGXFSZ, ended.stderr
    # The two old files, the one it had begun, and that of its lock.
    assert len(list(path.parent.iterdir())) == 4
    assert len(load_baseline(path)) == len(OLD)
    save_baseline(evaluation_of(NEW), path)
    assert len(list(path.parent.iterdir())) == 2


def test_a_disk_that_is_full_leaves_the_old_baseline_and_nothing_else(tmp_path, new):
    path = tmp_path / "b" / "production"
    save_baseline(evaluation_of(OLD), path)
    ended = run(AT_BYTE.format(action="signal.SIG_IGN"), new, path, 1000)
    assert ended.stderr.splitlines()[-1] == (
        f"pytest_confmat.errors.BaselineError: the baseline {path}.json cannot be written: File "
        "too large; if there was one before, it is as it was"
    )
    assert len(list(path.parent.iterdir())) == 2
    assert len(load_baseline(path)) == len(OLD)


def test_the_text_alone_too_large_for_the_disk_leaves_the_old_baseline(tmp_path, new):
    # The binary part of one class and one content is shorter than the text.
    one = [(f"i{n}", 1, 0, 0) for n in range(9)]
    evaluation_of(one).save(new)
    path = tmp_path / "b" / "production"
    saved = save_baseline(evaluation_of(one), tmp_path / "size" / "b")
    sizes = sorted((p.stat().st_size, p.suffix) for p in saved.path.parent.iterdir())
    assert [suffix for _, suffix in sizes] == [".bin", ".json"]
    save_baseline(evaluation_of(OLD), path)
    ended = run(AT_BYTE.format(action="signal.SIG_DFL"), new, path, sizes[0][0] + 1)
    assert ended.returncode == -signal.SIGXFSZ, ended.stderr
    assert len(load_baseline(path)) == len(OLD)
