"""Formats of model files: what each of them can do, and which there are.

Whatever depends on how a model is stored is asked of its format. A format is a subclass of
`ModelFormat` and a line in `_BUILT_IN`, or one that a project hands in by the hook
``pytest_confmat_model_formats``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_confmat.registry import Registry, made
from pytest_confmat.spec import Decision

if TYPE_CHECKING:
    from pytest_confmat.models.predictor import Predictor


@dataclass(frozen=True)
class ModelFile:
    """A file, or a directory, that looks like a whole model.

    Attributes
    ----------
    format
        The key of its format.
    saved_by
        Version of the library that wrote it, where the file says so.
    signature
        Which of its entry points is asked for; ``None``: the usual one.
    """

    path: Path
    format: str
    saved_by: str | None = None
    signature: str | None = None

    @property
    def major(self) -> int | None:
        """The first number of `saved_by`; ``None`` if it has none."""
        found = re.match(r"\d+", self.saved_by or "")
        return int(found[0]) if found else None


class ModelFormat(ABC):
    """One format of model files.

    Attributes
    ----------
    key
        Names the format: ``hdf5``.
    suffixes
        That a file of it may have, the usual one first; none where its models are directories.
    older_suffixes
        That older versions of what writes it gave such files.
    noun
        What such a file is called: ``an HDF5 file``.
    again
        What exports such a file.
    has_signatures
        Whether a model may have several entry points, with names.
    """

    key: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    older_suffixes: ClassVar[tuple[str, ...]] = ()
    noun: ClassVar[str]
    again: ClassVar[str] = "model.save('model.keras')"
    has_signatures: ClassVar[bool] = False

    @abstractmethod
    def recognizes(self, head: bytes) -> bool:
        """Whether a file that begins with `head`, up to 1,024 bytes, is of this format."""

    def holds(self, folder: Path) -> bool:  # noqa: ARG002
        """Whether a directory is a model of this format, whole or broken."""
        return False

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the regular files that a model is made of, for its digest; load nothing.

        Raises
        ------
        ModelError
            If they cannot be listed.
        """
        return (path,)

    def meaning(self, suffix: str) -> str:
        """Return what a suffix says of a file: ``.h5 means HDF5``."""
        return f"{suffix} means {self.noun}"

    @abstractmethod
    def look(self, path: Path) -> str | None:
        """Return the version of the library that wrote a file, if it says so; load nothing.

        Raises
        ------
        ModelError
            If the file is damaged, or no whole model.
        """

    @abstractmethod
    def load(
        self,
        file: ModelFile,
        classes: tuple[str, ...],
        decision: Decision,
        *,
        safe_mode: bool,
        custom_objects: Mapping[str, Any] | None,
    ) -> Predictor:
        """Load a file that was looked at; see `models.load`."""

    def configuration(self, file: ModelFile) -> Any:  # noqa: ARG002
        """Return the layers of a model in Keras's words; ``None``: it does not tell them.

        Raises
        ------
        Exception
            What reading it raises.
        """
        return None


# Named, so that nothing is imported early; in the order of messages.
_BUILT_IN = made(
    "pytest_confmat.models.keras_files:KerasFormat",
    "pytest_confmat.models.keras_files:HDF5Format",
    "pytest_confmat.models.saved_model.format:SavedModelFormat",
    "pytest_confmat.models.litert.format:LiteRTFormat",
    "pytest_confmat.models.onnx.format:OnnxFormat",
)
FORMATS: Registry[ModelFormat] = Registry(ModelFormat, "model format", _BUILT_IN)


def format_of(head: bytes) -> ModelFormat | None:
    """Return the format of a file by how it begins."""
    return next((each for each in FORMATS if each.recognizes(head)), None)


def format_holding(folder: Path) -> ModelFormat | None:
    """Return the format whose models are directories such as `folder`."""
    return next((each for each in FORMATS if each.holds(folder)), None)


def format_named(suffix: str) -> ModelFormat | None:
    """Return the format of files with a suffix."""
    return next((each for each in FORMATS if suffix in each.suffixes), None)


def format_called(key: str) -> ModelFormat:
    """Return the format with a key."""
    return FORMATS.by_key[key]


def suffixes() -> tuple[str, ...]:
    """Return the suffixes of all formats."""
    return tuple(suffix for each in FORMATS for suffix in each.suffixes)


def choice() -> str:
    """Return them in words: ``.keras, .h5, .tflite or .onnx``."""
    *others, last = suffixes()
    return f"{', '.join(others)} or {last}"
