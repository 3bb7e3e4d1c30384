"""Class directories as a kind of data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_args

from pydantic import Field

from pytest_confmat.data.directory.listing import list_directory
from pytest_confmat.data.directory.names import names_of_directory
from pytest_confmat.data.reading import Reading
from pytest_confmat.filenames import below, identity, short_path, system_name, text_of
from pytest_confmat.kinds import DataKind
from pytest_confmat.policy import scalars
from pytest_confmat.policy.base_shape import NAME_SCHEMA, LocalPath, ReadBy
from pytest_confmat.policy.dataset_shape import ImagesShape, word
from pytest_confmat.policy.policy_faults import fault
from pytest_confmat.policy.text_files import shown as quoted
from pytest_confmat.spec import DirectorySpec, Links, ModelInput

if TYPE_CHECKING:
    from pytest_confmat.data.source import SharedSource, Source
    from pytest_confmat.evaluation import Evaluation

_LINKS: tuple[Links, ...] = get_args(Links)


def _ignored(value: Any) -> tuple[str, ...]:
    found = scalars.names(value)
    for index, name in enumerate(found):
        if "/" in name or name in (".", ".."):
            raise fault(f"{quoted(name)} is a path; it takes names of class directories", index)
    return found


class DirectoryShape(ImagesShape):
    """Images in class directories."""

    weightless: ClassVar = (
        "images in directories have no weights of their own; use balanced, inverse_frequency or a "
        "weight a class, or data from tfrecord"
    )

    directory: LocalPath = Field(
        description="Folder of the class directories; relative to this file."
    )
    ignore: Annotated[
        tuple[str, ...],
        ReadBy(_ignored, {"type": "array", "items": NAME_SCHEMA, "uniqueItems": True}),
    ] = Field((), description="Directories that are no class, such as __MACOSX.")
    links: Annotated[Links, word(_LINKS)] = Field(
        "inside",
        description="follow: links may lead out of the directory, and to folders, as DVC, "
        "git-annex, Hugging Face and Bazel make them.",
    )


class DirectoryKind(DataKind[DirectorySpec]):
    """Images in class directories: the folders name the classes, each file is an example."""

    key = "directory"
    noun = "a directory"
    spec = DirectorySpec
    comment = "a folder a class; relative to this file"
    names_stated_by = "the folders"
    has_numbers = False

    @property
    def shape(self) -> type[DirectoryShape]:
        """See `DataKind.shape`."""
        return DirectoryShape

    def read(self, shape: DirectoryShape, folder: Path) -> DirectorySpec:
        """See `DataKind.read`."""
        place = below(folder, shape.directory)
        return DirectorySpec(place, shape.ignore, shape.links, **shape.common())

    def moved(self, spec: DirectorySpec, to: Path) -> DirectorySpec:
        """See `DataKind.moved`."""
        return replace(spec, directory=to)

    def find(self, path: Path, text: str, named: str) -> str | None:  # noqa: ARG002
        """See `DataKind.find`: any folder that is of no other kind."""
        return named if path.is_dir() else None

    def class_names(self, spec: DirectorySpec, declared: tuple[str, ...] | None) -> tuple[str, ...]:
        """See `DataKind.class_names`: the folders are listed."""
        return names_of_directory(spec, declared)

    def files(self, spec: DirectorySpec, classes: Sequence[str]) -> Reading:
        """See `DataKind.files`."""
        listing = list_directory(spec, classes)
        names = tuple(map(system_name, listing.ids))
        return Reading(os.fspath(spec.directory), names, listing.notes, labels=listing.labels)

    def place(self, spec: DirectorySpec) -> Sequence[Path]:
        """See `DataKind.place`."""
        return (spec.directory,)

    def describe(self, spec: DirectorySpec) -> str:
        """See `DataKind.describe`."""
        return f"directory {short_path(spec.directory)}"

    def without_place(self, spec: DirectorySpec) -> DirectorySpec:
        """See `DataKind.without_place`."""
        return replace(spec, directory=Path())

    def holds(self, spec: DirectorySpec, classes: Sequence[str], path: Path) -> bool:
        """See `DataKind.holds`."""
        folders = {identity(folder) for folder in self.folders(spec, classes)}
        return any(identity(parent) in folders for parent in path.resolve().parents)

    def folders(self, spec: DirectorySpec, classes: Sequence[str]) -> frozenset[Path]:
        """See `DataKind.folders`."""
        return frozenset((spec.directory / system_name(name)).resolve() for name in classes)

    def labels(self, spec: DirectorySpec, classes: Sequence[str]) -> Sequence[int]:
        """See `DataKind.labels`."""
        return list_directory(spec, classes).labels

    def open(
        self, spec: DirectorySpec, classes: tuple[str, ...], model_input: ModelInput
    ) -> Source:
        """See `DataKind.open`."""
        from pytest_confmat.data.directory.source import DirectorySource

        return DirectorySource(spec, classes, model_input)

    def open_shared(
        self, spec: DirectorySpec, classes: tuple[str, ...], inputs: Sequence[ModelInput]
    ) -> SharedSource:
        """See `DataKind.open_shared`: files are read once, and images decoded once."""
        from pytest_confmat.data.directory.source import DirectorySource
        from pytest_confmat.data.source import SharedSource

        first = DirectorySource(spec, classes, inputs[0])
        others = tuple(map(first.beside, inputs[1:]))
        return SharedSource((first, *others), partial(first.read_with, others))

    def is_of(self, evaluation: Evaluation, reading: Reading) -> bool:
        """See `DataKind.is_of`."""
        labels = chain.from_iterable(part.true.tolist() for part in evaluation.parts)
        return tuple(evaluation.ids) == tuple(map(text_of, reading.names)) and (
            tuple(labels) == tuple(reading.labels)
        )
