"""The runtime of LiteRT files: found, tried on a file, started, and what it raises in words."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import MissingDependencyError, ModelError
from pytest_confmat.models.litert.interface import Interface
from pytest_confmat.models.litert.reading import AGAIN, Contents
from pytest_confmat.models.runtime import first_line, import_tensorflow, quietly, tolerant
from pytest_confmat.models.trial import Trial, outcome_of
from pytest_confmat.text import brief, joined, shortened

INSTALL = 'pip install "pytest-confmat[litert]"'
_FIXTURE = "hand in a function that calls the model, by overriding the fixture confmat_model"
# What it writes to the process's standard error as it first computes.
_NOISE = re.compile(rb"(INFO|WARNING): |[IW]\d{4} |WARNING: All log messages before absl")
_UNKNOWN = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")
_DAMAGED = re.compile(r"valid Flatbuffer|Could not open|invalidly specified|out of range")
# Sizes that a file leaves open, for a first try.
_GUESS = 64
# Runtimes have these, though the format does not count them among its own; they only compute.
_KNOWN = frozenset({"AudioSpectrogram", "Mfcc", "NumericVerify", "TFLite_Detection_PostProcess"})


@dataclass(frozen=True)
class Runtime:
    """What runs such files.

    Attributes
    ----------
    library
        The package it is in: ``ai_edge_litert`` or ``tensorflow``.
    name
        With its version, for reports.
    """

    library: str
    name: str
    interpreter: Any


def find_runtime(path: Path) -> Runtime:
    """Return ai-edge-litert, or where that is not installed, TensorFlow's own interpreter.

    Raises
    ------
    MissingDependencyError
        If there is neither; it names the extra.
    ModelError
        If it cannot be imported.
    """
    if find_spec("ai_edge_litert") is not None:
        try:
            with tolerant():
                found = import_module("ai_edge_litert.interpreter").Interpreter
        except Exception as error:  # of a library of its own that is missing, anything
            raise ModelError(
                f"ai-edge-litert is installed, and cannot be imported: {first_line(error)}"
            ) from error
        return Runtime("ai_edge_litert", f"LiteRT {version('ai-edge-litert')}", found)
    if find_spec("tensorflow") is not None:
        tensorflow = import_tensorflow()
        if (found := getattr(tensorflow.lite, "Interpreter", None)) is not None:
            name = f"TensorFlow Lite of TensorFlow {tensorflow.__version__}"
            return Runtime("tensorflow", name, found)
    raise MissingDependencyError(
        f"ai-edge-litert is not installed, and loading {path} needs it: {INSTALL}"
    )


def require_own(path: Path, contents: Contents) -> None:
    """Refuse operators that are not the runtime's own: TensorFlow's, or of another library.

    Those of TensorFlow may do anything, such as write files.

    Raises
    ------
    ModelError
        If there are any.
    """
    foreign = sorted(contents.custom - _KNOWN)
    if not foreign:
        return
    listing = shortened(joined(foreign, 5), 500)
    if all(name.startswith("Flex") for name in foreign):
        raise ModelError(
            f"{path} is not loaded: it holds operations of TensorFlow ({listing}), which LiteRT "
            "does not compute by itself: convert it without SELECT_TF_OPS, or gate the model that "
            "it was converted from"
        )
    raise ModelError(
        f"{path} is not loaded: it holds operators that LiteRT does not compute by itself "
        f"({listing}): convert it without them, or {_FIXTURE}"
    )


def require_harmless(
    runtime: Runtime, path: Path, contents: Contents, taken: Interface, batch: int | None
) -> None:
    """Open a file and run it in a process of its own, with one example and with `batch`.

    Raises
    ------
    ModelError
        If that process dies, or the runtime cannot load the file.
    """
    told = outcome_of(
        Trial(
            script=Path(__file__).with_name("attempt.py"),
            request={
                "library": runtime.library,
                "model": str(path.absolute()),
                "signature": taken.signature,
                "input": taken.input_name,
                "index": taken.input_index,
                "shape": [taken.batch or 1, *(size or _GUESS for size in taken.input.shape or ())],
                "is_known": taken.is_known,
                "batch": batch,
                "dtype": taken.dtype,
            },
            path=path,
            runtime=runtime.name,
        )
    )
    if told:
        raise explained(runtime, path, contents, told["said"])


class Session:
    """One interpreter, which computes in the thread that calls it.

    Batches are predicted in as many threads as there are cores, each with a session of its own.

    Raises
    ------
    ModelError
        If the runtime cannot load the file.
    """

    def __init__(self, runtime: Runtime, path: Path, contents: Contents, taken: Interface) -> None:
        self._taken = taken
        self._shape: tuple[int, ...] | None = None
        self._runner: Any = None
        try:
            with quiet(), _silent(runtime):
                self._interpreter = runtime.interpreter(str(path.absolute()), num_threads=1)
                if taken.signature is not None:
                    self._runner = self._interpreter.get_signature_runner(taken.signature)
                # Here, as every interpreter tells that it begins, and threads cannot be silenced.
                with contextlib.suppress(*([] if taken.is_known else [Exception])):
                    self._interpreter.allocate_tensors()
        except Exception as error:
            raise explained(runtime, path, contents, str(error)) from error

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Return the scores for a batch; whatever the runtime raises."""
        if self._runner is not None:
            return np.asarray(
                self._runner(**{self._taken.input_name: batch})[self._taken.output_name]
            )
        found = self._interpreter
        if batch.shape != self._shape:
            self._shape = None  # in case it cannot be set
            found.resize_tensor_input(self._taken.input_index, batch.shape)
            found.allocate_tensors()
            self._shape = batch.shape
        # What recurrent operators keep from the run before is no part of an example.
        found.reset_all_variables()
        found.set_tensor(self._taken.input_index, batch)
        found.invoke()
        return np.asarray(found.get_tensor(self._taken.output_index))


@contextlib.contextmanager
def _silent(runtime: Runtime) -> Iterator[None]:
    """Keep TensorFlow's advice to take another package from a run that may make it an error."""
    with tolerant():
        if runtime.library == "tensorflow":
            warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        yield


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what the runtime says as it starts off the process's standard error."""
    with quietly(_NOISE):
        yield


def said_by(text: str) -> str:
    """Return what the runtime says, in one line."""
    return shortened(" ".join(text.split()), 300)


def explained(runtime: Runtime, path: Path, contents: Contents, text: str) -> ModelError:
    """Return the error for what the runtime raised while it loaded a file."""
    by = f" (written by {shortened(contents.saved_by, 100)})" if contents.saved_by else ""
    if found := _UNKNOWN.search(text):
        return ModelError(
            f"{path} holds the operator {brief(found[1])} in version {found[2]}{by}, which "
            f"{runtime.name} does not know: install a newer ai-edge-litert, or convert the model "
            "for an older one"
        )
    if _DAMAGED.search(text):
        return ModelError(f"{path} is cut off or damaged: {AGAIN}")
    return ModelError(f"{path} cannot be loaded{by}: {runtime.name} says: {said_by(text)}")
