"""A result as Markdown: for a pull request's comment, and for the page of a CI run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_confmat.decimals import percent
from pytest_confmat.escaping import printable
from pytest_confmat.filenames import short_path
from pytest_confmat.report.class_view import ClassView, all_notes, class_view, confusions
from pytest_confmat.report.markdown_text import (
    code,
    code_block,
    comment,
    table_head,
    table_row,
)
from pytest_confmat.report.rows import (
    ClassRow,
    accuracy_row,
    accuracy_text,
    blocking_verdicts,
    class_rows,
    verdict_row,
)
from pytest_confmat.report.summary import (
    FAILED_SHOWN,
    comparison_title,
    since_baseline,
    tally,
    time_line,
    without_examples,
)
from pytest_confmat.report.tables import chosen
from pytest_confmat.report.wording import describe
from pytest_confmat.result import GateResult
from pytest_confmat.text import and_more, plural
from pytest_confmat.verdict import Verdict
from pytest_confmat.writing import write_atomically

# GitHub takes 65,536 characters in a comment, of which whoever posts it may need some.
COMMENT_BYTES = 60_000
# The first line begins with it: for programs that look for the comment of an earlier run.
MARK = "pytest-confmat summary"
MATRIX_SHOWN = 20
CONFUSIONS_SHOWN = 10
_HEAD = 24
_SENTENCE = 400
_TITLES = {
    "passed": "✅ Passed",
    "failed": "❌ BLOCKED",
    "error": "❌ ERROR",
    "incomplete": "⚠️ Incomplete",
}
_PARTIAL = "⚠️ Partial"
_BAD = "❌"
_UNDECIDED = "❓"


@dataclass(frozen=True)
class Section:
    """A part of the document that may lose its last rows for want of room.

    Attributes
    ----------
    before, rows, after
        Lines; of `rows` those stand that there is room for.
    hidden
        How many others there are, which have no row.
    noun
        What a row is, for the line that counts those left out.
    share
        The part of the whole document that it may fill, at most.
    """

    before: Sequence[str]
    rows: Iterable[str] = ()
    after: Sequence[str] = ()
    hidden: int = 0
    noun: str = "line"
    nouns: str = "lines"
    share: float = 1.0


def write_markdown(result: GateResult, path: Path) -> None:
    """Write the summary of a result to `path`, atomically, small enough for a comment."""
    write_atomically(path, markdown(result, COMMENT_BYTES).encode("utf-8"))


def markdown(result: GateResult, room: int) -> str:
    """Return a result as Markdown that takes at most `room` bytes as UTF-8.

    What does not fit is cut between rows, and counted. The first line is a comment that names the
    policy. Where not even the verdict fits, the text is empty.
    """
    mark = comment(f"{MARK}: {short_path(result.policy)}")
    return _put_together([mark, *_verdict(result)], _sections(result), room)


def refusal(reason: str, room: int) -> str:
    """Return, in at most `room` bytes, why a run ended before there was a result."""
    top = [comment(MARK), f"### {_TITLES['error']}: nothing was checked"]
    return _put_together(top, [_open("Error", [reason], 1.0)], room)


def _put_together(top: Sequence[str], sections: Iterable[Section], room: int) -> str:
    lines = list(top)
    left = room - _size(lines)
    if left < 0:
        return ""
    for section in sections:
        fitting = _fitted(section, min(left, int(room * section.share)))
        left -= _size(fitting)
        lines += fitting
    return "\n".join(lines) + "\n"


def _fitted(section: Section, room: int) -> list[str]:
    """Return the lines of a section, with a blank one before; none, if not even one row fits."""
    rows = list(section.rows)
    left = room - _size(["", *section.before, *section.after])
    if not section.hidden and _size(rows) <= left:
        return ["", *section.before, *rows, *section.after]
    # The length of the line that says what is missing hardly depends on the number.
    left -= _size(_missing(section, section.hidden + len(rows)))
    taken = _count_fitting(rows, left)
    if not taken:
        return []
    missing = _missing(section, section.hidden + len(rows) - taken)
    return ["", *section.before, *rows[:taken], *section.after, *missing]


def _missing(section: Section, number: int) -> list[str]:
    more = and_more(number, section.noun, section.nouns)
    return ["", f"{more}: `report.html` and `confmat.json` of the report folder have all"]


def _count_fitting(rows: Sequence[str], room: int) -> int:
    for number, row in enumerate(rows):
        room -= _size([row])
        if room < 0:
            return number
    return len(rows)


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode("utf-8")) + 1 for line in lines)


def _verdict(result: GateResult) -> Iterator[str]:
    counts = tally(result)
    title = _TITLES[result.outcome] if result.partial is None else _PARTIAL
    yield f"### {title}{f': {counts}' if counts else ''}"
    yield ""
    yield f"Policy {code(short_path(result.policy))}{_of_model(result)}{_of_data(result)}"
    if accuracy := accuracy_text(result):
        yield ""
        yield f"Accuracy {accuracy}"
    if since := accuracy_row(result):
        yield ""
        yield f"{comparison_title(since).capitalize()}: {since_baseline(since)}"


def _of_model(result: GateResult) -> str:
    model = result.model.get("path") or result.model.get("format")
    return f", model {code(short_path(str(model)), 200)}" if model else ""


def _of_data(result: GateResult) -> str:
    source, evaluation = result.dataset.get("source"), result.evaluation
    named = f", data {code(str(source), 200)}" if source else ""
    if evaluation is None:
        return named
    return f"{named}, {plural(len(evaluation), 'example')}"


def _sections(result: GateResult) -> Iterator[Section]:
    """Yield what follows the verdict, what is needed first before the rest."""
    if result.error:
        yield _open("Error", [result.error], 0.3)
    if result.unchecked:
        ids = [f"- {code(name)}" for name in result.unchecked]
        yield Section(["**Not checked**", ""], ids, noun="limit", nouns="limits", share=0.15)
    blocking = blocking_verdicts(result, FAILED_SHOWN)
    yield from _limits("Failed limits", blocking)
    waiting = [v for v in result.verdicts if v.outcome == "undecided" and not v.blocks]
    yield from _limits("Undecided limits, let pass", waiting)
    if result.likely_causes:
        yield _open("Likely causes", (cause.text for cause in result.likely_causes), 0.2)
    if result.evaluation is not None:
        yield from _numbers(class_view(result, result.evaluation.matrix))
    if blocking:
        reasons = (line for verdict in blocking for line in (describe(verdict), ""))
        yield _folded("What is behind each failed limit", reasons, 0.25)
    yield _folded("Details", _details(result), 1.0)


def _limits(title: str, verdicts: Sequence[Verdict]) -> Iterator[Section]:
    if not verdicts:
        return
    heads = ["", "limit", "observed", "bound", "true value", "support", "policy"]
    yield Section(
        [f"**{title}**", "", *table_head(heads, left=2)],
        [_limit_row(verdict) for verdict in verdicts],
        noun="limit",
        nouns="limits",
        share=0.35,
    )


def _limit_row(verdict: Verdict) -> str:
    row = verdict_row(verdict)
    return table_row(
        [
            _UNDECIDED if row.outcome == "undecided" else _BAD,
            code(row.id),
            row.observed,
            _signed(f"{row.sign} {row.bound}"),
            row.interval,
            f"{row.support:,}",
            code(str(row.location)) if row.location else "",
        ]
    )


def _numbers(view: ClassView) -> Iterator[Section]:
    yield _classes(view)
    if cells := confusions(view.matrix):
        yield _confusions(view, cells)
    if len(view.matrix.classes) <= MATRIX_SHOWN:
        yield _matrix(view)


def _classes(view: ClassView) -> Section:
    """Return the table of classes: few in their order, of many those that fail and the worst."""
    rows = class_rows(view, chosen(view))
    columns: list[tuple[str, Callable[[ClassRow], str]]] = [
        ("support", lambda row: f"{row.support:,}"),
        ("recall", lambda row: row.metrics[0]),
    ]
    if view.changes:
        columns.append(("change", lambda row: row.change))
    if any(row.interval for row in rows):
        columns.append(("true recall", lambda row: row.interval))
    columns += [("precision", lambda row: row.metrics[1]), ("f1", lambda row: row.metrics[2])]
    if any(row.bound for row in rows):
        columns.append(("bound", lambda row: _signed(row.bound)))
    return Section(
        ["**Classes**", "", *table_head(["", "class", *(head for head, _ in columns)], left=2)],
        [
            table_row(
                [_BAD if row.fails else "", code(row.name), *(cell(row) for _, cell in columns)]
            )
            for row in rows
        ],
        hidden=len(view.matrix.classes) - len(rows),
        noun="class",
        nouns="classes",
        share=0.3,
    )


def _signed(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _confusions(view: ClassView, cells: Sequence[tuple[int, int]]) -> Section:
    matrix = view.matrix
    shown = cells[:CONFUSIONS_SHOWN]
    counts = matrix.cells.at(*zip(*shown, strict=True)).tolist()
    return Section(
        [
            "**Most frequent confusions**",
            "",
            *table_head(["", "true class", "predicted", "count", "share"], left=3),
        ],
        [
            table_row(
                [
                    _BAD if (i, j) in view.cells else "",
                    code(matrix.classes[i]),
                    code(matrix.classes[j]),
                    f"{count:,}",
                    _signed(percent(count, int(matrix.support[i]))),
                ]
            )
            for count, (i, j) in zip(counts, shown, strict=True)
        ],
        hidden=len(cells) - len(shown),
        noun="confusion",
        nouns="confusions",
        share=0.1,
    )


def _matrix(view: ClassView) -> Section:
    names = [code(name, _HEAD) for name in view.matrix.classes]
    counts = view.matrix.counts.tolist()
    rows = [
        table_row([names[i], *(_cell(view, i, j, count) for j, count in enumerate(row))])
        for i, row in enumerate(counts)
    ]
    return Section(
        ["**Confusion matrix**: rows are true classes, columns predicted", ""],
        # As one: a part of a matrix says nothing.
        ["\n".join((*table_head(["", *names]), *rows))],
        share=0.5,
    )


def _cell(view: ClassView, i: int, j: int, count: int) -> str:
    if (i, j) in view.cells:
        return f"{_BAD} {count:,}"
    if not count:
        return "·"
    return f"**{count:,}**" if i == j else f"{count:,}"


def _open(title: str, texts: Iterable[str], share: float) -> Section:
    begin, lines, end = code_block(texts)
    return Section([f"**{title}**", "", begin], lines, [end], share=share)


def _folded(title: str, texts: Iterable[str], share: float) -> Section:
    """Return code that opens by a click."""
    begin, lines, end = code_block(texts)
    before = ["<details>", f"<summary>{title}</summary>", "", begin]
    return Section(before, lines, [end, "", "</details>"], share=share)


def _details(result: GateResult) -> Iterator[str]:
    values = [
        ("model sha256", result.model.get("sha256")),
        ("data digest", result.dataset.get("digest")),
        ("input", result.dataset.get("input")),
        ("cached", result.cached),
        ("versions", ", ".join(map(" ".join, result.versions.items()))),
    ]
    yield from (f"{name}: {printable(str(value), _SENTENCE)}" for name, value in values if value)
    yield from (f"note: {printable(note, _SENTENCE)}" for note in all_notes(result))
    if without := without_examples(result):
        yield without
    for exempt in result.exemptions:
        yield f"exempt: {exempt.metric} of {printable(exempt.actual)} ({exempt.location})"
    if time := time_line(result):
        yield time
