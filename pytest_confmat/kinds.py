"""Kinds of evaluation sets: what each of them can do, and which there are.

Whatever depends on where examples come from is asked of the kind, and never decided by the type of
a spec. A kind is a subclass of `DataKind` and a line in `_BUILT_IN`, or one that a project hands in
by the hook ``pytest_confmat_data_kinds``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pytest_confmat.errors import RequestError
from pytest_confmat.registry import Registry, made
from pytest_confmat.spec import DatasetSpec, ModelInput

if TYPE_CHECKING:
    from pytest_confmat.data.reading import Reading
    from pytest_confmat.data.source import SharedSource, Source
    from pytest_confmat.evaluation import Evaluation
    from pytest_confmat.policy.dataset_shape import ImagesShape

Spec = TypeVar("Spec", bound=DatasetSpec)


class DataKind(ABC, Generic[Spec]):
    """One kind of evaluation set.

    Attributes
    ----------
    key
        The key of a policy's ``dataset`` that names the data, and so the kind: ``directory``.
    noun
        What messages call it: ``a directory``.
    spec
        The type of this kind's specs.
    comment
        What ``--confmat-init`` writes beside `key`.
    names_stated_by
        What states the names of the classes, if the policy does not: ``the folders``.
    has_numbers
        Whether labels are numbers, of which another order of `classes` may not be a cure.
    """

    key: ClassVar[str]
    noun: ClassVar[str]
    spec: type[Spec]
    comment: ClassVar[str] = ""
    names_stated_by: ClassVar[str] = "the data"
    has_numbers: ClassVar[bool] = True

    # In a policy.

    @property
    @abstractmethod
    def shape(self) -> type[ImagesShape]:
        """The keys below ``dataset``, and with them the JSON Schema."""

    @abstractmethod
    def read(self, shape: Any, folder: Path) -> Spec:
        """Return the spec that a policy in `folder` (absolute) says, read as `shape`."""

    @abstractmethod
    def moved(self, spec: Spec, to: Path) -> Spec:
        """Return a set of the same kind that lies at `to`, as ``--confmat-data`` asks for."""

    def find(self, path: Path, text: str, named: str) -> str | None:  # noqa: ARG002
        """Return what `key` would say of the data at `path`; ``None``: they are of another kind.

        Parameters
        ----------
        path, text
            What ``--confmat-data`` names, absolute and as it was written; maybe a glob pattern.
        named
            The path as a policy would name it.

        Raises
        ------
        RequestError
            If it is of this kind, and leaves open which set is meant.
        """
        return None

    # The set, before any example is read.

    @abstractmethod
    def class_names(self, spec: Spec, declared: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return the names of the classes in the order of the model's outputs.

        Raises
        ------
        DataError
            If the data are not there, state no names, or state others than `declared`.
        """

    @abstractmethod
    def files(self, spec: Spec, classes: Sequence[str]) -> Reading:
        """Return the files that decide what the set holds.

        Raises
        ------
        DataError
            As the source would: if the data are not what `spec` and `classes` say.
        """

    @abstractmethod
    def place(self, spec: Spec) -> Sequence[Path]:
        """Return the paths, or glob patterns, that the policy names."""

    @abstractmethod
    def describe(self, spec: Spec) -> str:
        """Return the set in a few words, seen from the current folder: ``directory data/test``."""

    @abstractmethod
    def without_place(self, spec: Spec) -> Spec:
        """Return the spec of the same set wherever it lies."""

    @abstractmethod
    def holds(self, spec: Spec, classes: Sequence[str], path: Path) -> bool:
        """Whether a file at `path` would be one of the set's."""

    def folders(self, spec: Spec, classes: Sequence[str]) -> frozenset[Path]:  # noqa: ARG002
        """Return folders full of examples, which pytest need not walk in search of tests."""
        return frozenset()

    def labels(self, spec: Spec, classes: Sequence[str]) -> Sequence[int] | None:  # noqa: ARG002
        """Return the true class of each example, where that is known before any is read."""
        return None

    def offset(self, spec: Spec) -> int | None:  # noqa: ARG002
        """Return what the policy subtracts from labels; ``None``: it cannot say so."""
        return None

    def takes_pixels(self, spec: Spec) -> bool:  # noqa: ARG002
        """Whether examples are images, or may be."""
        return True

    # The set, example by example.

    @abstractmethod
    def open(self, spec: Spec, classes: tuple[str, ...], model_input: ModelInput) -> Source:
        """Open the set for a model.

        Raises
        ------
        DataError
            If the data are not what `spec` and `classes` say, or do not fit the model.
        MissingDependencyError
            If what reads them is not installed.
        """

    def open_shared(
        self,
        spec: Spec,  # noqa: ARG002
        classes: tuple[str, ...],  # noqa: ARG002
        inputs: Sequence[ModelInput],  # noqa: ARG002
    ) -> SharedSource | None:
        """Open the set for several models of one pass; see `open`.

        ``None``: this kind cannot share what it reads, and the set is read once for each model.
        """
        return None

    @abstractmethod
    def is_of(self, evaluation: Evaluation, reading: Reading) -> bool:
        """Whether an evaluation holds the examples of a set, as far as its files tell."""

    # What was found out, in the words of a policy.

    def inferred(self, notes: Sequence[str]) -> Mapping[str, Mapping[str, str]]:  # noqa: ARG002
        """Return what the source inferred, by its notes: keys of ``dataset`` that would say it."""
        return {}

    def notes_once_stated(self, notes: Sequence[str]) -> tuple[str, ...]:
        """Return the notes as they would be if the policy stated what was inferred."""
        return tuple(notes)


def placeless(spec: DatasetSpec) -> DatasetSpec:
    """Return what decides an evaluation of a set of any kind, wherever it lies.

    What digest and count of the set must be is compared with each evaluation, recalled or not.
    """
    bare = replace(spec, digest=None, expected_examples=None)
    found: DatasetSpec = kind_of(bare).without_place(bare)
    return found


# Named, so that nothing is imported early; in the order of messages.
_BUILT_IN = made(
    "pytest_confmat.data.directory.kind:DirectoryKind",
    "pytest_confmat.data.tfrecord.kind:TFRecordKind",
)


KINDS: Registry[DataKind[Any]] = Registry(DataKind, "kind of data", _BUILT_IN)


def choice() -> str:
    """Return the keys that name data: ``directory or tfrecord``."""
    *others, last = (kind.key for kind in KINDS)
    return f"{', '.join(others)} or {last}"


def kind_of(spec: DatasetSpec) -> DataKind[Any]:
    """Return the kind of a set."""
    for kind in KINDS:
        if type(spec) is kind.spec:
            return kind
    raise RequestError(f"no kind of data is registered for {type(spec).__qualname__}")
