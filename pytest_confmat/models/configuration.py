"""What a model's configuration says about it, read without loading the model."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_confmat.models.look import ModelFile, look_at, read_member
from pytest_confmat.spec import ModelSpec

_RESCALING = ("Rescaling", "Normalization")


def rescaling_layer(model: Any) -> tuple[str, str] | None:
    """Return class and name of the first layer by which a model rescales its input itself.

    Parameters
    ----------
    model
        A `ModelSpec` or an object. ``None`` is returned for one that does not tell its layers.

    Raises
    ------
    Exception
        What reading the file or asking the object raises; nothing depends on the answer.
    """
    for layer in objects(configuration(model)):
        if layer.get("class_name") in _RESCALING:
            config = layer.get("config")
            name = config.get("name") if isinstance(config, Mapping) else None
            return str(layer["class_name"]), str(name or "")
    return None


def configuration(model: Any) -> Any:
    """Return what the file of a `ModelSpec`, or an object, says of itself; ``None``: nothing.

    Raises
    ------
    Exception
        What reading the file or asking the object raises.
    """
    if not isinstance(model, ModelSpec):
        return model.get_config() if hasattr(model, "get_config") else None
    return stored_in(look_at(model.path))


def stored_in(file: ModelFile) -> Any:
    """Return what a model file says of itself.

    Raises
    ------
    Exception
        What reading it raises.
    """
    if file.format == "keras":
        with zipfile.ZipFile(file.path) as archive:
            return json.loads(read_member(archive, "config.json"))
    import h5py

    with h5py.File(file.path, "r") as stored:
        return json.loads(stored.attrs["model_config"])


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping inside `value`, outer ones first, in order."""
    # Without recursion: how deep a file nests its values is the file's choice.
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            yield value
            value = list(value.values())
        if isinstance(value, list | tuple):
            waiting += reversed(value)
