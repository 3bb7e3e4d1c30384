"""Class names by folders: declared in the policy and found there, or taken from them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pytest_confmat.data.naming import at_least_two
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path, system_name, text_of
from pytest_confmat.files import irregular, is_link
from pytest_confmat.lookalikes import appearance
from pytest_confmat.spec import DirectorySpec
from pytest_confmat.text import listed, nearest, one_line, plural, quoted

_LACKED = "; if the set lacks them on purpose: classes: {names: ..., without_examples: [...]}"
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")


def names_of_directory(spec: DirectorySpec, declared: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names of the classes in the order of the model's outputs.

    Raises
    ------
    DataError
        If the folders are not there, leave the order open, or are others than `declared`.
    """
    names = class_directories(spec)
    _refuse_undecodable(names, spec.directory)
    _refuse_look_alikes(names, spec.directory, _nfc, "differ only in how Unicode spells them")
    _refuse_look_alikes(names, spec.directory, appearance, "look the same")
    if declared is not None:
        at_least_two(declared, f"classes names {listed(declared) or 'none'}")
        _match(declared, names, spec)
        return declared
    at_least_two(names, f"{short_path(spec.directory)} holds {_contents(spec, names)}")
    _refuse_look_alikes(names, spec.directory, str.casefold, "differ only in case")
    if all(_WHOLE_NUMBER.fullmatch(name) for name in names):
        ordered = sorted(names, key=int)
        if tuple(ordered) != names:
            raise DataError(
                f"the class directories of {short_path(spec.directory)} are numbers, and sorted as "
                f"text they come as {', '.join(names[:4])} ...; say which order the model's "
                f"outputs have, by one of these lines\n"
                f"classes: [{', '.join(ordered)}]   # the order of numbers\n"
                f"classes: [{', '.join(names)}]   # the order of image_dataset_from_directory"
            )
    return names


def class_directories(spec: DirectorySpec) -> tuple[str, ...]:
    """Return the names of the directories that are classes, sorted by code point.

    Raises
    ------
    DataError
        If the directory cannot be listed, holds a link that leads nowhere, or `ignore` names what
        is not there.
    """
    root = spec.directory
    try:
        with os.scandir(root) as scan:
            entries = list(scan)
    except FileNotFoundError:
        raise DataError(
            f"the data directory {short_path(root)} does not exist{_nearest_sibling(root)}; "
            "a policy's paths are relative to its file"
        ) from None
    except NotADirectoryError:
        raise DataError(
            f"{short_path(root)} is {irregular(root) or 'a file'}, and dataset.directory is a "
            "folder that holds one folder per class; for TFRecord shards say tfrecord: in place of "
            "directory:"
        ) from None
    except OSError as error:
        raise DataError(f"{short_path(root)} cannot be listed: {error.strerror}") from error
    seen = [entry for entry in entries if not entry.name.startswith(".")]
    _refuse_dangling(seen)
    names = sorted(text_of(entry.name) for entry in seen if entry.is_dir())
    there = set(names)
    for name in spec.ignore:
        if name not in there:
            raise DataError(
                f"dataset.ignore names {name!r}, and {short_path(root)} holds no such directory"
                f"{nearest(name, names)}"
            )
    return tuple(name for name in names if name not in spec.ignore)


def _refuse_dangling(entries: Iterable[os.DirEntry[str]]) -> None:
    """Refuse links that lead nowhere: a class would be gone without a trace."""
    for entry in sorted(entries, key=lambda entry: entry.name):
        if is_link(entry) and not Path(entry.path).exists():
            target = text_of(os.fspath(Path(entry.path).readlink()))
            raise DataError(
                f"{short_path(entry.path)} is a link to {quoted(target)}, which leads nowhere; "
                "bring back what it leads to, or remove it"
            )


def _match(declared: tuple[str, ...], names: tuple[str, ...], spec: DirectorySpec) -> None:
    root, wanted = spec.directory, set(declared)
    there = {*names, *spec.without_examples}
    missing = [name for name in declared if name not in there]
    extra = [name for name in names if name not in wanted]
    if not missing and not extra:
        return
    lines = [f"classes and the directories in {short_path(root)} differ"]
    if missing:
        near = "".join(nearest(name, extra) for name in missing[:1])
        lines.append(f"  without a directory: {listed(missing)}{near or _LACKED}")
    if extra:
        lines.append(
            f"  not in classes: {listed(extra)}; a directory that is no class belongs in ignore"
        )
    lines.append(f"  classes: {listed(declared, 20)}")
    lines.append(f"  directories: {listed(names, 20) or 'none'}")
    raise DataError("\n".join(lines))


def _contents(spec: DirectorySpec, names: Sequence[str]) -> str:
    if names:
        return f"one class directory, {names[0]!r}"
    files = sorted(text_of(entry.name) for entry in os.scandir(spec.directory) if entry.is_file())
    if not files:
        return "no class directories"
    return f"no class directories, but {plural(len(files), 'file')} ({listed(files, 3)})"


def _nearest_sibling(root: Path) -> str:
    try:
        siblings = [text_of(entry.name) for entry in os.scandir(root.parent) if entry.is_dir()]
    except OSError:
        return ""
    return nearest(text_of(root.name), siblings)


def _refuse_undecodable(names: Iterable[str], root: Path) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            path = one_line(short_path(root / system_name(name)))
            raise DataError(
                f"the name of the class directory {path} is not UTF-8; rename it"
            ) from None


def _refuse_look_alikes(
    names: Iterable[str], root: Path, key: Callable[[str], str], how: str
) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(key(name), name)
        if other != name:
            raise DataError(
                f"the class directories {other!a} and {name!a} in {short_path(root)} {how}; "
                f"{'merge them, or list both in classes' if key is str.casefold else 'merge them'}"
            )


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)
