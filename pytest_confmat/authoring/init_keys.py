"""Keys of a policy given on the command line: ``--confmat-init='rescale: 1/255'``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_confmat.authoring import yaml_text
from pytest_confmat.errors import RequestError
from pytest_confmat.policy.yaml_graph import Raw, RawCollection, RawScalar, SyntaxFault, compose

# Keys of the policy itself; all others are the data's.
_TOP = ("classes", "decision")
_FOUND = {
    "directory": "where the data are is said by --confmat-data",
    "tfrecord": "where the data are is said by --confmat-data",
    "expected_examples": "the number of examples is written as it is found",
    "digest": "the digest is written as it is found",
    "thresholds": "the limits are proposed from what the model does",
    "version": "it is written",
}
_UNFIT = set(",[]{}#\n")
_CLOSE = re.compile(r"\s*(\w+):(\S+)\s*")


@dataclass(frozen=True)
class InitKeys:
    """Keys and values as YAML, each value on one line.

    Attributes
    ----------
    dataset, top
        Keys below ``dataset``, and of the policy itself.
    """

    dataset: Mapping[str, str] = field(default_factory=dict)
    top: Mapping[str, str] = field(default_factory=dict)


def read_init_keys(texts: Sequence[str]) -> InitKeys:
    """Read keys of a policy as they stand below ``dataset``; ``classes`` and ``decision`` too.

    What they mean is for the policy's grammar to say.

    Parameters
    ----------
    texts
        Each with any number of keys: ``a: 1, b: 2``, with or without braces, or a key a line.

    Raises
    ------
    RequestError
        If one is not a YAML mapping, or gives a key that is found out.
    """
    given: dict[str, str] = {}
    for key, value in (pair for text in texts if text.strip() for pair in _read(text)):
        if key in _FOUND:
            raise RequestError(f"{key} cannot be said here: {_FOUND[key]}")
        if key in given:
            raise RequestError(f"{key} is said twice")
        given[key] = _written(value, ())
    return InitKeys(
        {key: value for key, value in given.items() if key not in _TOP},
        {key: value for key, value in given.items() if key in _TOP},
    )


def _read(text: str) -> list[tuple[str, Raw]]:
    try:
        root = compose(text)
    except SyntaxFault as fault:
        try:
            root = compose(f"{{{text}}}")  # several keys on one line, without their braces
        except SyntaxFault:
            raise RequestError(f"{text!r} cannot be read: {fault.message}") from None
    if isinstance(root, RawCollection) and root.is_mapping:
        return _pairs(root)
    if close := _CLOSE.fullmatch(text):
        raise RequestError(
            f"{text!r} has no space behind its colon: write '{close[1]}: {close[2]}'"
        )
    raise RequestError(
        f"{text!r} says nothing of the data; it takes keys of a policy's dataset, such as "
        "'rescale: 1/255', or nothing at all"
    )


def _pairs(branch: RawCollection) -> list[tuple[str, Raw]]:
    found = []
    for key, value in zip(branch.children[::2], branch.children[1::2], strict=True):
        if not isinstance(key, RawScalar):
            raise RequestError("a key must be text, and one here is a list or a mapping")
        found.append((key.text, value))
    return found


def _written(raw: Raw, above: tuple[Raw, ...]) -> str:
    """Write a value in YAML's flow style, its plain texts as they were."""
    if raw.tag is not None or any(raw is one for one in above):
        raise RequestError("tags and values that contain themselves are not read")
    if isinstance(raw, RawScalar):
        plain = raw.plain and not _UNFIT.intersection(raw.text) and raw.text.isprintable()
        return raw.text if plain and raw.text else yaml_text.quoted(raw.text)
    inside = (*above, raw)
    if raw.is_mapping:
        pairs = (f"{yaml_text.name(key)}: {_written(value, inside)}" for key, value in _pairs(raw))
        return f"{{{', '.join(pairs)}}}"
    return f"[{', '.join(_written(child, inside) for child in raw.children)}]"
