"""What image decoders say on the C library's ``stderr``, where TensorFlow lets them warn.

libjpeg fills up what a damaged file lacks, writes one line to ``stderr``, and TensorFlow hands the
pixels over as if they were the file's. That line is the only trace, and it names no file.

``stderr`` is a variable of the C library, and while somebody listens it points to a file in memory.
The file descriptor 2 is left alone: pytest exchanges it whenever it captures output or shows
progress, Python writes to it, and other processes inherit it. A file never blocks who writes to it,
and what was written before a look at it is seen by that look: no line is missed because it came
late. The memory of what was read is given back. Lines of others are passed on, in their order, by a
thread that looks now and then.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import re
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

# The warnings and errors of libjpeg, as they stand in its jerror.h.
_DECODERS = re.compile(
    rb"Corrupt JPEG data: [^\n]+|Warning: unknown JFIF revision number [\d.]+"
    rb"|Premature end of (?:JPEG file|input file)|Input file read error"
    rb"|Improper call to JPEG library in state \d+|Not a JPEG file: [^\n]+"
    rb"|Invalid (?:SOS parameters for sequential JPEG|JPEG file structure: [^\n]+"
    rb"|progressive parameters [^\n]+|component ID \d+ in SOS)"
    rb"|Inconsistent progression sequence for [^\n]+|Unknown Adobe color transform code \d+"
    rb"|Unsupported (?:JPEG [^\n]+|marker type [^\n]+|color conversion request)"
    rb"|(?:Huffman|Quantization|Arithmetic) (?:coding )?table 0x[0-9a-f]+ was not defined"
    rb"|Bogus (?:marker length|sampling factors|Huffman table definition|D[AHQ][CT] [^\n]+"
    rb"|virtual array access|JPEG colorspace|input colorspace)"
    rb"|Empty JPEG image \(DNL not supported\)|Too many color components: [^\n]+"
    rb"|Sampling factors too large for interleaved scan|Insufficient memory \(case \d+\)"
    rb"|Maximum supported image dimension is \d+ pixels|Didn't expect more than one scan"
)
_EVERY = 0.05  # seconds between two looks for lines to be passed on
_KEPT = 32  # lines of decoders, the last ones
_MOST_READ = 1 << 20  # bytes that were read and still take memory
_UNBUFFERED = 2  # C's _IONBF
_PUNCH_HOLE = 3  # Linux's FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE


class Ear:
    """Listens to ``stderr`` while it is asked to, for the whole process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._listeners = 0
        self._stop = threading.Event()
        self._count = 0
        self._last: deque[str] = deque(maxlen=_KEPT)
        self._claimed = False
        self._rest = b""  # of a line that has no end yet
        self._variable: Any = None  # C's, that points to the stream
        self._usual: int | None = None  # where it points when nobody listens
        self._stream: int | None = None  # ours
        self._file = -1
        self._read = 0
        self._freed = 0  # bytes at the file's beginning that take no memory any more
        self._fallocate: Any = None  # Linux's function

    @contextlib.contextmanager
    def listening(self, *, claim: bool = False) -> Iterator[Ear]:
        """Listen; where the system does not allow that, nothing will be heard.

        Parameters
        ----------
        claim
            See the method.
        """
        with self._lock:
            self._listeners += 1
            if self._listeners == 1:
                self._open()
            self._claimed |= claim
        try:
            yield self
        finally:
            with self._lock:
                self._listeners -= 1
                if not self._listeners:
                    self._close()

    def claim(self) -> None:
        """Keep the lines of decoders from now on: whoever calls will name the files instead."""
        self._claimed = True

    @property
    def unclaimed(self) -> tuple[int, str] | None:
        """How many lines of decoders came that nobody claimed, and the last of them."""
        return None if self._claimed or not self.count else (self._count, self._last[-1])

    @property
    def count(self) -> int:
        """Number of lines of decoders up to now, those just written included."""
        self._take()
        return self._count

    def since(self, count: int) -> list[str]:
        """Return the lines of decoders that came after there were `count`; the last ones."""
        number = self.count - count
        return list(self._last)[-number:] if number else []

    def _open(self) -> None:
        self._count, self._claimed = 0, False
        self._last.clear()
        if self._stream is None and not self._prepare():
            return
        self._usual, self._variable.value = self._variable.value, self._stream
        self._stop = threading.Event()
        threading.Thread(target=self._pass_on, args=(self._stop,), daemon=True).start()

    def _close(self) -> None:
        self._stop.set()
        if self._stream is not None and self._variable.value == self._stream:
            self._variable.value = self._usual
        # The stream stays open: a thread may be about to write to it.
        self._take(whole=True)

    def _prepare(self) -> bool:
        """Find the variable, and make a stream for it to point to."""
        try:
            library = ctypes.CDLL(None)
            self._variable = _variable(library)
            self._file = _file_in_memory()
            library.fdopen.restype = ctypes.c_void_p
            self._stream = library.fdopen(self._file, b"a")
            library.setvbuf(ctypes.c_void_p(self._stream), None, _UNBUFFERED, 0)
            self._fallocate = _fallocate(library)
        except (AttributeError, OSError, TypeError, ValueError):
            return False
        atexit.register(self._take, whole=True)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)
        return self._stream is not None

    def _forget(self) -> None:
        """In a process that was forked off: nobody passes on there what is written."""
        if self._stream is not None and self._variable.value == self._stream:
            self._variable.value = self._usual
        self.__init__()  # type: ignore[misc] # its own thread is not there, nor who held the lock

    def _pass_on(self, stop: threading.Event) -> None:
        while not stop.wait(_EVERY):
            self._take(whole=True)

    def _take(self, whole: bool = False) -> None:
        """Read what was written; pass a line on that has no end only if `whole`."""
        if self._stream is None:
            return
        with self._lock:
            size, others = os.fstat(self._file).st_size, b""
            while self._read < size:
                data = os.pread(self._file, 1 << 16, self._read)
                self._read += len(data)
                *lines, self._rest = (self._rest + data).split(b"\n")
                others += b"".join(line + b"\n" for line in lines if not self._heard(line))
            if whole:
                others, self._rest = others + self._rest, b""
            _write(others)
            if self._read - self._freed > _MOST_READ:
                self._free()

    def _free(self) -> None:
        """Give back the memory of what was read.

        The file keeps its size: cutting it short would lose a line that is written meanwhile.
        """
        if self._fallocate is not None:
            length = self._read - self._freed
            self._fallocate(self._file, _PUNCH_HOLE, self._freed, length)
        self._freed = self._read

    def _heard(self, line: bytes) -> bool:
        """Count a line if it is a decoder's; whether it is kept from the reader."""
        found = _DECODERS.search(line)
        if found is None:
            return False
        self._count += 1
        self._last.append(found[0].decode("ascii", "replace"))
        return self._claimed and found[0] == line.rstrip(b"\r")


def _variable(library: ctypes.CDLL) -> Any:
    try:
        return ctypes.c_void_p.in_dll(library, "stderr")
    except ValueError:  # as macOS calls it
        return ctypes.c_void_p.in_dll(library, "__stderrp")


def _fallocate(library: ctypes.CDLL) -> Any:
    """Return the function that frees a part of a file, or ``None`` where there is none."""
    # Of a 32-bit system, the one whose offsets have 64 bits.
    found = getattr(library, "fallocate64", None) or getattr(library, "fallocate", None)
    if found is not None:
        found.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return found


def _file_in_memory() -> int:
    if hasattr(os, "memfd_create"):
        made = os.memfd_create("stderr")
    else:
        with tempfile.TemporaryFile() as file:
            made = os.dup(file.fileno())
    if made > 2:
        return made
    # The number of a standard stream that is closed: whoever writes there means another one.
    import fcntl

    moved = fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(made)
    return moved


def _write(data: bytes) -> None:
    with contextlib.suppress(OSError):  # closed: nobody reads it
        while data:
            data = data[os.write(2, data) :]


EAR = Ear()
