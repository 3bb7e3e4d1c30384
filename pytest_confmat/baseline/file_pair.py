"""The two files of a baseline, and how the new ones take the place of the old.

``baselines/production.json`` is for a person, and holds the digest of the other file,
``baselines/production.<12 digits of it>.bin``. Since every content has a name of its own, the new
binary part never touches the old one: the text that replaces the old text, in one step, is what
replaces the baseline. Of several processes that store one, only one at a time does so: each
removes the binary parts that its text does not name. Those that read take no lock, since the folder
may be read-only to them: where the binary part is gone, the text has been replaced, and is read
again.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_confmat.baseline.text_part import FORMAT, parse
from pytest_confmat.errors import BaselineError
from pytest_confmat.filenames import command_line
from pytest_confmat.files import is_lfs_pointer, read_file
from pytest_confmat.writing import remove_leftovers, remove_unless_held, write_atomically

_DIGITS = 12
_BINARY = rf"\.[0-9a-f]{{{_DIGITS}}}\.bin"
_PATIENCE = 60.0  # seconds; storing takes less than one


class BaselineFiles:
    """Where a baseline is stored.

    Parameters
    ----------
    path
        Without ending, as ``baselines/production``, or the text part itself.

    Raises
    ------
    BaselineError
        If `path` names no file.
    """

    def __init__(self, path: Path) -> None:
        name = re.sub(r"(\.json)+$", "", path.name)
        if name in ("", "..") or "\0" in str(path):
            raise BaselineError(
                f"{str(path)!r} is no path of a baseline; give a name in a folder, as in "
                "baselines/production"
            )
        self.path = path.with_name(name)
        self.text = path.with_name(f"{name}.json")
        self.command = how_to_save(self.path)
        self._lock = path.with_name(f".{name}.lock")

    def binary(self, content: bytes) -> Path:
        """Return the path of the binary part that holds `content`."""
        return self._binary(sha256(content).hexdigest())

    def require_replaceable(self) -> None:
        """Look at what stands where the text part is to be written.

        Raises
        ------
        BaselineError
            If it is no baseline, whole or damaged.
        """
        try:
            found = self.text.read_bytes() if self.text.is_file() else None
        except OSError as error:
            raise self._unreadable(self.text, error) from error
        if found is None and not os.path.lexists(self.text):
            return
        if found is None or f'"{FORMAT}"'.encode() not in found:
            raise BaselineError(
                f"{self.text} is no baseline, and would be overwritten: move that file, or give "
                "the baseline another name"
            )

    def replace(self, content: bytes, text: Callable[[Mapping[str, Any]], bytes]) -> None:
        """Store a binary part, and the text that `text` makes of what it is known by.

        A process that dies meanwhile leaves the old baseline whole, or the new one, and perhaps
        files that nothing refers to; the next call takes them away.

        Raises
        ------
        BaselineError
            If the files cannot be written, or another process does not finish doing so.
        """
        from filelock import FileLock, Timeout

        self.require_replaceable()
        digest = sha256(content).hexdigest()
        binary = self._binary(digest)
        try:
            with FileLock(self._lock, timeout=_PATIENCE):
                write_atomically(binary, content)
                write_atomically(self.text, text({"bytes": len(content), "sha256": digest}))
                self._clear_up(binary)
        except Timeout as error:
            raise BaselineError(
                f"the baseline {self.text} was not saved: for {_PATIENCE:.0f} s another process "
                f"has held {self._lock.name} beside it; see what it does, and try again"
            ) from error
        except OSError as error:
            raise BaselineError(
                f"the baseline {self.text} cannot be written: {error.strerror or error}; if there "
                "was one before, it is as it was"
            ) from error
        finally:
            # Some releases of filelock leave it, and this folder is under version control.
            with contextlib.suppress(OSError):
                remove_unless_held(self._lock)

    def _clear_up(self, kept: Path) -> None:
        """Remove what earlier calls left: binary parts, and files they did not finish."""
        for leftover in self._parts():
            # Nothing refers to it: that it stays does no harm.
            with contextlib.suppress(OSError):
                if leftover != kept:
                    leftover.unlink()
        name = re.escape(self.path.name)
        remove_leftovers(self.path.parent, rf"{name}(?:\.json|{_BINARY})")

    def read(self) -> tuple[dict[str, Any], bytes]:
        """Return the values of the text part, and the binary part that belongs to it.

        Raises
        ------
        BaselineError
            If they are not there, or not whole.
        """
        values = self._read_text()
        while (content := self._read_binary(values["outcomes"])) is None:
            before, values = values, self._read_text()
            if values == before:
                raise self._lost(values["outcomes"])
        return values, content

    def _read_text(self) -> dict[str, Any]:
        try:
            text = read_file(self.text)
        except FileNotFoundError as error:
            alone = "".join(f"; {path.name} beside it has lost its text" for path in self._parts())
            raise BaselineError(
                f"there is no baseline {self.text}{alone}; let the model in production save one: "
                f"{self.command}"
            ) from error
        except OSError as error:
            raise self._unreadable(self.text, error) from error
        try:
            return parse(text, self.command)
        except BaselineError as error:
            raise BaselineError(f"{self.text} {error}") from error.__cause__

    def damaged(self, path: Path, reason: str) -> BaselineError:
        """Return the error that one of the files is not what it was; `reason` is a predicate."""
        return BaselineError(
            f"{path} {reason}; restore {self.text.name} and its binary part together from version "
            f"control, or save the baseline again: {self.command}"
        )

    def _lost(self, stored: Mapping[str, Any]) -> BaselineError:
        name = self._binary(stored["sha256"]).name
        others = [other.name for other in self._parts()]
        beside = f"; {', '.join(others)} belongs to another text" if others else ""
        return self.damaged(self.text, f"has lost its binary part: there is no {name}{beside}")

    def _read_binary(self, stored: Mapping[str, Any]) -> bytes | None:
        """Return the binary part that a text names; ``None``: it is not there."""
        path = self._binary(stored["sha256"])
        try:
            content = read_file(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(path, error) from error
        if is_lfs_pointer(content):
            raise BaselineError(f"{path} is only git-lfs's pointer to it; fetch it: git lfs pull")
        expected = stored["bytes"]
        if len(content) < expected:
            reason = f"is cut off: it has {len(content):,} of {expected:,} bytes"
            raise self.damaged(path, reason)
        if len(content) > expected or sha256(content).hexdigest() != stored["sha256"]:
            raise self.damaged(path, f"is not what {self.text.name} was written with")
        return content

    def _unreadable(self, path: Path, error: OSError) -> BaselineError:
        return BaselineError(
            f"the baseline {path} cannot be read: {error.strerror or error}; make it readable, or "
            f"save it again: {self.command}"
        )

    def _binary(self, digest: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{digest[:_DIGITS]}.bin")

    def _parts(self) -> list[Path]:
        """Return the binary parts under the name of this baseline, sorted."""
        pattern = re.compile(re.escape(self.path.name) + _BINARY)
        try:
            return sorted(
                path for path in self.path.parent.iterdir() if pattern.fullmatch(path.name)
            )
        except OSError:
            return []


def how_to_save(path: Path) -> str:
    """Return the command that makes a baseline, as a message shows it."""
    where = command_line([str(path)])
    return f"pytest --confmat-model MODEL_IN_PRODUCTION --confmat-save-baseline {where}"
