"""Attempts at one thing by the workers of a session, of which a worker may die.

Each attempt holds a lock of its own for as long as it lasts. The system releases it when the
process dies, and then the attempt's marker is what is left.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_confmat.errors import EvaluationError

if TYPE_CHECKING:
    from filelock import FileLock

ATTEMPTS = 2
DIED = (
    "the worker died twice during the evaluation, so no limit was checked; the usual causes are "
    "too little memory, os._exit, or a crash in a library: run it without -n to see"
)


@contextmanager
def attempt(folder: Path | None, name: str) -> Iterator[None]:
    """Hold an attempt at what `name` stands for; without a `folder` there are no workers.

    Raises
    ------
    EvaluationError
        If so many workers died in it already that one more would die too.
    """
    if folder is None:
        yield
        return
    # Only one process at a time looks or leaves, or one could be taken for dead on its way out.
    guard = _lock(folder / f"{name}.guard")
    mine = folder / f"{name}.{uuid.uuid4().hex}.began"
    lock = _lock_of(mine)
    with guard:
        if sum(map(_died, folder.glob(f"{name}.*.began"))) >= ATTEMPTS:
            raise EvaluationError(DIED)
        lock.acquire()
        mine.touch()
    try:
        yield
    finally:
        with guard:
            mine.unlink()
            lock.release()


def _died(marker: Path) -> bool:
    from filelock import Timeout

    try:
        with _lock_of(marker).acquire(blocking=False):
            return True
    except Timeout:
        return False


def _lock_of(marker: Path) -> FileLock:
    return _lock(marker.with_suffix(".lock"))


def _lock(path: Path) -> FileLock:
    from filelock import FileLock  # only workers need it

    return FileLock(path)
