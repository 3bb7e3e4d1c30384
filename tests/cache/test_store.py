from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_confmat.cache import store as module
from pytest_confmat.cache.store import DamagedEntryError, Entry, EntryStore
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.writing import written_beside
from tests.support.results import evaluation
from tests.support.strategies import evaluations

WHEN = "2026-11-22T01:10:00+00:00"
SMALL = Entry(evaluation([[3, 1], [0, 2]], ("cat", "dog"), notes=("a note",)), WHEN)


def size_of(cache: EntryStore, entry: Entry = SMALL) -> int:
    cache.put("size", entry)
    path = cache.folder / "size.evaluation"
    size = path.stat().st_size
    path.unlink()
    return size


def there(cache: EntryStore) -> set[str]:
    return {path.stem for path in cache.folder.glob("*.evaluation")}


@given(evaluations(), st.booleans())
def test_what_is_put_in_comes_out(found, suspected):
    cause = LikelyCause("permuted", "a\nb", {"accuracy": 0.5, "outputs": ["x", "y"]})
    entry = Entry(found, WHEN, (cause,) if suspected else None)
    with tempfile.TemporaryDirectory() as folder:
        EntryStore(Path(folder)).put("key", entry)
        recalled = EntryStore(Path(folder)).get("key")
    assert recalled == entry
    assert recalled.evaluation.notes == found.notes


def test_faults_and_what_was_not_asked_differ_from_nothing_found(tmp_path):
    cache = EntryStore(tmp_path)
    cache.put("key", replace(SMALL, likely_causes=()))
    assert cache.get("key").likely_causes == ()
    cache.put("key", SMALL)
    assert cache.get("key").likely_causes is None


def test_nothing_is_known_of_another_key(tmp_path):
    cache = EntryStore(tmp_path)
    assert cache.get("key") is None
    cache.put("key", SMALL)
    assert cache.get("other") is None


@given(st.data())
def test_damage_anywhere_is_noticed(data):
    with tempfile.TemporaryDirectory() as folder:
        cache = EntryStore(Path(folder))
        cache.put("key", SMALL)
        path = cache.folder / "key.evaluation"
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            damaged = whole[:at]
        else:
            flipped = whole[at] ^ data.draw(st.integers(1, 255))
            damaged = whole[:at] + bytes([flipped]) + whole[at + 1 :]
        path.write_bytes(damaged)
        with pytest.raises(DamagedEntryError, match=r"^the entry key.evaluation of the cache is d"):
            cache.get("key")


@pytest.mark.parametrize("name", ["FORMAT", "_LENGTH"])
def test_an_entry_of_another_version(tmp_path, monkeypatch, name):
    EntryStore(tmp_path).put("key", SMALL)
    monkeypatch.setattr(module, name, getattr(module, name) + 1)
    with pytest.raises(DamagedEntryError):
        EntryStore(tmp_path).get("key")


def test_the_least_recently_used_go(tmp_path):
    cache = EntryStore(tmp_path)
    small = EntryStore(tmp_path, 3 * size_of(cache) + 10)
    for age, key in enumerate(("a", "b", "c")):
        small.put(key, SMALL)
        os.utime(tmp_path / f"{key}.evaluation", (1000 + age, 1000 + age))
    assert there(small) == {"a", "b", "c"}
    small.get("a")  # as of now it is the one used last
    small.put("d", SMALL)
    assert there(small) == {"a", "c", "d"}
    small.put("e", SMALL)
    assert there(small) == {"a", "d", "e"}


def test_indexes_count_too(tmp_path):
    cache = EntryStore(tmp_path)
    small = EntryStore(tmp_path, 2 * size_of(cache))
    index = tmp_path / "old.index"
    index.write_bytes(b"x" * (small._max_bytes // 2))
    os.utime(index, (1000, 1000))
    small.put("a", SMALL)
    assert index.exists()
    small.put("b", SMALL)
    assert not index.exists()
    assert there(small) == {"a", "b"}


def test_what_fills_the_cache_by_itself_is_not_kept(tmp_path):
    cache = EntryStore(tmp_path)
    tiny = EntryStore(tmp_path, size_of(cache) // 2)
    cache.put("other", replace(SMALL, likely_causes=()))
    tiny.put("key", SMALL)
    assert there(cache) == {"other"}


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    cache = EntryStore(tmp_path / "file")
    assert cache.get("key") is None
    with pytest.raises(OSError, match="file"):
        cache.put("key", SMALL)


def test_who_cannot_clear_up_leaves_it(tmp_path, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    cache = EntryStore(tmp_path)
    small = EntryStore(tmp_path, size_of(cache) + 10)
    with FileLock(tmp_path / "clear.lock"):
        small.put("a", SMALL)
        small.put("b", SMALL)
        assert there(small) == {"a", "b"}
    small.put("c", SMALL)
    assert there(small) == {"c"}


RUN = """
import sys
from pathlib import Path
from pytest_confmat.cache.store import EntryStore
from tests.cache.test_store import SMALL

folder, size, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
cache = EntryStore(folder, size)
hits = 0
for number in range(rounds):
    key = "abcd"[number % 4]
    cache.put(key, SMALL)
    found = cache.get(key)
    assert found is None or found == SMALL, found
    hits += found is not None
assert hits
"""


def test_two_runs_at_once_do_not_disturb_each_other(tmp_path):
    # Room for two entries of four: they put in, read and throw out what the other needs.
    size = 2 * size_of(EntryStore(tmp_path)) + 10
    command = [sys.executable, "-c", RUN, str(tmp_path), str(size), "60"]
    root = Path(__file__).parents[2]
    runs = [
        subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for run in runs:
        _, said = run.communicate(timeout=120)
        assert run.returncode == 0, said
    assert len(there(EntryStore(tmp_path))) <= 2
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@settings(max_examples=5)
@given(evaluations())
def test_readers_see_whole_entries_while_they_are_replaced(found):
    with tempfile.TemporaryDirectory() as folder:
        cache = EntryStore(Path(folder))
        entries = [SMALL, Entry(found, WHEN)]
        cache.put("key", SMALL)
        done = threading.Event()

        def write() -> None:
            for number in range(20):
                cache.put("key", entries[number % 2])
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        seen = [cache.get("key")]
        while not done.is_set():
            seen.append(cache.get("key"))
        writer.join()
    assert all(isinstance(entry.evaluation, Evaluation) and entry in entries for entry in seen)


# Is killed in the middle of writing an entry.
KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_confmat import writing
from pytest_confmat.cache.store import EntryStore
from tests.cache.test_store import SMALL

writing.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
EntryStore(Path(sys.argv[1])).put(sys.argv[2], SMALL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_runs_that_are_killed_while_they_write_leave_nothing_that_piles_up(tmp_path):
    for number in range(4):
        command = [sys.executable, "-c", KILLED, str(tmp_path), f"key{number}"]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
        assert done.returncode == -9
        # That of this run, and none of those before.
        assert len(list(tmp_path.iterdir())) == 1
    cache = EntryStore(tmp_path)
    cache.put("a", SMALL)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["a.evaluation"]


def test_what_is_being_written_counts_and_stays(tmp_path):
    cache = EntryStore(tmp_path)
    size = size_of(cache)
    small = EntryStore(tmp_path, 2 * size + 10)
    small.put("a", SMALL)
    os.utime(tmp_path / "a.evaluation", (1000, 1000))
    with written_beside(tmp_path / "b.evaluation", "x" * size) as beside:
        small.put("c", SMALL)
        assert there(small) == {"c"}
        assert beside.path.exists()
        os.utime(beside.path, (1000, 1000))
        small.put("d", SMALL)
        assert beside.path.exists()


def test_an_entry_under_the_key_of_another_is_none_of_it(tmp_path):
    found = EntryStore(tmp_path)
    found.put("a", SMALL)
    (tmp_path / "a.evaluation").rename(tmp_path / "b.evaluation")
    with pytest.raises(DamagedEntryError) as raised:
        found.get("b")
    assert str(raised.value) == "the entry b.evaluation of the cache is of something else"
