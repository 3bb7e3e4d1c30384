r"""The digest of an evaluation set, and a manifest that shows what changed in it.

A manifest is a text in UTF-8: a line that names the format, then a line per example, in the set's
order: id, class and check word, with tabs between. The digest is the SHA-256 of those lines,
so that ``sed 1d FILE | sha256sum`` computes it too.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pytest_confmat.errors import DataError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.files import open_file, read_file
from pytest_confmat.text import first_lines, one_line, quoted, shortened
from pytest_confmat.writing import write_atomically

VERSION = 1
SHOWN = 20
_LONGEST_SHOWN = 80
_FORM = "# pytest-confmat manifest "
_HEADER = f"{_FORM}{VERSION}"
# What ends a line or a field, what cannot be seen, and what UTF-8 has no form for. Not
# str.isprintable, which changes with the version of Unicode: a digest must not.
_ESCAPED = re.compile(
    "[\\\\\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)
_ESCAPE = re.compile(r"\\(\\|u[0-9a-f]{4})")
_WORD = re.compile("[0-9a-f]{16}")
_UNREADABLE = "0" * 16  # the word of a content that could not be read


@dataclass(frozen=True)
class ListedExample:
    """An example in a manifest: the name of its class, the word over its content."""

    actual: str
    check: str


@dataclass(frozen=True)
class Move:
    """A content under another id than before, with the names of its class then and now."""

    before: str
    now: str
    was: str
    actual: str


@dataclass(frozen=True)
class Difference:
    """The examples in which two sets differ, by id, in the order of the set at hand.

    Each example of either set is unchanged, or in one of these; `changed` is in both under one id,
    and so is `relabeled`, which may be changed too.

    Attributes
    ----------
    removed
        In the order of the manifest.
    moved
        Those whose content the other set holds under another id.
    reordered
        Whether the sets hold the same examples, but not in the same order.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[Move, ...]
    changed: tuple[str, ...]
    relabeled: tuple[str, ...]
    reordered: bool


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
    """Require that a file begins as a manifest does.

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
            f"{path} is no manifest: its first line is {quoted(first)}, and should be '{_HEADER}'"
        )


def read_manifest(path: Path) -> tuple[dict[str, ListedExample], str]:
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
    entries: dict[str, ListedExample] = {}
    for number, line in enumerate(body, 2):
        fields = line.split("\t")
        if len(fields) != 3 or not _WORD.fullmatch(fields[2]):
            shown = quoted(shortened(line, _LONGEST_SHOWN))
            raise DataError(
                f"{path}:{number}: {shown} is no line of a manifest; expected an id, a class "
                "and 16 hexadecimal digits, with tabs between"
            )
        example = _plain(fields[0])
        if example in entries:
            raise DataError(f"{path}:{number}: {quoted(example)} is there twice")
        entries[example] = ListedExample(_plain(fields[1]), fields[2])
    return entries, _digest(body)


def compare(evaluation: Evaluation, entries: dict[str, ListedExample]) -> Difference:
    """Return the examples in which a set differs from a manifest.

    What the manifest lists under an id that is gone, or has another content now, is looked for by
    its check word under the ids that are new, or have another content.
    """
    now = dict(_entries(evaluation))
    kept = {e for e, entry in entries.items() if e in now and now[e].check == entry.check}
    # Contents that are not where they were, each in the order of the manifest.
    waiting: dict[str, deque[str]] = defaultdict(deque)
    for example, entry in entries.items():
        if example not in kept and entry.check != _UNREADABLE:
            waiting[entry.check].append(example)
    moved: list[Move] = []
    new: list[str] = []
    for example, entry in now.items():
        if example in kept:
            continue
        if waiting[entry.check]:
            source = waiting[entry.check].popleft()
            moved.append(Move(source, example, entries[source].actual, entry.actual))
        else:
            new.append(example)
    elsewhere = {move.before for move in moved}
    changed = [e for e in new if e in entries and e not in elsewhere]
    found = {*kept, *changed}
    removed = [e for e in entries if e not in found and e not in elsewhere]
    return Difference(
        added=tuple(e for e in new if e not in found),
        removed=tuple(removed),
        moved=tuple(moved),
        changed=tuple(changed),
        relabeled=tuple(e for e in now if e in found and entries[e].actual != now[e].actual),
        reordered=not new and not removed and not moved and list(now) != list(entries),
    )


def _entries(evaluation: Evaluation) -> Iterator[tuple[str, ListedExample]]:
    for part in evaluation.parts:
        examples = zip(part.ids, part.true.tolist(), part.check.tolist(), strict=True)
        for example, true, check in examples:
            yield example, ListedExample(evaluation.classes[true], f"{check:016x}")


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
    known: tuple[dict[str, ListedExample], str] | None = None
    if manifest is not None and at_hand:
        known = read_manifest(manifest)
        if pinned is None and known[1] == found:
            return None
    message = [f"the evaluation set changed: its digest is {found}"]
    if pinned is not None:
        message[0] += f", and dataset.digest is {pinned}"
    if known is None:
        message.append(
            "  a manifest of the set as it was shows which examples differ: --confmat-manifest FILE"
        )
    else:
        message += _differing(compare(evaluation, known[0]), manifest)
        if pinned not in (None, known[1]):
            message.append(f"  the manifest is of a third set: its digest is {known[1]}")
    return "\n".join(message)


def _differing(difference: Difference, manifest: Path | None) -> Iterator[str]:
    groups = {
        kind: [one_line(example) for example in getattr(difference, kind)]
        for kind in ("added", "removed", "changed", "relabeled")
    }
    groups["moved"] = list(map(_move, difference.moved))
    counts = [f"{len(shown):,} {kind}" for kind, shown in groups.items() if shown]
    if difference.reordered:
        counts.append("in another order")
    yield f"  against {manifest}: {', '.join(counts) or 'the same examples'}"
    for kind, shown in groups.items():
        yield from (f"  {kind:10}   {each}" for each in first_lines(shown, SHOWN))


def _move(move: Move) -> str:
    ids = f"{one_line(move.before)} -> {one_line(move.now)}"
    if move.was == move.actual:
        return ids
    return f"{ids}, from class {quoted(move.was)} to {quoted(move.actual)}"


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
