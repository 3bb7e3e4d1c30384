"""The shapes of limits on metrics: on one number for the whole, on every class, on the diagonal."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from pytest_confmat.limits import Bound
from pytest_confmat.policy import scalars
from pytest_confmat.policy.base_shape import (
    HIDDEN,
    SHARE_SCHEMA,
    AtLeast,
    AtMost,
    Count,
    ReadBy,
    Shape,
    kind,
    or_short,
    spelled_out,
)
from pytest_confmat.policy.evidence_shape import (
    ONCE,
    EstimateWord,
    RuleWord,
    own_min_support,
    own_rule,
)
from pytest_confmat.policy.policy_faults import fault
from pytest_confmat.policy.yaml_document import ScalarNode
from pytest_confmat.spec import Normalize

_CORRELATION_SCHEMA: dict[str, Any] = {"type": "number", "minimum": -1, "maximum": 1}
_BOUNDED: list[dict[str, Any]] = [{"required": ["at_least"]}, {"required": ["max_drop"]}]


class _MetricLimit(Shape):
    """What every limit on a metric may say."""

    elsewhere: ClassVar = {
        "at_most": "it takes at_least; at_most is for confusions",
        "max_rise": "it takes max_drop; max_rise is for confusions",
        **ONCE,
    }

    at_least: AtLeast | None = Field(None, description="The lowest value that passes.")
    max_drop: AtMost | None = Field(
        None, description="How much lower than the baseline's it may be, as a difference of shares."
    )
    rule: RuleWord | None = own_rule()
    min_support: Count | None = own_min_support()

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Take a number for {at_least: number}."""
        refusal = "none exempts one class, below classes; for no limit at all leave this out"
        return spelled_out(value, "at_least", none=refusal)

    @property
    def has_bound(self) -> bool:
        """Whether there is a bound of its own."""
        return self.at_least is not None or self.max_drop is not None


def _overall_schema(short: dict[str, Any]) -> Any:
    def extend(schema: dict[str, Any]) -> None:
        schema["anyOf"] = _BOUNDED
        or_short(short)(schema)

    return extend


class OverallLimit(_MetricLimit):
    """A limit on one number for the whole matrix: a share, or {at_least: share}."""

    model_config = ConfigDict(json_schema_extra=_overall_schema(SHARE_SCHEMA))
    expected: ClassVar[str] = "a number or {at_least: number}"
    elsewhere: ClassVar = {
        **_MetricLimit.elsewhere,
        "classes": "it is one number for all classes, and has no limits for single ones",
    }

    @model_validator(mode="after")
    def _has_a_bound(self) -> OverallLimit:
        if not self.has_bound:
            raise fault("it says no bound; write at_least or max_drop")
        return self


class CompositeLimit(OverallLimit):
    """A limit on a number that is no share of examples, and so has no interval."""

    rule: EstimateWord | None = own_rule()


class CorrelationLimit(CompositeLimit):
    """A limit on a number between -1 and 1: a number, or {at_least: number}."""

    model_config = ConfigDict(json_schema_extra=_overall_schema(_CORRELATION_SCHEMA))

    at_least: (
        Annotated[
            Bound,
            ReadBy(scalars.bound("at_least", -1, 1), _CORRELATION_SCHEMA),
        ]
        | None
    ) = Field(None, description="The lowest value that passes.")
    max_drop: (
        Annotated[
            Bound,
            ReadBy(scalars.bound("at_most", 0, 2), {"type": "number", "minimum": 0, "maximum": 2}),
        ]
        | None
    ) = Field(None, description="How much lower than the baseline's it may be.")


def _override_schema(schema: dict[str, Any]) -> None:
    schema["minProperties"] = 1
    or_short(SHARE_SCHEMA)(schema)


class OverrideShape(_MetricLimit):
    """What is different for one class: a share, or any of the keys of a limit."""

    model_config = ConfigDict(json_schema_extra=_override_schema)
    expected: ClassVar[str] = "a number, {at_least: number} or none"

    @model_validator(mode="after")
    def _says_something(self) -> OverrideShape:
        if not self.has_bound and self.rule is None and self.min_support is None:
            raise fault("it says nothing; write at_least, max_drop, rule or min_support")
        return self


def _exempt(value: Any) -> str:
    return f"{HIDDEN}none" if value == scalars.NONE else f"{HIDDEN}limit"


_Exemption = Annotated[
    None,
    ReadBy(lambda _: None, {"const": scalars.NONE, "description": "Exempts the class."}),
]
Overrides = dict[
    str,
    Annotated[
        Annotated[_Exemption, Tag(f"{HIDDEN}none")]
        | Annotated[OverrideShape, Tag(f"{HIDDEN}limit")],
        Discriminator(_exempt),
    ],
]


class PerClass(_MetricLimit):
    """What limits on every class and on single ones have in common."""

    classes: Overrides | None = Field(
        None,
        description="What is different for single classes; none exempts a class, and reports "
        "show it.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> PerClass:
        if self.has_bound:
            return self
        if not self.classes:
            raise fault(
                "it says no bound; write at_least or max_drop, or classes with a bound for each"
            )
        for name, override in self.classes.items():
            if override is None:
                raise fault(
                    "there is nothing to be exempt from; none needs an at_least or a max_drop for "
                    "the others",
                    *("classes", name),
                )
            if not override.has_bound:
                raise fault(
                    "there is no bound, here or for the other classes; write at_least or max_drop",
                    *("classes", name),
                )
        return self


def _bounded_somewhere(schema: dict[str, Any]) -> None:
    bounded = {"anyOf": [{"type": "number"}, *_BOUNDED], "not": {"const": scalars.NONE}}
    classes = {"minProperties": 1, "additionalProperties": bounded}
    schema["anyOf"] = [
        *_BOUNDED,
        {"required": ["classes"], "properties": {"classes": classes}},
    ]


def _per_class_schema(schema: dict[str, Any]) -> None:
    _bounded_somewhere(schema)
    or_short(SHARE_SCHEMA)(schema)


class ClassLimit(PerClass):
    """A limit on each class: a share, or {at_least: share, classes: {name: share or none}}."""

    model_config = ConfigDict(json_schema_extra=_per_class_schema)
    expected: ClassVar[str] = "a number, or a mapping with at_least and classes"


WeightsWord = Literal["inverse_frequency", "balanced", "sample"]
_WEIGHTS_WORDS: tuple[WeightsWord, ...] = ("inverse_frequency", "balanced", "sample")
_NORMALIZE: tuple[Normalize, ...] = ("true", "pred", "all")

Weights = Annotated[
    Annotated[
        WeightsWord,
        ReadBy(scalars.one_of(_WEIGHTS_WORDS), {"enum": list(_WEIGHTS_WORDS)}),
        Tag(kind(ScalarNode("", 1))),
    ]
    | Annotated[
        dict[
            str,
            Annotated[
                Any,
                ReadBy(scalars.positive, {"type": "number", "exclusiveMinimum": 0}),
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
    _bounded_somewhere(schema)
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


class WeightedDiagonal(PerClass):
    """Limits on the diagonal of the weighted matrix, after normalizing."""

    model_config = ConfigDict(json_schema_extra=_diagonal_schema)
    expected: ClassVar[str] = "a mapping such as {weights: inverse_frequency, at_least: 0.9}"

    weights: Weights = Field(
        description="inverse_frequency: each row times 1 / support. balanced: scikit-learn's "
        "class weights. sample: the weight of each example, from the data. Or a weight a class."
    )
    normalize: (
        Annotated[
            Normalize,
            ReadBy(scalars.one_of(_NORMALIZE), {"enum": [True, "true", "pred", "all"]}),
        ]
        | None
    ) = Field(
        None,
        description="What weighted counts are divided by, as in scikit-learn: their row's sum "
        "(true), their column's (pred), or the whole (all).",
    )

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Take no short form: a number would not say the weights."""
        return value

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
