"""The shapes below ``thresholds``: every metric and what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    WithJsonSchema,
    model_validator,
)

from pytest_confmat.limits import TOP_K, Bound
from pytest_confmat.policy import scalars
from pytest_confmat.policy.document import Block, Items, Scalar
from pytest_confmat.policy.faults import describe, fault
from pytest_confmat.policy.shapes import (
    HIDDEN,
    SHARE_SCHEMA,
    AtLeast,
    AtMost,
    Name,
    Shape,
    kind,
    or_short,
)
from pytest_confmat.spec import Normalize

_RESERVED = frozenset({"rule", "min_support", "max_drop", "max_rise"})
_AT_LEAST_ONLY = {
    "at_most": "it takes at_least; at_most is for confusions",
}
_TOP_K_FIELD: Final = "\0top_k"
CORRELATION_SCHEMA: dict[str, Any] = {"type": "number", "minimum": -1, "maximum": 1}


def _short(value: Any) -> Any:
    """Take a number for {at_least: number}."""
    if not isinstance(value, Scalar) or not value:
        return value
    if value == scalars.NONE:
        raise fault("none exempts one class, below classes; for no limit at all leave this out")
    return Block({"at_least": value}, {"at_least": value.line}, value.line)


class OverallLimit(Shape):
    """A limit on one number for the whole matrix: a share, or {at_least: share}."""

    model_config = ConfigDict(json_schema_extra=or_short(SHARE_SCHEMA))
    expected: ClassVar[str] = "a number or {at_least: number}"
    reserved: ClassVar[frozenset[str]] = _RESERVED
    elsewhere: ClassVar = {
        **_AT_LEAST_ONLY,
        "classes": "it is one number for all classes, and has no limits for single ones",
    }

    at_least: AtLeast = Field(description="The lowest value that passes.")

    long_form = staticmethod(_short)


class CorrelationLimit(OverallLimit):
    """A limit on a number between -1 and 1: a number, or {at_least: number}."""

    model_config = ConfigDict(json_schema_extra=or_short(CORRELATION_SCHEMA))

    at_least: Annotated[
        Bound, PlainValidator(scalars.bound("at_least", -1, 1)), WithJsonSchema(CORRELATION_SCHEMA)
    ] = Field(description="The lowest value that passes.")


class Override(Shape):
    """A limit for one class: a share, or {at_least: share}."""

    model_config = ConfigDict(json_schema_extra=or_short(SHARE_SCHEMA))
    expected: ClassVar[str] = "a number, {at_least: number} or none"
    reserved: ClassVar[frozenset[str]] = _RESERVED
    elsewhere: ClassVar = _AT_LEAST_ONLY

    at_least: AtLeast = Field(description="The lowest value that passes.")

    long_form = staticmethod(_short)


def _exempt(value: Any) -> str:
    return f"{HIDDEN}none" if value == scalars.NONE else f"{HIDDEN}limit"


_Exemption = Annotated[
    None,
    PlainValidator(lambda _: None),
    WithJsonSchema({"const": scalars.NONE, "description": "Exempts the class."}),
]
Overrides = dict[
    str,
    Annotated[
        Annotated[_Exemption, Tag(f"{HIDDEN}none")] | Annotated[Override, Tag(f"{HIDDEN}limit")],
        Discriminator(_exempt),
    ],
]


class _PerClass(Shape):
    """What limits on every class and on single ones have in common."""

    reserved: ClassVar[frozenset[str]] = _RESERVED
    elsewhere: ClassVar = _AT_LEAST_ONLY

    at_least: AtLeast | None = Field(None, description="For every class that has none of its own.")
    classes: Overrides | None = Field(
        None,
        description="Limits of single classes; none exempts a class, and reports show it.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> _PerClass:
        if self.at_least is not None:
            return self
        if not self.classes:
            raise fault("it says no bound; write at_least, or classes with a bound for each")
        for name, override in self.classes.items():
            if override is None:
                raise fault(
                    "there is nothing to be exempt from; none needs an at_least for the others",
                    "classes",
                    name,
                )
        return self


_SAYS_SOMETHING: dict[str, Any] = {
    "anyOf": [
        {"required": ["at_least"]},
        {
            "required": ["classes"],
            "properties": {
                "classes": {
                    "minProperties": 1,
                    "additionalProperties": {"not": {"const": scalars.NONE}},
                }
            },
        },
    ]
}


def _per_class_schema(schema: dict[str, Any]) -> None:
    schema.update(_SAYS_SOMETHING)
    or_short(SHARE_SCHEMA)(schema)


class ClassLimit(_PerClass):
    """A limit on each class: a share, or {at_least: share, classes: {name: share or none}}."""

    model_config = ConfigDict(json_schema_extra=_per_class_schema)
    expected: ClassVar[str] = "a number, or a mapping with at_least and classes"

    long_form = staticmethod(_short)


WeightsWord = Literal["inverse_frequency", "balanced", "sample"]
_WEIGHTS_WORDS: tuple[WeightsWord, ...] = ("inverse_frequency", "balanced", "sample")
_NORMALIZE: tuple[Normalize, ...] = ("true", "pred", "all")

Weights = Annotated[
    Annotated[
        WeightsWord,
        PlainValidator(scalars.one_of(_WEIGHTS_WORDS)),
        WithJsonSchema({"enum": list(_WEIGHTS_WORDS)}),
        Tag(kind(Scalar("", 1))),
    ]
    | Annotated[
        dict[
            str,
            Annotated[
                Any,
                PlainValidator(scalars.positive),
                WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
            ],
        ],
        Field(min_length=1),
        Tag(kind(None)),
    ],
    Discriminator(kind),
]

_CANCEL = (
    "class weights with normalize: true cancel: each row is divided by its own sum, and what is "
    "left is plain recall; "
)


def _diagonal_schema(schema: dict[str, Any]) -> None:
    schema.update(_SAYS_SOMETHING)
    by_class = {"anyOf": [{"const": "balanced"}, {"type": "object"}]}
    schema["allOf"] = [
        {
            "if": {"properties": {"weights": {"const": "inverse_frequency"}}},
            "then": {"properties": {"normalize": {"enum": ["pred", "all"]}}},
            "else": {"required": ["normalize"]},
        },
        {
            "if": {"properties": {"weights": by_class}},
            "then": {"properties": {"normalize": {"enum": ["pred", "all"]}}},
        },
    ]


class WeightedDiagonal(_PerClass):
    """Limits on the diagonal of the weighted matrix, after normalising."""

    model_config = ConfigDict(json_schema_extra=_diagonal_schema)
    expected: ClassVar[str] = "a mapping such as {weights: inverse_frequency, at_least: 0.9}"

    weights: Weights = Field(
        description="inverse_frequency: each row times 1 / support. balanced: scikit-learn's "
        "class weights. sample: the weight of each example, from the data. Or a weight a class."
    )
    normalize: (
        Annotated[
            Normalize,
            PlainValidator(scalars.one_of(_NORMALIZE)),
            WithJsonSchema({"enum": [True, "true", "pred", "all"]}),
        ]
        | None
    ) = Field(
        None,
        description="What weighted counts are divided by, as in scikit-learn: their row's sum "
        "(true), their column's (pred), or the whole (all).",
    )

    @model_validator(mode="after")
    def _lies_between_0_and_1(self) -> WeightedDiagonal:
        if self.weights == "inverse_frequency":
            if self.normalize == "true":
                raise fault(
                    "with inverse_frequency each row sums to one already; leave normalize out, "
                    "or write pred or all",
                    "normalize",
                )
        elif self.normalize is None:
            words = "true, pred or all" if self.weights == "sample" else "pred or all"
            raise fault(
                "with these weights the diagonal is no share between 0 and 1; say by normalize "
                f"what it is divided by: {words}",
                "weights",
            )
        elif self.normalize == "true" and self.weights != "sample":
            raise fault(f"{_CANCEL}put the limit on recall, or write pred or all", "normalize")
        return self


class Confusion(Shape):
    """The share of one class that may be taken for another; without names, of every other pair."""

    model_config = ConfigDict(
        json_schema_extra={
            "dependentRequired": {"actual": ["predicted"], "predicted": ["actual"]},
        }
    )
    expected: ClassVar[str] = "a mapping such as {actual: cat, predicted: dog, at_most: 0.01}"
    reserved: ClassVar[frozenset[str]] = _RESERVED
    elsewhere: ClassVar = {
        "at_least": "confusions takes at_most; at_least is for the metrics",
    }

    actual: Name | None = Field(None, description="The true class.")
    predicted: Name | None = Field(None, description="The class it is taken for.")
    at_most: AtMost = Field(description="The highest share of the true class that passes.")

    @model_validator(mode="after")
    def _names_a_cell(self) -> Confusion:
        if (self.actual is None) != (self.predicted is None):
            there, missing = "actual", "predicted"
            if self.actual is None:
                there, missing = missing, there
            raise fault(f"{there} needs {missing} beside it, or leave both out", there)
        if self.actual is not None and self.actual == self.predicted:
            raise fault(
                "actual and predicted are the same class; being right is no confusion, put a "
                "limit on recall",
                "predicted",
            )
        return self


def _listed(value: Any) -> Any:
    if not isinstance(value, Items):
        raise fault(
            "expected a list of mappings such as {actual: cat, predicted: dog, at_most: 0.01}, "
            f"found {describe(value)}"
        )
    return value


def _each_once(confusions: Sequence[Confusion]) -> Sequence[Confusion]:
    first: dict[tuple[str | None, str | None], int] = {}
    for index, item in enumerate(confusions):
        before = first.setdefault((item.actual, item.predicted), index)
        if before < index:
            pair = "every other pair" if item.actual is None else "this pair"
            raise fault(f"{pair} has a limit already, on line {{line}}", index, other=(before,))
    return confusions


def _metric(description: str) -> Any:
    return Field(None, description=description)


def _thresholds_schema(schema: dict[str, Any]) -> None:
    limits = schema["properties"].pop(_TOP_K_FIELD)
    top_k = {
        **limits["additionalProperties"],
        "description": "Share of examples whose true class is among the K with the best scores.",
    }
    schema["patternProperties"] = {f"^{TOP_K.pattern}$": top_k}
    schema["minProperties"] = 1


class Thresholds(Shape):
    """The limits: each is checked by a test of its own."""

    model_config = ConfigDict(json_schema_extra=_thresholds_schema)
    expected: ClassVar[str] = "limits such as recall: 0.9"

    recall: ClassLimit | None = _metric("Share of a class's examples that are recognised.")
    precision: ClassLimit | None = _metric("Share of what is taken for a class that is of it.")
    f1: ClassLimit | None = _metric("Harmonic mean of recall and precision.")
    specificity: ClassLimit | None = _metric("Share of other classes' examples kept apart.")
    jaccard: ClassLimit | None = _metric("Hits among examples of the class or taken for it.")
    accuracy: OverallLimit | None = _metric("Share of all examples that are recognised.")
    balanced_accuracy: OverallLimit | None = _metric("Mean of recall over the classes.")
    f1_macro: OverallLimit | None = _metric("Mean of f1 over the classes.")
    f1_weighted: OverallLimit | None = _metric("Mean of f1, weighted by support.")
    precision_macro: OverallLimit | None = _metric("Mean of precision over the classes.")
    precision_weighted: OverallLimit | None = _metric("Mean of precision, weighted by support.")
    recall_macro: OverallLimit | None = _metric("Mean of recall over the classes.")
    recall_weighted: OverallLimit | None = _metric("Mean of recall, weighted by support.")
    jaccard_macro: OverallLimit | None = _metric("Mean of jaccard over the classes.")
    jaccard_weighted: OverallLimit | None = _metric("Mean of jaccard, weighted by support.")
    matthews_corrcoef: CorrelationLimit | None = _metric("Matthews' correlation coefficient.")
    cohen_kappa: CorrelationLimit | None = _metric("Cohen's kappa.")
    weighted_diagonal: WeightedDiagonal | None = _metric(
        "Limits on the diagonal of a weighted confusion matrix."
    )
    confusions: (
        Annotated[
            list[Confusion],
            Field(min_length=1),
            BeforeValidator(_listed),
            AfterValidator(_each_once),
        ]
        | None
    ) = _metric("Limits on what may be taken for what.")
    top_k: dict[str, OverallLimit] = Field({}, alias=_TOP_K_FIELD)

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Put the metrics with a number in their name together."""
        if not isinstance(value, Block):
            return value
        if not value:
            raise fault("no limits here; a policy needs at least one, such as recall: 0.9")
        ranked = {key: node for key, node in value.items() if TOP_K.fullmatch(key)}
        others = {key: node for key, node in value.items() if key not in ranked}
        top_k = Block(ranked, value.lines, value.line)
        return Block({**others, _TOP_K_FIELD: top_k}, value.lines, value.line)

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """Return the keys that a user may write, one of them an example."""
        return (*super().known_keys(), "top_5_accuracy")
