"""The tables of docs/evidence.md, from the figures of `benchmarks.evidence`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_confmat.evidence.paired import pairs_needed
from pytest_confmat.evidence.shares import trials_needed

BEGIN, END = "<!-- {0}: made by benchmarks/evidence.py -->", "<!-- end of {0} -->"
Row = dict[str, Any]


def percent(value: float) -> str:
    """Return a share as text."""
    return f"{100 * value:.1f} %"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(figures: Mapping[str, list[Row]]) -> dict[str, str]:
    """Return the tables of docs/evidence.md by name."""
    return {
        "proven": table(
            ["limit = true recall", "examples", "passed, simulated", "passed, exactly"],
            (
                [
                    r["limit"],
                    f"{r['examples']:,}",
                    percent(r["passed"]),
                    percent(r["passed_exactly"]),
                ]
                for r in figures["proven_at_the_limit"]
            ),
        ),
        "refuted": table(
            [
                "examples of 50 classes",
                "blocked with `family: none`",
                "blocked with `family: holm`",
            ],
            (
                [r["examples"], percent(r["none"]), percent(r["holm"])]
                for r in figures["refuted_at_the_limit"]
            ),
        ),
        "margin": table(
            [
                "margin = true drop",
                "examples",
                "also change both ways",
                "`proven` passes",
                "`not_refuted` blocks",
                "Tango's test as published passes",
            ],
            (
                [
                    r["margin"],
                    f"{r['examples']:,}",
                    f"{100 * r['changed_both_ways']:.0f} %",
                    percent(r["passed"]),
                    percent(r["blocked"]),
                    percent(r["passed_as_published"]),
                ]
                for r in figures["inferior_at_the_margin"]
                if r["margin"] == "0.02"
            ),
        ),
        "worst": table(
            [
                "examples",
                "`proven` passes",
                "`not_refuted` blocks",
                "Tango's test as published passes",
            ],
            (
                [f"{n:,}", *(percent(worst[key]) for key in _WORST)]
                for n, worst in worst_by_examples(figures["worst_at_the_margin"], 0.5).items()
            ),
        ),
        "written": table(
            [
                "evaluation set",
                "passed, as written",
                "with limits exactly at the simultaneous bounds",
                "with limits at each class's own bound",
            ],
            (
                [
                    r["set"],
                    percent(r["passed"]),
                    percent(r["passed_at_the_bounds"]),
                    percent(r["passed_by_single_bounds"]),
                ]
                for r in figures["equally_good"]
            ),
        ),
    }


_WORST = ("passed", "blocked", "passed_as_published")


def worst_by_examples(rows: Iterable[Row], changed: float) -> dict[int, dict[str, float]]:
    """Return the highest figures of all margins."""
    worst: dict[int, dict[str, float]] = {}
    for row in rows:
        if row["changed"] == changed:
            best = worst.setdefault(row["examples"], dict.fromkeys(_WORST, 0.0))
            for key in _WORST:
                best[key] = max(best[key], row[key])
    return worst


def needed_tables() -> dict[str, str]:
    """Return the tables of how many examples it takes; nothing of them is simulated."""
    kept = {"none": 0.0, "half of them": 0.5, "three quarters": 0.75, "nine tenths": 0.9}
    changes = {"none": 0.0, "1 % each way": 0.01, "2 % each way": 0.02, "5 % each way": 0.05}
    return {
        "needed": table(
            ["limit on recall", *(f"mistakes: {name}" for name in kept)],
            (
                [
                    f"{limit:.2f}",
                    *(_proving(limit, 1 - part * (1 - limit)) for part in kept.values()),
                ]
                for limit in (0.8, 0.9, 0.95, 0.98, 0.99)
            ),
        ),
        "pairs": table(
            ["`max_drop`", *(f"changed: {name}" for name in changes)],
            (
                [str(margin), *(_comparing(margin, share) for share in changes.values())]
                for margin in (0.005, 0.01, 0.02, 0.05)
            ),
        ),
    }


def _proving(limit: float, estimate: float) -> str:
    return f"{trials_needed(round(estimate, 12), limit, 0.95, 'above'):,}"


def _comparing(margin: float, share: float) -> str:
    changed = round(1000 * share)
    return f"{pairs_needed(changed, changed, 1000, margin, 0.95, 'below'):,}"


def put(text: str, named: Mapping[str, str]) -> str:
    """Return a page with each table in its place."""
    for name, content in named.items():
        begin, end = BEGIN.format(name), END.format(name)
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise SystemExit(f"there is no place for the table {name!r}: {begin} ... {end}")
        text = f"{before}{begin}\n\n{content}\n\n{end}{after}"
    return text
