"""Whether an HDF5 file holds its numbers itself: parts of it may lie in other files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.formats import ModelFile

# Weights of models are nested some levels deep; a link may lead back above itself.
_DEEPEST = 64


def require_whole(file: ModelFile) -> None:
    """Refuse an HDF5 file, or one in a zip file, parts of which lie in other files.

    Raises
    ------
    ModelError
        If that is so, or it is damaged.
    """
    import h5py

    try:
        if file.format == "hdf5":
            with h5py.File(file.path, "r") as stored:
                elsewhere = next(_elsewhere(stored), None)
        else:
            with zipfile.ZipFile(file.path) as archive:
                weights = io.BytesIO(archive.read("model.weights.h5"))
            with h5py.File(weights, "r") as stored:
                elsewhere = next(_elsewhere(stored), None)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"{file.path} is cut off or damaged ({error}): copy or export it again"
        ) from error
    if elsewhere is not None:
        raise ModelError(
            f"{file.path} is not loaded: {elsewhere!r} in it lies in another file. No file that "
            "model.save() writes refers to others: do not trust it, and find out where it comes "
            "from"
        )


def _elsewhere(group: Any, depth: int = 0) -> Iterator[str]:
    """Yield the names of what a group holds by reference to another file."""
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink) or depth > _DEEPEST:
            yield f"{group.name}/{name}".replace("//", "/")
            continue
        if isinstance(link, h5py.SoftLink):
            continue  # what it leads to is in this file, and looked at there
        found = group[name]
        if isinstance(found, h5py.Group):
            yield from _elsewhere(found, depth + 1)
        elif isinstance(found, h5py.Dataset) and (found.external or found.is_virtual):
            yield str(found.name)
