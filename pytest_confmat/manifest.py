r"""What an evaluation set consists of: its digest, and a manifest to tell two sets apart.

A manifest is a text in UTF-8: a line that names the form, then a line an example, in the set's
order: id, class and check word, with tabs between. The digest is the SHA-256 of those lines,
so that ``sed 1d FILE | sha256sum`` computes it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pytest_confmat.errors import DataError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.files import open_file, read_file
from pytest_confmat.limits import one_line
from pytest_confmat.writing import write_atomically

VERSION = 1
SHOWN = 20
_FORM = "# pytest-confmat manifest "
_HEADER = f"{_FORM}{VERSION}"
# What ends a line or a field, what cannot be seen, and what UTF-8 has no form for. Not
# str.isprintable, which changes with the version of Unicode: a digest must not.
_ESCAPED = re.compile(
    "[\\\\\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)
_ESCAPE = re.compile(r"\\(\\|u[0-9a-f]{4})")
_WORD = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True)
class Entry:
    """An example as a manifest holds it: the name of its class, the word over its content."""

    actual: str
    check: str


@dataclass(frozen=True)
class Difference:
    """Ids of the examples in which two sets differ, in the order of the set at hand.

    Attributes
    ----------
    removed
        In the order of the manifest.
    moved
        Whether the sets hold the same examples, but not in the same order.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    relabelled: tuple[str, ...]
    moved: bool


def lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield the lines of a set's manifest, without the first one and without newlines."""
    names = [_escaped(name) for name in evaluation.classes]
    for part in evaluation.parts:
        examples = zip(part.ids, part.true.tolist(), part.check.tolist(), strict=True)
        for example, true, check in examples:
            yield f"{_escaped(example)}\t{names[true]}\t{check:016x}"


def digest(evaluation: Evaluation) -> str:
    """Return ``sha256:`` and 64 digits over ids, classes and contents, in the set's order."""
    return _digest(lines(evaluation))


def write_manifest(evaluation: Evaluation, path: Path) -> None:
    """Write the manifest of a set to `path`, atomically."""
    text = "\n".join((_HEADER, *lines(evaluation))) + "\n"
    write_atomically(path, text.encode("utf-8"))


def require_manifest(path: Path) -> None:
    """Look at the first line of a manifest.

    Raises
    ------
    DataError
        If the file is none, or one of another version.
    """
    try:
        with open_file(path) as stream:
            first = stream.readline(100).decode("utf-8", "backslashreplace").rstrip("\r\n")
    except OSError as error:
        raise DataError(f"the manifest {path} cannot be read: {error.strerror}") from error
    if first.startswith(_FORM) and first != _HEADER:
        version = one_line(first.removeprefix(_FORM))
        raise DataError(
            f"the manifest {path} is of version {version}, and this release reads {VERSION}"
        )
    if first != _HEADER:
        raise DataError(
            f"{path} is no manifest: its first line is '{one_line(first)}', and should be "
            f"'{_HEADER}'"
        )


def read_manifest(path: Path) -> tuple[dict[str, Entry], str]:
    """Read a manifest: its entries by id, in their order, and its digest.

    Raises
    ------
    DataError
        If the file is no manifest, with the line that is to blame.
    """
    require_manifest(path)
    try:
        text = read_file(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the manifest {path} cannot be read: {error}") from error
    # An editor on Windows changes the ends of lines, and so does git.
    body = text.replace("\r\n", "\n").split("\n")[1:]
    if body and not body[-1]:
        body.pop()
    entries: dict[str, Entry] = {}
    for number, line in enumerate(body, 2):
        fields = line.split("\t")
        if len(fields) != 3 or not _WORD.fullmatch(fields[2]):
            raise DataError(
                f"{path}:{number}: '{one_line(line)}' is no line of a manifest; expected an id, "
                "a class and 16 hexadecimal digits, with tabs between"
            )
        example = _plain(fields[0])
        if example in entries:
            raise DataError(f"{path}:{number}: '{one_line(example)}' stands there twice")
        entries[example] = Entry(_plain(fields[1]), fields[2])
    return entries, _digest(body)


def compare(evaluation: Evaluation, entries: dict[str, Entry]) -> Difference:
    """Say in which examples a set differs from a manifest."""
    added, changed, relabelled, order = [], [], [], []
    for part in evaluation.parts:
        examples = zip(part.ids, part.true.tolist(), part.check.tolist(), strict=True)
        for example, true, check in examples:
            order.append(example)
            entry = entries.get(example)
            if entry is None:
                added.append(example)
                continue
            if entry.check != f"{check:016x}":
                changed.append(example)
            if entry.actual != evaluation.classes[true]:
                relabelled.append(example)
    there = set(order)
    removed = [example for example in entries if example not in there]
    moved = not added and not removed and order != list(entries)
    return Difference(tuple(added), tuple(removed), tuple(changed), tuple(relabelled), moved)


def problem(evaluation: Evaluation, pinned: str | None, manifest: Path | None) -> str | None:
    """Return why a set is not the one that was agreed on, or ``None`` if it is.

    Parameters
    ----------
    pinned
        The digest that the policy demands, if it does.
    manifest
        Where the manifest is, if one was asked for; it need not be there yet. What the policy
        demands goes before it.

    Raises
    ------
    DataError
        If the manifest is needed and is none.
    """
    found = digest(evaluation)
    at_hand = manifest is not None and manifest.exists()
    if pinned == found or (pinned is None and not at_hand):
        return None
    known: tuple[dict[str, Entry], str] | None = None
    if manifest is not None and at_hand:
        known = read_manifest(manifest)
        if pinned is None and known[1] == found:
            return None
    told = [f"the evaluation set changed: its digest is {found}"]
    if pinned is not None:
        told[0] += f", and dataset.digest is {pinned}"
    if known is None:
        told.append(
            "  which examples differ, a manifest of the set as it was can tell: "
            "--confmat-manifest FILE"
        )
    else:
        told += _told(compare(evaluation, known[0]), manifest)
        if pinned not in (None, known[1]):
            told.append(f"  the manifest is of a third set: its digest is {known[1]}")
    return "\n".join(told)


def _told(difference: Difference, manifest: Path | None) -> Iterator[str]:
    kinds = ("added", "removed", "changed", "relabelled")
    groups: list[tuple[str, Sequence[str]]] = [(k, getattr(difference, k)) for k in kinds]
    counts = [f"{len(ids):,} {kind}" for kind, ids in groups if ids]
    if difference.moved:
        counts.append("in another order")
    yield f"  against {manifest}: {', '.join(counts) or 'the same examples'}"
    for kind, ids in groups:
        for example in ids[:SHOWN]:
            yield f"  {kind:10}   {one_line(example)}"
        if len(ids) > SHOWN:
            yield f"  {kind:10}   and {len(ids) - SHOWN:,} more"


def _digest(of: Iterator[str] | Sequence[str]) -> str:
    found = sha256()
    for line in of:
        found.update(line.encode("utf-8") + b"\n")
    return f"sha256:{found.hexdigest()}"


def _escaped(name: str) -> str:
    def escape(match: re.Match[str]) -> str:
        character = match.group()
        return "\\\\" if character == "\\" else f"\\u{ord(character):04x}"

    return _ESCAPED.sub(escape, name)


def _plain(field: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match.group(1)
        return code if code == "\\" else chr(int(code[1:], 16))

    return _ESCAPE.sub(character, field)
