"""Any text is read or refused by our error with a line; any policy comes back as it was meant."""

from __future__ import annotations

import io
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pytest_confmat.errors import PolicyError
from pytest_confmat.limits import expand
from pytest_confmat.policy import Policy, read_policy
from pytest_confmat.spec import DirectorySpec, ImageSpec, Rescale, TFRecordSpec, Threshold

from .documents import ACCEPTED, REFUSED, REFUSED_BY_READER
from .strategies import dump, policies, without_locations
from .test_policy import EXAMPLE


def read(content: bytes) -> Policy:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.yaml"
        path.write_bytes(content)
        return read_policy(path)


def is_read_or_refused(content: bytes) -> None:
    fault: PolicyError | None = None
    try:
        assert read(content).rules
    except PolicyError as error:
        fault = error
    if fault is not None:
        lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        assert 1 <= fault.location.line <= len(lines)
        assert fault.location.path.name == "t.yaml"
        assert all(line.isprintable() for line in fault.message.split("\n"))


DOCUMENTS = [*ACCEPTED.values(), *REFUSED.values(), *REFUSED_BY_READER.values(), EXAMPLE]
TOKENS = [
    *("&a ", "*a", "<<: ", "<<: *a", "!!x ", "{", "}", "[", "]", ": ", "- ", ",", "?", "? ", "#"),
    *("\n", "\n  ", "\n    ", "\r", "\t", "'", '"', "|\n", ">-\n", "---\n", "...\n"),
    *("%YAML 1.1\n---\n", "\u2028", "\x85", "\ufeff", "\x00", "\x1b", "1e99999", "0.9"),
    *("x-a: ", "classes: ", "at_least: ", "confusions: ", "none", "\\", "@", "`", "é", "🦊"),
    *("\u202e", "&\u202e ", "*\u202e ", "!\u202e "),
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        put = draw(st.sampled_from(TOKENS) | st.just("") | st.text(max_size=4))
        text = text[:start] + put + text[end:]
    return text


@given(st.binary())
def test_any_bytes(content: bytes) -> None:
    is_read_or_refused(content)


@given(st.text())
@example("\x85")
@example("a: '\n\n")
def test_any_text(text: str) -> None:
    is_read_or_refused(text.encode(errors="surrogatepass"))


@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
def test_any_pieces_of_yaml(text: str) -> None:
    is_read_or_refused(text.encode())


@given(damaged())
def test_any_damaged_policy(text: str) -> None:
    is_read_or_refused(text.encode(errors="surrogatepass"))


def as_text(document: dict[str, Any]) -> bytes:
    return "\n".join(f"{key}: {dump(value)}" for key, value in document.items()).encode()


@given(policies())
def test_policies_come_back(drawn: tuple[dict[str, Any], dict[str, Any]]) -> None:
    document, expected = drawn
    policy = read(as_text(document))
    assert policy.classes == expected["classes"]
    assert policy.evidence == expected["evidence"]
    assert [without_locations(rule) for rule in policy.rules] == expected["rules"]
    if "decision" in document:
        assert policy.decision == Threshold(Fraction(1, 4), expected["positive"])


@given(policies())
def test_the_same_policy_in_block_style(drawn: tuple[dict[str, Any], dict[str, Any]]) -> None:
    document, _ = drawn
    flow = as_text(document).decode()
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.default_flow_style = False
    yaml.width = 4096
    node = yaml.compose(flow)
    block = io.StringIO()
    yaml.serialize(as_block(node), block)
    one, two = read(as_text(document)), read(block.getvalue().encode())
    assert [without_locations(rule) for rule in one.rules] == [
        without_locations(rule) for rule in two.rules
    ]
    assert (one.classes, one.decision) == (two.classes, two.decision)
    assert one.evidence == two.evidence


def as_block(node: Any) -> Any:
    if hasattr(node, "flow_style"):
        node.flow_style = False
        for child in node.value:
            for part in child if isinstance(child, tuple) else [child]:
                as_block(part)
    return node


SIDES = st.integers(1, 65_535)
WORDS = st.sampled_from(["bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5"])


@given(
    st.tuples(SIDES, SIDES) | st.none(),
    WORDS,
    st.fractions(min_value=-300, max_value=300, max_denominator=999).filter(bool),
    st.fractions(min_value=-300, max_value=300, max_denominator=999),
    st.lists(SIDES, min_size=1, max_size=3) | st.none(),
    st.booleans(),
)
def test_image_keys_come_back(
    size: tuple[int, int] | None,
    interpolation: Any,
    scale: Fraction,
    offset: Fraction,
    reshape: list[int] | None,
    tfrecord: bool,
) -> None:
    keys = {"tfrecord" if tfrecord else "directory": "d", "interpolation": interpolation}
    if size is not None:
        keys["image_size"] = list(size)
    if reshape is not None:
        keys["reshape"] = reshape
    keys["rescale"] = {"scale": str(scale), "offset": str(offset)}
    text = f"version: 1\ndataset: {dump(keys)}\nthresholds: {{accuracy: 1}}\n"
    dataset = read(text.encode()).dataset
    assert isinstance(dataset, TFRecordSpec if tfrecord else DirectorySpec)
    assert dataset.images == ImageSpec(
        image_size=size,
        interpolation=interpolation,
        rescale=Rescale(scale, offset),
        reshape=None if reshape is None else tuple(reshape),
    )


@given(policies())
def test_every_limit_has_an_id_of_its_own_and_an_interval_where_it_needs_one(
    drawn: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    document, expected = drawn
    policy = read(as_text(document))
    found, _ = expand(policy.rules, expected["classes"])
    assert len({limit.id for limit in found}) == len(found)
    assert all(limit.has_interval for limit in found if limit.evidence.rule != "estimate")


def without_own_rules(keys: Any) -> Any:
    if isinstance(keys, list):
        return [without_own_rules(entry) for entry in keys]
    if not isinstance(keys, dict):
        return keys
    kept = {key: without_own_rules(value) for key, value in keys.items() if key != "rule"}
    return kept if kept or not keys else {"min_support": 1}


@given(policies(), st.sampled_from(["proven", "not_refuted"]))
def test_a_rule_of_the_policy_is_refused_exactly_where_there_is_no_interval(
    drawn: tuple[dict[str, Any], dict[str, Any]], rule: str
) -> None:
    document, expected = drawn
    document["thresholds"] = without_own_rules(document["thresholds"])
    document["evidence"] = {}
    found, _ = expand(read(as_text(document)).rules, expected["classes"])
    document["evidence"] = {"rule": rule}
    refusal = ""
    try:
        read(as_text(document))
    except PolicyError as error:
        refusal = error.message
    assert ("needs an interval" in refusal) == (not all(limit.has_interval for limit in found))
    assert refusal.count("needs an interval") == len(refusal.splitlines()[2:]) + bool(refusal)
