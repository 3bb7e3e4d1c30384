"""The summary of a policy's result: the verdict in one line, what it rests on, and the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_confmat.escaping import defused, printable, printable_quoted
from pytest_confmat.filenames import short_path
from pytest_confmat.limits import FLIPS, is_overall
from pytest_confmat.report.class_view import ClassView, all_notes, class_view
from pytest_confmat.report.interval_text import interval_text
from pytest_confmat.report.rows import (
    AccuracyRow,
    accuracy_row,
    accuracy_text,
    blocking_verdicts,
    verdict_row,
)
from pytest_confmat.report.wording import located_headline
from pytest_confmat.result import GateResult
from pytest_confmat.text import and_more, first_lines, joined, plural
from pytest_confmat.verdict import Verdict

if TYPE_CHECKING:
    from pytest_confmat.report.console import ConsoleText

FAILED_SHOWN = 20
IDS_SHOWN = 20
NOTES_SHOWN = 20
ERROR_LINES_SHOWN = 24
_SENTENCE = 600
# What a log has at least; the verdict's line is read there.
_LOG_WIDTH = 80


def summary(result: GateResult, width: int, color: bool) -> str:
    """Return the terminal summary of a result, without a newline at its end.

    Parameters
    ----------
    result
        Of one policy.
    width
        Columns of the terminal, 40 at least. Tables keep to it; verdict, limits and error stay
        one line each, however long, so that they can be searched for.
    color
        Whether to emphasize by ANSI escapes.
    """
    # rich costs a tenth of a second, which a run that prints no summary need not pay.
    from rich.text import Text

    from pytest_confmat.report.console import ConsoleText

    console = ConsoleText(width, color)
    console.whole(Text(verdict_line(result, width), _STYLES[result.outcome]))
    if suspected := list(_likely_causes(result)):
        console.wrapped(Text(paragraph, "yellow") for paragraph in suspected)
    console.wrapped(Text(paragraph) for paragraph in _paragraphs(result))
    if error := _error(result):
        console.whole(*map(Text, error))
    if failed := _failed(result):
        undecided = any(v.blocks and v.outcome == "undecided" for v in result.verdicts)
        title = "failed and undecided limits" if undecided else "failed limits"
        console.whole(Text(title, "bold"), *map(Text, failed))
    if let_pass := _undecided(result):
        console.whole(Text("undecided limits, let pass", "bold"), *map(Text, let_pass))
    if result.evaluation is not None:
        _add_tables(console, class_view(result, result.evaluation.matrix))
    last = [Text(paragraph) for paragraph in _notes(result)]
    if time := time_line(result):
        last.append(Text(time, "dim"))
    if last:
        console.wrapped(last)
    return defused(console.text())


def _add_tables(console: ConsoleText, classes: ClassView) -> None:
    from rich.text import Text

    from pytest_confmat.report import tables

    table, hidden = tables.class_table(classes, console.width)
    console.block(table, *([Text(hidden, "dim")] if hidden else []))
    matrix = tables.matrix_table(classes, console.width)
    if matrix is not None:
        console.block(Text("confusion matrix: rows are true classes, columns predicted"), matrix)
    elif found := tables.confusion_table(classes, console.width):
        table, more = found
        console.block(
            Text("most frequent confusions"), table, *([Text(more, "dim")] if more else [])
        )


_STAGES = {
    "import": "import",
    "load": "load",
    "open": "open",
    "first_batch": "first batch",
    "evaluate": "evaluate",
    "evaluate_rest": "evaluate the rest",
    "cache": "cache",
    "merge": "merge",
}


def time_line(result: GateResult) -> str | None:
    """Return where the time went, in one line: ``time: import 4.1 s, ... (749 examples/s)``."""
    stages = [
        f"{name} {result.timing[stage]:.1f} s"
        for stage, name in _STAGES.items()
        if result.timing.get(stage, 0) >= 0.05
    ]
    if result.examples_per_second is not None:
        stages.append(f"{result.examples_per_second:,.0f} examples/s")
    return f"time: {', '.join(stages)}" if stages else None


def verdict_line(result: GateResult, width: int = 80) -> str:
    """Return the result in one line: ``confmat: BLOCKED  3 of 31 limits failed: ...``.

    Ids of limits are named as far as `width` goes.
    """
    return defused(f"confmat: {word(result)}  {finding(result, width)}")


def word(result: GateResult) -> str:
    """Return the result in one word: ``BLOCKED``."""
    return WORDS[result.outcome] if result.partial is None else "PARTIAL"


WORDS = {
    "passed": "passed",
    "failed": "BLOCKED",
    "error": "ERROR",
    "incomplete": "INCOMPLETE",
}
_STYLES = {
    "passed": "bold green",
    "failed": "bold red",
    "error": "bold red",
    "incomplete": "bold yellow",
}


def finding(result: GateResult, width: int) -> str:
    """Return what stands behind the word of the verdict: ``3 of 31 limits failed: ...``."""
    found = tally(result)
    if result.outcome in ("passed", "incomplete"):
        return found
    if result.outcome == "error":
        reason = (result.error or "the evaluation could not be done").strip().splitlines() or [""]
        return f"{found}: {printable(reason[0], _SENTENCE)}" if found else printable(reason[0])
    room = max(width, _LOG_WIDTH) - len("confmat: BLOCKED  ") - len(found)
    return found + _named(_ids_in_the_way(result), room)


def tally(result: GateResult) -> str:
    """Return how many limits passed, or did not: ``3 of 31 limits failed``; no names.

    Empty where an error came before any limit.
    """
    if result.partial is not None:
        return result.partial
    undecided = sum(v.outcome == "undecided" and not v.blocks for v in result.verdicts)
    unchecked = len(result.unchecked)
    declared = len(result.verdicts) + unchecked
    limits = plural(declared, "limit")
    held = len(result.verdicts) - undecided
    waiting = f", {undecided} undecided" if undecided else ""
    if result.outcome == "passed":
        holding = f"{held} of {limits}" if undecided else limits
        if undecided and not held:
            holding = f"none of {limits} is decided, and undecided: warn lets that pass"
            waiting = ""
        if not declared and result.waiting:
            holding = "no limit is checked yet"
        baseline = f", {result.waiting} not compared with the baseline" if result.waiting else ""
        return f"{holding}{waiting}{baseline}{_examples(result)}"
    if result.outcome == "incomplete" and result.evaluation is not None and not declared:
        return f"judged nothing, as --confmat-look says,{_examples(result)}"
    if result.outcome == "incomplete":
        checked = f"{held} of {limits} passed{waiting}"
        return (
            f"{checked if result.verdicts else f'none of {limits} checked'}, {unchecked} left out"
        )
    failed = sum(v.outcome == "failed" for v in result.verdicts)
    blocking = sum(v.blocks and v.outcome == "undecided" for v in result.verdicts)
    counts = ((failed, "failed"), (blocking, "undecided"), (unchecked, "not checked"))
    parts = [f"{count:,} {word}" for count, word in counts if count]
    if parts:
        count, _, word = parts[0].partition(" ")
        parts[0] = f"{count} of {limits} {word}"
    return ", ".join(parts)


def _ids_in_the_way(result: GateResult) -> Sequence[str]:
    """Return the ids of the limits that failed, then of those undecided, else of those left."""
    blocking = blocking_verdicts(result, FAILED_SHOWN)
    failed = [verdict.limit.id for verdict in blocking if verdict.outcome == "failed"]
    undecided = [verdict.limit.id for verdict in blocking if verdict.outcome == "undecided"]
    return [*failed, *undecided] or list(result.unchecked)


def _named(ids: Sequence[str], room: int) -> str:
    """Return one id, and as many others as there is room for."""
    text = ""
    for number, name in enumerate(ids):
        longer = f"{text}{', ' if text else ': '}{printable(name)}"
        more = ", ..." if number < len(ids) - 1 else ""
        if text and len(longer + more) > room:
            return f"{text}, ..."
        text = longer
    return text


def _examples(result: GateResult) -> str:
    if result.evaluation is None:
        return ""
    return f" on {plural(len(result.evaluation), 'example')}"


def subject(result: GateResult) -> str:
    """Return model, data and policy in one sentence."""
    model = result.model.get("path") or result.model.get("format")
    source = result.dataset.get("source")
    examples = result.dataset.get("examples")
    if examples is None and result.evaluation is not None:
        examples = len(result.evaluation)
    parts = [f"model {printable(str(model), 200)}"] if model else []
    if source:
        parts.append(f"data {printable(str(source), 200)}")
    if examples is not None:
        parts.append(plural(int(examples), "example"))
    parts.append(f"limits {printable(short_path(result.policy))}")
    return ", ".join(parts)


def _likely_causes(result: GateResult) -> Iterator[str]:
    for cause in result.likely_causes:
        # What follows the first line is for the policy: to be pasted, it stands by itself.
        first, *more = cause.text.split("\n")
        yield f"likely cause: {printable(first, _SENTENCE)}"
        yield from (printable(line, _SENTENCE) for line in more)


def _paragraphs(result: GateResult) -> Iterator[str]:
    yield subject(result)
    if given := result.dataset.get("input"):
        yield f"input: {printable(str(given), _SENTENCE)}"
    if overall := _overall(result):
        yield f"overall: {overall}"
    if since := accuracy_row(result):
        yield f"{comparison_title(since)}: {since_baseline(since)}"
    if result.unchecked:
        unchecked = [printable(name) for name in result.unchecked]
        yield f"not checked: {joined(unchecked, IDS_SHOWN)}"


def since_baseline(row: AccuracyRow) -> str:
    """Return ``accuracy 0.9911 before, 0.9555 now (-0.0356), on 899 common examples``."""
    common = plural(row.examples, "common example")
    there, here = ("before", "now") if row.other == "baseline" else ("by it", "by this model")
    return f"accuracy {row.before} {there}, {row.now} {here} ({row.difference}), on {common}"


def comparison_title(row: AccuracyRow) -> str:
    """Return what a result is compared with, as a title: ``since the baseline``."""
    return f"{'since' if row.other == 'baseline' else 'beside'} the {row.other}"


def _notes(result: GateResult) -> Iterator[str]:
    lines = [f"note: {printable(note, _SENTENCE)}" for note in all_notes(result)]
    yield from first_lines(lines, NOTES_SHOWN, "note")
    if without := without_examples(result):
        yield without
    if result.exemptions:
        exempt = [
            f"{e.metric} of {printable_quoted(e.actual)} ({printable(str(e.location))})"
            for e in result.exemptions
        ]
        yield f"exempt: {joined(exempt, IDS_SHOWN)}"


def without_examples(result: GateResult) -> str:
    """Return which classes are declared to have no examples; empty: none is."""
    if result.evaluation is None or not result.evaluation.without_examples:
        return ""
    matrix = result.evaluation.matrix
    named = [printable_quoted(n) for n in matrix.classes if n in matrix.without_examples]
    return (
        f"without examples, as the policy says: {joined(named, IDS_SHOWN)}; averages are over the "
        f"other {plural(len(matrix.judged), 'class', 'classes')}"
    )


def _overall(result: GateResult) -> str:
    """Return the numbers for the whole set that have a limit, or accuracy if none has."""
    judged = [
        verdict
        for verdict in result.verdicts
        if is_overall(verdict.limit.metric) or verdict.limit.metric == FLIPS
    ]
    if not judged and (accuracy := accuracy_text(result)):
        return f"accuracy {accuracy}"
    return ", ".join(map(_number, judged))


def _number(verdict: Verdict) -> str:
    """Return ``accuracy 0.9555 (at least 0.95)``."""
    row, name = verdict_row(verdict), verdict.limit.id.replace("_drop", " drop")
    if verdict.observed is None:
        return f"{name} {row.observed}"
    side = verdict.limit.bound.kind.replace("_", " ")
    return f"{name} {row.observed} ({side} {printable(row.bound)})"


def _error(result: GateResult) -> list[str]:
    """Return the lines of the error that the verdict line does not have."""
    lines = (result.error or "").strip().splitlines()
    if result.outcome == "error":
        lines = lines[1:]
    shown = first_lines(lines, ERROR_LINES_SHOWN, "line")
    return [f"  {printable(line, _SENTENCE)}" for line in shown]


def _failed(result: GateResult) -> list[str]:
    failed = blocking_verdicts(result, FAILED_SHOWN)
    shown = [f"  {located_headline(verdict)}" for verdict in failed[:FAILED_SHOWN]]
    return [*shown, *_hidden(failed)]


def _undecided(result: GateResult) -> list[str]:
    waiting = [v for v in result.verdicts if v.outcome == "undecided" and not v.blocks]
    shown = []
    for verdict in waiting[:FAILED_SHOWN]:
        shown.append(f"  {located_headline(verdict)}")
        shown += [f"    {line}" for line in interval_text(verdict)]
    return [*shown, *_hidden(waiting)]


def _hidden(verdicts: Sequence[Verdict]) -> list[str]:
    hidden = len(verdicts) - FAILED_SHOWN
    return [f"  {and_more(hidden)}"] if hidden > 0 else []
