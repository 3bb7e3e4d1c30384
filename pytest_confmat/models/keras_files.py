"""The two formats of Keras: zip files, and HDF5 files as older versions write them."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.formats import ModelFile, ModelFormat
from pytest_confmat.relaying import without_advice
from pytest_confmat.spec import Decision
from pytest_confmat.text import joined

if TYPE_CHECKING:
    from pytest_confmat.models.predictor import Predictor

# Of JSON in a .keras file; a thousand layers take about 1 MiB.
_LARGEST_MEMBER = 64 * 2**20
SAVE = "model.save('model.keras')"
PASS_IT_IN = "pass it as a function by overriding the fixture confmat_model"


class _Loaded(ModelFormat):
    """What Keras loads."""

    def load(
        self,
        file: ModelFile,
        classes: tuple[str, ...],
        decision: Decision,
        *,
        safe_mode: bool,
        custom_objects: Mapping[str, Any] | None,
    ) -> Predictor:
        """See `ModelFormat.load`."""
        from pytest_confmat.models.loading import load

        return load(file, classes, decision, safe_mode=safe_mode, custom_objects=custom_objects)


class KerasFormat(_Loaded):
    """A zip file with a configuration and weights, as Keras 3 writes it."""

    key = "keras"
    suffixes = (".keras",)
    noun = "a Keras 3 zip file"

    def recognizes(self, head: bytes) -> bool:
        """See `ModelFormat.recognizes`."""
        return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))

    def meaning(self, suffix: str) -> str:
        """See `ModelFormat.meaning`."""
        return f"a {suffix} file is a zip file"

    def look(self, path: Path) -> str | None:
        """See `ModelFormat.look`."""
        return _look_into_zip(path)

    def configuration(self, file: ModelFile) -> Any:
        """See `ModelFormat.configuration`."""
        with zipfile.ZipFile(file.path) as archive:
            return json.loads(read_member(archive, "config.json"))


class HDF5Format(_Loaded):
    """An HDF5 file with a configuration among its attributes."""

    key = "hdf5"
    suffixes = (".h5", ".hdf5")
    older_suffixes = (".keras",)  # whatever it was called, before TensorFlow 2.12
    noun = "an HDF5 file"

    def recognizes(self, head: bytes) -> bool:
        """See `ModelFormat.recognizes`."""
        return head.startswith(b"\x89HDF\r\n\x1a\n")

    def meaning(self, suffix: str) -> str:
        """See `ModelFormat.meaning`."""
        return f"{suffix} means HDF5"

    def look(self, path: Path) -> str | None:
        """See `ModelFormat.look`."""
        return _look_into_hdf5(path)

    def configuration(self, file: ModelFile) -> Any:
        """See `ModelFormat.configuration`."""
        import h5py

        with h5py.File(file.path, "r") as stored:
            return json.loads(stored.attrs["model_config"])


def _look_into_zip(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            _require_single(path, names)
            _require_members(path, names)
            config = read_member(archive, "config.json")
            saved_by = _saved_by(archive) if "metadata.json" in names else None
    except ModelError:
        raise
    except Exception as error:  # damage takes many forms: BadZipFile, zlib.error, struct.error ...
        raise ModelError(
            f"{path} begins as a .keras (zip) file and is cut off or damaged ({_said(error)}): "
            "copy or export it again"
        ) from error
    try:
        json.loads(config)
    except (RecursionError, ValueError) as error:
        raise ModelError(
            f"{path} is a zip file whose config.json cannot be read ({error}): export the model "
            f"again with {SAVE}"
        ) from error
    return saved_by


def _said(error: Exception) -> str:
    return without_advice(str(error))


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return what a member of a .keras file holds, which is text and has its bounds.

    Raises
    ------
    ValueError
        If it is larger than any model's: few bytes of a zip file can stand for gigabytes.
    Exception
        If it is damaged, in many forms.
    """
    with archive.open(name) as member:
        content = member.read(_LARGEST_MEMBER + 1)
    if len(content) > _LARGEST_MEMBER:
        raise ValueError(f"its {name} is larger than {_LARGEST_MEMBER // 2**20} MiB")
    return content


def _require_single(path: Path, names: list[str]) -> None:
    """Refuse an entry that is there twice: which of them is read is each program's choice."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ModelError(
            f"{path} holds {joined(twice, 3)} more than once, and which of them is read "
            "differs between programs. Keras writes each once: do not trust this file, and do not "
            "load it in another way; export the model again"
        )


def _require_members(path: Path, names: list[str]) -> None:
    if "config.json" not in names:
        inside = f"it holds {joined(names, 5)}" if names else "it is empty"
        if any(name.endswith("/data.pkl") for name in names):
            inside += ", as a PyTorch file does"
        raise ModelError(
            f"{path} is a zip file without config.json, so no Keras model ({inside}): give a file "
            f"written by {SAVE}"
        )
    if "model.weights.npz" in names:
        # Keras can read and write this form, by no public way; what it stores in it are objects.
        raise ModelError(
            f"{path} holds its weights as model.weights.npz, which is made of Python pickles, and "
            "these run code as they are loaded. No file that model.save() writes holds one: do not "
            "load it in any way, and find out where it comes from"
        )
    if not any(name.startswith("model.weights.") for name in names):
        raise ModelError(
            f"{path} holds a model's architecture without its weights (there is no "
            f"model.weights.h5 in it): export it again with {SAVE}"
        )


def _saved_by(archive: zipfile.ZipFile) -> str | None:
    try:
        metadata: Any = json.loads(read_member(archive, "metadata.json"))
        return str(metadata["keras_version"])
    except (KeyError, RecursionError, TypeError, ValueError):
        return None  # only said in messages


def _look_into_hdf5(path: Path) -> str | None:
    try:
        import h5py
    except ImportError:
        return None  # it comes with Keras, whose absence has its own message
    try:
        with h5py.File(path, "r") as file:
            attributes = dict(file.attrs)
    except Exception as error:  # h5py passes on whatever the library meets
        raise ModelError(
            f"{path} begins as an HDF5 file and is cut off or damaged ({_said(error)}): copy or "
            "export it again"
        ) from error
    if "model_config" not in attributes:
        raise ModelError(
            f"{path} holds weights only, without the model they belong to: save the whole model "
            f"with {SAVE}, or build it, load these weights and {PASS_IT_IN}"
        )
    version = attributes.get("keras_version")
    return version.decode() if isinstance(version, bytes) else version and str(version)
