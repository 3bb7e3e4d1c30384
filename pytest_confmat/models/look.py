"""What a model file is, found out before anything is loaded and without TensorFlow.

Keras calls whatever it does not understand "File not found"; here each kind has its sentence:
what the file is, and what to do.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

from pytest_confmat.errors import ModelError
from pytest_confmat.files import irregular, is_lfs_pointer, open_file
from pytest_confmat.models.formats import (
    ModelFile,
    ModelFormat,
    choice,
    format_holding,
    format_named,
    format_of,
    suffixes,
)
from pytest_confmat.models.keras_files import PASS_IT_IN
from pytest_confmat.text import joined, near

_OTHER_FORMATS = {
    ".pt": "PyTorch", ".pth": "PyTorch", ".ckpt": "a checkpoint",
    ".pb": "a TensorFlow graph", ".pkl": "a Python pickle",
    ".pickle": "a Python pickle", ".joblib": "a Python pickle", ".safetensors": "safetensors",
    ".npz": "NumPy arrays", ".weights": "weights", ".json": "JSON",
}  # fmt: skip


def look_at(path: Path) -> ModelFile:
    """Return what the model file `path` is.

    Raises
    ------
    ModelError
        If it is not a local file, not readable, not a whole model, or not what its name says.
    """
    _require_there(path)
    if path.is_dir():
        found = format_holding(path)
        if found is None:
            raise ModelError(_directory(path))
        return ModelFile(path, found.key, found.look(path))
    head = head_of(path)
    require_content(path, head)
    content, named = format_of(head), format_named(path.suffix)
    if named is None:
        raise ModelError(_unknown_suffix(path, content))
    # A weights file stays one under any name, so that content comes before the name.
    saved_by = None if content is None else content.look(path)
    if content is None:
        kind = named.meaning(path.suffix)
        if _is_pickle(head):
            raise ModelError(
                f"{path} is no model: {kind}, and this one begins as a Python pickle does, which "
                "runs code as it is loaded: do not load it in any way, and find out where it comes "
                "from"
            )
        raise ModelError(
            f"{path} is no model: {kind}, and this one begins with {head[:8]!r}; export it again "
            f"with {named.again}"
        )
    if content is not named and path.suffix not in content.older_suffixes:
        right = path.stem + content.suffixes[0]
        raise ModelError(f"{path} is {content.noun} named {path.suffix}: rename it to {right}")
    return ModelFile(path, content.key, saved_by)


def _require_there(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(_missing(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"the model {path} cannot be read: {reason}") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ModelError(f"{path} is {irregular(path)}: give a {choice()} file")


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
    found = _nearest(path)
    if not found:
        return f"there is no model {path}, and no {choice()} file in that folder"
    return f"there is no model {path}; in that folder there is {' and '.join(found)}"


def _nearest(path: Path) -> list[str]:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return []
    models = [name for name in names if Path(name).suffix in suffixes()]
    return near(path.name, names, 3, 0.7) or near(path.name, models, 3, 0.0)


def _directory(path: Path) -> str:
    if (path / "config.json").exists():
        return (
            f"{path} is a directory that holds an unpacked .keras file: give the .keras file "
            "itself, or pack the directory's content as a zip file of that name"
        )
    models = sorted(str(each) for suffix in suffixes() for each in path.glob(f"*{suffix}"))
    # Servers keep versions of a model in folders of their numbers.
    models += sorted(str(each) for each in path.glob("*/") if format_holding(each))
    hint = f"it holds {joined(models, 3)}" if models else "there is no model in it"
    return (
        f"{path} is a directory without a saved_model.pb, and other models are {choice()} files: "
        f"{hint}"
    )


def head_of(path: Path) -> bytes:
    """Return how a file begins, up to 1,024 bytes; a `ModelError` if it cannot be read."""
    try:
        with open_file(path) as stream:
            return stream.read(1024)
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {error.strerror or error}") from error


def _is_pickle(head: bytes) -> bool:
    # Protocol 2 and newer say so at their beginning.
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5


def require_content(path: Path, head: bytes) -> None:
    """Refuse a file of a model that begins with `head` if something else was put in its place."""
    if not head:
        raise ModelError(
            f"{path} is empty (0 bytes): its export or download was cut off; make it again"
        )
    if is_lfs_pointer(head):
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


def _unknown_suffix(path: Path, content: ModelFormat | None) -> str:
    supported = f"models are {choice()} files"
    if content is not None:
        suffix = content.suffixes[0]
        return (
            f"{path} has no extension that tells its format ({supported}), and begins like a "
            f"{suffix} file: if it is one, rename it to {path.stem}{suffix}"
        )
    if format_holding(path.parent) and path.name.startswith("saved_model."):
        return (
            f"{path} is the graph of a SavedModel, which is its whole directory: give {path.parent}"
        )
    known = _OTHER_FORMATS.get(path.suffix.lower(), "none of them")
    what = f"{path.suffix!r} is {known}" if path.suffix else "it has no extension"
    return f"{path} cannot be loaded: {supported}, and {what}; {PASS_IT_IN}"
