"""What tells the model and the data of a job from others, while a session lasts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from pytest_confmat.errors import ModelError
from pytest_confmat.models import is_keras_model
from pytest_confmat.spec import DatasetSpec, ModelSpec


def identity_of(value: Any) -> str:
    """Return a text that differs from that of any other model or data of the session."""
    if isinstance(value, ModelSpec):
        return repr((value, stat_of(value.path)))
    if isinstance(value, DatasetSpec):
        return repr(value)
    return f"{id(value)} {_weights(value)}"


def stat_of(path: Path) -> list[tuple[str | int, ...]] | None:
    """Return what differs once another model is written to a path."""
    from pytest_confmat.models.digest import files_of

    try:
        files = files_of(path)
    except ModelError:
        files = (path,)  # loading says what is wrong; a folder of anything is not walked for that
    try:
        found = [(str(each), each.stat()) for each in files]
    except OSError:
        return None
    return [(name, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for name, s in found]


def tells_changes(model: Any) -> bool:
    """Whether it can be seen of a model that it is another one than before."""
    return isinstance(model, ModelSpec) or is_keras_model(model)


def name_of(function: Any) -> str:
    """Return module and name of a function, or of an object's class."""
    kind = function if hasattr(function, "__qualname__") else type(function)
    return f"{kind.__module__}.{kind.__qualname__}"


def _weights(value: Any) -> str | None:
    """Return a digest of a Keras model's variables, which change while the model is the same."""
    if not is_keras_model(value):
        return None
    from pytest_confmat.models.variables import variables_of

    digest = hashlib.blake2b(digest_size=16)
    for variable in variables_of(value):
        digest.update(np.asarray(variable).tobytes())
    return digest.hexdigest()
