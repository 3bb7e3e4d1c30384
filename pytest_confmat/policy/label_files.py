"""Label files: class names in a text file, one per line, or in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.lookalikes import appearance
from pytest_confmat.policy.scalars import first_repeated
from pytest_confmat.policy.text_files import lines_of, read_text, shown
from pytest_confmat.text import plural

_EXPECTED = "write one class name per line, in the order of the model's outputs"
_NUMBERED = re.compile(r"([0-9]+)(?:[ \t]*[:,][ \t]*|[ \t]+)(\S.*)?")
_HEADER = frozenset(
    [
        *("id", "idx", "index", "number", "no", "code", "count", "target", "description", "mid"),
        *("class", "classid", "class_id", "class_name", "classname", "category", "synset", "wnid"),
        *("label", "labels", "label_id", "label_name", "name", "names", "display_name"),
    ]
)
# Longer than any class name that people read: all 21,841 of ImageNet's stay below.
_LONGEST_LINE = 400
# What a file is by its first characters.
_OTHER_FILES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s*(?:#[^\n]*\s*)*item\s*\{"), "a label map in protobuf text format (.pbtxt)"),
    (re.compile(r"\s*<[!?a-zA-Z]"), "XML or HTML"),
    (re.compile(r"-----BEGIN "), "a key or a certificate"),
    (re.compile(r"#!"), "a script"),
    (re.compile(r"version https://git-lfs"), "a Git LFS pointer; get the file by git lfs pull"),
)
_OTHER_SUFFIXES = {
    **dict.fromkeys([".yaml", ".yml"], "YAML"),
    ".py": "Python code",
    ".toml": "TOML",
    ".md": "Markdown",
    ".rst": "reStructuredText",
    ".ini": "a configuration file",
    ".cfg": "a configuration file",
}
# A line of code or configuration, of a table of colons such as /etc/passwd, or of prose.
_NO_NAME = re.compile(
    r"[ \t]+\S|.*(?:[{}<>;=]|:[^:\s]*:)|\s*(?:def|class|import|from|return) .*[:(]|\S+:\s*$"
    r"|(?:[^\s,]+\s+){9,}|.*\w\.\s+[A-Z]"
)


def read_label_file(path: Path, named_at: Location, subject: str | None = None) -> tuple[str, ...]:
    """Return the class names that a file lists.

    Lines may be numbered, as ``0 cat``, ``0: cat`` or ``0,cat``, where all of them count from 0 in
    order. JSON holds a list of names, or a mapping of names and numbers such as
    ``class_indices.json``.

    Parameters
    ----------
    path
        Empty lines may end it.
    named_at
        What to blame if it is not a label file.
    subject
        What messages call it.

    Raises
    ------
    PolicyError
        If it cannot be read, is something else, or a line of it is not a name.
    """
    subject = subject or f"the label file {str(path)!r}"
    text = read_text(path, subject, named_at)
    if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{"):
        found = _json(text, path, subject, named_at)
        if found is not None:
            return found
    lines = lines_of(text)
    while lines and not lines[-1].strip():
        lines.pop()
    _refuse_other_files(path, text, lines, subject, named_at)
    names = _without_numbers(lines)
    for number, line in enumerate(names, 1):
        _check(line, Location(path, number))
    return _checked(names, lambda index: Location(path, index + 1))


def _checked(names: Sequence[str], where: Callable[[int], Location]) -> tuple[str, ...]:
    if repeated := first_repeated(names, appearance):
        index, first, message = repeated
        raise PolicyError(message.format(line=where(first).line), where(index))
    if len(names) < 2:
        raise PolicyError(
            f"a classifier has at least two classes, and here is {len(names)}", where(0)
        )
    return tuple(names)


def _without_numbers(lines: Sequence[str]) -> list[str]:
    """Return what follows the numbers where all lines are numbered from 0 in order."""
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    # As texts, since int() refuses thousands of digits.
    if all(m and (m[1].lstrip("0") or "0") == str(n) for n, m in enumerate(numbered)):
        return [match[2] or "" for match in numbered if match]
    return list(lines)


def _check(line: str, location: Location) -> None:
    if not line.strip():
        raise PolicyError("an empty line between class names; remove it", location)
    if "\t" in line:
        raise PolicyError(
            f"{shown(line)} holds a tab; a line is a class name and nothing else", location
        )
    if line != line.strip():
        raise PolicyError(f"{shown(line)} has blanks around the class name; remove them", location)


def _refuse_other_files(
    path: Path, text: str, lines: Sequence[str], subject: str, named_at: Location
) -> None:
    """Refuse what is plainly not a list of names; the message shows nothing of it."""
    is_ = [what for start, what in _OTHER_FILES if start.match(text)]
    if what := next(iter(is_), _OTHER_SUFFIXES.get(path.suffix.lower())):
        raise PolicyError(f"{subject} is {what}; {_EXPECTED}", named_at)
    if lines and _is_header(lines):
        fields = plural(lines[0].count(",") + 1, "column")
        raise PolicyError(f"{subject} is CSV with a header and {fields}; {_EXPECTED}", named_at)
    odd = sum(len(line) > _LONGEST_LINE or bool(_NO_NAME.match(line)) for line in lines)
    if (odd > 1 and 2 * odd > len(lines)) or any(len(line) > _LONGEST_LINE for line in lines):
        raise PolicyError(
            f"{subject} does not look like a list of class names, and nothing of it is shown; "
            f"{_EXPECTED}, or name the right file",
            named_at,
        )


def _is_header(lines: Sequence[str]) -> bool:
    """Whether the first line names columns, and all others have as many."""
    commas = lines[0].count(",")
    names = [field.strip(" \"'").lower() for field in lines[0].split(",")]
    return (
        commas > 0
        and len(lines) > 1
        and any(name in _HEADER for name in names)
        and all(name.replace("_", "").replace(" ", "").isalnum() for name in names)
        and all(line.count(",") >= commas for line in lines[1:])
        and not any(map(str.isdigit, names))
    )


def _json(text: str, path: Path, subject: str, named_at: Location) -> tuple[str, ...] | None:
    """Return the names that JSON holds; ``None``: it is text that begins like JSON."""

    def refuse(found: str) -> NoReturn:
        raise PolicyError(
            f"{subject} is JSON, and holds {found}; expected a list of names, or a mapping such as "
            '{"cat": 0, "dog": 1} whose numbers count from 0',
            named_at,
        )

    try:
        content = json.loads(text, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        if path.suffix.lower() != ".json":
            return None
        message = f"{subject} is not valid JSON: {error.msg}"
        raise PolicyError(message, Location(path, error.lineno)) from None
    except (RecursionError, ValueError):
        refuse("what nests too deep, or a number of thousands of digits")
    if isinstance(content, list) and not isinstance(content, _Pairs):
        if not all(isinstance(name, str) for name in content):
            refuse("a list of something else than texts")
        names = content
    elif isinstance(content, _Pairs):
        names = _by_number(content, refuse)
    else:
        refuse("a single value")
    for name in names:
        if not name.strip() or not name.isprintable():
            refuse("a name without a character that can be seen, or with one that cannot")
    return _checked(names, lambda _: Location(path, 1))


class _Pairs(list[tuple[str, Any]]):
    """A mapping of JSON, whose keys may stand twice."""


def _by_number(pairs: _Pairs, refuse: Callable[[str], NoReturn]) -> list[str]:
    """Return the names in the order of their numbers, whichever of the two are the keys."""
    if all(type(value) is int for _, value in pairs):
        numbered = [(value, name) for name, value in pairs]
    elif all(isinstance(value, str) and re.fullmatch("[0-9]{1,9}", key) for key, value in pairs):
        numbered = [(int(key), value) for key, value in pairs]
    else:
        refuse("a mapping that is not of names and numbers")
    numbered.sort(key=lambda pair: pair[0])
    if [number for number, _ in numbered] != list(range(len(numbered))):
        refuse("numbers that do not count from 0, each once")
    return [name for _, name in numbered]
