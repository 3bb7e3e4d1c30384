"""The shapes below ``thresholds``: every metric and what it takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)

from pytest_confmat.metric import TOP_K, Metric
from pytest_confmat.policy.base_shape import (
    SHARE_SCHEMA,
    AtMost,
    Count,
    Name,
    Shape,
    or_short,
    spelled_out,
)
from pytest_confmat.policy.evidence_shape import ONCE, RuleWord, own_min_support, own_rule
from pytest_confmat.policy.limit_shapes import (
    ClassLimit,
    CompositeLimit,
    CorrelationLimit,
    OverallLimit,
    WeightedDiagonal,
)
from pytest_confmat.policy.policy_faults import describe, fault
from pytest_confmat.policy.yaml_document import MappingNode, SequenceNode

_TOP_K_FIELD: Final = "\0top_k"
_FLIPS_COMPARES = "flips takes at_most; it compares with the baseline as it is"


class Confusion(Shape):
    """The share of a class that may be predicted as another; without names, of every other pair."""

    model_config = ConfigDict(
        json_schema_extra={
            "dependentRequired": {"actual": ["predicted"], "predicted": ["actual"]},
            "anyOf": [{"required": ["at_most"]}, {"required": ["max_rise"]}],
        }
    )
    expected: ClassVar[str] = "a mapping such as {actual: cat, predicted: dog, at_most: 0.01}"
    elsewhere: ClassVar = {
        "at_least": "confusions takes at_most; at_least is for the metrics",
        "max_drop": "confusions takes max_rise; max_drop is for the metrics",
        **ONCE,
    }

    actual: Name | None = Field(None, description="The true class.")
    predicted: Name | None = Field(None, description="The class it is predicted as.")
    at_most: AtMost | None = Field(
        None, description="The highest share of the true class that passes."
    )
    max_rise: AtMost | None = Field(
        None,
        description="How much higher than the baseline's it may be, as a difference of shares.",
    )
    rule: RuleWord | None = own_rule()
    min_support: Count | None = own_min_support()

    @model_validator(mode="after")
    def _has_a_bound(self) -> Confusion:
        if self.at_most is None and self.max_rise is None:
            raise fault("it says no bound; write at_most or max_rise")
        return self

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
    if not isinstance(value, SequenceNode):
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


class Flips(Shape):
    """A limit on the share of examples on which model and baseline differ."""

    model_config = ConfigDict(json_schema_extra=or_short(SHARE_SCHEMA))
    expected: ClassVar[str] = "a number or {at_most: number}"
    elsewhere: ClassVar = {
        "at_least": "flips takes at_most; at_least is for the metrics",
        "max_drop": _FLIPS_COMPARES,
        "max_rise": _FLIPS_COMPARES,
        **ONCE,
    }

    at_most: AtMost = Field(description="The highest share that passes.")
    rule: RuleWord | None = own_rule()
    min_support: Count | None = own_min_support()

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Take a number for {at_most: number}."""
        return spelled_out(value, "at_most", none="for no limit at all leave this out")


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
    ) = _metric("Limits on what may be predicted as what.")
    flips: Flips | None = _metric(
        "Share of examples that the model and the baseline predict differently."
    )
    top_k: dict[str, OverallLimit] = Field({}, alias=_TOP_K_FIELD)

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Put the metrics with a number in their name together."""
        if not isinstance(value, MappingNode):
            return value
        if not value:
            raise fault("no limits here; a policy needs at least one, such as recall: 0.9")
        ranked = {key: node for key, node in value.items() if TOP_K.fullmatch(key)}
        others = {key: node for key, node in value.items() if key not in ranked}
        top_k = MappingNode(ranked, value.lines, value.line)
        return MappingNode({**others, _TOP_K_FIELD: top_k}, value.lines, value.line)

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """Return the keys that a user may write, metrics first, one of them an example."""
        found = super().known_keys()
        others = [key for key in found if key in Thresholds.model_fields]
        return (*(key for key in found if key not in others), *others, "top_5_accuracy")


def thresholds_shape(metrics: Iterable[Metric]) -> type[Thresholds]:
    """Return the grammar of limits on `metrics`, besides those that are on none."""
    fields: dict[str, Any] = {
        metric.key: (_limit_on(metric) | None, _metric(metric.description)) for metric in metrics
    }
    shape: type[Thresholds] = create_model(
        "Thresholds", __base__=Thresholds, __doc__=Thresholds.__doc__, **fields
    )
    return shape


def _limit_on(metric: Metric) -> Any:
    if metric.scope == "class":
        return ClassLimit
    if metric.lowest < 0:
        return CorrelationLimit
    return CompositeLimit if metric.share_of is None else OverallLimit
