"""What Keras raises while it loads a model, in the words of whoever has to act on it."""

from __future__ import annotations

import ast
import re
import zipfile

from pytest_confmat.errors import ModelError
from pytest_confmat.models.look import ModelFile
from pytest_confmat.models.runtime import first_line, root_cause

_UNKNOWN = re.compile(r"(?:Could not locate|Unknown) ([\w ]+?):? '([^']+)'")
_NO_LAYER = re.compile(r"Could not deserialize '(keras\.[\w.]+)' because it is not")
_ARGUMENT = re.compile(r"Unrecognized keyword arguments? passed to (\w+): \{'(\w+)'")
_OVERRIDE = "or hand the model in by overriding the fixture confmat_model"


def explain(file: ModelFile, error: Exception) -> ModelError:
    """Return the error to raise for one that Keras raised while loading `file`."""
    cause = root_cause(error)
    text = str(cause)
    if "Python lambda" in text:
        said = (
            "it holds Python code in a Lambda layer, and models are loaded in safe mode, which "
            "runs no code from a file: replace the Lambda by a layer of your own and save again, "
            "or say --confmat-unsafe-model if you trust the file"
        )
    elif unknown := _UNKNOWN.search(text):
        said = _unknown_object(unknown[1], unknown[2], text)
    elif layer := _NO_LAYER.search(text):
        said = (
            f"this Keras has no {layer[1]}, which is in it: install the Keras that wrote it, or a "
            f"newer one, {_OVERRIDE}"
        )
    elif argument := _ARGUMENT.search(text):
        said = (
            f"its layer {argument[1]} was saved with the argument {argument[2]!r}, which this "
            f"Keras does not know: load and save it again with the Keras that wrote it, {_OVERRIDE}"
        )
    elif isinstance(cause, (OSError, EOFError, zipfile.BadZipFile)):
        said = f"its content is damaged ({first_line(cause)}): copy or export it again"
    elif "objects could not be loaded" in text:
        said = f"its weights do not fit its layers ({_detail(text)}): export it again"
    else:
        said = f"{type(cause).__name__}: {first_line(cause)}"
    return ModelError(f"{file.path} cannot be loaded{_origin(file)}: {said}")


def _origin(file: ModelFile) -> str:
    return f" (saved by Keras {file.saved_by})" if file.saved_by else ""


def _unknown_object(kind: str, name: str, text: str) -> str:
    if name in ("TFOpLambda", "SlicingOpLambda"):
        return (
            "it holds raw TensorFlow operations (layers of the kind "
            f"{name}), which Keras 3 cannot load: load it with Keras 2 (the package tf_keras), "
            f"{_OVERRIDE}"
        )
    kind = kind if kind in ("function", "layer") else "class"
    full = name if kind == "function" else _registered_name(text) or name
    how = (
        "return it from the hook pytest_confmat_custom_objects in conftest.py, as "
        f"{{{full!r}: {full.rpartition('>')[2]}}}"
    )
    return f"the {kind} {name!r} in it is not Keras's own and not known here: {how}, {_OVERRIDE}"


def _registered_name(text: str) -> str | None:
    _, found, config = text.partition("Full object config: ")
    if not found:
        return None
    try:
        name = ast.literal_eval(config)["registered_name"]
    except (KeyError, SyntaxError, TypeError, ValueError):
        return None
    return name if isinstance(name, str) else None


def _detail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    layer = re.search(r"object (<[^>]*>)", text)
    # What follows repeats the numbers of the weights themselves.
    reason = lines[min(1, len(lines) - 1)].partition(" Target variable:")[0].rstrip(".")
    return f"{layer[1]}: {reason}" if layer else reason
