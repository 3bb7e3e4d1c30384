"""What is written to C's stderr is heard before anything else is asked, and reaches its reader."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from pytest_confmat.data.overhearing import Ear

WARNING = b"Corrupt JPEG data: premature end of data segment"


def say(*lines: bytes, end: bytes = b"\n") -> None:
    """Write as the C libraries do."""
    library = ctypes.CDLL(None)
    name = "stderr" if sys.platform != "darwin" else "__stderrp"
    for line in lines:
        stream = ctypes.c_void_p.in_dll(library, name)
        library.fprintf(stream, b"%s%s", line, end)


@pytest.fixture
def ear():
    return Ear()


def test_decoders_are_heard_at_once_and_others_are_passed_on(ear, capfd):
    with ear.listening(claim=True):
        say(b"one", WARNING, b"two")
        assert ear.count == 1
        assert ear.since(0) == [WARNING.decode()]
        say(b"", b"three")
        say(WARNING, WARNING)
        assert ear.count == 3
        assert ear.since(1) == [WARNING.decode()] * 2
        assert ear.since(3) == []
        os.write(2, b"of Python\n")
    assert capfd.readouterr().err.replace("of Python\n", "") == "one\ntwo\n\nthree\n"
    say(WARNING)
    assert capfd.readouterr().err == f"{WARNING.decode()}\n"


def test_what_nobody_claims_is_passed_on(ear, capfd):
    with ear.listening():
        assert ear.unclaimed is None
        say(WARNING)
        assert ear.unclaimed == (1, WARNING.decode())
    assert capfd.readouterr().err == f"{WARNING.decode()}\n"
    with ear.listening():
        assert ear.unclaimed is None


def test_a_line_that_only_holds_a_warning_is_heard_and_passed_on(ear, capfd):
    with ear.listening(claim=True):
        say(b"[rank 0] " + WARNING)
        assert ear.count == 1
    assert capfd.readouterr().err == f"[rank 0] {WARNING.decode()}\n"


@pytest.mark.parametrize(
    "line",
    [
        b"Corrupt JPEG data: 12 extraneous bytes before marker 0xd9",
        b"Corrupt JPEG data: found marker 0xd3 instead of RST1",
        b"Improper call to JPEG library in state 203",
        b"Unsupported JPEG data precision 12",
        b"Warning: unknown JFIF revision number 3.01",
        b"Invalid SOS parameters for sequential JPEG",
    ],
)
def test_lines_of_decoders(ear, capfd, line):
    with ear.listening(claim=True):
        say(line)
        assert ear.since(0) == [line.decode()]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "line",
    [
        b"W0000 00:00:1 op_kernel.cc:1] INVALID_ARGUMENT: not a JPEG",
        b"Warning: the project's own",
        b"Input file read errors",
        b"Corrupt JPEG",
    ],
)
def test_lines_of_others(ear, capfd, line):
    with ear.listening(claim=True):
        say(line)
    assert capfd.readouterr().err == f"{line.decode()}\n"


def test_a_line_without_an_end_is_not_kept_for_ever(ear, capfd):
    with ear.listening(claim=True):
        say(b"half a ", end=b"")
        ear._take(whole=True)
        assert capfd.readouterr().err == "half a "
        say(b"line")
        say(b"and no end", end=b"")
    assert capfd.readouterr().err == "line\nand no end"


def test_listening_within_listening(ear, capfd):
    with ear.listening(claim=True):
        with ear.listening():
            say(WARNING)
        say(WARNING)
        assert ear.count == 2
    assert capfd.readouterr().err == ""


def test_many_threads_write_much_more_than_a_pipe_holds(ear, capfd):
    def talk(name: bytes) -> None:
        for _ in range(200):
            say(name * 2_000)
            say(WARNING)

    with ear.listening(claim=True):
        threads = [threading.Thread(target=talk, args=(name,)) for name in (b"a", b"b", b"c")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ear.count == 600
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 600
    assert {len(line) for line in lines} == {2_000}
    assert all(len(set(line)) == 1 for line in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is a file on disk")
def test_many_warnings_take_little_memory(ear):
    long = b"Corrupt JPEG data: " + b"x" * 4000
    with ear.listening(claim=True):
        for number in range(2000):
            say(long)
            if number % 100 == 0:
                assert ear.count == number + 1
        assert ear.count == 2000
        status = os.fstat(ear._file)
        assert status.st_size > 8e6
        assert status.st_blocks * 512 < 2e6
        say(WARNING)
        assert ear.since(2000) == [WARNING.decode()]


def test_it_listens_on_while_pytest_exchanges_the_streams(ear, capfd):
    with ear.listening(claim=True):
        with capfd.disabled():
            say(WARNING)
        say(WARNING)
        assert ear.count == 2


def test_where_c_has_no_such_variable_nothing_is_heard(ear, capfd, monkeypatch):
    def missing(*_):
        raise TypeError("no library of that name")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with ear.listening():
        assert ear.count == 0
        monkeypatch.undo()
        say(WARNING)
        assert ear.count == 0
        assert ear.unclaimed is None
    assert capfd.readouterr().err == f"{WARNING.decode()}\n"


SCRIPT = """
import ctypes, os, sys
from pytest_confmat.data.overhearing import Ear
from tests.data.test_overhearing import WARNING, say
ear = Ear()
"""


def run(code: str, prefix: str = "", redirect: str = "") -> subprocess.CompletedProcess[str]:
    script = f"{SCRIPT}{textwrap.dedent(code)}"
    command = f'{prefix} exec "$0" -c "$1" {redirect}'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, script], capture_output=True, text=True, check=False
    )


def test_a_stderr_that_is_closed():
    found = run(
        """
        with ear.listening(claim=True):
            say(b"other", WARNING)
            os.write(1, str(ear.count).encode())
        say(b"after")
        """,
        redirect="2>&-",
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "1", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_is_forked_off_writes_by_itself():
    found = run(
        """
        with ear.listening(claim=True):
            if not (child := os.fork()):
                say(b"child")
                os._exit(0)
            os.waitpid(child, 0)
            assert ear.count == 0
            say(b"parent", WARNING)
        """
    )
    assert (found.returncode, found.stderr) == (0, "child\nparent\n")


def test_what_is_written_late_comes_at_the_end_of_the_process():
    found = run(
        """
        with ear.listening():
            late = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr").value
        ctypes.CDLL(None).fputs(b"late\\n", ctypes.c_void_p(late))
        """
    )
    assert (found.returncode, found.stderr) == (0, "late\n")
