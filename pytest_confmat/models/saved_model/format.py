"""The format of SavedModels: how a directory is recognized, and which files belong to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.formats import ModelFile, ModelFormat
from pytest_confmat.spec import Decision

if TYPE_CHECKING:
    from pytest_confmat.models.predictor import Predictor

GRAPHS = ("saved_model.pb", "saved_model.pbtxt")
AGAIN = "copy the whole directory, or export it again with model.export(path)"
# Of a model have been seen some dozens; a tree without an end must not be walked to its end.
_MOST_FILES = 10_000


class SavedModelFormat(ModelFormat):
    """A directory with a graph, variables and assets, as ``model.export`` writes it."""

    key = "saved_model"
    suffixes = ()
    noun = "a SavedModel directory"
    has_signatures = True

    def recognizes(self, head: bytes) -> bool:  # noqa: ARG002
        """Return ``False``: no file is one."""
        return False

    def holds(self, folder: Path) -> bool:
        """See `ModelFormat.holds`."""
        return any(os.path.lexists(folder / name) for name in GRAPHS)

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return all files below a directory, those behind links included."""

        def stop(error: OSError) -> None:
            raise ModelError(f"{error.filename} cannot be read: {error.strerror}") from error

        found: list[Path] = []
        seen: set[str] = set()
        for folder, folders, names in os.walk(path, onerror=stop, followlinks=True):
            # A link may lead back to a folder above it.
            seen.add(os.path.realpath(folder))
            folders[:] = [f for f in folders if os.path.realpath(Path(folder, f)) not in seen]
            found += (Path(folder, name) for name in names)
            if len(found) > _MOST_FILES:
                raise ModelError(
                    f"{path} holds more than {_MOST_FILES:,} files, which no SavedModel does: give "
                    "the directory that saved_model.pb was exported to, with nothing else in it"
                )
        return tuple(sorted(found))

    def look(self, path: Path) -> str | None:
        """See `ModelFormat.look`; which TensorFlow wrote it stands in the graph, not read here."""
        from pytest_confmat.models.look import head_of, require_content

        for each in self.files(path):
            is_graph = each.parent == path and each.name in GRAPHS
            # Of the others, some may well be empty.
            if is_graph or each.stat().st_size:
                require_content(each, head_of(each))
        return None

    def load(
        self,
        file: ModelFile,
        classes: tuple[str, ...],
        decision: Decision,
        *,
        safe_mode: bool,
        custom_objects: Mapping[str, Any] | None,  # noqa: ARG002 (a graph names no classes)
    ) -> Predictor:
        """See `ModelFormat.load`."""
        from pytest_confmat.models.saved_model.loading import load

        return load(file, classes, decision, safe_mode=safe_mode)
