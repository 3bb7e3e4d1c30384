from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from pytest_confmat.limits import has_interval
from pytest_confmat.metric import METRICS, metric_keys
from pytest_confmat.policy import schema
from pytest_confmat.policy.thresholds_shape import thresholds_shape

from .conftest import Read, Refused
from .documents import ACCEPTED, REFUSED, REFUSED_BY_READER


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(schema.json_schema())


def as_an_editor_sees_it(text: str) -> Any:
    # Through JSON, where every key is text.
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_right_is_read_and_fits_the_schema(
    text: str, read: Read, validator: Draft202012Validator
) -> None:
    assert read(text).rules
    validator.validate(as_an_editor_sees_it(text))


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_by_reader_and_schema(
    text: str, refused: Refused, validator: Draft202012Validator
) -> None:
    assert refused(text).startswith("thresholds.yaml:")
    assert not validator.is_valid(as_an_editor_sees_it(text))


@pytest.mark.parametrize("text", REFUSED_BY_READER.values(), ids=REFUSED_BY_READER)
def test_what_no_schema_can_tell_is_refused_by_the_reader(text: str, refused: Refused) -> None:
    assert refused(text).startswith("thresholds.yaml:")


@pytest.mark.parametrize("text", [*REFUSED.values(), *REFUSED_BY_READER.values()])
def test_no_message_shows_what_reads_the_file(text: str, refused: Refused) -> None:
    message = refused(text)
    for word in ("pydantic", "Input should", "Field required", "validation error", "\0"):
        assert word not in message


def test_shipped_schema_is_the_grammar() -> None:
    assert json.loads(schema.shipped()) == schema.json_schema()


def test_schema_is_a_schema_without_an_address() -> None:
    made = schema.json_schema()
    Draft202012Validator.check_schema(made)
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "$id" not in made


def test_every_key_of_the_schema_is_described() -> None:
    described = schema.json_schema()
    undescribed = [
        name
        for shape in [described, *described["$defs"].values()]
        for long in [shape, *shape.get("anyOf", [])]
        for name, key in long.get("properties", {}).items()
        if long.get("additionalProperties") is False
        if "description" not in key
    ]
    assert not undescribed


def test_every_metric_has_a_key() -> None:
    keys = set(thresholds_shape(METRICS).known_keys())
    assert keys - {"weighted_diagonal", "confusions", "flips", "top_5_accuracy"} == {
        *metric_keys("class"),
        *metric_keys("overall"),
    }


@pytest.mark.parametrize("metric", metric_keys("overall"))
def test_the_schema_offers_the_rules_that_a_metric_can_have(
    metric: str, validator: Draft202012Validator
) -> None:
    document = {"version": 1, "classes": ["a", "b"]}
    limit = {"at_least": 0.9, "rule": "proven"}
    valid = validator.is_valid({**document, "thresholds": {metric: limit}})
    assert valid == has_interval(metric)
