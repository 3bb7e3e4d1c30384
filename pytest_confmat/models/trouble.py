"""What Keras raises while it loads a model, in the words of whoever has to act on it."""

from __future__ import annotations

import ast
import re
import sys
import zipfile
from collections.abc import Mapping
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.contents import distrusted, owner_of
from pytest_confmat.models.formats import ModelFile
from pytest_confmat.models.runtime import first_line, root_cause
from pytest_confmat.relaying import without_advice

_UNKNOWN = re.compile(r"(?:Could not locate|Unknown) ([\w ]+?):? '([^']+)'")
_NO_PART = re.compile(r"(?:Could not|Cannot) deserialize [`'](keras\.[\w.]+)[`'] because it is not")
_ARGUMENT = re.compile(r"Unrecognized keyword arguments? passed to (\w+): \{'(\w+)'")
# Layers of Keras 2 that Keras 3 has given up, or does not find.
_GIVEN_UP = frozenset(
    {"DenseFeatures", "LocallyConnected1D", "LocallyConnected2D", "RandomHeight", "RandomWidth"}
    | {"ThresholdedReLU", "LayerScale", "StochasticDepth"}
)
_OVERRIDE = "or hand the model in by overriding the fixture confmat_model"
# What Keras refuses in safe mode besides a Lambda, by a word of its refusal.
_OUTWARD = {
    "TFSMLayer": "a TFSMLayer, which loads and runs a SavedModel from outside the file",
    "torch.load": "a PyTorch module, which is a pickle and may run any code",
    "vocabulary file": "a layer that reads a vocabulary file from outside the model file",
}


def explain(file: ModelFile, error: Exception) -> ModelError:
    """Return the error to raise for one that Keras raised while loading `file`."""
    cause = root_cause(error)
    text = str(cause)
    if refused := _unsafe(text):
        return _refused(file, refused)
    if unknown := _UNKNOWN.search(text):
        return _unknown_object(file, unknown[1], unknown[2], text)
    if (part := _NO_PART.search(text)) and _exists(part[1]):
        return distrusted(file, part[1], "Keras")
    why, advice, is_old = _misfit(cause, text)
    if is_old and file.major is not None and file.major < 3:
        return NeedsKeras2Error(file, why)
    return _refused(file, f"{why}: {advice}" if advice else why)


def _unsafe(text: str) -> str | None:
    """Say what a loader refuses because it would run what a file holds; without its advice."""
    if "Python lambda" in text:
        return (
            "it holds Python code in a Lambda layer, and models are loaded in safe mode, which "
            "runs no code from a file: replace the Lambda by a layer of your own and save again, "
            "or say --confmat-unsafe-model if you trust the file"
        )
    if "safe_mode=False" in text:
        what = next((said for word, said in _OUTWARD.items() if word in text), "code")
        return (
            f"it holds {what}, and models are loaded in safe mode, which does not allow that: save "
            f"a model without it, {_OVERRIDE}"
        )
    if "allow_pickle" in text or "pickled" in text:
        return (
            "it holds a Python pickle, which runs code as it is loaded. No file that model.save() "
            "writes holds one: do not load it in any way, and find out where it comes from"
        )
    return None


class NeedsKeras2Error(ModelError):
    """A file of Keras 2 that Keras 3 cannot load, and tf-keras may.

    Attributes
    ----------
    why
        What Keras 3 does not know of it.
    """

    def __init__(self, file: ModelFile, why: str) -> None:
        version = f" ({file.saved_by})" if file.saved_by else ""
        super().__init__(
            f"{file.path} was saved by Keras {file.major or 2}{version}, and Keras 3 cannot load "
            f"it: {why}"
        )
        self.why = why


def _refused(file: ModelFile, said: str) -> ModelError:
    origin = f" (saved by Keras {file.saved_by})" if file.saved_by else ""
    return ModelError(f"{file.path} cannot be loaded{origin}: {said}")


def _misfit(cause: BaseException, text: str) -> tuple[str, str, bool]:
    """Return what in a file cannot be loaded, what to do, and whether its age may be why."""
    newer = f"install the Keras that wrote it, or a newer one, {_OVERRIDE}"
    if isinstance(cause, (OSError, EOFError, zipfile.BadZipFile)):
        said = f"its content is damaged ({first_line(cause)})"
        return said, "copy or export it again", False
    if part := _NO_PART.search(text):
        return f"this Keras has no {part[1]}, which is in it", newer, True
    if argument := _ARGUMENT.search(text):
        said = f"its layer {argument[1]} was saved with the argument {argument[2]!r}"
        return f"{said}, which this Keras does not know", newer, True
    if "objects could not be loaded" in text:
        return f"its weights do not fit its layers ({_detail(text)})", "export it again", True
    return f"{type(cause).__name__}: {first_line(cause)}", "", True


def _unknown_object(file: ModelFile, kind: str, name: str, text: str) -> ModelError:
    if name in ("TFOpLambda", "SlicingOpLambda"):
        return NeedsKeras2Error(
            file, f"it holds raw TensorFlow operations (layers of the kind {name})"
        )
    if name in _GIVEN_UP and file.major is not None and file.major < 3:
        return NeedsKeras2Error(file, f"it holds a layer of the kind {name}, not in Keras 3")
    kind = kind if kind in ("function", "layer") else "class"
    config = _full_config(text)
    full = name
    if kind != "function" and isinstance(config.get("registered_name"), str):
        full = config["registered_name"]
    module = config.get("module")
    if isinstance(module, str) and (owner := owner_of(module, name)):
        return distrusted(file, f"{module}.{name}", owner)
    of = f" of the module {module!r}" if module not in (None, "builtins", "__main__") else ""
    return _refused(
        file,
        f"the {kind} {name!r}{of} in it is not Keras's own and not known here: if it is your "
        "project's, return it from the hook pytest_confmat_custom_objects in a conftest.py beside "
        "the policy or above it, as "
        f"{{{full!r}: {full.rpartition('>')[2]}}}, {_OVERRIDE}",
    )


def _full_config(text: str) -> Mapping[str, Any]:
    _, found, config = text.partition("Full object config: ")
    if not found:
        return {}
    try:
        stored = ast.literal_eval(config)
    except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return {}
    return stored if isinstance(stored, Mapping) else {}


def _exists(name: str) -> bool:
    """Whether something of Keras has that name, though no model may hold it."""
    module, _, own = name.rpartition(".")
    return hasattr(sys.modules.get(module), own)


def _detail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    layer = re.search(r"object (<[^>]*>)", text)
    # What follows repeats the numbers of the weights themselves.
    reason = lines[min(1, len(lines) - 1)].partition(" Target variable:")[0].rstrip(".")
    reason = without_advice(reason)
    return f"{layer[1]}: {reason}" if layer else reason
