"""How far an evaluation is: a live line on a terminal, a plain one every 30 seconds in a log."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import pytest

from pytest_confmat.plugin.workers import is_worker

# Seconds: what is done sooner needs no word; then how often there is one.
FIRST, LIVE, PLAIN = 1.0, 0.2, 30.0

# Which may be because it never ends.
UNSTATED = "the dataset does not state its size"

Show = Callable[[int, int | None], None]


class Watch:
    """Counts the examples of evaluations as they are done, and shows them if there is a voice.

    Parameters
    ----------
    voice
        Asked when an evaluation begins; ``None``: there is none.
    clock
        Seconds.
    """

    def __init__(
        self, voice: Callable[[], Voice | None], clock: Callable[[], float] = monotonic
    ) -> None:
        self._voice = voice
        self._clock = clock
        self.current: Progress | None = None

    @contextmanager
    def evaluation(self) -> Iterator[Show]:
        """Watch one evaluation; if it is interrupted, `current` says how far it came."""
        voice = self._voice()
        started = self._clock()
        due = started + voice.first if voice else 0.0

        def count(done: int, total: int | None) -> None:
            nonlocal due
            now = self._clock()
            self.current = Progress(done, total, now - started)
            if voice is not None and now >= due:
                voice.show(self.current)
                due = now + voice.every

        self.current = Progress(0, None, 0.0)
        try:
            yield count
        except Exception:
            self.current = None  # which says itself what was wrong
            raise
        else:
            self.current = None
        finally:
            if voice is not None:
                voice.show(None)


class Progress:
    """How far an evaluation is."""

    def __init__(self, done: int, total: int | None, seconds: float) -> None:
        self.done = done
        self.total = total
        self.seconds = seconds

    def __str__(self) -> str:
        of = "" if self.total is None else f" of {self.total:,}"
        text = f"{self.done:,}{of} examples"
        if not self.done or self.seconds <= 0:
            return text
        rate = self.done / self.seconds
        text += f", {rate:,.0f}/s"
        if self.total is None:
            text += f"; {UNSTATED}"
        elif self.done < self.total:
            left = round((self.total - self.done) / rate)
            minutes, seconds = divmod(left, 60)
            text += f", {minutes}:{seconds:02} left"
        return text


@dataclass(frozen=True)
class Voice:
    """How progress is shown: by what, from which second on, and every how many.

    `show` is called with nothing when an evaluation has ended.
    """

    show: Callable[[Progress | None], None]
    first: float
    every: float


def watch(config: pytest.Config) -> Watch:
    """Return what watches the evaluations of this process, with the voice that it has."""
    return Watch(partial(_voice, config))


def _voice(config: pytest.Config) -> Voice | None:
    """Find the voice: none with ``-q``, nor in a worker of xdist, whose output nobody sees."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or is_worker(config) or config.get_verbosity() < 0:
        return None
    capture = config.pluginmanager.get_plugin("capturemanager")

    @contextmanager
    def uncaptured() -> Iterator[None]:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            yield

    if reporter.isatty:
        return Voice(_Live(reporter, uncaptured), FIRST, LIVE)
    return Voice(_plain(reporter, uncaptured), PLAIN, PLAIN)


def _plain(reporter: Any, uncaptured: Callable[[], Any]) -> Callable[[Progress | None], None]:
    def show(progress: Progress | None) -> None:
        if progress is not None:
            with uncaptured():
                reporter.ensure_newline()
                reporter.write_line(f"confmat: {progress}")
                reporter.flush()

    return show


class _Drawing(io.StringIO):
    """What is drawn, in characters that the terminal has: rich asks for its encoding."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(sys.stdout, "encoding", None) or "utf-8"


class _Live:
    """A line of rich's that is drawn anew, and is gone at the end."""

    def __init__(self, reporter: Any, uncaptured: Callable[[], Any]) -> None:
        self._reporter = reporter
        self._uncaptured = uncaptured
        self._bar: Any = None

    def __call__(self, progress: Progress | None) -> None:
        if progress is None:
            self._stop()
            return
        with self._uncaptured():
            if self._bar is None:
                self._reporter.ensure_newline()
                self._bar = self._start(progress)
            self._bar.update(
                self._bar.task_ids[0],
                completed=progress.done,
                total=progress.total,
                description=f"confmat: {progress}",
            )
            self._draw(self._bar.refresh)

    def _start(self, progress: Progress) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        self._drawn = _Drawing()
        width = self._reporter.config.get_terminal_writer().fullwidth
        console = Console(file=self._drawn, force_terminal=True, legacy_windows=False, width=width)
        bar = Bar(
            TextColumn("{task.description}", markup=False),
            *([] if progress.total is None else [BarColumn()]),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bar.add_task("")
        self._draw(bar.start)
        return bar

    def _stop(self) -> None:
        if self._bar is not None:
            with self._uncaptured():
                self._draw(self._bar.stop)
            self._bar = None

    def _draw(self, step: Callable[[], None]) -> None:
        """Hand what rich draws to pytest's writer, which knows where the terminal is."""
        step()
        self._reporter.write(self._drawn.getvalue(), flush=True)
        self._drawn.seek(0)
        self._drawn.truncate()
