"""A LiteRT file looked at, tried, and put behind a predictor."""

from __future__ import annotations

from pytest_confmat.models.decision import Rule
from pytest_confmat.models.formats import ModelFile
from pytest_confmat.models.litert.interface import Interface, interface_of
from pytest_confmat.models.litert.interpreter import (
    Session,
    find_runtime,
    require_harmless,
    require_own,
)
from pytest_confmat.models.litert.predictor import LiteRTPredictor
from pytest_confmat.models.litert.reading import read
from pytest_confmat.spec import Decision
from pytest_confmat.text import brief, joined

# They keep something from one run to the next, or draw at random.
_LASTING = frozenset(
    {"ASSIGN_VARIABLE", "HASHTABLE_IMPORT", "MULTINOMIAL", "RANDOM_STANDARD_NORMAL"}
    | {"RANDOM_UNIFORM"}
)
# In a trial, to see whether more than one example at a time is the end of the process.
_SEVERAL = 4


def load(file: ModelFile, classes: tuple[str, ...], decision: Decision) -> LiteRTPredictor:
    """Load a LiteRT file that was looked at; TensorFlow is not needed.

    Raises
    ------
    ModelError
        If it is damaged, does not take one batch and give scores, or asks for more than the
        runtime computes.
    MissingDependencyError
        If there is no runtime.
    RequestError
        If the decision does not go with the classes.
    """
    runtime = find_runtime(file.path)
    rule = Rule.of(decision, classes)
    contents = read(file.path)
    require_own(file.path, contents)
    units = (len(classes),) if rule.threshold is None else (len(classes), 1)
    taken = interface_of(contents, file.path, units, file.signature)
    lasting = bool(contents.operators & _LASTING)
    several = taken.input.batch is None and not lasting
    require_harmless(runtime, file.path, contents, taken, _SEVERAL if several else None)
    name = f"the model {file.path.name}"
    return LiteRTPredictor(
        lambda: Session(runtime, file.path, contents, taken), taken, rule,
        name=name, runtime=runtime.name, is_stateful=lasting, notes=_notes(taken, name),
    )  # fmt: skip


def _notes(taken: Interface, name: str) -> tuple[str, ...]:
    if not taken.unused:
        return ()
    unused = joined([brief(each) for each in taken.unused], 5)
    return (f"of {name} the output {brief(taken.output_name)} is judged, and {unused} is not",)
