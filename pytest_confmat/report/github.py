"""What GitHub Actions shows of a run: annotations on the lines of the policies that block it.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_confmat.errors import Location
from pytest_confmat.escaping import printable, printable_lines
from pytest_confmat.report.rows import worst_first
from pytest_confmat.report.summary import tally
from pytest_confmat.report.wording import describe
from pytest_confmat.result import GateResult
from pytest_confmat.text import and_more

# So many of each kind does GitHub show of a step.
MOST = 10
_MESSAGE = 4000
_MESSAGE_ESCAPES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY_ESCAPES = _MESSAGE_ESCAPES | str.maketrans({":": "%3A", ",": "%2C"})


@dataclass(frozen=True)
class Annotation:
    """An error at a line of a file."""

    message: str
    location: Location | None = None
    title: str = ""


def annotation_commands(results: Sequence[GateResult], root: Path | None) -> list[str]:
    """Return the commands that annotate what blocks a run, at most `MOST`.

    Parameters
    ----------
    results
        Of the gates of a run. What ended a gate comes first, then its limits, those farthest from
        their bounds first; the last of `MOST` counts the others.
    root
        The folder that the repository is checked out to; GitHub links paths below it.
    """
    found = [*_ended(results), *_limits(results)]
    shown = found if len(found) <= MOST else found[: MOST - 1]
    if hidden := len(found) - len(shown):
        more = f"{and_more(hidden)} did not pass: the summary of this step has them"
        shown = [*shown, Annotation(more, Location(results[0].policy, 1), "other limits")]
    return [command(annotation, root) for annotation in shown]


def command(annotation: Annotation, root: Path | None) -> str:
    """Return the line that a build prints to be annotated."""
    properties = []
    if annotation.location is not None:
        path = _property(_below(annotation.location.path, root))
        properties += [f"file={path}", f"line={annotation.location.line}"]
    if annotation.title:
        properties.append(f"title={_property(annotation.title)}")
    message = printable_lines(annotation.message)[:_MESSAGE].translate(_MESSAGE_ESCAPES)
    return f"::error {','.join(properties)}::{message}"


def _ended(results: Sequence[GateResult]) -> Iterator[Annotation]:
    """Yield what keeps gates from a verdict: an error, or limits that were not checked."""
    for result in results:
        top = Location(result.policy, 1)
        if result.error is not None:
            yield Annotation(result.error, top, "not evaluated")
        elif result.outcome == "failed" and result.unchecked:
            yield Annotation(tally(result), top, "not checked")


def _limits(results: Sequence[GateResult]) -> list[Annotation]:
    blocking = [verdict for result in results for verdict in result.verdicts if verdict.blocks]
    return [
        Annotation(describe(verdict), verdict.limit.location, verdict.limit.id)
        for verdict in worst_first(blocking)
    ]


def _below(path: Path, root: Path | None) -> str:
    """Return a path as GitHub links it: relative to the repository, with slashes."""
    try:
        return path.resolve().relative_to((root or Path()).resolve()).as_posix()
    except ValueError:
        return os.fspath(path)


def _property(text: str) -> str:
    return printable(text, 400).translate(_PROPERTY_ESCAPES)
