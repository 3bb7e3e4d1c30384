"""The schema of confmat.json, as it ships and with no key allowed that it does not describe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from pytest_confmat.report.folder import HEAD, JSON


def shipped() -> dict[str, Any]:
    text = files("pytest_confmat.report").joinpath("confmat.schema.json").read_text("utf-8")
    return json.loads(text)


def closed(schema: Any) -> Any:
    """Return a schema that refuses every key that it does not describe."""
    if isinstance(schema, list):
        return [closed(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **found} if "required" in schema else found


@cache
def validator(strict: bool = True) -> Draft202012Validator:
    schema = shipped()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(closed(schema) if strict else schema)


def problems(document: Any, strict: bool = True) -> list[str]:
    return [f"{e.json_path}: {e.message[:300]}" for e in validator(strict).iter_errors(document)]


def problems_below(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the reports below a folder."""
    for path in folder.rglob(JSON.name):
        if JSON.is_ours(path) and not _is_made_up(path):
            yield from (f"{path}: {found}" for found in problems(json.loads(path.read_bytes())))


def _is_made_up(path: Path) -> bool:
    """Whether a test has put it there, to see what becomes of it."""
    return b'"schema_version": 1,\n  "outcome"' not in path.read_bytes()[:HEAD]
