"""A SavedModel looked at, cut to what is run, and put behind a predictor."""

from __future__ import annotations

from pytest_confmat.models.formats import ModelFile
from pytest_confmat.models.runtime import import_tensorflow
from pytest_confmat.models.saved_model.plan import planned
from pytest_confmat.models.saved_model.predictor import GraphPredictor
from pytest_confmat.models.saved_model.reading import read_graph
from pytest_confmat.models.saved_model.signatures import signature_of
from pytest_confmat.spec import Decision
from pytest_confmat.text import brief, joined


def load(
    file: ModelFile, classes: tuple[str, ...], decision: Decision, *, safe_mode: bool
) -> GraphPredictor:
    """Load a SavedModel that was looked at; Keras is not needed.

    Raises
    ------
    ModelError
        If it is damaged, has no such signature, or does not only compute.
    MissingDependencyError
        If TensorFlow is not installed.
    """
    import_tensorflow()
    meta = read_graph(file.path)
    signature = signature_of(meta, file.path, file.signature)
    plan = planned(meta, signature, file.path, safe_mode=safe_mode)
    name = f"the model {file.path.name}"
    notes = []
    if signature.unused:
        unused = joined([brief(each) for each in signature.unused], 5)
        notes.append(
            f"of {name} the output {signature.output_name!r} is judged, and {unused} is not"
        )
    if not safe_mode:
        notes.append(
            f"{file.path.name} was loaded without looking at what its graph does: "
            "--confmat-unsafe-model asks for that"
        )
    return GraphPredictor(plan, signature, classes, decision, name=name, notes=tuple(notes))
