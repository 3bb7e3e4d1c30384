"""What a model's configuration says about it, read without loading the model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_confmat.models.formats import ModelFile, format_called
from pytest_confmat.models.look import look_at
from pytest_confmat.spec import ModelSpec

_RESCALING = ("Rescaling", "Normalization")
# Layers that leave numbers as they are when a model predicts, or pick from them.
_PASSING = re.compile(
    r"InputLayer|Identity|Reshape|Flatten|Permute|RepeatVector|(Spatial|Gaussian)?Dropout\w*"
    r"|GaussianNoise|Random\w+|ZeroPadding\w+|Cropping\w+|CenterCrop|Resizing|UpSampling\w+"
    r"|(Global)?(Max|Average)Pooling\w+"
)
# Layers whose weights were trained for numbers of one scale.
_WEIGHTED = re.compile(r"(Separable|Depthwise)?Conv\dD(Transpose)?|ConvLSTM\dD|(Einsum)?Dense")


@dataclass(frozen=True)
class Layer:
    """A layer of a model, as its configuration describes it.

    Attributes
    ----------
    kind, name
        Its class, and its own name.
    scale
        What it multiplies by, if it is a `Rescaling`: of several channels, the most.
    """

    kind: str
    name: str
    scale: float | None = None

    @property
    def is_weighted(self) -> bool:
        """Whether it multiplies by weights that were trained for numbers of one scale."""
        return _WEIGHTED.fullmatch(self.kind) is not None


def first_layer(model: Any) -> Layer | None:
    """Return the first layer that does anything to the numbers that a model is given.

    Parameters
    ----------
    model
        A `ModelSpec` or an object. ``None`` is returned for one that does not tell its layers.

    Raises
    ------
    Exception
        What reading the file or asking the object raises; nothing depends on the answer.
    """
    for layer in layers(configuration(model)):
        kind = str(layer.get("class_name"))
        if not _PASSING.fullmatch(kind):
            config = layer["config"]
            scale = config.get("scale") if kind == "Rescaling" else None
            most = None if scale is None else float(np.abs(np.asarray(scale, np.float64)).max())
            return Layer(kind, str(config.get("name") or ""), most)
    return None


def layers(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the layers of a configuration in order, those of nested models in their place."""
    if not isinstance(value, Mapping):
        return
    config = value.get("config", value)
    inner = config.get("layers") if isinstance(config, Mapping) else None
    if isinstance(inner, list):
        for layer in inner:
            yield from layers(layer)
    elif isinstance(config, Mapping) and isinstance(config.get("layer"), Mapping):
        yield from layers(config["layer"])  # a wrapper, such as TimeDistributed
    elif "class_name" in value:
        yield value


def rescaling_layer(model: Any) -> tuple[str, str] | None:
    """Return class and name of the first layer by which a model rescales its input itself.

    `model`, ``None`` and what is raised are as in `first_layer`.
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
    return format_called(file.format).configuration(file)


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
