"""However a run ends, its process ends as well: each test here is one that must exit in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow  # noqa: F401 (pytester would make it be imported twice, which it does not survive)

from tests.support.makers import example, png, shard

LIMIT = 300  # seconds, on a busy machine; what hangs hangs for ever
DIRECTORY, RECORDS = "directory: data", "tfrecord: '*.tfrecord'"
POLICY = """\
version: 1
{dataset}classes: [cat, dog]
thresholds:
  accuracy: 0
"""
# Decoding calls Python for each chunk. That takes so long here that some call always runs.
CONFTEST = """
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

numpy_function = tf.numpy_function


def slow(function, *rest, **named):
    def call(*given):
        time.sleep(0.05)
        return function(*given)

    return numpy_function(call, *rest, **named)


tf.numpy_function = slow
"""
FAILS_LATER = """
@pytest.fixture(scope="session")
def confmat_model():
    left = iter([True])

    def predict(batch):
        if not next(left, False):
            raise ValueError("no more")
        return np.zeros((len(batch), 2), np.float32)

    return predict
"""
GOES_ON = """
@pytest.fixture(scope="session")
def confmat_model():
    def predict(batch):
        time.sleep(0.2)
        Path("begun").touch()
        return np.zeros((len(batch), 2), np.float32)

    return predict
"""
OWN_DATA = """
def make(number):
    return np.zeros((16, 8, 8, 3), np.float32), np.zeros(16, np.int64)


def mapped():
    types = [tf.float32, tf.int64]
    numbers = tf.data.Dataset.range(10_000)
    return numbers.map(lambda n: tf.numpy_function(make, [n], types), 4).prefetch(100)


@pytest.fixture(scope="session")
def confmat_dataset():
    return mapped()
"""
EVERY_KIND = """
import tensorflow as tf
import pytest
from conftest import make, mapped

KEPT = []  # a traceback that anybody keeps must not keep the process


def from_generator():
    generate = lambda: map(make, range(10_000))
    return tf.data.Dataset.from_generator(generate, (tf.float32, tf.int64)).prefetch(100)


def generator():
    yield from mapped()


class Wrapped:
    def __init__(self):
        self.iterator = iter(mapped())

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.iterator)


KINDS = {
    "mapped": mapped,
    "from_generator": from_generator,
    "generator": generator,
    "iterator": lambda: iter(mapped()),
    "NumPy iterator": lambda: mapped().as_numpy_iterator(),
    "wrapped": Wrapped,
}


@pytest.fixture(scope="session", params=KINDS)
def data(request):
    return KINDS[request.param]()


def test_each(confmat_evaluator, confmat_model, data):
    with pytest.raises(Exception, match="no more") as caught:
        confmat_evaluator(confmat_model, data, classes=["cat", "dog"])
    KEPT.append(caught)
"""


@pytest.fixture
def begin(pytester):
    """Start pytest in a project; what it is to end by is still to come."""

    def begin(conftest: str, *options: str, dataset: str = "") -> subprocess.Popen[str]:
        if dataset == DIRECTORY:
            for name in ("cat", "dog"):
                folder = pytester.mkdir("data") if name == "cat" else pytester.path / "data"
                (folder / name).mkdir()
                for number in range(2000):
                    (folder / name / f"{number}.png").write_bytes(png(1, (8, 8, 3)))
        elif dataset:
            records = [example(image=png(1, (8, 8, 3)), label=n % 2) for n in range(4000)]
            shard(pytester.path / "a.tfrecord", records)
        dataset = dataset and f"dataset:\n  {dataset}\n  image_size: [8, 8]\n"
        (pytester.path / "thresholds.yaml").write_text(POLICY.format(dataset=dataset))
        pytester.makeconftest(CONFTEST + conftest)
        without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
        command = [sys.executable, "-m", "pytest", *without, *options, "--confmat-batch-size=16"]
        return subprocess.Popen(
            command,
            cwd=pytester.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Whoever runs this suite in the background may have it ignored.
            preexec_fn=_heed_interrupts,  # noqa: PLW1509 (no threads here)
        )

    return begin


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end(process: subprocess.Popen[str]) -> str:
    """Return what a process said; it must exit."""
    try:
        said, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        pytest.fail(f"it does not end:\n{said}")
    return said


def interrupt(process: subprocess.Popen[str], folder: Path) -> None:
    """Press Ctrl-C, which reaches every process of a group."""
    deadline = time.monotonic() + LIMIT
    while not (folder / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)


@pytest.mark.parametrize("dataset", [DIRECTORY, RECORDS])
def test_after_an_error_in_the_middle_of_a_policys_data(begin, dataset):
    process = begin(FAILS_LATER, "--confmat-thresholds=thresholds.yaml", dataset=dataset)
    said = end(process)
    assert "fails on a batch of shape (16, 8, 8, 3): ValueError: no more" in said
    assert process.returncode == pytest.ExitCode.TESTS_FAILED, said


@pytest.mark.parametrize("options", [(), ("-n2",)])
def test_after_an_error_in_the_middle_of_each_kind_of_data_of_ones_own(begin, pytester, options):
    if options:
        pytest.importorskip("xdist")
    pytester.makepyfile(EVERY_KIND)
    process = begin(OWN_DATA + FAILS_LATER.replace("session", "function"), *options)
    said = end(process)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED, said
    assert "1 failed, 6 passed, 1 not checked" in said  # the gate, and each kind


@pytest.mark.parametrize(
    ("conftest", "dataset", "options"),
    [
        (GOES_ON, DIRECTORY, ()),
        (GOES_ON + OWN_DATA, "", ()),
        (GOES_ON, RECORDS, ("-n2",)),
    ],
)
def test_after_ctrl_c(begin, pytester, conftest, dataset, options):
    if options:
        pytest.importorskip("xdist")
    gate = "--confmat-thresholds=thresholds.yaml"
    process = begin(conftest, gate, *options, dataset=dataset)
    interrupt(process, pytester.path)
    said = end(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said
    assert "KeyboardInterrupt" in said
