"""Keras model files: looked into, loaded in safe mode, and put behind a predictor."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models import contents
from pytest_confmat.models.configuration import stored_in
from pytest_confmat.models.formats import ModelFile, format_called
from pytest_confmat.models.keras import KerasPredictor
from pytest_confmat.models.keras_2 import loading as keras_2
from pytest_confmat.models.runtime import chain, import_keras, other_backend, tolerant
from pytest_confmat.models.trouble import NeedsKeras2Error, explain
from pytest_confmat.relaying import recommends_unsafe
from pytest_confmat.spec import Decision


def load(
    file: ModelFile,
    classes: tuple[str, ...],
    decision: Decision,
    *,
    safe_mode: bool = True,
    custom_objects: Mapping[str, Any] | None = None,
) -> KerasPredictor:
    """Load a model file that was looked at, without its compile section.

    Parameters
    ----------
    safe_mode
        Whether to refuse code that the file holds.
    custom_objects
        Classes and functions of the project's, by the names that the file has for them.

    Raises
    ------
    ModelError
        If Keras cannot load it, safe mode is undone elsewhere, or its input is not supported.
    MissingDependencyError
        If TensorFlow or Keras is not installed.
    """
    _, keras = import_keras()
    objects = dict(custom_objects or {})
    notes = list(_known_holes(keras.__version__))
    if asked := other_backend():
        notes.append(f"{file.path.name} is run by Keras on TensorFlow, though {asked}")
    if safe_mode:
        _require_safe_mode(keras)
    else:
        notes.append(
            f"{file.path.name} was loaded without safe mode, so that code in it was run: "
            "--confmat-unsafe-model asks for that"
        )
    with _suffixed(file) as path:
        needs = None
        try:
            model = _by_keras_3(file, path, keras, objects, safe_mode=safe_mode)
        except NeedsKeras2Error as error:
            needs = error
        # Out here, what tf-keras raises does not carry what Keras 3 raised.
        if needs is not None:
            model, note = keras_2.load_model(
                file, path, needs, safe_mode=safe_mode, custom_objects=objects
            )
            notes.append(note)
    return KerasPredictor(model, classes, decision, f"the model {file.path.name}", tuple(notes))


def _by_keras_3(
    file: ModelFile, path: Path, keras: Any, objects: Mapping[str, Any], *, safe_mode: bool
) -> Any:
    _require_loadable(file, {*objects, *keras.saving.get_custom_objects()})
    try:
        with tolerant():
            return keras.saving.load_model(path, objects, compile=False, safe_mode=safe_mode)
    except Exception as error:
        # pytest shows causes, with all that they recommend.
        unsafe = any(recommends_unsafe(str(each)) for each in chain(error))
        raise explain(file, error) from None if unsafe else error


@contextlib.contextmanager
def _suffixed(file: ModelFile) -> Iterator[Path]:
    """Yield the path of a file under a suffix by which Keras knows its format."""
    suffixes = format_called(file.format).suffixes
    if file.path.suffix in suffixes:
        yield file.path
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, file.path.stem + suffixes[0])
        try:
            path.symlink_to(file.path.absolute())
        except OSError:  # not everybody may, on Windows
            shutil.copyfile(file.path, path)
        yield path


def _require_loadable(file: ModelFile, known: Collection[str]) -> None:
    """Look at what a file names before Keras does."""
    try:
        stored = stored_in(file)
    except Exception:
        return  # Keras meets the same, and is the one to say so
    contents.require_harmless(file, stored, known)
    contents.require_unbound(file, stored, known)
    if contents.needs_keras_2(stored, known):
        raise NeedsKeras2Error(file, "it stores functional models in another way")


def _require_safe_mode(keras: Any) -> None:
    """Refuse to load while a setting of the process undoes ``safe_mode=True``."""
    code = {"class_name": "__lambda__", "config": {"value": None}}
    try:
        keras.saving.deserialize_keras_object(code, safe_mode=True)
    except ValueError:
        return  # refused, as it should be
    except Exception:
        pass  # it went on to the code, of which there is none
    raise ModelError(
        "keras.config.enable_unsafe_deserialization() was called in this run, so that loading a "
        "model would run whatever code its file holds: remove the call, or say "
        "--confmat-unsafe-model if you trust the file"
    )


def _known_holes(version: str) -> tuple[str, ...]:
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if numbers >= (3, 15, 1) or (3, 12, 4) <= numbers < (3, 13):
        return ()
    return (
        f"Keras {version} has known security holes in loading model files: 3.12.4 and 3.15.1 "
        "close them",
    )
