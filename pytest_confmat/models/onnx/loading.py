"""An ONNX file looked at, tried, and put behind a predictor."""

from __future__ import annotations

from typing import Any

from pytest_confmat.models.decision import Rule, with_n
from pytest_confmat.models.formats import ModelFile
from pytest_confmat.models.onnx.external import data_files
from pytest_confmat.models.onnx.interface import Interface, interface_of
from pytest_confmat.models.onnx.predictor import OnnxPredictor
from pytest_confmat.models.onnx.reading import read
from pytest_confmat.models.onnx.session import (
    import_onnxruntime,
    named,
    require_harmless,
    require_libraries,
    require_own,
    session_of,
)
from pytest_confmat.spec import Decision
from pytest_confmat.text import brief, joined

_DRAWING = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"}
    | {"RandomUniformLike"}
)


def load(file: ModelFile, classes: tuple[str, ...], decision: Decision) -> OnnxPredictor:
    """Load an ONNX file that was looked at; TensorFlow is not needed.

    Raises
    ------
    ModelError
        If it is damaged, does not take one batch and give scores, or asks for more than
        onnxruntime computes.
    MissingDependencyError
        If onnxruntime or onnx is not installed.
    RequestError
        If the decision does not go with the classes.
    """
    require_libraries(file.path)
    rule = Rule.of(decision, classes)
    contents = read(file.path)
    data_files(file.path, contents.locations)
    require_own(file.path, contents)
    units = (len(classes),) if rule.threshold is None else (len(classes), 1)
    taken = interface_of(contents, file.path, units)
    runtime = import_onnxruntime()
    require_harmless(runtime, file.path, contents, taken)
    draws = any(name in _DRAWING for _, name in contents.operators)

    def start() -> Any:
        if draws:
            runtime.set_seed(0)
        return session_of(runtime, file.path, contents)

    name = f"the model {file.path.name}"
    return OnnxPredictor(
        start, taken, rule, name=name, runtime=named(runtime), draws=draws,
        notes=_notes(taken, name),
    )  # fmt: skip


def _notes(taken: Interface, name: str) -> tuple[str, ...]:
    notes = []
    if taken.channels_first and taken.own_shape is not None:
        notes.append(
            f"{name} takes images channels first, {with_n((None, *taken.own_shape))}: they are "
            "turned before they go into it"
        )
    if taken.unused:
        unused = joined([brief(each) for each in taken.unused], 5)
        notes.append(
            f"of {name} the output {brief(taken.output_name)} is judged, and {unused} is not"
        )
    return tuple(notes)
