"""Which files a source reads, found out without reading them; and what else it goes by."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_confmat.data.classes import label_candidates
from pytest_confmat.data.listing import list_directory
from pytest_confmat.data.shard_names import resolve
from pytest_confmat.filenames import system_name
from pytest_confmat.spec import DatasetSpec, DirectorySpec

# Beside TFRecord shards; besides the files that name classes.
_SIDE_FILES = ("dataset_info.json",)


@dataclass(frozen=True)
class Reading:
    """The files that a source reads.

    Attributes
    ----------
    root, names
        The files: `names` below `root`, or anywhere if that is empty. In the set's order.
    remarks
        What the source says of what lies beside them.
    """

    root: str
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def files_of(spec: DatasetSpec, classes: Sequence[str]) -> Reading:
    """Return the files that determine what an evaluation set holds.

    Raises
    ------
    DataError
        As the source would: if the data are not what `spec` and `classes` say.
    """
    if isinstance(spec, DirectorySpec):
        listing = list_directory(spec, classes)
        return Reading(
            os.fspath(spec.directory), tuple(map(system_name, listing.ids)), listing.notes
        )
    shards = resolve(spec.tfrecord)
    folders = dict.fromkeys(path.parent for path in shards)
    beside = [*label_candidates(spec), *(folder / s for folder in folders for s in _SIDE_FILES)]
    there = [path for path in beside if path.is_file()]
    return Reading("", tuple(map(os.fspath, dict.fromkeys([*shards, *there]))))
