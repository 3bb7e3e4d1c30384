"""onnxruntime: imported quietly, tried on a file, and what it raises in words."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_confmat.errors import MissingDependencyError, ModelError
from pytest_confmat.models.onnx.interface import Interface
from pytest_confmat.models.onnx.reading import AGAIN, Contents
from pytest_confmat.models.runtime import first_line, quietly, tolerant
from pytest_confmat.models.trial import Trial, outcome_of
from pytest_confmat.text import brief, joined, shortened

INSTALL = 'pip install "pytest-confmat[onnx]"'
# What it writes to the process's standard error where it looks for devices.
_NOISE = re.compile(rb".*\[[VIWE]:onnxruntime:")
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .*? failed:)?")
# Where in its own source it noticed.
_PLACE = re.compile(r"^\S+\.(cc|h):\d+ .*?\) (?=[A-Z])", re.DOTALL)
_OPSET = re.compile(r"Opset (\d+) is under development.*is till opset (\d+)", re.DOTALL)
_IR = re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)")
_UNKNOWN = re.compile(r"No Op registered for (\S+) with domain_version of (\d+)")
_NO_KERNEL = re.compile(r"Could not find an implementation for (\S+?)\((\d+)\)")
# Sizes that a file leaves open, for a first try.
_GUESS = 64
_FATAL = 4


def require_libraries(path: Path) -> None:
    """Hold that what looks at such files, and what runs them, is installed.

    Raises
    ------
    MissingDependencyError
        If not; it names the extra.
    """
    missing = [name for name in ("onnxruntime", "onnx") if find_spec(name) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise MissingDependencyError(
            f"{' and '.join(missing)} {verb} not installed, and loading {path} needs "
            f"{'it' if len(missing) == 1 else 'them'}: {INSTALL}"
        )


def import_onnxruntime() -> Any:
    """Return the module ``onnxruntime``.

    Raises
    ------
    ModelError
        If it cannot be imported.
    """
    try:
        with tolerant(), quietly(_NOISE):
            runtime = import_module("onnxruntime")
            runtime.set_default_logger_severity(_FATAL)
    except Exception as error:  # of a library of its own that is missing, anything
        raise ModelError(
            f"onnxruntime is installed, and cannot be imported: {first_line(error)}"
        ) from error
    return runtime


def require_harmless(runtime: Any, path: Path, contents: Contents, taken: Interface) -> None:
    """Open a file and run it once in a process of its own.

    Raises
    ------
    ModelError
        If that process dies, or onnxruntime cannot load the file.
    """
    shape = [size or _GUESS for size in taken.own_shape or ()]
    told = outcome_of(
        Trial(
            script=Path(__file__).with_name("attempt.py"),
            request={
                "model": str(path.absolute()),
                "input": taken.input_name,
                "shape": [taken.batch or 1, *shape],
                "dtype": taken.input.dtype,
            },
            path=path,
            runtime=named(runtime),
        )
    )
    if told:
        raise explained(runtime, path, contents, told["kind"], told["said"])


def session_of(runtime: Any, path: Path, contents: Contents) -> Any:
    """Return a session on the CPU, in which each run computes in its own thread.

    Batches are predicted in as many threads as there are cores, and within each the order of all
    sums is the same everywhere.

    Raises
    ------
    ModelError
        If onnxruntime cannot load the file.
    """
    options = runtime.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    try:
        with tolerant():
            return runtime.InferenceSession(
                str(path.absolute()), options, providers=["CPUExecutionProvider"]
            )
    except Exception as error:
        raise explained(runtime, path, contents, type(error).__name__, str(error)) from error


def named(runtime: Any) -> str:
    """Return the runtime with its version."""
    return f"onnxruntime {runtime.__version__}"


def said_by(text: str) -> str:
    """Return what onnxruntime says, without what is of no use to a reader."""
    return shortened(" ".join(_PLACE.sub("", _PREFIX.sub("", text)).split()), 300)


def explained(runtime: Any, path: Path, contents: Contents, kind: str, text: str) -> ModelError:
    """Return the error for what onnxruntime raised while it loaded a file."""
    name = named(runtime)
    by = f" (written by {shortened(contents.saved_by, 100)})" if contents.saved_by else ""
    if found := _OPSET.search(text) or _IR.search(text):
        what = "opset" if "Opset" in found[0] else "IR version"
        return ModelError(
            f"{path} is of {what} {found[1]}{by}, and {name} knows them up to {found[2]}: install "
            f"a newer onnxruntime, or export the model with an older {what}"
        )
    if found := _UNKNOWN.search(text):
        return ModelError(
            f"{path} holds the operator {brief(found[1])}, which {name} does not know in opset "
            f"{found[2]}{by}: install a newer onnxruntime, or export the model again"
        )
    if found := _NO_KERNEL.search(text):
        return ModelError(
            f"{path} holds the operator {brief(found[1])} for a type of numbers that {name} does "
            f"not compute with on the CPU{by}: export it with float32 numbers"
        )
    if kind == "InvalidProtobuf":
        return ModelError(f"{path} is cut off or damaged: {AGAIN}")
    return ModelError(f"{path} cannot be loaded{by}: {name} says: {said_by(text)}")


def require_own(path: Path, contents: Contents) -> None:
    """Refuse operators that are not onnxruntime's own: another library would have to compute them.

    Raises
    ------
    ModelError
        If there are any.
    """
    foreign = sorted(
        (domain, name)
        for domain, name in contents.operators
        # What the file defines itself cannot stand in for what onnxruntime has under that name.
        if (name in _OUTWARD if domain in DOMAINS else (domain, name) not in contents.functions)
    )
    if foreign:
        listing = joined([f"{name} of {domain or 'ai.onnx'}" for domain, name in foreign], 5)
        raise ModelError(
            f"{path} is not loaded: it holds operators that onnxruntime does not compute by "
            f"itself ({shortened(listing, 500)}): export it without them, or hand in a function "
            "that calls the model, by overriding the fixture confmat_model"
        )


# ONNX's own, and onnxruntime's; quantized models hold some of the latter.
DOMAINS = frozenset({"", "ai.onnx.ml", "ai.onnx.preview", "com.microsoft", "com.microsoft.nchwc"})
# They call Python, or what lies in other files.
_OUTWARD = frozenset({"EPContext", "PythonOp", "PythonOpGrad", "ATen"})
