"""Measurements as Markdown, and their place in a document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- measured -->", "<!-- end of what was measured -->"
# What the project promises of itself: ratio, workload, at least.
TARGETS = (
    ("notebook loop / ours, cpu", "records", 15.0),
    ("predict + labels / ours, wall", "thumbnails", 1.4),
    ("limit / ours, cpu", "records", 0.9),
    ("limit / ours, cpu", "thumbnails", 0.9),
    ("limit / ours, cpu", "photos", 0.9),
    ("limit / ours, cpu", "many-classes", 0.9),
    ("onnxruntime loop / ours, cpu", "onnx-thumbnails", 0.9),
    ("LiteRT loop / ours, cpu", "litert-thumbnails", 0.9),
    ("limit / ours, wall", "records", 0.9),
    ("limit / ours, wall", "thumbnails", 0.9),
    ("limit / ours, wall", "photos", 0.9),
    ("limit / ours, wall", "many-classes", 0.9),
    ("limit / ours, wall", "more-records", 0.9),
)
# A thousand small shards may cost a tenth more than the same records in ten.
SHARDS = 0.91


def document(found: Mapping[str, Any]) -> str:
    """Return all tables of what `bench.result` made."""
    machine = ", ".join(f"{name} {value}" for name, value in found["machine"].items())
    parts = [f"Measured on: {machine}.", _targets(found)]
    parts += [_workload(name, each) for name, each in found["workloads"].items()]
    if unused := found["unused"]:
        parts.append(
            f"### Not used\n\n{unused['median_difference_ms']} ms of CPU time more than "
            f"`pytest -p no:confmat`, which takes {unused['median_without_ms']} ms over an empty "
            f"test (median of {unused['pairs']} pairs; the target is less than 10 ms). It imports "
            f"{unused['modules'] - len(unused['foreign'])} modules of its own, and of others: "
            f"{', '.join(unused['foreign']) or 'none'}."
        )
    if recalled := found["recalled"]:
        parts.append(_recalled(recalled))
    return "\n\n".join(parts)


def put(path: Path, tables: str) -> None:
    """Put tables between the two marks in a file."""
    text = path.read_text()
    before, _, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{path} has no place for tables: {_BEGIN} and {_END}")
    path.write_text(f"{before}{_BEGIN}\n\n{tables}\n\n{end}{after}")


def _targets(found: Mapping[str, Any]) -> str:
    rows = []
    for ratio, name, least in TARGETS:
        measured = found["workloads"].get(name, {}).get("ratios", {}).get(ratio)
        if measured is not None:
            met = "yes" if measured >= least else "no"
            rows.append((f"{ratio}: {name}", f"{least:g}", f"{measured:.2f}", met))
    few, many = (found["workloads"].get(name) for name in ("ten-shards", "small-shards"))
    if few and many:
        measured = few["seconds"]["ours"]["cpu"] / many["seconds"]["ours"]["cpu"]
        met = "yes" if measured >= SHARDS else "no"
        rows.append(("ten-shards / small-shards, cpu", f"{SHARDS:g}", f"{measured:.2f}", met))
    return _table(("target", "at least", "measured", "met"), rows)


def _workload(name: str, each: Mapping[str, Any]) -> str:
    ours = each["seconds"]["ours"]
    rows = []
    for competitor, took in each["seconds"].items():
        moved = each["moved"].get(competitor)
        rows.append(
            (
                competitor,
                f"{took['wall']:.2f}",
                f"{took['cpu']:.2f}",
                f"{took['cpu'] / ours['cpu']:.2f}",
                f"{took['peak_rss_mb']:,}",
                "" if moved is None else f"{moved}",
            )
        )
    head = ("", "wall s", "CPU s", "CPU, ours = 1", "peak MB", "examples elsewhere")
    lines = [f"### {name}", "", f"{each['title']}.", "", _table(head, rows), ""]
    lines += [_table(("ratio", ""), [(key, f"{n:.2f}") for key, n in each["ratios"].items()])]
    if each["missing"]:
        told = "; ".join(f"{name}: {why}" for name, why in each["missing"].items())
        lines += ["", f"Left out here: {told}."]
    return "\n".join(lines)


def _recalled(recalled: Mapping[str, Any]) -> str:
    rows = [
        (name, f"{took['bare_ms'] / 1000:.2f}", f"{took['more_ms'] / 1000:.2f}")
        for name, took in (
            ("warm", recalled["warm"]),
            ("fresh environment", recalled["fresh"]),
        )
    ]
    return (
        "### Recalled\n\nThe shipped digits gate, its evaluation recalled from the cache, in CPU "
        f"seconds beside a bare `pytest` over an empty test (median of {recalled['rounds']} pairs; "
        "the target is 0.6 more).\n\n" + _table(("", "bare pytest", "the gate adds"), rows)
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    rule = ("---", *["---:"] * (len(head) - 1))
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
