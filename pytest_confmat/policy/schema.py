"""The JSON Schema of the policy file, for completion in editors.

``python -m pytest_confmat.policy.schema > pytest_confmat/policy/thresholds.schema.json`` writes
the file that is shipped.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from pytest_confmat.kinds import KINDS
from pytest_confmat.metric import METRICS
from pytest_confmat.policy.grammar import policy_shape

FILE = "thresholds.schema.json"


class _Generator(GenerateJsonSchema):
    """Draft 2020-12 as an editor needs it: a key that may be left out may not be null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if isinstance(schema.get("default"), str | int):
            return super().default_schema(schema)
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """Return the schema that follows from the grammar."""
    schema = policy_shape(KINDS.built_in, METRICS.built_in).model_json_schema(
        schema_generator=_Generator
    )
    return {"$schema": _Generator.schema_dialect, **schema}


def as_text() -> str:
    """Return the schema as the shipped file holds it."""
    return json.dumps(json_schema(), indent=2) + "\n"


def shipped() -> str:
    """Return the shipped file."""
    return files(__package__ or "pytest_confmat.policy").joinpath(FILE).read_text("utf-8")


if __name__ == "__main__":
    sys.stdout.write(as_text())
