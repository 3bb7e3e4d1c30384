"""TensorFlow and Keras, imported once, quietly, and only the way this project can use them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

from pytest_confmat.errors import MissingDependencyError, ModelError
from pytest_confmat.relaying import without_advice
from pytest_confmat.text import brief, shortened

INSTALL = (
    'pip install "pytest-confmat[tensorflow]" (or "pytest-confmat[cpu]" for the smaller build '
    "without GPU)"
)
# What TensorFlow writes to the process's standard error while it is imported, on every machine:
# information, warnings, and the GPU build's two libraries that register themselves twice.
_NOISE = re.compile(
    rb"^(WARNING: All log messages before absl::InitializeLog|[IW]\d{4} |"
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] |.*Unable to register cu\w+ factory|"
    rb"To enable the following instructions:)"
)


# What importing has cost this process, if it was done here; the time of a run tells it apart.
import_seconds = 0.0
# Whether nobody had imported either in this process before it was done here.
imported_first = False


def import_tensorflow() -> Any:
    """Return the module ``tensorflow``.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    ModelError
        If it cannot be imported.
    """
    return _imported("tensorflow")[0]


def import_keras() -> tuple[Any, Any]:
    """Return the modules ``tensorflow`` and ``keras``.

    Raises
    ------
    MissingDependencyError
        If either is not installed.
    ModelError
        If Keras runs on another backend than TensorFlow already, is too old, or cannot be
        imported.
    """
    with _on_tensorflow():
        tensorflow, keras = _imported("tensorflow", "keras")
    if int(keras.__version__.split(".")[0]) < 3:
        raise ModelError(
            f"Keras {keras.__version__} is installed, and Keras 3 is needed: {INSTALL}"
        )
    if (backend := keras.config.backend()) != "tensorflow":
        raise ModelError(
            f"Keras was imported in this run before the model was loaded, and runs on {backend!r}; "
            "models are run on TensorFlow here: leave out the tests and the conftest.py that "
            "import it, set KERAS_BACKEND=tensorflow for this run, or hand in a function that "
            "calls the model by overriding the fixture confmat_model"
        )
    return tensorflow, keras


def other_backend() -> str | None:
    """Return ``KERAS_BACKEND asks for 'jax'`` if that is what a project would have Keras run on."""
    asked, where = os.environ.get("KERAS_BACKEND"), "KERAS_BACKEND"
    if not asked:
        folder = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")  # noqa: PTH111
        try:
            asked = json.loads(Path(folder, "keras.json").read_bytes()).get("backend")
        except (AttributeError, OSError, RecursionError, ValueError):
            return None  # Keras takes what it cannot read for no file
        where = "Keras's configuration file"
    return None if asked in (None, "", "tensorflow") else f"{where} asks for {brief(asked)}"


@contextlib.contextmanager
def _on_tensorflow() -> Iterator[None]:
    """Have Keras run on TensorFlow if it is imported here: a model file is made for no backend."""
    asked = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        yield
    finally:
        if asked is None:
            del os.environ["KERAS_BACKEND"]
        else:
            os.environ["KERAS_BACKEND"] = asked


def _imported(*names: str) -> list[Any]:
    """Import modules in their order, without noise, and count the time."""
    quiet = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") not in ("0", "1")
    fresh = "tensorflow" not in sys.modules
    unknown = fresh and "keras" not in sys.modules
    started = perf_counter()
    try:
        with tolerant(), quietly(_NOISE) if quiet and fresh else contextlib.nullcontext():
            found = [import_module(name) for name in names]
    except ModuleNotFoundError as error:
        if error.name not in ("tensorflow", "keras"):
            raise ModelError(f"TensorFlow cannot be imported: {error}") from error
        library = {"tensorflow": "TensorFlow", "keras": "Keras"}[error.name]
        raise MissingDependencyError(
            f"{library} is not installed, and loading the model needs it: {INSTALL}"
        ) from error
    except ImportError as error:
        raise ModelError(
            f"TensorFlow is installed, but cannot be imported: {first_line(error)}"
        ) from error
    global import_seconds, imported_first  # noqa: PLW0603 (of the process, as the modules are)
    imported_first |= unknown
    import_seconds += perf_counter() - started
    return found


@contextlib.contextmanager
def tolerant() -> Iterator[None]:
    """Keep warnings of TensorFlow and Keras about each other from becoming errors.

    A project may run its tests with ``-W error``, and mean its own code by it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        yield


@contextlib.contextmanager
def quietly(noise: re.Pattern[bytes]) -> Iterator[None]:
    """Keep known noise off the process's standard error; the rest appears afterwards.

    Parameters
    ----------
    noise
        Matches lines that nobody is to see, at their beginning.
    """
    try:
        kept = os.dup(2)
    except OSError:  # closed: nobody is listening
        yield
        return
    with tempfile.TemporaryFile() as caught:
        _flush()
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            for line in caught:
                if not noise.match(line):
                    os.write(2, line)


def _flush() -> None:
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()


def root_cause(error: BaseException) -> BaseException:
    """Return what an exception was raised from in the first place."""
    return chain(error)[-1]


def chain(error: BaseException) -> list[BaseException]:
    """Return an exception and all that it was raised from, the first cause last."""
    found = [error]
    while (deeper := found[-1].__cause__ or found[-1].__context__) is not None:
        if any(deeper is each for each in found):
            break
        found.append(deeper)
    return found


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's text that says anything, without colors.

    What it recommends that is unsafe is left out.
    """
    text = re.sub(r"\x1b\[[0-9;]*m|\{\{[^}]*\}\}", "", str(error))
    lines = (line.strip() for line in text.splitlines())
    said = next((line for line in lines if line and not _WRAPPING.match(line)), "")
    said = without_advice(said)
    return shortened(said, 300)


_WRAPPING = re.compile(r"Exception encountered when calling |in user code:|File \"")
