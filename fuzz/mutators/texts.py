"""Changes to texts: policies, label files, manifests and JSON."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from fuzz.mutators.raw import raw, repeat

_KEYS = (
    *("version", "dataset", "classes", "decision", "thresholds", "slices", "x-a", "directory"),
    *("tfrecord", "image_size", "color_mode", "interpolation", "aspect", "rescale", "preprocess"),
    *("reshape", "ignore", "expected_examples", "on_fault", "max_faults", "max_pixels", "digest"),
    *("image", "label", "weight", "key", "encoding", "dtype", "shape", "offset", "scale"),
    *("recall", "precision", "f1", "specificity", "jaccard", "accuracy", "balanced_accuracy"),
    *("f1_macro", "cohen_kappa", "matthews_corrcoef", "top_1_accuracy", "top_2_accuracy"),
    *("weighted_diagonal", "weights", "normalize", "confusions", "actual", "predicted"),
    *("at_least", "at_most", "threshold", "positive", "cat", "dog", "bird", "<<"),
)
_VALUES = (
    *("0.9", "0", "1", "-1", "1/255", "1e-99", "1e99999", "0.9.0", "95 %", ".inf", "0x1F", "1_0"),
    *("none", "null", "~", "true", "no", "12:30", "cat", "labels.txt", "argmax", "misclassified"),
    *("encoded", "raw", "float", "uint8", "inverse_frequency", "balanced", "sample", "pred"),
    *("[]", "{}", "[1, 2]", "[cat, dog]", "{a: b}", "{at_least: 0.9}", "{cat: 0.9, dog: none}"),
    *('""', "''", '"\\u0000"', '"\\ud800"', '"\\U00110000"', '"\\e[31m"', "\u202e", "\u00e9"),
    *("sha256:" + "0" * 64, "9" * 59, "9" * 400, "a" * 300, "gs://b/c", "../..", "."),
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_NUMBERS = ("0", "1", "2", "0.5", "0.9999999999999999", "1.0", ".5", "1e-3", "-0.1", "7", "65536")
_YAML = (
    *("&a ", "*a", "<<: *a", "!!x ", "!<a> ", "{", "}", "[", "]", ": ", "- ", ", ", "? ", "#"),
    *("\n", "\n  ", "\n    ", "\r", "\t", "'", '"', "|\n", ">-2\n", "---\n", "...\n", "\\"),
    *("%YAML 1.1\n---\n", "%TAG ! a\n---\n", "\x00", "\x1b", "\x85", "\u2028", "\ufeff"),
)
_LINES = (
    *("0:cat", "1:dog", "cat", "dog", "", " ", "\t", "#", "0:", "00:x", "9" * 5000 + ":x", ":"),
    *("# pytest-confmat manifest 1", "# pytest-confmat manifest 2", "a\tb\t0123456789abcdef"),
    *("a\\u0000\tb\tffffffffffffffff", "\\\\", "\\u", "\\ud800", "e\u0301", "\u00e9", "\u2028"),
    *("\x0b", "\x0c", "\x1c", "\x85", "\ufeff", "\r", "\x1b[31m", "::error::x", "a" * 3000),
)
_JSON: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, 1e300, float("inf"), float("nan"), 2**70, "", "0", "-3"),
    *("x", "\x00", "\ud800", "9" * 5000, "3", [], {}, [[]], [1, 2], ["1"], {"a": 1}, [None]),
    *(
        "{SPLIT}",
        "{DATASET}{DATASET}",
        "{NONE}",
        "test-00000-of-00002.tfrecord",
        "../x",
        "a" * 3000,
    ),
)


def yaml(data: bytes, random: Random) -> bytes:
    """Change keys, values, signs or whole lines of YAML."""
    text = data.decode("utf-8", "replace")
    choice = random.random()
    if choice < 0.2:
        return _number(text, random)
    if choice < 0.45:
        return _lines(text, random, "\n")
    if choice < 0.6:
        return _between(text, random, random.choice(_YAML))
    if choice < 0.75:
        return _replace_word(text, random, random.choice(_KEYS))
    if choice < 0.9:
        return _replace_word(text, random, random.choice(_VALUES))
    if choice < 0.95:
        deep = random.choice(("[", "{a: ", "- ", "? ", "&a [*a, ", "'")) * (20 * repeat(random))
        return _between(text, random, deep)
    name = random.choice("abc")
    node = "[" + ", ".join([f"*{name}"] * 9) + "]"
    return f"x-{random.choice('abcd')}: &{random.choice('abc')} {node}\n{text}".encode()


def lines(data: bytes, random: Random) -> bytes:
    """Change lines, or what stands in them."""
    text = data.decode("utf-8", "surrogateescape")
    if random.random() < 0.6:
        return _lines(text, random, random.choice(("\n", "\n", "\r\n", "\r")))
    return _between(text, random, random.choice(_LINES))


def json_text(data: bytes, random: Random) -> bytes:
    """Change a value or a key anywhere in JSON; what is none is changed as bytes."""
    if random.random() < 0.05:
        return random.choice((b"[", b'{"a":', b'[{"b":')) * (400 * repeat(random)) + data
    try:
        value = json.loads(data)
    except (RecursionError, ValueError):
        return raw(data, random)
    changed = json_value(value, random)
    try:
        return json.dumps(changed, indent=random.choice((None, 1))).encode()
    except (RecursionError, ValueError):
        return data


def json_value(value: Any, random: Random) -> Any:
    """Return `value` with one part of it changed."""
    stop = random.random() < 0.3
    if isinstance(value, dict) and value and not stop:
        key = random.choice(list(value))
        choice = random.random()
        if choice < 0.1:
            return {name: part for name, part in value.items() if name != key}
        if choice < 0.2:
            return {**value, random.choice((*value, "a", "")): value[key]}
        return {**value, key: json_value(value[key], random)}
    if isinstance(value, list) and value and not stop:
        at = random.randrange(len(value))
        choice = random.random()
        if choice < 0.1:
            return value[:at] + value[at + 1 :]
        if choice < 0.2:
            return value[:at] + value[at : at + 1] * repeat(random) + value[at:]
        return [*value[:at], json_value(value[at], random), *value[at + 1 :]]
    return random.choice(_JSON)


def _lines(text: str, random: Random, ending: str) -> bytes:
    """Delete, double, move, indent or insert a line."""
    found = text.splitlines()
    at = random.randint(0, len(found))
    choice = random.randrange(5)
    if choice == 0:
        found[at : at + 1] = []
    elif choice == 1:
        found[at:at] = found[at : at + 1] * repeat(random)
    elif choice == 2 and found:
        found.insert(at, found.pop(random.randrange(len(found))))
    elif choice == 3:
        indent = random.choice((" ", "  ", "    ", "- ", "\t"))
        found[at : at + 1] = [indent + line for line in found[at : at + 1]]
    else:
        key = f"{random.choice(_KEYS)}: {random.choice(_VALUES)}"
        found.insert(at, random.choice((key, "  " + key, random.choice(_LINES))))
    return ending.join([*found, ""]).encode("utf-8", "surrogateescape")


def _number(text: str, random: Random) -> bytes:
    """Put another number in the place of one, or nearly one."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return _lines(text, random, "\n")
    match = random.choice(found)
    return (text[: match.start()] + random.choice(_NUMBERS) + text[match.end() :]).encode(
        "utf-8", "surrogatepass"
    )


def _between(text: str, random: Random, token: str) -> bytes:
    at = random.randint(0, len(text))
    return (text[:at] + token + text[at:]).encode("utf-8", "surrogatepass")


def _replace_word(text: str, random: Random, word: str) -> bytes:
    """Put `word` in the place of a run of letters and digits."""
    at = random.randint(0, len(text))
    start = end = at
    while start and (text[start - 1].isalnum() or text[start - 1] in "_-."):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] in "_-."):
        end += 1
    return (text[:start] + word + text[end:]).encode("utf-8", "surrogatepass")
