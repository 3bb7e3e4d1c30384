"""Any text is read or refused by our error with a line; any policy comes back as it was meant."""

from __future__ import annotations

import io
import tempfile
import unicodedata
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pytest_confmat.errors import PolicyError
from pytest_confmat.limits import (
    AVERAGED_METRICS,
    PER_CLASS_METRICS,
    Bound,
    ClassRule,
    ConfusionRule,
    OverallRule,
    Weighting,
)
from pytest_confmat.policy import Policy, read_policy
from pytest_confmat.spec import DirectorySpec, ImageSpec, Rescale, TFRecordSpec, Threshold

from .documents import ACCEPTED, REFUSED, REFUSED_BY_READER
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


# Names as a file may hold them; line breaks and the like are written as escapes.
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8
).filter(str.strip)
DIGITS = st.integers(0, 10**6).map(lambda digits: f"{digits / 10**6:.6f}")


def quoted(name: str) -> str:
    escaped = "".join(
        character if character.isalnum() and character.isascii() else f"\\U{ord(character):08x}"
        for character in name
    )
    return f'"{escaped}"'


def dump(value: Any) -> str:
    """Flow-style YAML: mappings and lists of texts that are YAML already."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {dump(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dump, value)) + "]"
    return str(value)


def bound(text: str, kind: Any = "at_least") -> Bound:
    return Bound(kind, Fraction(text), text)


@st.composite
def policies(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A document, and what its policy must hold; locations are left out."""
    classes = draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=nfc))
    thresholds: dict[str, Any] = {}
    rules: list[Any] = []
    for metric in draw(st.lists(st.sampled_from(AVERAGED_METRICS), unique=True, max_size=3)):
        text = draw(DIGITS)
        thresholds[metric] = draw(st.sampled_from([text, {"at_least": text}]))
        rules.append((OverallRule, metric, bound(text)))
    for metric in draw(
        st.lists(st.sampled_from(PER_CLASS_METRICS), unique=True, min_size=1, max_size=3)
    ):
        text = draw(DIGITS)
        overrides = draw(
            st.dictionaries(st.sampled_from(classes), DIGITS | st.none(), max_size=len(classes) - 1)
        )
        thresholds[metric] = {
            "at_least": text,
            "classes": {quoted(key): own or "none" for key, own in overrides.items()},
        }
        expected = {key: own and bound(own) for key, own in overrides.items()}
        rules.append((ClassRule, metric, bound(text), expected, None))
    if draw(st.booleans()):
        weights = [(name, draw(st.integers(1, 99))) for name in classes]
        text = draw(DIGITS)
        thresholds["weighted_diagonal"] = {
            "weights": {quoted(name): weight for name, weight in weights},
            "normalize": "all",
            "at_least": text,
        }
        exact = tuple((name, Fraction(weight)) for name, weight in weights)
        rules.append((ClassRule, "weighted_diagonal", bound(text), {}, Weighting(exact, "all")))
    pairs = [(one, two) for one in classes for two in classes if one != two]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3))
    if chosen:
        text = draw(DIGITS)
        thresholds["confusions"] = [
            *(
                {"actual": quoted(one), "predicted": quoted(two), "at_most": text}
                for one, two in chosen
            ),
            {"at_most": text},
        ]
        rules += [
            (ConfusionRule, bound(text, "at_most"), *pair) for pair in [*chosen, (None, None)]
        ]
    document: dict[str, Any] = {
        "version": 1,
        "classes": [quoted(name) for name in classes],
        "thresholds": thresholds,
        "x-own": [],
    }
    positive = draw(st.sampled_from(classes))
    if len(classes) == 2:
        document["decision"] = {"threshold": "0.25", "positive": quoted(positive)}
    return document, {"classes": tuple(classes), "rules": rules, "positive": positive}


def nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def without_locations(rule: Any) -> tuple[Any, ...]:
    if isinstance(rule, OverallRule):
        return OverallRule, rule.metric, rule.bound
    if isinstance(rule, ConfusionRule):
        return ConfusionRule, rule.bound, rule.actual, rule.predicted
    overrides = {name: own for name, (own, _) in rule.overrides.items()}
    return ClassRule, rule.metric, rule.bound, overrides, rule.weighting


@given(policies())
def test_policies_come_back(drawn: tuple[dict[str, Any], dict[str, Any]]) -> None:
    document, expected = drawn
    policy = read("\n".join(f"{key}: {dump(value)}" for key, value in document.items()).encode())
    assert policy.classes == expected["classes"]
    assert [without_locations(rule) for rule in policy.rules] == expected["rules"]
    if "decision" in document:
        assert policy.decision == Threshold(Fraction(1, 4), expected["positive"])


@given(policies())
def test_the_same_policy_in_block_style(drawn: tuple[dict[str, Any], dict[str, Any]]) -> None:
    document, _ = drawn
    flow = "\n".join(f"{key}: {dump(value)}" for key, value in document.items())
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.default_flow_style = False
    yaml.width = 4096
    node = yaml.compose(flow)
    block = io.StringIO()
    yaml.serialize(as_block(node), block)
    one, two = read(flow.encode()), read(block.getvalue().encode())
    assert [without_locations(rule) for rule in one.rules] == [
        without_locations(rule) for rule in two.rules
    ]
    assert (one.classes, one.decision) == (two.classes, two.decision)


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
