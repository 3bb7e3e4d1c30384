"""Several calls at the same time, their results in the order in which they were asked for."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

# In which batches are predicted at the same time.
MOST_THREADS = 4

Given = TypeVar("Given")
Made = TypeVar("Made")


def cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def ordered_map(
    call: Callable[[Given], Made], values: Iterable[Given], threads: Callable[[], int]
) -> Generator[tuple[Given, Made]]:
    """Yield each value with the result of `call` on it, in the order of the values.

    Values are taken in this thread, and at most two more than there are threads are held: one that
    waits for its call and one whose result waits to be taken. An exception of a call comes where
    its result would; calls after it that have not begun are not made, nor once this is closed,
    which waits for those that have.

    Parameters
    ----------
    threads
        How many calls may run at the same time; asked once, when the first value is there.
    """
    values = iter(values)
    waiting: deque[tuple[Given, Future[Made]]] = deque()
    for first in values:
        number = threads()
        if number == 1:
            yield first, call(first)
            yield from ((value, call(value)) for value in values)
            return
        with ThreadPoolExecutor(number) as pool:
            try:
                waiting.append((first, pool.submit(call, first)))
                for value in values:
                    waiting.append((value, pool.submit(call, value)))
                    if len(waiting) > number + 1:
                        oldest, result = waiting.popleft()
                        yield oldest, result.result()
                while waiting:
                    oldest, result = waiting.popleft()
                    yield oldest, result.result()
            finally:
                for _, result in waiting:
                    result.cancel()
