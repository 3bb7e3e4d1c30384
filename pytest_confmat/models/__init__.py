"""Predictors: models behind one call."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.models.formats import format_called
from pytest_confmat.models.look import look_at
from pytest_confmat.models.predictor import Predictor
from pytest_confmat.spec import Decision, ModelSpec


def load(
    spec: ModelSpec,
    classes: tuple[str, ...],
    decision: Decision,
    custom_objects: Mapping[str, Any] | None = None,
) -> Predictor:
    """Load a saved model and put it behind a predictor.

    Parameters
    ----------
    classes
        Names, in the order of the model's outputs.
    custom_objects
        Classes and functions of the project's that the file names.

    Raises
    ------
    ModelError
        If the file is missing, is no whole model, or cannot be loaded.
    MissingDependencyError
        If the library that loads it is not installed.
    RequestError
        If the decision does not go with the classes.
    """
    file = replace(look_at(spec.path), signature=spec.signature)
    found = format_called(file.format)
    if file.signature is not None and not found.has_signatures:
        raise ModelError(
            f"{file.path} is {found.noun}, which has no signatures, and the policy asks for "
            f"{file.signature!r}: take signature out of its model"
        )
    return found.load(
        file, classes, decision, safe_mode=spec.safe_mode, custom_objects=custom_objects
    )


def wrap(
    model: Any,
    classes: tuple[str, ...],
    decision: Decision,
    custom_objects: Mapping[str, Any] | None = None,
) -> Predictor:
    """Put what a project hands in behind a predictor.

    Parameters
    ----------
    model
        A `ModelSpec`, which is loaded; a ``keras.Model``; or anything callable on a NumPy batch
        of shape (n, ...) that returns scores of shape (n, K), or (n, 1) under a threshold.
    custom_objects
        See `load`.

    Raises
    ------
    ModelError
        If it is none of these, or a Keras model that cannot be run here.
    RequestError
        If the decision does not go with the classes.
    """
    if isinstance(model, ModelSpec):
        return load(model, classes, decision, custom_objects)
    if is_keras_model(model):
        from pytest_confmat.models.keras import KerasPredictor
        from pytest_confmat.models.runtime import import_keras

        import_keras()
        return KerasPredictor(model, classes, decision, f"the project's own model ({model.name})")
    if isinstance(model, type) or not callable(model):
        what = f"the class {model.__name__}" if isinstance(model, type) else _of(model)
        raise ModelError(
            f"confmat_model gave {what}: give a keras.Model, or a function that takes a NumPy "
            "batch and returns one row of scores an example"
        )
    from pytest_confmat.models.callables import CallablePredictor

    return CallablePredictor(model, classes, decision)


def is_keras_model(model: Any) -> bool:
    """Whether an object is a ``keras.Model``."""
    # Whoever made one has imported Keras; nobody else should pay for it.
    keras = sys.modules.get("keras")
    return keras is not None and hasattr(keras, "Model") and isinstance(model, keras.Model)


def _of(model: Any) -> str:
    return "nothing" if model is None else f"an object of type {type(model).__name__}"
