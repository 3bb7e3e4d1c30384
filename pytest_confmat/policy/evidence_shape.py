"""The shapes of ``evidence`` and ``baseline``, and what a single limit may say about them."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, ClassVar, get_args

from pydantic import ConfigDict, Field

from pytest_confmat.limits import EvidenceRule, Family, Undecided
from pytest_confmat.policy import scalars
from pytest_confmat.policy.base_shape import (
    PATH_SCHEMA,
    SHARE_SCHEMA,
    Count,
    LocalPath,
    ReadBy,
    Shape,
    or_short,
)
from pytest_confmat.policy.yaml_document import MappingNode, ScalarNode
from pytest_confmat.spec import MIN_OVERLAP

_RULES: tuple[EvidenceRule, ...] = get_args(EvidenceRule)
_UNDECIDED: tuple[Undecided, ...] = get_args(Undecided)
_FAMILIES: tuple[Family, ...] = get_args(Family)

RuleWord = Annotated[
    EvidenceRule,
    ReadBy(scalars.one_of(_RULES), {"enum": list(_RULES)}),
]
# Of a metric without an interval. That the other words are wrong there is said once the rule of
# the whole policy is known too.
EstimateWord = Annotated[
    EvidenceRule,
    ReadBy(scalars.one_of(_RULES), {"const": "estimate"}),
]
# Keys that are said once, for all limits.
ONCE = {
    key: f"{key} is said once, below evidence at the top of the file"
    for key in ("confidence", "undecided", "family")
}


def own_rule() -> Any:
    """Return the field for a limit's own ``rule``."""
    return Field(None, description="estimate, proven or not_refuted; that of evidence otherwise.")


def own_min_support() -> Any:
    """Return the field for a limit's own ``min_support``."""
    return Field(None, description="With fewer examples it is undecided; evidence's otherwise.")


class EvidenceShape(Shape):
    """How sure one must be of a verdict; `rule` and `min_support` may differ in single limits."""

    expected: ClassVar[str] = "a mapping such as {confidence: 0.95, rule: proven}"

    confidence: Annotated[
        Fraction,
        ReadBy(
            scalars.confidence, {"type": "number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 1}
        ),
    ] = Field(Fraction(95, 100), description="Of each one-sided bound; 0.95 unless it is given.")
    rule: RuleWord = Field(
        "estimate",
        description="estimate: the number itself is compared with the limit. proven: it passes if "
        "even the pessimistic end of its interval does. not_refuted: it fails only if even the "
        "optimistic end does.",
    )
    undecided: Annotated[
        Undecided,
        ReadBy(scalars.one_of(_UNDECIDED), {"enum": list(_UNDECIDED)}),
    ] = Field("fail", description="What becomes of a limit that so few examples cannot decide.")
    min_support: Count = Field(
        1, description="With fewer examples a limit is undecided, whatever the number is."
    )
    family: Annotated[
        Family,
        ReadBy(scalars.one_of(_FAMILIES), {"enum": list(_FAMILIES)}),
    ] = Field("none", description="holm: refutations are adjusted over all limits of the file.")


class BaselineShape(Shape):
    """The saved evaluation of the model accepted last: a path, or {path: ..., min_overlap: 0.9}."""

    model_config = ConfigDict(json_schema_extra=or_short(PATH_SCHEMA))
    expected: ClassVar[str] = "a path, or a mapping such as {path: baselines/production}"

    path: LocalPath = Field(description="Where it was saved; relative to this file.")
    min_overlap: Annotated[Fraction, ReadBy(scalars.share, SHARE_SCHEMA)] = Field(
        MIN_OVERLAP,
        description="Share of examples that both sets must have in common, as a whole and in each "
        "class; 0.9 unless it is given.",
    )

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Take a path for {path: path}."""
        if isinstance(value, ScalarNode) and value:
            return MappingNode({"path": value}, {"path": value.line}, value.line)
        return value
