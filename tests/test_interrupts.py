from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

import numpy as np
import pytest

from pytest_confmat.data.batches import BatchesSource
from pytest_confmat.interrupts import interrupts
from pytest_confmat.models import wrap
from pytest_confmat.spec import Argmax
from pytest_confmat.streaming import evaluate


@pytest.fixture(autouse=True)
def handled():
    """Python's own handler, also where whoever started the suite has the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_one_that_was_lost_is_raised_later():
    with interrupts() as check:
        check()
        with suppress(KeyboardInterrupt):  # as C code does
            press()
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_is_raised_at_once_where_nothing_is_in_the_way():
    with interrupts(), pytest.raises(KeyboardInterrupt):
        press()


def test_a_handler_of_somebody_else_is_called_and_stays():
    called = []
    other, new = (lambda *_: called.append("other")), (lambda *_: called.append("new"))
    signal.signal(signal.SIGINT, other)
    with interrupts() as check:
        press()
        with pytest.raises(KeyboardInterrupt):
            check()
    assert called == ["other"]
    assert signal.getsignal(signal.SIGINT) is other
    with interrupts():
        signal.signal(signal.SIGINT, new)
    assert signal.getsignal(signal.SIGINT) is new


def test_where_python_does_not_handle_it():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts() as check:
        press()
        check()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_another_thread():
    found = []

    def run() -> None:
        with interrupts() as check:
            check()
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_a_pass_ends_by_one_that_got_lost_in_its_data():
    def batches():
        for number in range(1000):
            if number == 2:
                with suppress(KeyboardInterrupt):
                    press()
            yield np.zeros((2, 1), np.float32), np.zeros(2, np.int64)

    model = wrap(lambda x: np.zeros((len(x), 2), np.float32), ("a", "b"), Argmax())
    source = BatchesSource(batches(), ("a", "b"), model.input)
    seen = []
    with pytest.raises(KeyboardInterrupt):
        evaluate(source, model, ("a", "b"), batch_size=2, progress=lambda n, _: seen.append(n))
    assert max(seen, default=0) < 100
