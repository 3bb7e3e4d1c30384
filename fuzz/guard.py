"""Budgets: an input that takes more time or memory than any input should is a finding."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Of the processor, so that a busy machine finds nothing; inputs take some milliseconds.
SECONDS = 20.0
# Beyond what was in use before, for an input of no size: libraries allocate in large pieces.
MEMORY = 256 * 2**20
# And for each byte of an input: compressed ones stand for about a thousand bytes each.
MEMORY_PER_BYTE = 2048

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"


class Hang(BaseException):
    """An input takes too much time. No `except Exception` may take this for a fault."""


class Blowup(AssertionError):  # noqa: N818
    """An input takes too much memory."""


@contextlib.contextmanager
def budgets(size: int, seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Run the body on an input of `size` bytes within its budgets.

    Raises
    ------
    Hang
        If it uses more than `seconds` of the processor. Raised between two steps of Python in
        the main thread: what hangs elsewhere is left to libFuzzer's own clock.
    Blowup
        If it uses more than `memory`, and some more a byte, beyond what was in use.
    """
    with _clock(seconds):
        before = _forget_peak()
        yield
        used = memory_in_use("VmHWM") - before
    allowed = memory + MEMORY_PER_BYTE * size
    if used > allowed:
        raise Blowup(f"{used:,} bytes for an input of {size:,}; {allowed:,} are allowed")


@contextlib.contextmanager
def _clock(seconds: float) -> Iterator[None]:
    # Windows has no such clock, and a signal reaches the main thread alone.
    there = hasattr(signal, "setitimer")
    if not there or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise Hang(f"more than {seconds} seconds of the processor")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _forget_peak() -> int:
    """Forget the highest use so far; return the use now, or that peak if it cannot be forgotten."""
    try:
        _CLEAR_REFS.write_text(_FORGET_PEAK)
    except OSError:
        return memory_in_use("VmHWM")
    return memory_in_use("VmRSS")


def memory_in_use(name: str) -> int:
    """Return bytes in use: VmRSS, VmHWM (the highest so far) or VmSize; 0: that cannot be told."""
    if not _STATUS.exists():
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0
