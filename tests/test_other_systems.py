"""What differs on Windows and macOS, acted out here."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_confmat import filenames, files, writing
from pytest_confmat.baseline.file_pair import how_to_save
from pytest_confmat.data.directory.listing import list_directory
from pytest_confmat.data.tfrecord.shard_names import short_names
from pytest_confmat.errors import DataError
from pytest_confmat.models import trial
from pytest_confmat.plugin.progress import Progress, _Live
from pytest_confmat.plugin.report_files import ReportFiles
from pytest_confmat.spec import DirectorySpec
from pytest_confmat.writing import write_atomically, written_beside
from tests.support.makers import tree
from tests.support.refusals import refusal


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def windows(monkeypatch):
    """Have the code that is run take the system for Windows, with its open files."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(writing.time, "sleep", lambda seconds: None)


@pytest.fixture
def drives(monkeypatch):
    """Have each folder lie on a drive of its own, so that no path leads from one to the other."""

    def apart(*args):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "commonpath", apart)
    monkeypatch.setattr(os.path, "relpath", apart)


# Files that are open.


@pytest.fixture
def open_files(windows, monkeypatch):
    """Refuse to rename to what a reader has open: so many times, and then no more."""
    refusals: list[int] = []
    rename = Path.replace

    def replace(part, target):
        if refusals:
            refusals.pop()
            raise PermissionError(13, "Access is denied")
        return rename(part, target)

    monkeypatch.setattr(Path, "replace", replace)
    return refusals


def test_a_file_that_a_reader_has_open_is_replaced_once_it_is_closed(tmp_path, open_files):
    open_files += range(5)
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_a_file_that_stays_open_is_an_error_and_nothing_is_left(tmp_path, open_files):
    (tmp_path / "a").write_bytes(b"old")
    open_files += range(100)
    with pytest.raises(PermissionError):
        write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_elsewhere_nobody_waits_for_what_is_not_allowed(tmp_path, monkeypatch):
    tries = []

    def replace(part, target):
        tries.append(target)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(PermissionError):
        write_atomically(tmp_path / "a", b"new")
    assert len(tries) == 1


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("system", ["linux", "win32"])
def test_what_lies_beside_becomes_a_file_and_never_in_place_of_another(
    tmp_path, monkeypatch, links, system
):
    monkeypatch.setattr(sys, "platform", system)
    if not links:

        def link(*args):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(os, "link", link)
    with written_beside(tmp_path / "a", "new") as beside:
        beside.become(tmp_path / "a")
    with written_beside(tmp_path / "a", "newer") as beside, pytest.raises(FileExistsError):
        beside.become(tmp_path / "a")
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "new"


# Drives.


def test_paths_on_several_drives(tmp_path, drives):
    assert filenames.common_folder([tmp_path, tmp_path]) is None
    assert filenames.relative_path(tmp_path) == str(tmp_path)


def test_shards_of_one_name_on_several_drives_are_told_apart(drives):
    paths = [Path("/c/a/x.tfrecord"), Path("/d/a/x.tfrecord")]
    assert short_names(paths) == ("c/a/x.tfrecord", "d/a/x.tfrecord")


def test_reports_of_policies_on_several_drives_have_folders_of_their_own(drives, tmp_path):
    files = ReportFiles(tmp_path)
    gates = [SimpleNamespace(path=Path(f"/{name}/t.yaml")) for name in "cd"]
    files.assign(gates, "--confmat-report")
    assert [files._folders[gate.path] for gate in gates] == [tmp_path / "c/t", tmp_path / "d/t"]


def test_a_link_to_another_drive_leads_out_of_a_directory(tmp_path, monkeypatch, drives):
    monkeypatch.chdir(tmp_path)
    tree(tmp_path / "test", {"cat/1.jpg": b"", "dog/1.jpg": b""})
    tree(tmp_path / "other", {"2.jpg": b""})
    (tmp_path / "test/cat/2.jpg").symlink_to(tmp_path / "other/2.jpg")
    said = refusal(DataError, list_directory, DirectorySpec(tmp_path / "test"), ("cat", "dog"))
    assert "holds links that lead out of it: cat/2.jpg -> " in said


# Junctions.


def junction(tag: int):
    """Return an entry as Windows gives it: a junction is no symbolic link to Python."""
    return SimpleNamespace(
        is_symlink=lambda: False, stat=lambda follow_symlinks: SimpleNamespace(st_reparse_tag=tag)
    )


def test_a_junction_is_a_link(windows, monkeypatch):
    monkeypatch.setattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", 0xA0000003, raising=False)
    assert files.is_link(junction(0xA0000003))
    assert not files.is_link(junction(0))


def test_a_symbolic_link_is_a_link_and_what_is_not_there_is_none(tmp_path, windows):
    (tmp_path / "link").symlink_to("nowhere")
    assert files.is_link(tmp_path / "link")
    assert not files.is_link(tmp_path / "missing")


# Shells and processes.


def test_commands_are_quoted_for_the_shell_at_hand(monkeypatch):
    words = ["pytest", "a b.keras", r"C:\models\m.keras"]
    monkeypatch.setattr(sys, "platform", "win32")
    assert filenames.command_line(words) == r'pytest "a b.keras" C:\models\m.keras'
    assert how_to_save(Path("a b")).endswith(' --confmat-save-baseline "a b"')
    monkeypatch.setattr(sys, "platform", "darwin")
    assert filenames.command_line(words) == r"pytest 'a b.keras' 'C:\models\m.keras'"


def test_a_crash_is_told_by_the_number_that_windows_gives_it():
    done = subprocess.CompletedProcess([], 0xC0000005)
    assert trial._ended(done) == "exit status 0xC0000005"
    assert trial._ended(subprocess.CompletedProcess([], 7)) == "exit status 7"


# Terminals.


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_progress_is_drawn_in_characters_that_the_terminal_has(monkeypatch, encoding):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    written: list[str] = []
    reporter = SimpleNamespace(
        config=SimpleNamespace(get_terminal_writer=lambda: SimpleNamespace(fullwidth=100)),
        ensure_newline=lambda: None,
        write=lambda text, flush: written.append(text),
    )
    live = _Live(reporter, nullcontext)
    live(Progress(50, 100, 2.0))
    live(None)
    text = "".join(written)
    assert "confmat: 50 of 100 examples" in text
    assert text.encode(encoding)
    assert ("\u2501" in text) == (encoding == "utf-8")
