"""What is seen of an evaluation while it runs, and what is left of one that is interrupted."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from pytest_confmat.plugin.progress import Progress, Voice, Watch
from pytest_confmat.report.folder import REPORT_FILES

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="it takes a terminal and signals of Unix"
)
CONFTEST = """
import time

import numpy as np
import pytest

BATCHES, EACH = {batches}, 50


class Slow:
    def __iter__(self):
        for number in range(BATCHES):
            labels = np.arange(EACH) % 2
            yield np.eye(2, dtype=np.float32)[labels], labels


@pytest.fixture(scope="session")
def confmat_dataset():
    return Slow()


@pytest.fixture(scope="session")
def confmat_model():
    def model(batch):
        time.sleep({seconds})
        open("begun", "w").close()
        print("noise of the model's own")
        return batch
    return model
"""
POLICY = "version: 1\nclasses: [cat, dog]\nthresholds: {accuracy: 1.0}\n"


@pytest.fixture
def slow(project):
    def make(batches=60, seconds=0.05):
        conftest = CONFTEST.format(batches=batches, seconds=seconds)
        (project.path / "conftest.py").write_text(conftest)
        project.policy(POLICY)
        return [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:hypothesispytest",
            ),
            *("--confmat-thresholds=thresholds.yaml", "--confmat-batch-size=50"),
            "--confmat-report=out",
        ]

    return make


def on_a_terminal(command, cwd) -> str:
    import pty

    leader, follower = pty.openpty()
    process = subprocess.Popen(command, cwd=cwd, stdout=follower, stderr=follower)
    os.close(follower)
    seen = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            found = os.read(leader, 65536)
        except OSError:
            break
        if not found:
            break
        seen += found
    assert process.wait() == 0, seen.decode()
    return seen.decode()


@posix
def test_a_live_line_on_a_terminal_that_is_gone_at_the_end(slow, project):
    seen = on_a_terminal(slow(), project.path)
    shown = list(re.finditer(r"confmat: ([\d,]+) examples, [\d,]+/s", seen))
    assert len(shown) >= 3
    counts = [int(found[1].replace(",", "")) for found in shown]
    assert counts == sorted(counts)
    # Cleared before what follows, past the capturing of the model's own output.
    assert "\x1b[2K" in seen[shown[-1].end() :]
    assert "noise" not in seen
    assert "confmat: passed" in seen


@pytest.mark.parametrize("option", ["-q", "-n1"])
def test_none_where_it_is_not_wanted_or_nobody_sees_it(slow, project, option):
    if option == "-n1":
        pytest.importorskip("xdist")
    seen = on_a_terminal([*slow(batches=30), option], project.path)
    assert "/s" not in re.sub("time: .*", "", seen)
    assert "confmat: passed" in seen


def test_none_in_a_log_that_is_done_in_half_a_minute(slow, project):
    command = slow(batches=30)
    ran = subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=True)
    assert "/s" not in re.sub("time: .*", "", ran.stdout)


@posix
def test_ctrl_c_says_how_far_it_came_and_leaves_nothing_half_written(slow, project):
    command = slow(batches=10_000)
    process = subprocess.Popen(
        command, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 60
    while not (project.path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    seen, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    (told,) = re.findall(r"note: interrupted after ([\d,]+) examples, [\d,]+/s", seen)
    assert int(told.replace(",", "")) % 50 == 0
    assert json.loads((project.path / "out/confmat.json").read_text())["outcome"] == "incomplete"
    left = {path.name for path in (project.path / "out").iterdir()}
    assert left <= {file.name for file in REPORT_FILES}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_when_it_speaks():
    clock, said = Clock(), []
    watch = Watch(lambda: Voice(lambda p: said.append(p and str(p)), 30, 30), clock)
    with watch.evaluation() as count:
        for second in range(0, 100, 5):
            clock.now = float(second)
            count(second * 10, 1000)
    assert said == [
        "300 of 1,000 examples, 10/s, 1:10 left",
        "600 of 1,000 examples, 10/s, 0:40 left",
        "900 of 1,000 examples, 10/s, 0:10 left",
        None,
    ]
    assert watch.current is None


def test_what_ends_in_an_error_is_not_interrupted():
    watch = Watch(lambda: None)

    def run(error):
        with watch.evaluation() as count:
            count(5, 10)
            raise error

    with pytest.raises(ValueError, match="gone"):
        run(ValueError("gone"))
    assert watch.current is None
    with pytest.raises(KeyboardInterrupt):
        run(KeyboardInterrupt)
    assert str(watch.current).startswith("5 of 10 examples")


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(0, 10, 0.0), "0 of 10 examples"),
        (
            Progress(1200, None, 2.0),
            "1,200 examples, 600/s; the dataset does not state its size",
        ),
        (Progress(60_000, 60_000, 60.0), "60,000 of 60,000 examples, 1,000/s"),
    ],
)
def test_progress_in_words(progress, text):
    assert str(progress) == text
