"""File names as text, and text as file names.

Python decodes them as the locale says. Under ``LC_ALL=C`` without UTF-8 mode a name that is UTF-8
arrives as lone surrogates, and text that is not ASCII opens no file.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

_IS_UTF8 = sys.getfilesystemencoding() == "utf-8"


def text_of(name: str) -> str:
    """Return a name that the system gave as text; bytes that are no UTF-8 stay surrogates."""
    if _IS_UTF8 or name.isascii():
        return name
    try:
        return os.fsencode(name).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return name  # it is text already


def system_name(text: str) -> str:
    """Return text, such as a policy's, as the name that opens a file."""
    if _IS_UTF8 or text.isascii():
        return text
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def short_path(path: str | Path) -> str:
    """Return a path as text: relative where it lies below the current folder, else as it is."""
    text = os.fspath(path)
    try:
        relative = os.path.relpath(text)
    except ValueError:  # it is on another drive
        return text_of(text)
    is_outside = relative.split(os.sep, 1)[0] == os.pardir
    return text_of(text if is_outside else relative)


def command_line(words: Sequence[str]) -> str:
    """Return words as a line for the shell of this system."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def relative_path(path: Path, start: Path | None = None) -> str:
    """Return a path relative to a folder, the current one by default; as it is on another drive."""
    try:
        return os.path.relpath(path, start or os.curdir)
    except ValueError:
        return os.fspath(path)


def common_folder(paths: Iterable[Path | str]) -> Path | None:
    """Return the folder that all paths have in common; ``None``: they lie on several drives."""
    try:
        return Path(os.path.commonpath([os.fspath(path) for path in paths]))
    except ValueError:
        return None


def without_drive(path: Path) -> Path:
    """Return an absolute path as a relative one, whose first part names the drive."""
    return Path(path.drive.strip(":\\/").replace("\\", "-") or ".", *path.parts[1:])


def below(folder: Path, text: str | Path) -> Path:
    """Join a path to the folder it is relative to, without ``a/..`` in it.

    Unless that leads elsewhere, as where `a` is a link.
    """
    joined = folder / system_name(str(text))
    flat = Path(os.path.normpath(joined))
    return flat if flat.resolve() == joined.resolve() else joined


def identity(path: Path) -> tuple[object, ...]:
    """Return a key that is the same for all spellings of a path, whether there is a file or not.

    Names that differ in case alone are one, as they are on some systems.
    """
    path, missing = path.resolve(), []
    while path != path.parent:
        try:
            found = path.stat()
        except OSError:
            missing.append(unicodedata.normalize("NFC", path.name).casefold())
            path = path.parent
        else:
            return found.st_dev, found.st_ino, *missing
    return path, *missing
