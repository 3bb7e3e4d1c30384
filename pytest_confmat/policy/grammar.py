"""The policy file, version 1, as a whole; the JSON Schema is made from these shapes too."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from fractions import Fraction
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    create_model,
    model_validator,
)

from pytest_confmat.kinds import KINDS, DataKind, choice
from pytest_confmat.metric import METRICS, Metric
from pytest_confmat.policy import scalars
from pytest_confmat.policy.base_shape import (
    NAME_SCHEMA,
    PATH_SCHEMA,
    LocalPath,
    Name,
    ReadBy,
    Shape,
    kind,
    or_short,
)
from pytest_confmat.policy.dataset_shape import ImagesShape, SetShape, dataset
from pytest_confmat.policy.evidence_shape import BaselineShape, EvidenceShape
from pytest_confmat.policy.policy_faults import describe, fault
from pytest_confmat.policy.thresholds_shape import Thresholds, thresholds_shape
from pytest_confmat.policy.yaml_document import OWN_KEY, MappingNode, ScalarNode, SequenceNode
from pytest_confmat.sprites import MAX_THUMBNAILS

VERSION = 1


def _version(value: Any) -> int:
    version = scalars.integer(0, 2**31)(value)
    if version != VERSION:
        raise fault(f"{version} is not known to this release, which reads version {VERSION}")
    return version


def _argmax(value: Any) -> Literal["argmax"]:
    if value != "argmax":
        raise fault(f"expected argmax or {{threshold: 0.5}}, found {describe(value)}")
    return "argmax"


def _names(value: Any) -> tuple[str, ...] | str:
    if isinstance(value, ScalarNode):
        return scalars.local_path(value)
    if not isinstance(value, SequenceNode):
        raise fault(f"expected a list of names or a text file, found {describe(value)}")
    found = scalars.names(value)
    if len(found) < 2:
        raise fault(f"a classifier has at least two classes, and here is {len(found)}")
    return found


_NAMES = {
    "anyOf": [
        {"type": "array", "items": NAME_SCHEMA, "minItems": 2, "uniqueItems": True},
        PATH_SCHEMA,
    ]
}


class ClassesShape(Shape):
    """The classes of the model: names, or {names: [...], without_examples: [...]}."""

    model_config = ConfigDict(json_schema_extra=or_short(_NAMES))
    expected: ClassVar[str] = "a list of names, a text file, or {names: ..., without_examples: ...}"

    names: Annotated[tuple[str, ...] | str, ReadBy(_names, _NAMES)] = Field(
        description="In the order of the model's outputs, or a text file with a name a line."
    )
    without_examples: Annotated[
        tuple[str, ...],
        ReadBy(scalars.names, {"type": "array", "items": NAME_SCHEMA, "uniqueItems": True}),
    ] = Field(
        (),
        description="Those of which the set has no examples: what is predicted as one of them "
        "is wrong, and no limit is on them.",
    )

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Take names for {names: names}."""
        if isinstance(value, ScalarNode | SequenceNode):
            return MappingNode({"names": value}, {"names": value.line}, value.line)
        if isinstance(value, MappingNode) and cls.model_fields.keys().isdisjoint(value):
            # A map of names to numbers, most likely.
            raise fault(f"expected {cls.expected}, found a mapping of other keys")
        return value


class ReportShape(Shape):
    """What the report shows beyond numbers: {thumbnails: 100}."""

    expected: ClassVar[str] = "a mapping such as {thumbnails: 100}"

    thumbnails: Annotated[
        int,
        ReadBy(
            scalars.integer(0, MAX_THUMBNAILS),
            {"type": "integer", "minimum": 0, "maximum": MAX_THUMBNAILS},
        ),
    ] = Field(
        0,
        description="Pictures of so many misclassified examples at most; whoever gets the report "
        "gets them.",
    )


class ThresholdShape(Shape):
    """A cut on the score of one of two classes."""

    expected: ClassVar[str] = "argmax or {threshold: 0.5}"

    threshold: Annotated[
        Fraction,
        ReadBy(scalars.score, {"type": "number", "minimum": 0, "maximum": 1}),
    ] = Field(description="A score of at least this is the positive class.")
    positive: Name | None = Field(
        None, description="The class whose score it is; the second one unless it is given."
    )


Decision = Annotated[
    Annotated[
        Literal["argmax"],
        ReadBy(_argmax, {"const": "argmax"}),
        Tag(kind(ScalarNode("", 1))),
    ]
    | Annotated[ThresholdShape, Tag(kind(None))],
    Discriminator(kind),
]


def _model_schema(schema: dict[str, Any]) -> None:
    schema["minProperties"] = 1
    or_short(PATH_SCHEMA)(schema)


class ModelShape(Shape):
    """The model to judge: a path, or {path: models/shapes.keras}."""

    model_config = ConfigDict(json_schema_extra=_model_schema)
    expected: ClassVar[str] = "a path, or a mapping such as {path: models/shapes.keras}"

    path: LocalPath | None = Field(
        None, description="Where its file is, or its directory; relative to this file."
    )
    signature: Name | None = Field(
        None,
        description="Which signature of a SavedModel is judged, also of one that the command line "
        "names; serving_default or serve unless it is given.",
    )

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Take a path for {path: path}."""
        if isinstance(value, ScalarNode) and value:
            return MappingNode({"path": value}, {"path": value.line}, value.line)
        return value

    @model_validator(mode="after")
    def _names_something(self) -> ModelShape:
        if self.path is None and self.signature is None:
            raise fault("model needs path, signature, or both")
        return self


class ReferenceShape(Shape):
    """The model to compare with: a path, or {path: models/shapes.keras}."""

    model_config = ConfigDict(json_schema_extra=or_short(PATH_SCHEMA))
    expected: ClassVar[str] = "a path, or a mapping such as {path: models/shapes.keras}"

    path: LocalPath = Field(
        description="Where its file is, or its directory; relative to this file."
    )
    signature: Name | None = Field(
        None,
        description="Which signature of a SavedModel; serving_default or serve unless it is given.",
    )

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Take a path for {path: path}."""
        return ModelShape.long_form(value)


def _policy_schema(schema: dict[str, Any]) -> None:
    schema["patternProperties"] = {
        f"^{OWN_KEY}": {"description": "Your own, not read; a place for YAML anchors."}
    }
    named = {"anyOf": [{"required": [kind.key]} for kind in KINDS]}
    schema["anyOf"] = [
        {"required": ["dataset"], "properties": {"dataset": named}},
        {"required": ["classes"]},
    ]


class PolicyShape(Shape):
    """What the gate of pytest-confmat checks: the data, the classes and their limits."""

    model_config = ConfigDict(json_schema_extra=_policy_schema, title="pytest-confmat thresholds")
    expected: ClassVar[str] = "the keys of a policy"
    reserved: ClassVar[frozenset[str]] = frozenset({"slices", "costs"})
    elsewhere: ClassVar[Mapping[str, str]] = {
        **{key: f"{key} belongs below evidence" for key in EvidenceShape.known_keys()},
        "min_overlap": "min_overlap belongs below baseline",
    }

    version: Annotated[int, ReadBy(_version, {"const": VERSION})] = Field(
        description="Version of this file's grammar."
    )
    # Its type, and that of `thresholds`, follow from what there is: see `policy_shape`.
    dataset: SetShape | None = Field(
        None,
        description="The data; where a fixture confmat_dataset brings them, left out, or only "
        "expected_examples and digest.",
    )
    classes: ClassesShape | None = Field(
        None,
        description="Class names in the order of the model's outputs, or a text file with a "
        "name a line; the sorted names of the class directories unless it is given.",
    )
    decision: Decision = Field(
        "argmax",
        description="argmax, or a threshold on the score of one of two classes.",
    )
    model: ModelShape | None = Field(
        None,
        description="The model's file, unless the command line names another; relative to this "
        "file.",
    )
    model_sha256: (
        Annotated[
            str,
            ReadBy(scalars.sha256, {"type": "string", "pattern": scalars.SHA256_PATTERN}),
        ]
        | None
    ) = Field(None, description="SHA-256 of the model's file; any other model is an error.")
    evidence: EvidenceShape | None = Field(
        None, description="How sure one must be of a verdict; the estimate decides otherwise."
    )
    baseline: BaselineShape | None = Field(
        None, description="What max_drop, max_rise and flips compare with."
    )
    reference: ReferenceShape | None = Field(
        None,
        description="A model that max_drop, max_rise and flips compare with, evaluated in the same "
        "pass: the one that a converted file was made from.",
    )
    report: ReportShape | None = Field(
        None, description="What the report of --confmat-report shows beyond numbers."
    )
    thresholds: Thresholds = Field(description="The limits.")

    @model_validator(mode="after")
    def _compares_with_one(self) -> PolicyShape:
        if self.baseline is not None and self.reference is not None:
            raise fault(
                "limits compare with a baseline or with a reference: leave one of them out",
                "reference",
            )
        return self

    @model_validator(mode="after")
    def _knows_classes_and_weights(self) -> PolicyShape:
        if not isinstance(self.dataset, ImagesShape) and self.classes is None:
            raise fault(f"without a {choice()}, classes must name the classes")
        diagonal = self.thresholds.weighted_diagonal
        if diagonal is not None and diagonal.weights == "sample":
            missing = (
                isinstance(self.dataset, ImagesShape) and self.dataset.sample_weights_missing()
            )
            if missing:
                raise fault(missing, "thresholds", "weighted_diagonal", "weights")
        return self

    @classmethod
    def refusal(cls, key: str) -> str | None:
        """Say where `key` belongs, if a kind of data takes it or it is a metric."""
        if any(key in kind.shape.known_keys() for kind in KINDS):
            return f"{key} belongs below dataset"
        if key in METRICS.by_key or key in Thresholds.known_keys():
            return f"{key} belongs below thresholds"
        return super().refusal(key)


@cache
def policy_shape(
    kinds: tuple[DataKind[Any], ...], metrics: tuple[Metric, ...]
) -> type[PolicyShape]:
    """Return the grammar of policies on data of one of `kinds`, with limits on `metrics`."""
    data, limits = (copy(PolicyShape.model_fields[key]) for key in ("dataset", "thresholds"))
    shape: type[PolicyShape] = create_model(
        "PolicyShape",
        __base__=PolicyShape,
        __doc__=PolicyShape.__doc__,
        dataset=(dataset(kinds) | None, data),
        thresholds=(thresholds_shape(metrics), limits),
    )
    return shape
