"""Exports whose maker is known, and with it what the data cannot say: classes and rescaling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_confmat.authoring import yaml_text
from pytest_confmat.authoring.data_at import path_from
from pytest_confmat.authoring.init_keys import InitKeys
from pytest_confmat.files import read_file
from pytest_confmat.models.configuration import configuration, objects
from pytest_confmat.spec import ModelSpec

# As Teachable Machine names them, beside a list of classes.
_MODELS = ("keras_model.h5", "model.savedmodel")
_LABELS = "labels.txt"
_SIZE = [224, 224, 3]
_RESCALE = "{scale: 1/127.5, offset: -1}"


def with_export_keys(given: InitKeys, model: ModelSpec, folder: Path) -> tuple[InitKeys, str]:
    """Add what is known of an export of Teachable Machine, unless the user has said it.

    Parameters
    ----------
    folder
        Of the policy.

    Returns
    -------
    tuple
        The keys, and a sentence for the user; empty: the model is none.
    """
    if not _is_teachable_machine(model):
        return given, ""
    labels = model.path.parent / _LABELS
    said = []
    if "classes" not in given.top:
        name = yaml_text.quoted(path_from(folder, labels))
        given = replace(given, top={**given.top, "classes": name})
        said.append(f"its classes are those of {_LABELS}")
    if {"rescale", "preprocess"}.isdisjoint(given.dataset):
        given = replace(given, dataset={**given.dataset, "rescale": _RESCALE})
        said.append("it takes pixels as x / 127.5 - 1")
    so = f": {' and '.join(said)}" if said else ""
    return given, f"{model.path.name} is an export of Teachable Machine{so}"


def _is_teachable_machine(model: ModelSpec) -> bool:
    if model.path.name not in _MODELS:
        return False
    try:
        lines = read_file(model.path.parent / _LABELS).decode().split("\n")
        stored = configuration(model)
    except Exception:
        return False  # whatever is wrong with it, the evaluation says
    lines = [line.rstrip("\r") for line in lines if line.strip()]
    numbered = [re.fullmatch(r"([0-9]+) .*", line) for line in lines]
    counts = [match[1] for match in numbered if match] == [str(n) for n in range(len(lines))]
    # A SavedModel does not tell its layers.
    return bool(lines) and counts and (stored is None or _takes_its_images(stored))


def _takes_its_images(stored: Any) -> bool:
    for found in objects(stored):
        config = found.get("config")
        if isinstance(config, Mapping):
            shape = config.get("batch_input_shape") or config.get("batch_shape")
            if isinstance(shape, list):
                return shape[1:] == _SIZE
    return False
