"""Class names: declared in the policy, or proven by the data; never guessed.

Runs when pytest is configured, in every worker: it lists one folder or reads one small file.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pytest_confmat.data.wording import counted, escaped, hint, listed, shown
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import system_name, text_of
from pytest_confmat.files import irregular, read_file
from pytest_confmat.spec import DatasetSpec, DirectorySpec, TFRecordSpec

_WHOLE_NUMBER = re.compile(r"-?[0-9]+")
_NUMBERED_LINE = re.compile(r"([0-9]+):(.*)")


def class_names(spec: DatasetSpec, declared: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names of the classes in the order of the model's outputs.

    Parameters
    ----------
    spec
        The data; a directory's class folders are listed, shards are not read.
    declared
        The policy's ``classes``, or ``None`` to take what the data state.

    Raises
    ------
    DataError
        If the data are not there, state no names, or state others than `declared`.
    """
    if declared is not None and len(set(declared)) < len(declared):
        twice = sorted({name for name in declared if declared.count(name) > 1})
        raise DataError(f"classes names {listed(twice)} more than once; each class has one place")
    if isinstance(spec, DirectorySpec):
        return _of_directory(spec, declared)
    if declared is None:
        return _of_label_file(spec)
    return _at_least_two(declared, f"classes names {listed(declared) or 'none'}")


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
            f"the data directory {shown(root)} does not exist{_nearest_sibling(root)}; "
            "a policy's paths are relative to its file"
        ) from None
    except NotADirectoryError:
        raise DataError(
            f"{shown(root)} is {irregular(root) or 'a file'}, and dataset.directory is a folder "
            "that holds one folder per class; for TFRecord shards say tfrecord: in place of "
            "directory:"
        ) from None
    except OSError as error:
        raise DataError(f"{shown(root)} cannot be listed: {error.strerror}") from error
    seen = [entry for entry in entries if not entry.name.startswith(".")]
    _refuse_dangling(seen)
    names = sorted(text_of(entry.name) for entry in seen if entry.is_dir())
    there = set(names)
    for name in spec.ignore:
        if name not in there:
            raise DataError(
                f"dataset.ignore names {name!r}, and {shown(root)} holds no such directory"
                f"{hint(name, names)}"
            )
    return tuple(name for name in names if name not in spec.ignore)


def _refuse_dangling(entries: Iterable[os.DirEntry[str]]) -> None:
    """Refuse links that lead nowhere: a class would be gone without a trace."""
    for entry in sorted(entries, key=lambda entry: entry.name):
        if entry.is_symlink() and not Path(entry.path).exists():
            target = escaped(os.fspath(Path(entry.path).readlink()))
            raise DataError(
                f"{shown(entry.path)} is a link to {target!r}, which leads nowhere; bring back "
                "what it leads to, or remove it"
            )


def label_files(spec: TFRecordSpec) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the label files beside the shards and the names in each.

    TFDS writes a file for each feature, such as ``label.labels.txt``, others ``labels.txt``; lines
    may be numbered from 0, as ``0:cat``.
    """
    return [(path, _read_label_file(path)) for path in label_candidates(spec) if path.exists()]


def label_candidates(spec: TFRecordSpec) -> tuple[Path, ...]:
    """Return where the names of classes may stand beside the shards, first choice first."""
    from pytest_confmat.data.shard_names import folders

    key = spec.label.key if spec.label is not None else "label"
    stems = dict.fromkeys((key.replace("/", "-"), key.rpartition("/")[2]))
    names = (*(f"{stem}.labels.txt" for stem in stems), "labels.txt")
    return tuple(folder / name for folder in folders(spec.tfrecord) for name in names)


def _of_directory(spec: DirectorySpec, declared: tuple[str, ...] | None) -> tuple[str, ...]:
    names = class_directories(spec)
    _refuse_undecodable(names, spec.directory)
    _refuse_look_alikes(names, spec.directory, _nfc, "differ only in how Unicode spells them")
    if declared is not None:
        _at_least_two(declared, f"classes names {listed(declared) or 'none'}")
        _match(declared, names, spec.directory)
        return declared
    _at_least_two(names, f"{shown(spec.directory)} holds {_contents(spec, names)}")
    _refuse_look_alikes(names, spec.directory, str.casefold, "differ only in case")
    if all(_WHOLE_NUMBER.fullmatch(name) for name in names):
        ordered = sorted(names, key=int)
        if tuple(ordered) != names:
            raise DataError(
                f"the class directories of {shown(spec.directory)} are numbers, and sorted as "
                f"text they come as {', '.join(names[:4])} ...; say which order the model's "
                f"outputs have, by one of these lines\n"
                f"classes: [{', '.join(ordered)}]   # the order of numbers\n"
                f"classes: [{', '.join(names)}]   # the order of image_dataset_from_directory"
            )
    return names


def _match(declared: tuple[str, ...], names: tuple[str, ...], root: Path) -> None:
    there, wanted = set(names), set(declared)
    missing = [name for name in declared if name not in there]
    extra = [name for name in names if name not in wanted]
    if not missing and not extra:
        return
    lines = [f"classes and the directories in {shown(root)} differ"]
    if missing:
        near = "".join(hint(name, extra) for name in missing[:1])
        lines.append(f"  without a directory: {listed(missing)}{near}")
    if extra:
        lines.append(
            f"  not in classes: {listed(extra)}; a directory that is no class belongs in ignore"
        )
    lines.append(f"  classes: {listed(declared, 20)}")
    lines.append(f"  directories: {listed(names, 20) or 'none'}")
    raise DataError("\n".join(lines))


def _at_least_two(names: tuple[str, ...], found: str) -> tuple[str, ...]:
    if len(names) < 2:
        raise DataError(f"{found}; a confusion matrix needs at least two classes")
    return names


def _contents(spec: DirectorySpec, names: Sequence[str]) -> str:
    if names:
        return f"one class directory, {names[0]!r}"
    files = sorted(text_of(entry.name) for entry in os.scandir(spec.directory) if entry.is_file())
    if not files:
        return "no class directories"
    return f"no class directories, but {counted(len(files), 'file')} ({listed(files, 3)})"


def _nearest_sibling(root: Path) -> str:
    try:
        siblings = [text_of(entry.name) for entry in os.scandir(root.parent) if entry.is_dir()]
    except OSError:
        return ""
    return hint(text_of(root.name), siblings)


def _refuse_undecodable(names: Iterable[str], root: Path) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            path = shown(root / system_name(name))
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
                f"the class directories {other!a} and {name!a} in {shown(root)} {how}; "
                f"{'merge them' if key is _nfc else 'merge them, or list both in classes'}"
            )


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _of_label_file(spec: TFRecordSpec) -> tuple[str, ...]:
    found = label_files(spec)
    if not found:
        raise DataError(
            "the names of the classes are not known: TFRecords hold labels without names or "
            "order, and there is no label.labels.txt or labels.txt beside the shards; say "
            "classes: [...] in the order of the model's outputs, or name a text file with one "
            "class a line"
        )
    path, names = found[0]
    for other, others in found[1:]:
        if others != names:
            raise DataError(
                f"{shown(path)} and {shown(other)} name different classes: {listed(names)} and "
                f"{listed(others)}; say which in classes"
            )
    return _at_least_two(names, f"{shown(path)} names {listed(names) or 'no classes'}")


def _read_label_file(path: Path) -> tuple[str, ...]:
    try:
        lines = read_file(path).decode("utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"the label file {shown(path)} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise DataError(f"the label file {shown(path)} is not UTF-8 text") from None
    while lines and not lines[-1].strip():
        lines.pop()
    numbered = [_NUMBERED_LINE.fullmatch(line) for line in lines]
    # As texts, since int() refuses thousands of digits.
    if all(m and (m[1].lstrip("0") or "0") == str(n) for n, m in enumerate(numbered)):
        lines = [match[2] for match in numbered if match]
    names = tuple(line.strip() for line in lines)
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name:
            raise DataError(f"{shown(path)}:{number} is empty; each line names one class")
        if name in seen:
            raise DataError(f"{shown(path)}:{number} names {name!r} a second time")
        seen.add(name)
    return names
