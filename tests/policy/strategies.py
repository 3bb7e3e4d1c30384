"""Policies as Hypothesis draws them: a document, and what must be read from it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from pytest_confmat.limits import Bound, ClassRule, ConfusionRule, Evidence, OverallRule, Weighting
from pytest_confmat.metric import metric_keys

# Names as a file may hold them; line breaks and the like are written as escapes.
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8
).filter(str.strip)
DIGITS = st.integers(0, 10**6).map(lambda digits: f"{digits / 10**6:.6f}")
RULES = ("estimate", "proven", "not_refuted")
METRIC_BOUNDS = {"at_least": "value", "max_drop": "baseline"}
CONFUSION_BOUNDS = {"at_most": "value", "max_rise": "baseline"}

AVERAGED = [key for key in metric_keys("overall") if key.endswith(("_macro", "_weighted"))]


def nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


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


def written(keys: Mapping[str, Any], key: str) -> Bound | None:
    return bound(keys[key], "at_least" if key == "at_least" else "at_most") if key in keys else None


def own(evidence: Evidence, keys: Mapping[str, Any]) -> Evidence:
    changed = {key: keys[key] for key in ("rule", "min_support") if key in keys}
    return replace(evidence, **changed)


@st.composite
def evidences(draw: st.DrawFn) -> tuple[dict[str, Any], Evidence]:
    keys = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "confidence": st.integers(501, 999).map(lambda digits: f"0.{digits}"),
                "rule": st.sampled_from(RULES),
                "undecided": st.sampled_from(["fail", "warn"]),
                "min_support": st.integers(1, 10**6),
                "family": st.sampled_from(["none", "holm"]),
            },
        )
    )
    exact = {"confidence": Fraction(keys["confidence"])} if "confidence" in keys else {}
    return keys, Evidence(**{**keys, **exact})


def support() -> st.SearchStrategy[Any]:
    return st.integers(1, 10**6)


@st.composite
def limit_keys(draw: st.DrawFn, provable: bool, bounds: Mapping[str, str]) -> dict[str, Any]:
    """One limit with a bound or both; one that cannot be proven says that it is an estimate."""
    chosen = draw(st.lists(st.sampled_from(sorted(bounds)), unique=True, min_size=1))
    keys: dict[str, Any] = {key: draw(DIGITS) for key in chosen}
    if not provable:
        keys["rule"] = "estimate"
    elif draw(st.booleans()):
        keys["rule"] = draw(st.sampled_from(RULES))
    if draw(st.booleans()):
        keys["min_support"] = draw(support())
    return keys


@st.composite
def override_keys(draw: st.DrawFn, provable: bool) -> dict[str, Any]:
    rules = st.sampled_from(RULES if provable else RULES[:1])
    optional = {"at_least": DIGITS, "max_drop": DIGITS, "rule": rules, "min_support": support()}
    return draw(st.fixed_dictionaries({}, optional=optional).filter(bool))


def class_rules(
    metric: str,
    keys: Mapping[str, Any],
    overrides: Mapping[str, dict[str, Any] | None],
    evidence: Evidence,
    weighting: Weighting | None = None,
) -> list[Any]:
    rules = []
    for key, against in METRIC_BOUNDS.items():
        general = written(keys, key)
        expected: dict[str, Any] = {}
        for name, different in overrides.items():
            found = None if different is None else written(different, key) or general
            if found is not None:
                expected[name] = (found, own(own(evidence, keys), different or {}))
            elif different is None and general is not None:
                expected[name] = None
        if general is not None or expected:
            rules.append(
                (ClassRule, metric, general, expected, weighting, own(evidence, keys), against)
            )
    return rules


def overall_rules(metric: str, keys: Mapping[str, Any], evidence: Evidence) -> list[Any]:
    return [
        (OverallRule, metric, written(keys, key), own(evidence, keys), against)
        for key, against in METRIC_BOUNDS.items()
        if key in keys
    ]


@st.composite
def per_class(
    draw: st.DrawFn, metric: str, classes: list[str], evidence: Evidence
) -> tuple[dict[str, Any], list[Any]]:
    drops = metric in ("recall", "specificity")
    keys = draw(limit_keys(drops, METRIC_BOUNDS))
    overrides = draw(
        st.dictionaries(
            st.sampled_from(classes), override_keys(drops) | st.none(), max_size=len(classes) - 1
        )
    )
    rules = class_rules(metric, keys, overrides, evidence)
    keys["classes"] = {quoted(name): keys or "none" for name, keys in overrides.items()}
    return keys, rules


@st.composite
def policies(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A document, and what its policy must hold; locations are left out."""
    classes = draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=nfc))
    says, evidence = draw(evidences())
    thresholds: dict[str, Any] = {}
    rules: list[Any] = []
    for metric in draw(
        st.lists(
            st.sampled_from(AVERAGED),
            unique=True,
            max_size=3,
        )
    ):
        keys = draw(limit_keys(False, METRIC_BOUNDS))
        thresholds[metric] = keys
        rules += overall_rules(metric, keys, evidence)
    if draw(st.booleans()):
        text = draw(DIGITS)
        thresholds["accuracy"] = text
        rules += overall_rules("accuracy", {"at_least": text}, evidence)
    chosen = st.lists(st.sampled_from(metric_keys("class")), unique=True, min_size=1, max_size=3)
    for metric in draw(chosen):
        thresholds[metric], made = draw(per_class(metric, classes, evidence))
        rules += made
    if draw(st.booleans()):
        keys = draw(limit_keys(False, METRIC_BOUNDS))
        weights = [(name, draw(st.integers(1, 99))) for name in classes]
        written_weights = {quoted(name): weight for name, weight in weights}
        weighting = Weighting(tuple((name, Fraction(weight)) for name, weight in weights), "all")
        rules += class_rules("weighted_diagonal", keys, {}, evidence, weighting)
        keys |= {"weights": written_weights, "normalize": "all"}
        thresholds["weighted_diagonal"] = keys
    if draw(st.booleans()):
        keys = {"at_most": draw(DIGITS), "min_support": draw(support())}
        thresholds["flips"] = keys
        at_most = bound(keys["at_most"], "at_most")
        rules.append((OverallRule, "flips", at_most, own(evidence, keys), "baseline"))
    items, made = draw(confusions(classes, evidence))
    if items:
        thresholds["confusions"] = items
        rules += made
    document: dict[str, Any] = {
        "version": 1,
        "classes": [quoted(name) for name in classes],
        "evidence": says,
        "thresholds": thresholds,
        "x-own": [],
    }
    positive = draw(st.sampled_from(classes))
    if len(classes) == 2:
        document["decision"] = {"threshold": "0.25", "positive": quoted(positive)}
    expected = {"classes": tuple(classes), "rules": rules, "positive": positive}
    return document, {**expected, "evidence": evidence}


@st.composite
def confusions(
    draw: st.DrawFn, classes: list[str], evidence: Evidence
) -> tuple[list[dict[str, Any]], list[Any]]:
    pairs: list[Any] = [(one, two) for one in classes for two in classes if one != two]
    items, rules = [], []
    for pair in draw(st.lists(st.sampled_from([*pairs, (None, None)]), unique=True, max_size=3)):
        keys = draw(limit_keys(True, CONFUSION_BOUNDS))
        rules += [
            (ConfusionRule, written(keys, key), *pair, own(evidence, keys), against)
            for key, against in CONFUSION_BOUNDS.items()
            if key in keys
        ]
        named = (
            dict(zip(("actual", "predicted"), map(quoted, pair), strict=True)) if all(pair) else {}
        )
        items.append({**named, **keys})
    return items, rules


def without_locations(rule: Any) -> tuple[Any, ...]:
    judged = (rule.evidence, rule.against)
    if isinstance(rule, OverallRule):
        return (OverallRule, rule.metric, rule.bound, *judged)
    if isinstance(rule, ConfusionRule):
        return (ConfusionRule, rule.bound, rule.actual, rule.predicted, *judged)
    overrides = {
        name: own.bound and (own.bound, own.evidence) for name, own in rule.overrides.items()
    }
    return (ClassRule, rule.metric, rule.bound, overrides, rule.weighting, *judged)
