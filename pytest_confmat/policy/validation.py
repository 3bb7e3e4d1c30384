"""Check a document against the grammar, and describe what is wrong in our own words."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pytest_confmat.kinds import KINDS
from pytest_confmat.metric import METRICS
from pytest_confmat.policy.base_shape import Shape, Unknown
from pytest_confmat.policy.grammar import PolicyShape, policy_shape
from pytest_confmat.policy.policy_faults import OWN, Problem, describe, raise_first
from pytest_confmat.policy.text_files import shown
from pytest_confmat.policy.yaml_document import Document


def read_shape(document: Document) -> PolicyShape:
    """Check a document against the grammar.

    Raises
    ------
    PolicyError
        With every fault, in the order of their lines.
    """
    try:
        return policy_shape(tuple(KINDS), tuple(METRICS)).model_validate(document.root)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    raise_first(_problem(document, details) for details in errors)
    raise AssertionError("a refusal without a reason")


_NEEDED = {
    "height": "the name of the feature",
    "width": "the name of the feature",
    "version": "the first line of a policy is version: 1",
    "thresholds": "it holds the limits, such as recall: 0.9",
    "weights": "one of inverse_frequency, balanced, sample, or a weight a class",
    "at_most": "the highest share that passes",
    "baseline.path": "where the baseline was saved",
    "classes.names": "the classes in the order of the model's outputs",
    "model.path": "where the model's file is",
    "key": "the name of the feature",
    "scale": "what pixels are multiplied by",
    "threshold": "a score between 0 and 1",
}


def _problem(document: Document, details: ErrorDetails) -> Problem:
    """Describe what pydantic found in our own words."""
    keys, kind_of_error, found = details["loc"], details["type"], details["input"]
    location, where = document.place(keys)
    prefix = f"{where}: " if where else ""
    if kind_of_error == OWN:
        context = details["ctx"]
        location, where = document.place((*keys, *context["at"]))
        other, _ = document.place((*keys, *context["other"]))
        text = context["message"].replace("{line}", str(other.line))
        return Problem(location, f"{where}: {text}" if where else text)
    if isinstance(found, Unknown):
        return _unknown_key(document, keys, found.shape)
    if kind_of_error == "missing":
        key = str(keys[-1])
        needed = _NEEDED.get(".".join(map(str, keys[-2:]))) or _NEEDED[key]
        return Problem(location, f"{prefix}{key} is missing: {needed}")
    if kind_of_error == "dict_type":
        return Problem(location, f"{prefix}expected a mapping, found {describe(found)}")
    return Problem(location, f"{prefix}it is empty")


def _unknown_key(document: Document, keys: tuple[int | str, ...], shape: type[Shape]) -> Problem:
    location, _ = document.place(keys)
    _, where = document.place(keys[:-1])
    key = str(keys[-1])
    if refusal := shape.refusal(key):
        return Problem(location, f"{where}: {refusal}" if where else refusal)
    inside = f" in {where}" if where else ""
    return Problem(location, f"unknown key {shown(key)}{inside}", key, shape.known_keys())
