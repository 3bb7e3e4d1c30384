"""The base of every mapping in a policy: which keys it takes, and what to say about others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from pytest_confmat.limits import Bound
from pytest_confmat.policy import scalars
from pytest_confmat.policy.policy_faults import describe, fault
from pytest_confmat.policy.text_files import shown
from pytest_confmat.policy.yaml_document import OWN_KEY, MappingNode, ScalarNode

# A tag of a union, and a field of ours, stand in error paths among the user's keys. No key of a
# document can hold a NUL.
HIDDEN = "\0"

_LARGEST_COUNT = 2**63 - 1

# What an editor takes for a name: it reads 1 as a number and true as a boolean, and we do not.
NAME_SCHEMA: dict[str, Any] = {"type": ["string", "number", "boolean"], "minLength": 1}
PATH_SCHEMA: dict[str, Any] = {"type": ["string", "number"], "minLength": 1}
SHARE_SCHEMA: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1}


@dataclass(frozen=True, eq=False)  # hashable, whatever the schema is
class ReadBy:
    """The annotation of a field: what reads its value, and what the JSON Schema says of it."""

    reader: Callable[[Any], Any]
    json_schema: dict[str, Any]

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.reader)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.json_schema)  # pydantic adds to it


Name = Annotated[str, ReadBy(scalars.name, NAME_SCHEMA)]
LocalPath = Annotated[str, ReadBy(scalars.local_path, PATH_SCHEMA)]
Count = Annotated[
    int, ReadBy(scalars.integer(1, _LARGEST_COUNT), {"type": "integer", "minimum": 1})
]
AtLeast = Annotated[Bound, ReadBy(scalars.bound("at_least", 0, 1), SHARE_SCHEMA)]
AtMost = Annotated[Bound, ReadBy(scalars.bound("at_most", 0, 1), SHARE_SCHEMA)]


@dataclass(frozen=True)
class Unknown:
    """Stands in for the value of a key that `shape` does not take."""

    shape: type[Shape]


class Shape(BaseModel):
    """A mapping of known keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    # What a message says was expected.
    expected: ClassVar[str] = "a mapping"
    # Keys of a later version of the grammar.
    reserved: ClassVar[frozenset[str]] = frozenset()
    # Keys that people try here, and what to tell them.
    elsewhere: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Return the mapping that a short form stands for."""
        return value

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """Return the keys that a user may write, what must be written first."""
        keys = [key for key in cls.model_fields if not cls._is_hidden(key)]
        return tuple(sorted(keys, key=lambda key: not cls.model_fields[key].is_required()))

    @classmethod
    def _is_hidden(cls, key: str) -> bool:
        return (cls.model_fields[key].alias or "").startswith(HIDDEN)

    @model_validator(mode="before")
    @classmethod
    def _mark_unknown(cls, value: Any) -> Any:
        value = cls.long_form(value)
        if not isinstance(value, MappingNode):
            raise fault(f"expected {cls.expected}, found {describe(value)}")
        keys = cls.known_keys()
        return {
            key: node if key in keys or key.startswith(HIDDEN) else Unknown(cls)
            for key, node in value.items()
        }

    @classmethod
    def refusal(cls, key: str) -> str | None:
        """Say why `key` is not taken, if there is more to say than that it is not known."""
        if key in cls.reserved:
            return f"{shown(key)} is reserved for a later version"
        if key.startswith(OWN_KEY):
            return f"{shown(key)}: keys of your own stand at the top of the file"
        return cls.elsewhere.get(key)


def kind(value: Any) -> str:
    """Tell a single text from everything else: the tag of a value that may be either."""
    return f"{HIDDEN}text" if isinstance(value, ScalarNode) else f"{HIDDEN}mapping"


def spelled_out(value: Any, key: str, none: str) -> Any:
    """Take a number for {key: number}; `none` says what to write for no limit at all."""
    if not isinstance(value, ScalarNode) or not value:
        return value
    if value == scalars.NONE:
        raise fault(none)
    return MappingNode({key: value}, {key: value.line}, value.line)


def or_short(short: dict[str, Any]) -> Any:
    """Return what makes the JSON Schema of a shape take its short form too."""

    def extend(schema: dict[str, Any]) -> None:
        long = dict(schema)
        description = long.pop("description")
        schema.clear()
        schema.update({"description": description, "anyOf": [short, long]})

    return extend
