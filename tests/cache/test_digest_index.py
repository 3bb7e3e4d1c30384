from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.cache import digest_index
from pytest_confmat.cache.checksummed import read_checksummed, write_checksummed
from pytest_confmat.cache.digest_index import DigestIndex

LATER = 10_000_000_000


@pytest.fixture
def later(monkeypatch):
    """Every file was touched long ago, as the clock says: nothing is racy."""
    clock = SimpleNamespace(time_ns=lambda: time.time_ns() + LATER)
    monkeypatch.setattr(digest_index, "time", clock)


@pytest.fixture
def opened(monkeypatch):
    """The files that were opened."""
    seen: list[str] = []

    def counting(path, *args, **kwargs):
        seen.append(Path(path).name)
        return open(path, *args, **kwargs)  # noqa: PTH123

    monkeypatch.setattr(digest_index, "open", counting, raising=False)
    return seen


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "data"
    for name in ("a/1", "a/2", "b/1"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"content of {name}")
    return root


NAMES = ("a/1", "a/2", "b/1")


def digests(tree: Path, names=NAMES, **how) -> list[str]:
    found = DigestIndex(tree.parent / "cache", **how).digests(str(tree), names)
    return [bytes(row).hex() for row in found]


def true_digests(tree: Path, names=NAMES) -> list[str]:
    read = [(tree / name).read_bytes() for name in names]
    return [hashlib.blake2b(content, digest_size=16).hexdigest() for content in read]


def in_place(path: Path, content: str) -> None:
    """Change a file so that only ctime tells: same inode, size and mtime."""
    before = path.stat()
    time.sleep(0.02)  # a tick of the kernel's clock
    with path.open("r+") as stream:
        stream.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    same = ("st_size", "st_mtime_ns", "st_ino")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]


def test_digests_are_those_of_the_contents(tree):
    assert digests(tree) == true_digests(tree)
    (tree / "large").write_bytes(os.urandom(5 << 20))
    assert digests(tree, ("large",)) == true_digests(tree, ("large",))


def test_no_files_are_no_error(tree):
    assert digests(tree, ()) == []


def test_an_unchanged_tree_is_not_read_again(tree, later, opened):
    first = digests(tree)
    assert sorted(opened) == ["1", "1", "2"]
    opened.clear()
    assert digests(tree) == first
    assert opened == []


def test_without_a_folder_it_is_read_once_an_object(tree, later, opened):
    known = DigestIndex()
    known.digests(str(tree), NAMES)
    known.digests(str(tree), NAMES)
    assert len(opened) == 3


def test_only_what_changed_is_read(tree, later, opened):
    digests(tree)
    (tree / "a/2").write_text("something else")
    opened.clear()
    assert digests(tree) == true_digests(tree)
    assert opened == ["2"]


def test_files_come_and_go(tree, later, opened):
    digests(tree)
    (tree / "c").write_text("new")
    opened.clear()
    names = ("b/1", "c", "a/1")
    assert digests(tree, names) == true_digests(tree, names)
    assert opened == ["c"]
    opened.clear()
    assert digests(tree) == true_digests(tree)
    assert opened == ["2"]  # what left the set was forgotten


def test_a_restored_mtime_hides_nothing(tree, later):
    digests(tree)
    in_place(tree / "a/1", "CONTENT of a/1")
    assert digests(tree) == true_digests(tree)


def test_another_file_of_the_same_size_and_time(tree, later):
    digests(tree)
    old = (tree / "a/1").stat()
    other = tree / "other"
    other.write_text("CONTENT of a/1")
    os.utime(other, ns=(old.st_atime_ns, old.st_mtime_ns))
    other.replace(tree / "a/1")
    assert digests(tree) == true_digests(tree)


@pytest.mark.parametrize("seconds", [10**10, -(10**10)])
def test_a_file_of_another_century(tree, later, seconds):
    os.utime(tree / "a/1", (seconds, seconds))
    assert digests(tree) == true_digests(tree)
    (tree / "a/1").write_text("of today")
    assert digests(tree) == true_digests(tree)


def test_a_link_that_leads_elsewhere(tree, later):
    (tree / "link").symlink_to("a/1")
    digests(tree, ("link",))
    (tree / "link").unlink()
    (tree / "link").symlink_to("a/2")
    assert digests(tree, ("link",)) == true_digests(tree, ("a/2",))


@pytest.fixture
def blind(monkeypatch):
    """A file system whose clock is so coarse that `stat` says the same after a change."""
    kept: dict[str, tuple[int, ...]] = {}
    stats = digest_index._stats

    def coarse(paths):
        found = stats(paths)
        return np.array(
            [kept.setdefault(p, tuple(row)) for p, row in zip(paths, found, strict=True)]
        )

    monkeypatch.setattr(digest_index, "_stats", coarse)


def test_a_file_touched_just_before_it_was_read_is_read_again(tree, blind, opened):
    digests(tree)
    in_place(tree / "a/1", "CONTENT of a/1")
    opened.clear()
    assert digests(tree) == true_digests(tree)
    assert len(opened) == 3


def test_a_file_touched_just_before_that_looks_old(tree, blind):
    # As after a copy that keeps mtimes: only ctime tells that it is new.
    for name in NAMES:
        os.utime(tree / name, (1000, 1000))
    digests(tree)
    in_place(tree / "a/1", "CONTENT of a/1")
    assert digests(tree) == true_digests(tree)


def test_time_that_looking_takes_makes_no_file_older(tree, blind, monkeypatch):
    clock = SimpleNamespace(now=time.time_ns())
    clock.time_ns = lambda: clock.now
    monkeypatch.setattr(digest_index, "time", clock)
    stats = digest_index._stats

    def slow(paths):
        found = stats(paths)
        clock.now += LATER
        return found

    monkeypatch.setattr(digest_index, "_stats", slow)
    digests(tree)
    in_place(tree / "a/1", "CONTENT of a/1")
    assert digests(tree) == true_digests(tree)


def test_verify_finds_what_stat_does_not_tell(tree, blind, later):
    before = digests(tree)
    in_place(tree / "a/1", "CONTENT of a/1")
    assert digests(tree) == before  # nothing tells but the content itself
    assert digests(tree, verify=True) == true_digests(tree)
    assert digests(tree) == true_digests(tree)


def test_verify_reads_each_file_once(tree, later, opened):
    digests(tree)
    opened.clear()
    known = DigestIndex(tree.parent / "cache", verify=True)
    known.digests(str(tree), NAMES)
    known.digests(str(tree), NAMES)
    assert len(opened) == 3


def test_a_file_changed_while_it_was_read(tree, later, monkeypatch):
    read = digest_index._read

    def slow(paths):
        found = read(paths)
        in_place(tree / "b/1", "CONTENT of b/1")
        return found

    monkeypatch.setattr(digest_index, "_read", slow)
    digests(tree)
    monkeypatch.setattr(digest_index, "_read", read)
    assert digests(tree) == true_digests(tree)


def test_where_times_say_nothing_all_is_read(tree, blind, later, opened, monkeypatch):
    monkeypatch.setattr(digest_index, "untrusted_times", lambda _: "squashfs")
    digests(tree)
    in_place(tree / "a/1", "CONTENT of a/1")
    opened.clear()
    known = DigestIndex(tree.parent / "cache")
    found = [bytes(row).hex() for row in known.digests(str(tree), NAMES)]
    assert found == true_digests(tree)
    assert len(opened) == 3
    assert known.untrusted == {"squashfs"}
    # Also within a run: after an evaluation it is looked whether the files are still the same.
    in_place(tree / "a/1", "content of a/1")
    found = [bytes(row).hex() for row in known.digests(str(tree), NAMES)]
    assert found == true_digests(tree)


def test_only_where_times_say_nothing_all_is_read(tree, later, opened, monkeypatch):
    devices = {"a": 1, "b": 2}
    stats = digest_index._stats

    def on_two_devices(paths):
        found = stats(paths)
        found[:, -1] = [devices[Path(path).parent.name] for path in paths]
        return found

    def kind(path):
        return "nfs4" if Path(path).parent.name == "b" else None

    monkeypatch.setattr(digest_index, "_stats", on_two_devices)
    monkeypatch.setattr(digest_index, "untrusted_times", kind)
    digests(tree)
    opened.clear()
    assert digests(tree) == true_digests(tree)
    assert opened == ["1"]


@pytest.mark.parametrize(
    "change",
    [
        {"stats": np.zeros((3, 4), np.int64)},
        {"stats": np.zeros((3, 5), np.float64)},
        {"taken": np.zeros(2, np.int64)},
        {"digests": np.zeros((3, 15), np.uint8)},
        {"digests": np.array([{}], object)},
        {"names": np.zeros(0, np.uint8)},
        {"taken": None},
    ],
)
def test_an_index_that_was_not_made_here_is_as_none(tree, later, opened, change):
    digests(tree)
    (index,) = (tree.parent / "cache").glob("*.index")
    with np.load(io.BytesIO(read_checksummed(index))) as stored:
        arrays = {name: array for name, array in {**stored, **change}.items() if array is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_checksummed(index, buffer.getvalue())
    opened.clear()
    assert digests(tree) == true_digests(tree)
    assert len(opened) == 3


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "replaced"])
def test_a_damaged_index_is_as_none(tree, later, opened, damage):
    digests(tree)
    (index,) = (tree.parent / "cache").glob("*.index")
    content = bytearray(index.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {
        "cut": index.read_bytes()[:-20],
        "flipped": bytes(content),
        "emptied": b"",
        "replaced": b"x" * 500,
    }
    index.write_bytes(damaged[damage])
    opened.clear()
    assert digests(tree) == true_digests(tree)
    assert len(opened) == 3


def test_a_folder_that_cannot_be_written_to(tree):
    (tree.parent / "cache").write_text("a file")
    assert digests(tree) == true_digests(tree)


def test_a_file_that_is_not_there_is_an_error(tree):
    with pytest.raises(FileNotFoundError, match="b/2"):
        digests(tree, ("a/1", "b/2"))


def test_names_that_are_no_utf8(tree, later, opened):
    name = os.fsdecode(b"caf\xe9")
    (tree / name).write_text("x")
    digests(tree, (name,))
    opened.clear()
    assert digests(tree, (name,)) == true_digests(tree, (name,))
    assert opened == []


def test_sets_of_one_folder_and_files_anywhere_have_indexes_of_their_own(tree, later, opened):
    known = tree.parent / "cache"
    paths = [str(tree / name) for name in NAMES]
    for names in (paths[:2], paths[1:]):
        DigestIndex(known).digests("", names)
    opened.clear()
    for names in (paths[:2], paths[1:]):
        found = DigestIndex(known).digests("", names)
        assert [bytes(row).hex() for row in found] == true_digests(tree, names)
    assert opened == []


FILES = ("a", "b", "c")
actions = st.lists(
    st.tuples(
        st.sampled_from(["write", "in place", "rename", "remove", "look", "verify"]),
        st.sampled_from(FILES),
        st.sampled_from(["xx", "yy", "longer"]),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(actions)
def test_whatever_happens_digests_are_true(steps):
    clock = SimpleNamespace(time_ns=lambda: time.time_ns() + LATER)
    folder = Path(tempfile.mkdtemp())
    tree = folder / "data"
    tree.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest_index, "time", clock)
        try:
            for action, name, content in steps:
                path = tree / name
                if action == "write":
                    path.write_text(content)
                elif action == "in place" and path.exists() and path.stat().st_size == 2:
                    in_place(path, "zz")
                elif action == "rename" and path.exists():
                    path.rename(tree / "a")
                elif action == "remove":
                    path.unlink(missing_ok=True)
                time.sleep(0.005)
                there = tuple(name for name in FILES if (tree / name).exists())
                assert digests(tree, there, verify=action == "verify") == true_digests(tree, there)
        finally:
            shutil.rmtree(folder)
