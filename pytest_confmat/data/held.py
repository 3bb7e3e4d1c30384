"""An iterator that is let go on every way out of a pass, so that the process can end.

TensorFlow's iterators run ahead, and much of what they run calls Python. One that is still there
when the interpreter ends waits for calls that nobody can make any more, for ever. An error's
traceback is enough to keep it there. So whoever reads one closes it before the error goes on:
that waits for the calls that have begun, and lets them have the interpreter.
"""

from __future__ import annotations

import atexit
import gc
import sys
import traceback
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Generic, TypeVar

T = TypeVar("T")


class Held(Generic[T]):
    """Iterates, and can be closed; frames that refer to it keep nothing alive then.

    Parameters
    ----------
    iterable
        What to iterate. Its iterator belongs to this object alone.
    """

    def __init__(self, iterable: Iterable[T]) -> None:
        self._iterator: Iterator[T] | None = iter(iterable)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._iterator is None:
            raise StopIteration
        try:
            return next(self._iterator)
        except StopIteration:
            self._iterator = None
            raise
        except BaseException as error:  # an interruption too
            _clear_frames_of_tensorflow(error)
            raise

    def close(self) -> None:
        """Give up what was not read; wait until it has stopped."""
        iterator, self._iterator = self._iterator, None
        if iterator is None:
            return
        _stop_at_exit()
        if isinstance(iterator, Generator):
            # What it raises now is beside the point: it was read in vain.
            with suppress(Exception):
                iterator.close()


def _clear_frames_of_tensorflow(error: BaseException) -> None:
    """Clear frames that an exception has left, which refer to the iterator that raised it."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__", "").startswith("tensorflow."):
            with suppress(RuntimeError):  # it has not been left
                frame.clear()


@cache
def _stop_at_exit() -> None:
    """Have what was not read to its end stopped while there is still an interpreter."""
    atexit.register(_stop_every_iterator)


def _stop_every_iterator() -> None:
    """Stop TensorFlow's iterators, wherever they are referred to.

    An iterator that was handed to us is not ours to close. Here the process ends, and a traceback,
    a generator or an object of the project's own that leads to it may still keep it running.
    """
    # Not imported for this: there is none where nobody did, and the process is about to end.
    iterators = getattr(getattr(sys.modules.get("tensorflow"), "data", None), "Iterator", None)
    if iterators is None:
        return
    for thing in gc.get_objects():
        if issubclass(type(thing), iterators):  # isinstance would ask proxies
            vars(thing).clear()  # its resource goes, which waits for the calls that have begun
