"""What a model file is, found out before anything is loaded and without TensorFlow.

Keras calls whatever it does not understand "File not found"; here each kind has its sentence:
what the file is, and what to do.
"""

from __future__ import annotations

import difflib
import json
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_confmat.errors import ModelError
from pytest_confmat.files import irregular, open_file
from pytest_confmat.lfs import is_pointer
from pytest_confmat.relaying import without_advice

Format = Literal["keras", "hdf5"]

SUFFIXES: Mapping[str, Format] = {".keras": "keras", ".h5": "hdf5", ".hdf5": "hdf5"}
# Of JSON in a .keras file; a thousand layers take about 1 MiB.
_LARGEST_MEMBER = 64 * 2**20
_SAVE = "model.save('model.keras')"
_HAND_IN = "hand it in as a function by overriding the fixture confmat_model"
_OTHER_FORMATS = {
    ".pt": "PyTorch", ".pth": "PyTorch", ".ckpt": "a checkpoint", ".onnx": "ONNX",
    ".tflite": "TensorFlow Lite", ".pb": "a TensorFlow graph", ".pkl": "a Python pickle",
    ".pickle": "a Python pickle", ".joblib": "a Python pickle", ".safetensors": "safetensors",
    ".npz": "NumPy arrays", ".weights": "weights", ".json": "JSON",
}  # fmt: skip


@dataclass(frozen=True)
class ModelFile:
    """A file that looks like a whole model.

    Attributes
    ----------
    saved_by
        Version of the Keras that wrote it, where the file says so.
    """

    path: Path
    format: Format
    saved_by: str | None = None

    @property
    def major(self) -> int | None:
        """The first number of `saved_by`; ``None`` if it has none."""
        found = re.match(r"\d+", self.saved_by or "")
        return int(found[0]) if found else None


def look_at(path: Path) -> ModelFile:
    """Return what the model file `path` is.

    Raises
    ------
    ModelError
        If it is not a local file, not readable, not a whole model, or not what its name says.
    """
    _require_file(path)
    head = _head(path)
    _refuse_what_is_no_model(path, head)
    content = _format_of(head)
    named = SUFFIXES.get(path.suffix)
    if named is None:
        raise ModelError(_unknown_suffix(path, content))
    # A weights file stays one under any name, so that content comes before the name.
    saved_by = None
    if content == "keras":
        saved_by = _look_into_zip(path)
    elif content == "hdf5":
        saved_by = _look_into_hdf5(path)
    if content is None:
        kind = "a .keras file is a zip file" if named == "keras" else f"{path.suffix} means HDF5"
        if _is_pickle(head):
            raise ModelError(
                f"{path} is no model: {kind}, and this one begins as a Python pickle does, which "
                "runs code as it is loaded: do not load it in any way, and find out where it comes "
                "from"
            )
        raise ModelError(
            f"{path} is no model: {kind}, and this one begins with {head[:8]!r}; export it again "
            f"with {_SAVE}"
        )
    if content != named:
        found, suffix = (
            ("an HDF5 file", ".h5") if content == "hdf5" else ("a Keras 3 zip file", ".keras")
        )
        raise ModelError(f"{path} is {found} named {path.suffix}: rename it to {path.stem}{suffix}")
    return ModelFile(path, content, saved_by)


def _require_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(_missing(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"the model {path} cannot be read: {reason}") from error
    if stat.S_ISDIR(mode):
        raise ModelError(_directory(path))
    if not stat.S_ISREG(mode):
        raise ModelError(f"{path} is {irregular(path)}: give a .keras, .h5 or .hdf5 file")


def _missing(path: Path) -> str:
    parts = path.parts
    for at, part in enumerate(parts):
        # pathlib has made one slash of the two.
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]+:", part):
            address = f"{part}//{'/'.join(parts[at + 1 :])}"
            return (
                f"{address} is a remote address, and models are loaded from local files only: "
                "download it first and give the file's path"
            )
    if path.is_symlink():
        return f"{path} is a link to {str(path.readlink())!r}, which does not exist"
    folder = path.parent
    if not folder.is_dir():
        return f"there is no model {path}: the folder {folder} does not exist"
    near = _nearest(path)
    if not near:
        return f"there is no model {path}, and no .keras, .h5 or .hdf5 file in that folder"
    return f"there is no model {path}; in that folder there is {' and '.join(near)}"


def _nearest(path: Path) -> list[str]:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return []
    models = [name for name in names if Path(name).suffix in SUFFIXES]
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.7)
    return near or difflib.get_close_matches(path.name, models, n=3, cutoff=0.0)


def _directory(path: Path) -> str:
    if (path / "saved_model.pb").exists() or (path / "saved_model.pbtxt").exists():
        return (
            f"{path} is a SavedModel directory, and models are loaded from .keras, .h5 or .hdf5 "
            f"files: save it again with {_SAVE}, or {_HAND_IN}, with "
            "keras.layers.TFSMLayer or tf.saved_model.load behind it"
        )
    if (path / "config.json").exists():
        return (
            f"{path} is a directory that holds an unpacked .keras file: give the .keras file "
            "itself, or pack the directory's content as a zip file of that name"
        )
    models = sorted(str(each) for suffix in SUFFIXES for each in path.glob(f"*{suffix}"))[:3]
    hint = f"it holds {' and '.join(models)}" if models else "there is no model in it"
    return f"{path} is a directory, and a model is a .keras, .h5 or .hdf5 file: {hint}"


def _head(path: Path) -> bytes:
    try:
        with open_file(path) as stream:
            return stream.read(1024)
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {error.strerror or error}") from error


def _format_of(head: bytes) -> Format | None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "keras"
    return "hdf5" if head.startswith(b"\x89HDF\r\n\x1a\n") else None


def _is_pickle(head: bytes) -> bool:
    # Protocol 2 and newer say so at their beginning.
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5


def _refuse_what_is_no_model(path: Path, head: bytes) -> None:
    if not head:
        raise ModelError(
            f"{path} is empty (0 bytes): its export or download was cut off; make it again"
        )
    if is_pointer(head):
        size = re.search(rb"^size (\d+)", head, re.MULTILINE)
        of = f" of {int(size[1]):,} bytes" if size else ""
        raise ModelError(
            f"{path} is a git-LFS pointer to a file{of}, not the file itself: fetch it with "
            f"git lfs pull --include={path.name!r}"
        )
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise ModelError(
            f"{path} is a web page, not a model: its download was answered by a page, such as "
            "one to log in"
        )


def _unknown_suffix(path: Path, content: Format | None) -> str:
    supported = "models are .keras, .h5 or .hdf5 files"
    if content is not None:
        suffix = ".keras" if content == "keras" else ".h5"
        return (
            f"{path} has no extension that tells its format ({supported}), and begins like a "
            f"{suffix} file: if it is one, rename it to {path.stem}{suffix}"
        )
    known = _OTHER_FORMATS.get(path.suffix.lower(), "none of them")
    what = f"{path.suffix!r} is {known}" if path.suffix else "it has no extension"
    return f"{path} cannot be loaded: {supported}, and {what}; {_HAND_IN}"


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
            f"again with {_SAVE}"
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
            f"{path} holds {', '.join(twice[:3])} more than once, and which of them is read "
            "differs between programs. Keras writes each once: do not trust this file, and do not "
            "load it in another way; export the model again"
        )


def _require_members(path: Path, names: list[str]) -> None:
    if "config.json" not in names:
        inside = f"it holds {', '.join(names[:5])}" if names else "it is empty"
        if any(name.endswith("/data.pkl") for name in names):
            inside += ", as a PyTorch file does"
        raise ModelError(
            f"{path} is a zip file without config.json, so no Keras model ({inside}): give a file "
            f"written by {_SAVE}"
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
            f"model.weights.h5 in it): export it again with {_SAVE}"
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
            f"with {_SAVE}, or build it, load these weights and {_HAND_IN}"
        )
    version = attributes.get("keras_version")
    return version.decode() if isinstance(version, bytes) else version and str(version)
