"""The files of a class directory: which are examples, in what order, and which are not read."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_confmat.data.directory.names import class_directories
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import common_folder, short_path, system_name, text_of
from pytest_confmat.files import irregular, is_link
from pytest_confmat.spec import DirectorySpec
from pytest_confmat.text import joined, listed, one_line, plural

# Keras reads the first five; the others are formats that TensorFlow decodes as well.
EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".jfif", ".webp")
_LITTER = ("thumbs.db", "desktop.ini")  # and what starts with a dot


@dataclass(frozen=True)
class Listing:
    """The examples of a directory.

    Attributes
    ----------
    ids
        Paths relative to the root with ``/``, in Keras's order: classes sorted, in each the
        folders sorted, in each the files sorted, all by code point.
    labels
        The place of each example's class in `classes`.
    notes
        What was skipped.
    """

    ids: tuple[str, ...]
    labels: tuple[int, ...]
    notes: tuple[str, ...]


@dataclass
class _Found:
    """What a walk comes across."""

    root: Path
    real_root: str
    follow: bool = False
    files: list[tuple[str, str]] = field(default_factory=list)  # folder, name
    skipped: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)
    leaving: dict[str, str] = field(default_factory=dict)  # link, target
    linked_folders: list[str] = field(default_factory=list)
    circles: list[str] = field(default_factory=list)


def list_directory(spec: DirectorySpec, classes: Sequence[str]) -> Listing:
    """List the images below the class directories.

    Raises
    ------
    DataError
        If there are files that would not be read, links that leave the directory, names that
        are no UTF-8 or look alike, classes without an image, or two that are one folder.
    """
    ids: list[str] = []
    labels: list[int] = []
    root = os.path.realpath(spec.directory)
    found = _Found(spec.directory, root, spec.links == "follow")
    empty = []
    place = {name: number for number, name in enumerate(classes)}
    names = class_directories(spec)
    _refuse_aliases(spec.directory, names)
    for name in names:
        found.files = []
        path = spec.directory / system_name(name)
        if not is_link(path) or _stays(path, found):
            _walk(os.fspath(path), name, found)
        found.files.sort()
        ids += [f"{folder}/{file}" for folder, file in found.files]
        labels += [place[name]] * len(found.files)
        if not found.files and name not in spec.without_examples:
            empty.append(name)
    _refuse(found, ids, spec.directory)
    if empty:
        raise DataError(
            f"{plural(len(empty), 'class directory', 'class directories')} in "
            f"{short_path(spec.directory)} {'holds' if len(empty) == 1 else 'hold'} no image: "
            f"{listed(empty, 20)}; a class without examples cannot be judged"
        )
    return Listing(tuple(ids), tuple(labels), tuple(_notes(found, spec)))


def _refuse_aliases(root: Path, names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(os.path.realpath(root / system_name(name)), name)
        if other != name:
            raise DataError(
                f"the class directories {other!r} and {name!r} in {short_path(root)} are one "
                "folder, by a link: each of its images would be an example of both"
            )


def _walk(path: str, folder: str, found: _Found) -> None:
    try:
        with os.scandir(path) as scan:
            entries = list(scan)
    except OSError as error:
        raise DataError(f"{short_path(path)} cannot be listed: {error.strerror}") from error
    for entry in entries:
        name = text_of(entry.name)
        relative = f"{folder}/{name}"
        if name.startswith(".") or name.lower() in _LITTER:
            found.skipped.append(relative)
        elif is_link(entry):
            _link(Path(entry.path), folder, name, found)
        elif entry.is_dir(follow_symlinks=False):
            _walk(entry.path, relative, found)
        elif not name.lower().endswith(EXTENSIONS):
            found.unreadable.append(relative)
        elif entry.is_file(follow_symlinks=False):
            found.files.append((folder, name))
        else:
            found.special.append(f"{relative} is {irregular(entry.path)}")


def _link(path: Path, folder: str, name: str, found: _Found) -> None:
    """Sort a link in: to a file within the root it is an example, also when it leads nowhere."""
    if not _stays(path, found):
        return
    if path.is_dir():
        _link_to_folder(path, f"{folder}/{name}", found)
    elif kind := irregular(path):
        found.special.append(f"{folder}/{name} leads to {kind}")
    elif name.lower().endswith(EXTENSIONS):
        found.files.append((folder, name))
    else:
        found.unreadable.append(f"{folder}/{name}")


def _link_to_folder(path: Path, relative: str, found: _Found) -> None:
    if not found.follow:
        found.linked_folders.append(relative)
    elif any(path.samefile(folder) for folder in path.parents):
        found.circles.append(relative)
    else:
        _walk(os.fspath(path), relative, found)


def _stays(path: Path, found: _Found) -> bool:
    target = os.path.realpath(path)
    if common_folder([target, found.real_root]) == Path(found.real_root):
        return True
    found.leaving[text_of(path.relative_to(found.root).as_posix())] = text_of(target)
    return found.follow


def _refuse(found: _Found, ids: Sequence[str], root: Path) -> None:
    undecodable = [name for name in ids if not _is_utf8(name)]
    formats = ", ".join(EXTENSIONS)
    problems = (
        (undecodable, "file names that are not UTF-8", "rename them"),
        (
            [] if found.follow else [f"{link} -> {to}" for link, to in found.leaving.items()],
            "links that lead out of it",
            "copy what they lead to, or allow such links by links: follow in dataset",
        ),
        (found.circles, "links to folders that hold them", "remove them"),
        (
            found.linked_folders,
            "links to folders, which Keras does not follow",
            "move the folders here, link their files, or say links: follow in dataset",
        ),
        (found.special, "entries that are no regular files", "remove them"),
        (
            found.unreadable,
            "files that would not be read",
            f"move, remove or convert them; what is read is {formats}",
        ),
        (
            _look_alikes(ids),
            "file names that differ only in how Unicode spells them",
            "remove one of the two",
        ),
    )
    for names, problem, remedy in problems:
        if names:
            some = joined([one_line(name) for name in sorted(names)], 5)
            raise DataError(f"{short_path(root)} holds {problem}: {some}; {remedy}")


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _look_alikes(ids: Sequence[str]) -> list[str]:
    spelled: dict[str, str] = {}
    pairs = []
    for name in ids:
        if not name.isascii():
            other = spelled.setdefault(unicodedata.normalize("NFC", name), name)
            if other != name:
                pairs.append(f"{other!a} and {name!a}")
    return pairs


def _notes(found: _Found, spec: DirectorySpec) -> Iterator[str]:
    if found.skipped:
        skipped = sorted(found.skipped)
        yield (f"{plural(len(skipped), 'hidden or system file')} skipped: {listed(skipped, 3)}")
    beside = sorted(
        entry.name
        for entry in os.scandir(spec.directory)
        if entry.name.startswith(".") or not entry.is_dir()
    )
    if beside:
        yield (
            f"{plural(len(beside), 'entry', 'entries')} beside the class directories not read: "
            f"{listed(beside, 3)}"
        )
    if found.leaving:
        count = plural(len(found.leaving), "link")
        yield f"{count} out of the directory followed: {listed(sorted(found.leaving), 3)}"
    if spec.ignore:
        yield f"directories ignored: {listed(spec.ignore, 20)}"
