"""The text part of a baseline: what a person reads in a pull request, one fact a line.

It is JSON, and may be formatted anew: what is read back are its values. Characters that cannot be
seen are escaped, so that a name says in a diff what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pytest_confmat.errors import BaselineError
from pytest_confmat.files import is_lfs_pointer
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.text import one_line, shortened

FORMAT = "pytest-confmat baseline"
VERSION = 1
# Columns that a row of the matrix shows at most, so that a thousand classes stay readable.
SHOWN = 20
DECIMALS = 6
_LONGEST_SHOWN = 80

_CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)
_UNUSUAL = re.compile(r"[^\n -~]")


def render(
    matrix: ConfusionMatrix, provenance: Mapping[str, Any], binary: Mapping[str, Any]
) -> bytes:
    """Return the text part.

    Parameters
    ----------
    matrix
        Counts of all examples.
    provenance
        JSON values, as in `Evaluation`.
    binary
        What the binary part is known by.
    """
    values = {
        "format": FORMAT,
        "version": VERSION,
        **facts(matrix),
        "provenance": provenance,
        "outcomes": binary,
    }
    entries = [f"  {_dump(name)}: {_entry(name, value)}" for name, value in values.items()]
    text = "{\n" + ",\n".join(entries) + "\n}\n"
    return _UNUSUAL.sub(_visible, text).encode("utf-8")


def facts(matrix: ConfusionMatrix) -> dict[str, Any]:
    """Return what the text says of the outcomes: all of it can be computed from them.

    The matrix holds the counts of each class by the names of the predicted ones, the most
    frequent `SHOWN` of them; ``matrix_beyond`` holds how many examples stand in the others, and
    ``unpredicted`` how many were predicted as none, where there are any.
    """
    rows, beyond = {}, {}
    for index, name in enumerate(matrix.classes):
        columns, counts = matrix.cells.row(index)
        most = np.sort(np.argsort(-counts, kind="stable")[:SHOWN])
        rows[name] = {matrix.classes[columns[at]]: int(counts[at]) for at in most}
        if len(columns) > len(most):
            beyond[name] = int(counts.sum() - counts[most].sum())
    support = matrix.support.tolist()
    correct = matrix.correct.tolist()
    unpredicted = zip(matrix.classes, matrix.unpredicted.tolist(), strict=True)
    return {
        "examples": matrix.total,
        "accuracy": _share(sum(correct), matrix.total),
        "classes": list(matrix.classes),
        "support": dict(zip(matrix.classes, support, strict=True)),
        "recall": dict(zip(matrix.classes, map(_share, correct, support), strict=True)),
        "matrix": rows,
        "matrix_beyond": beyond,
        "unpredicted": {name: count for name, count in unpredicted if count},
    }


def parse(content: bytes, command: str) -> dict[str, Any]:
    """Read a text part; it must name the binary part and have the provenance.

    Parameters
    ----------
    command
        What saves the baseline again, for messages.

    Raises
    ------
    BaselineError
        If it is none, or of another version; the text goes on where the path ends.
    """
    again = f"restore its files from version control, or save it again: {command}"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BaselineError(f"is no baseline, as it is no text in UTF-8; {again}") from error
    if is_lfs_pointer(content):
        raise BaselineError("is only git-lfs's pointer to it; fetch it: git lfs pull")
    if _CONFLICT.search(text):
        raise BaselineError(
            "holds the marks of a merge conflict, and a baseline cannot be merged by hand; take "
            f"text and binary part of one side, or save it again: {command}"
        )
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = _shown(error)
        raise BaselineError(f"is no baseline, as it is no JSON ({reason}); {again}") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise BaselineError(f'is no baseline, as it does not say "format": "{FORMAT}"; {again}')
    _require_version(values, command)
    binary = values.get("outcomes")
    if (
        not isinstance(binary, dict)
        or not re.fullmatch("[0-9a-f]{64}", str(binary.get("sha256")))
        or type(binary.get("bytes")) is not int
    ):
        raise BaselineError(f"does not say which binary part belongs to it; {again}")
    if not isinstance(values.get("provenance"), dict):
        raise BaselineError(f"has no provenance; {again}")
    return values


def contradictions(values: Mapping[str, Any], matrix: ConfusionMatrix) -> tuple[str, ...]:
    """Return the entries of a text part that are not what the outcomes say."""
    return tuple(name for name, value in facts(matrix).items() if values.get(name) != value)


def _shown(found: object) -> str:
    return one_line(shortened(str(found), _LONGEST_SHOWN))


def _require_version(values: Mapping[str, Any], command: str) -> None:
    version = values.get("version")
    if type(version) is int and version == VERSION:
        return
    if type(version) is not int or version < VERSION:
        shown = _shown(version)
        raise BaselineError(f"is of no version there was: {shown}; save it again: {command}")
    provenance = values.get("provenance")
    versions = provenance.get("versions") if isinstance(provenance, dict) else None
    writer = versions.get("pytest-confmat") if isinstance(versions, dict) else None
    by = f" by pytest-confmat {_shown(writer)}" if isinstance(writer, str) else ""
    raise BaselineError(
        f"was written{by} in format {_shown(version)}, and this release reads {VERSION}; "
        f"update pytest-confmat, or save it again: {command}"
    )


def _share(hits: int, trials: int) -> float | None:
    return round(hits / trials, DECIMALS) if trials else None


def _entry(name: str, value: Any) -> str:
    """Render a value: a line for each thing in it, or for each row of the matrix."""
    if name == "provenance":
        return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).replace("\n", "\n  ")
    if not isinstance(value, dict | list) or not value:
        return _dump(value)
    first, last = "[]" if isinstance(value, list) else "{}"
    return f"{first}\n" + ",\n".join(f"    {line}" for line in _lines(value)) + f"\n  {last}"


def _lines(value: dict[str, Any] | list[Any]) -> Iterator[str]:
    if isinstance(value, list):
        yield from map(_dump, value)
    else:
        for key, entry in value.items():
            yield f"{_dump(key)}: {_dump(entry)}"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _visible(found: re.Match[str]) -> str:
    """Escape a character that is not printable; only strings of the JSON hold such."""
    character = found.group()
    return character if character.isprintable() else json.dumps(character)[1:-1]
