"""What files beside TFRecord shards say of the classes, against those of the policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_confmat.data.naming import require_same_names
from pytest_confmat.data.tfrecord.names import label_files
from pytest_confmat.data.tfrecord.shard_names import folders
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import short_path
from pytest_confmat.files import read_file
from pytest_confmat.spec import LabelFeature, TFRecordSpec

# What TFDS writes beside its shards.
FEATURES = "features.json"


def compare_label_files(
    spec: TFRecordSpec, classes: tuple[str, ...], label: LabelFeature
) -> tuple[str, ...]:
    """Compare names and numbers of classes beside the shards with `classes`; return notes.

    Parameters
    ----------
    label
        The feature that holds a number.

    Raises
    ------
    DataError
        If a file contradicts `classes`; the text shows both.
    """
    notes = []
    for path, names in label_files(spec):
        # The lines are the numbers in the records, or the classes that a label file is for.
        if names[max(label.offset, 0) :] == classes:
            continue
        notes.append(
            require_same_names(
                short_path(path),
                names,
                classes,
                f"labels are numbers that count the lines of {path.name}: if the model's outputs "
                "have that order, write classes so; if not, write the records again in the order "
                "of the model's outputs",
            )
        )
    for folder in folders(spec.tfrecord):
        _compare_features(folder / FEATURES, classes, label)
    return tuple(filter(None, notes))


def _compare_features(path: Path, classes: tuple[str, ...], label: LabelFeature) -> None:
    number = _number_of_classes(path, label.key or "label")
    if number is not None and number != len(classes) and not label.offset:
        raise DataError(
            f"{short_path(path)} says that {label.key!r} has {number:,} classes, and classes names "
            f"{len(classes):,}; name them all, in the order of the numbers"
        )


def _number_of_classes(path: Path, key: str) -> int | None:
    """Return how many classes TFDS states for a feature; ``None``: it states nothing."""
    try:
        found: Any = json.loads(read_file(path))
        for name in key.split("/"):
            found = found["featuresDict"]["features"][name]
        return int(found["classLabel"]["numClasses"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
