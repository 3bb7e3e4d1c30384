"""Which files a source reads, found out without reading them; and what else it goes by."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_confmat.data.classes import label_candidates
from pytest_confmat.data.label_files import FEATURES
from pytest_confmat.data.listing import list_directory
from pytest_confmat.data.shard_names import resolve
from pytest_confmat.data.wording import shown
from pytest_confmat.filenames import system_name
from pytest_confmat.spec import DatasetSpec, DirectorySpec

# Beside TFRecord shards; besides the files that name classes.
_SIDE_FILES = ("dataset_info.json", FEATURES)


@dataclass(frozen=True)
class Reading:
    """The files that a source reads.

    Attributes
    ----------
    root, names
        The files: `names` below `root`, or anywhere if that is empty. In the set's order.
    remarks
        What the source says of what lies beside them.
    labels
        The true class of each file, where every file is an example.
    shards
        Those of the files that hold examples, where each holds many.
    """

    root: str
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    shards: tuple[Path, ...] = ()

    @property
    def names_wherever(self) -> tuple[str, ...]:
        """The names without the folder that all files have in common."""
        if self.root:
            return self.names
        try:
            common = os.path.commonpath([path.parent for path in self.shards])
            return tuple(os.path.relpath(name, common) for name in self.names)
        except ValueError:  # on several drives
            return self.names


def files_of(spec: DatasetSpec, classes: Sequence[str]) -> Reading:
    """Return the files that determine what an evaluation set holds.

    Raises
    ------
    DataError
        As the source would: if the data are not what `spec` and `classes` say.
    """
    if isinstance(spec, DirectorySpec):
        listing = list_directory(spec, classes)
        root = os.fspath(spec.directory)
        names = tuple(map(system_name, listing.ids))
        return Reading(root, names, listing.notes, labels=listing.labels)
    shards = resolve(spec.tfrecord)
    folders = dict.fromkeys(path.parent for path in shards)
    beside = [*label_candidates(spec), *(folder / s for folder in folders for s in _SIDE_FILES)]
    there = [path for path in beside if path.is_file()]
    names = tuple(map(os.fspath, dict.fromkeys([*shards, *there])))
    return Reading("", names, shards=shards)


def describe(spec: DatasetSpec) -> str:
    """Return an evaluation set in a few words, seen from the current folder."""
    if isinstance(spec, DirectorySpec):
        return f"directory {shown(spec.directory)}"
    first, *others = spec.tfrecord
    more = f" and {len(others)} more" if others else ""
    return f"TFRecords {shown(first)}{more}"
