"""Class names by files beside the shards: TFRecords hold labels without names or order."""

from __future__ import annotations

from pathlib import Path

from pytest_confmat.data.tfrecord.shard_names import folders
from pytest_confmat.errors import DataError, Location, PolicyError
from pytest_confmat.filenames import short_path
from pytest_confmat.policy.label_files import read_label_file
from pytest_confmat.spec import TFRecordSpec
from pytest_confmat.text import listed


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
    return names


def label_files(spec: TFRecordSpec) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the label files beside the shards and the names in each.

    TFDS writes a file for each feature, such as ``label.labels.txt``, others ``labels.txt``.
    """
    return [(path, _read(path)) for path in label_candidates(spec) if path.exists()]


def label_candidates(spec: TFRecordSpec) -> tuple[Path, ...]:
    """Return where the names of classes may stand beside the shards, first choice first."""
    key = (spec.label and spec.label.key) or "label"
    stems = dict.fromkeys((key.replace("/", "-"), key.rpartition("/")[2]))
    names = (*(f"{stem}.labels.txt" for stem in stems), "labels.txt")
    return tuple(folder / name for folder in folders(spec.tfrecord) for name in names)


def _read(path: Path) -> tuple[str, ...]:
    try:
        return read_label_file(path, Location(path, 1), "the label file")
    except PolicyError as error:
        at = f"{short_path(path)}:{error.location.line}"
        raise DataError(f"{at}: {error.message}") from None
