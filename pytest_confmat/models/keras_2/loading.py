"""Models of Keras 2, loaded by tf-keras."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pytest_confmat.errors import MissingDependencyError, ModelError
from pytest_confmat.models.configuration import stored_in
from pytest_confmat.models.formats import ModelFile
from pytest_confmat.models.keras_2.contents import APPLICATIONS, require_own
from pytest_confmat.models.keras_2.links import require_whole
from pytest_confmat.models.runtime import first_line, root_cause, tolerant
from pytest_confmat.models.trouble import NeedsKeras2Error


def load_model(
    file: ModelFile,
    path: Path,
    needs: NeedsKeras2Error,
    *,
    safe_mode: bool,
    custom_objects: Mapping[str, Any],
) -> tuple[Any, str]:
    """Return a ``tf_keras.Model``, and a note that says so.

    Parameters
    ----------
    path
        Where the file is to be read, under a suffix of its format.
    needs
        Why Keras 3 cannot load it.

    Raises
    ------
    ModelError
        If the file holds code, or more than tf-keras and the project know, or is damaged.
    MissingDependencyError
        If tf-keras is not installed.
    """
    with _quiet():
        tf_keras = _imported(needs)
        if safe_mode:
            known = {*custom_objects, *tf_keras.utils.get_custom_objects()}
            require_own(file, _stored(file), tf_keras, known)
            require_whole(file)
        try:
            with tolerant():
                objects = {**_of_applications(), **custom_objects}
                model = tf_keras.models.load_model(
                    str(path), objects, compile=False, safe_mode=safe_mode
                )
        except Exception as error:
            cause = root_cause(error)
            raise ModelError(
                f"{file.path} was saved by Keras {file.saved_by}, and neither Keras 3 nor tf-keras "
                f"{tf_keras.__version__} can load it. Keras 3: {needs.why}. tf-keras: "
                f"{type(cause).__name__}: {first_line(cause)}"
            ) from None
    return model, (
        f"{file.path.name} was loaded by tf-keras {tf_keras.__version__}, as Keras 3 cannot load "
        f"it: {needs.why}"
    )


def _stored(file: ModelFile) -> Any:
    try:
        return stored_in(file)
    except Exception as error:
        raise ModelError(
            f"{file.path} is not loaded: its configuration cannot be read ({first_line(error)})"
        ) from error


def _imported(needs: NeedsKeras2Error) -> Any:
    try:
        with tolerant():
            return importlib.import_module("tf_keras")
    except ModuleNotFoundError as error:
        if error.name != "tf_keras":
            raise ModelError(f"tf-keras cannot be imported: {error}") from error
        raise MissingDependencyError(
            f"{needs}. tf-keras may well load it, and is not installed: {_install()}"
        ) from None
    except ImportError as error:
        raise ModelError(
            f"{needs}. tf-keras is installed, and cannot be imported: {first_line(error)}; it must "
            f"be of TensorFlow's own minor version: {_install()}"
        ) from error


def _of_applications() -> dict[str, Any]:
    """Return the layers of tf-keras's own applications, which its loader does not look for."""
    try:
        module = importlib.import_module("tf_keras.src.applications.convnext")
        return {name: getattr(module, name) for name in APPLICATIONS}
    except (AttributeError, ImportError):
        return {}  # it is an inside of tf-keras, and may move


def _install() -> str:
    """Return the command that installs tf-keras without a second TensorFlow."""
    import tensorflow as tf

    try:
        version("tensorflow")
    except PackageNotFoundError:
        minor = ".".join(tf.__version__.split(".")[:2])
        return (
            f'pip install --no-deps "tf-keras=={minor}.*" (with [keras2] in place of it, pip would '
            "install a second TensorFlow beside this one)"
        )
    return 'pip install "pytest-confmat[keras2]"'


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what tf-keras logs of its own old names off the process's standard error."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
