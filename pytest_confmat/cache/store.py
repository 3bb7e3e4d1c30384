"""Evaluations kept until something they depend on changes, in a folder of bounded size.

An entry is one file, whole or not there. Runs at the same time may read and write: what one
writes in place of another's is equal to it, and only clearing up is done by one at a time.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_confmat.cache.checksummed import read_checksummed, write_checksummed
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.errors import EvaluationError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.writing import is_unfinished, remove_leftovers

FORMAT = 2
MAX_BYTES = 500 * 2**20
_SUFFIX = ".evaluation"
_LENGTH = 8  # bytes that say how long an entry's header is
_PATIENCE = 5.0  # seconds; who cannot clear up now leaves it to the next run


class DamagedEntryError(EvaluationError):
    """An entry of the cache that is not what was written."""


@dataclass(frozen=True)
class Entry:
    """An evaluation as it was kept.

    Attributes
    ----------
    computed
        When, as ISO 8601 in UTC.
    likely_causes
        What it looks like where limits fail; ``None``: that was not asked.
    """

    evaluation: Evaluation
    computed: str
    likely_causes: tuple[LikelyCause, ...] | None = None


class EntryStore:
    """Entries in a folder; the least recently used go when it outgrows its size.

    Parameters
    ----------
    folder
        Which need not be there, and may hold other files of ours: they count.
    max_bytes
        Of all files together.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes

    def get(self, key: str) -> Entry | None:
        """Return the entry under `key`, or ``None`` if there is none that could be read.

        Raises
        ------
        DamagedEntryError
            If it is not what was written.
        """
        path = self.folder / self.name(key)
        try:
            content = read_checksummed(path)
        except OSError:
            return None
        if content is None:
            raise DamagedEntryError(f"the entry {path.name} of the cache is damaged")
        with suppress(OSError):
            os.utime(path)
        return _unpacked(key, content, path)

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry, and let go of others if there is no room for all.

        One that fills the cache by itself is not kept.

        Raises
        ------
        OSError
            If the folder cannot be written to.
        """
        content = _packed(key, entry)
        if len(content) > self._max_bytes:
            return
        # Before writing: otherwise those that are killed while they write would pile up.
        remove_leftovers(self.folder)
        write_checksummed(self.folder / self.name(key), content)
        self._clear_up()

    def get_beside(self, key: str, what: str) -> bytes | None:
        """Return what is kept beside an entry; ``None``: nothing that could be read."""
        try:
            return read_checksummed(self.folder / f"{key}.{what}")
        except OSError:
            return None

    def put_beside(self, key: str, what: str, content: bytes) -> None:
        """Keep something that was made of an entry.

        Raises
        ------
        OSError
            If the folder cannot be written to.
        """
        if len(content) <= self._max_bytes:
            write_checksummed(self.folder / f"{key}.{what}", content)
            self._clear_up()

    def remove_beside(self, key: str, whats: Iterable[str]) -> None:
        """Remove what is kept beside an entry."""
        for what in whats:
            with suppress(OSError):  # another run may have it open; then it goes in its turn
                (self.folder / f"{key}.{what}").unlink(missing_ok=True)

    def name(self, key: str) -> str:
        """Return the name of the file that holds the entry under `key`."""
        return f"{key}{_SUFFIX}"

    def _clear_up(self) -> None:
        # Only where something is written: a recalled evaluation needs no lock.
        from filelock import FileLock, Timeout

        with suppress(Timeout), FileLock(self.folder / "clear.lock", timeout=_PATIENCE):
            found = sorted(_files(self.folder), reverse=True)
            room = self._max_bytes
            for _, size, path in found:
                room -= size
                if room < 0 and not is_unfinished(path):
                    # Another run may have it open; where that forbids it, it stays.
                    with suppress(OSError):
                        path.unlink()


def _files(folder: Path) -> Sequence[tuple[int, int, Path]]:
    """Return when each file was last used, its size and itself."""
    found = []
    for path in folder.iterdir():
        if path.suffix != ".lock":
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
    return found


def _packed(key: str, entry: Entry) -> bytes:
    likely_causes = entry.likely_causes
    header: dict[str, Any] = {
        "format": FORMAT,
        "key": key,
        "computed": entry.computed,
        "suspicions": None
        if likely_causes is None
        else [each.to_plain() for each in likely_causes],
    }
    text = json.dumps(header).encode()
    return len(text).to_bytes(_LENGTH, "little") + text + entry.evaluation.to_bytes()


def _unpacked(key: str, content: bytes, path: Path) -> Entry:
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    damaged = DamagedEntryError(f"the entry {path.name} of the cache is damaged")
    try:
        header = json.loads(content[_LENGTH:end])
        if header["format"] != FORMAT:
            raise DamagedEntryError(f"the entry {path.name} of the cache is of another version")
        if header["key"] != key:
            raise DamagedEntryError(f"the entry {path.name} of the cache is of something else")
        if datetime.fromisoformat(header["computed"]).tzinfo is None:
            raise damaged
        return Entry(
            Evaluation.load(io.BytesIO(content[end:])),
            header["computed"],
            _likely_causes(header["suspicions"]),
        )
    except DamagedEntryError:
        raise
    except (EvaluationError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise damaged from error


def _likely_causes(plain: list[dict[str, Any]] | None) -> tuple[LikelyCause, ...] | None:
    if plain is None:
        return None
    found = tuple(LikelyCause(**each) for each in plain)
    for each in found:
        if not (isinstance(each.kind, str) and isinstance(each.text, str)):
            raise TypeError("the text of a likely cause is no text")
        if not isinstance(each.evidence, dict):
            raise TypeError("the evidence of a likely cause is no mapping")
    return found
