"""Class names by files beside the shards: TFRecords hold labels without names or order."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_confmat.data.naming import at_least_two
from pytest_confmat.data.tfrecord.shard_names import folders
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path
from pytest_confmat.files import read_file
from pytest_confmat.spec import TFRecordSpec
from pytest_confmat.text import listed

_NUMBERED_LINE = re.compile(r"([0-9]+):(.*)")


def names_of_label_file(spec: TFRecordSpec) -> tuple[str, ...]:
    """Return the names of the classes that the label files state.

    Raises
    ------
    DataError
        If there is none, or two state different names.
    """
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
                f"{short_path(path)} and {short_path(other)} name different classes: "
                f"{listed(names)} and {listed(others)}; say which in classes"
            )
    return at_least_two(names, f"{short_path(path)} names {listed(names) or 'no classes'}")


def label_files(spec: TFRecordSpec) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the label files beside the shards and the names in each.

    TFDS writes a file for each feature, such as ``label.labels.txt``, others ``labels.txt``; lines
    may be numbered from 0, as ``0:cat``.
    """
    return [(path, _read_label_file(path)) for path in label_candidates(spec) if path.exists()]


def label_candidates(spec: TFRecordSpec) -> tuple[Path, ...]:
    """Return where the names of classes may stand beside the shards, first choice first."""
    key = spec.label.key if spec.label is not None else "label"
    stems = dict.fromkeys((key.replace("/", "-"), key.rpartition("/")[2]))
    names = (*(f"{stem}.labels.txt" for stem in stems), "labels.txt")
    return tuple(folder / name for folder in folders(spec.tfrecord) for name in names)


def _read_label_file(path: Path) -> tuple[str, ...]:
    try:
        lines = read_file(path).decode("utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(
            f"the label file {short_path(path)} cannot be read: {error.strerror}"
        ) from error
    except UnicodeDecodeError:
        raise DataError(f"the label file {short_path(path)} is not UTF-8 text") from None
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
            raise DataError(f"{short_path(path)}:{number} is empty; each line names one class")
        if name in seen:
            raise DataError(f"{short_path(path)}:{number} names {name!r} a second time")
        seen.add(name)
    return names
