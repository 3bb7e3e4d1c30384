"""All parts of an evaluation, wherever they were computed -> the evaluation.

Nothing is evaluated and no data are read. That every part is there once, whole, and of one plan
is proven here, whatever folders, names of files and their order say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from pytest_confmat.assembly import assembled
from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.diagnosis import LikelyCause, likely_causes
from pytest_confmat.errors import EvaluationError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.faults import Care
from pytest_confmat.filenames import short_path
from pytest_confmat.job import Job, seen_from_here
from pytest_confmat.kinds import kind_of
from pytest_confmat.parts import Part
from pytest_confmat.shards.evaluating import require_plain
from pytest_confmat.shards.files import PART, PLAN, PartFile, files_in, read_part, read_plan
from pytest_confmat.shards.plan import EvaluationPlan
from pytest_confmat.shards.shard import Shard
from pytest_confmat.text import first_lines, joined, listed, one_line, plural

SCORE_TOLERANCE = 1e-4
_UNTRIED = (
    "the usual rescalings were not tried, as --confmat-merge reads no data: a run without it does"
)
_SHOWN = 20
_EXAMPLES_NAMED = 3


@dataclass(frozen=True)
class _PlannedSet:
    """What is known of a set whose data are not here."""

    description: str
    parts: tuple[PlannedPart, ...]
    offset: int


def common_plan(folders: Sequence[Path]) -> EvaluationPlan:
    """Return the one plan of all parts in folders.

    Raises
    ------
    EvaluationError
        If there is none, one is damaged, or two differ; the text says in what.
    """
    paths = list(files_in(folders, PLAN))
    if not paths:
        raise EvaluationError(
            f"there is no plan in {_named(folders)}: --confmat-shard I/N --confmat-parts DIR "
            "writes parts with their plan"
        )
    first = read_plan(paths[0])
    for path in paths[1:]:
        if apart := first.differences(read_plan(path)):
            raise EvaluationError(
                f"the parts are of different evaluations, and cannot be merged: "
                f"{short_path(paths[0])} differs from {short_path(path)}\n"
                + "\n".join(f"  {line}" for line in apart)
            )
    return first


def merged(job: Job, folders: Sequence[Path]) -> Evaluation:
    """Return the evaluation of `job` that the parts in folders make up.

    Raises
    ------
    ConfmatError
        If the parts are of another job, one is missing, damaged, foreign, or there with two
        results, or examples are at fault.
    """
    started = perf_counter()
    require_plain(job, "--confmat-merge")
    plan = common_plan(folders)
    if apart := plan.foreign_to(job):
        raise EvaluationError(
            f"the parts in {_named(folders)} are of another evaluation than this run asks for\n"
            + "\n".join(f"  {line}" for line in apart)
        )
    found = read_parts(plan, files_in(folders, PART), _named(folders))
    return assemble(job, plan, found, perf_counter() - started)


def read_parts(plan: EvaluationPlan, paths: Iterable[Path], place: str) -> list[PartFile]:
    """Read every part of a plan, each once, in the set's order.

    Raises
    ------
    EvaluationError
        If one is missing, damaged or foreign, or two results of one differ.
    """
    results: dict[str, dict[str, tuple[Path, PartFile]]] = {}
    wrong: list[str] = []
    position = {part.id: number for number, part in enumerate(plan.parts)}
    for path in paths:
        try:
            found = read_part(path)
        except EvaluationError as error:
            wrong.append(str(error))
            continue
        if (why := _foreign(found, plan, position)) is not None:
            wrong.append(f"{short_path(path)} {why}")
            continue
        results.setdefault(found.outcomes.part.id, {}).setdefault(_content(found), (path, found))
    # Which of several results is taken follows from what they hold, not from where they lie.
    ordered = {name: [each[key] for key in sorted(each)] for name, each in results.items()}
    for first, *others in ordered.values():
        wrong += (line for other in others for line in _conflict(first, other))
    missing = [part.id for part in plan.parts if part.id not in ordered]
    if wrong or missing:
        totals = {found.shard.total for each in ordered.values() for _, found in each}
        raise EvaluationError(_refusal(plan, missing, wrong, place, totals))
    return [ordered[part.id][0][1] for part in plan.parts]


def assemble(
    job: Job, plan: EvaluationPlan, found: Sequence[PartFile], seconds: float = 0.0
) -> Evaluation:
    """Return the evaluation that all parts of a plan make up; see `merged`."""
    outcomes = [each.outcomes for each in found]
    parts = tuple(PlannedPart(each.part.id, each.part.ids) for each in outcomes)
    evaluation = assembled(
        _PlannedSet(kind_of(job.dataset).describe(job.dataset), parts, plan.offset),
        job.classes,
        outcomes,
        care=Care(job.dataset.on_fault, job.dataset.max_faults),
        provenance=plan.provenance,
        notes=tuple(note for each in found for note in each.notes),
        timing={"merge": seconds},
    )
    notes = (*evaluation.notes, *filter(None, (plan.doubt, *_environments(found))))
    without = frozenset(job.without_examples)
    return seen_from_here(replace(evaluation, notes=notes, without_examples=without), job)


def without_probing(job: Job, evaluation: Evaluation) -> tuple[LikelyCause, ...]:
    """Return what a matrix looks like, without a look at the data, and say so."""
    found = likely_causes(evaluation.matrix, job.dataset, job.decision)
    if not any(cause.kind == "collapsed" for cause in found):
        return found
    return (*found, LikelyCause("preprocessing", _UNTRIED, {}))


def _foreign(found: PartFile, plan: EvaluationPlan, position: Mapping[str, int]) -> str | None:
    """Return why a part is none of a plan's, as a predicate; ``None``: it is one."""
    part = found.outcomes.part
    if found.plan != plan.digest:
        return (
            f"is of another evaluation: its plan has the digest {one_line(found.plan)[:16]}, and "
            f"that of the others {plan.digest[:16]}"
        )
    at = position.get(part.id)
    if at is None:
        return f"is of the part {one_line(part.id)}, which the plan does not have"
    if (part.position, len(part), found.classes) != (at, plan.parts[at].examples, plan.classes):
        return (
            f"is not the part {part.id} of the plan, which is number {at} and has "
            f"{plural(plan.parts[at].examples, 'example')}: it says number {part.position}, and "
            f"has {len(part):,}"
        )
    return None


def _content(found: PartFile) -> str:
    """Return a digest of a part's outcomes, without where and how they were computed."""
    outcomes = found.outcomes
    bare = replace(found, shard=Shard(1, 1), environment={}, notes=())
    return sha256(bare.to_bytes()).hexdigest() + str(sorted(outcomes.faults))


def _conflict(one: tuple[Path, PartFile], other: tuple[Path, PartFile]) -> Iterator[str]:
    """Say in what two results of one part differ beyond the last digits of scores."""
    first, second = one[1].outcomes.part, other[1].outcomes.part
    for what, places in _differing(first, second):
        if places.size:
            named = listed([first.ids[int(at)] for at in places], _EXAMPLES_NAMED)
            yield (
                f"the part {first.id} is there with two results, {short_path(one[0])} and "
                f"{short_path(other[0])}, which differ in the {what} of "
                f"{plural(places.size, 'example')}: {named}"
            )
            return


def _differing(one: Part, other: Part) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    ids = [at for at, pair in enumerate(zip(one.ids, other.ids, strict=True)) if len({*pair}) > 1]
    yield "ids", np.array(ids, np.int64)
    for what, name in (("content", "check"), ("true class", "true"), ("prediction", "predicted")):
        yield what, np.flatnonzero(getattr(one, name) != getattr(other, name))
    n = len(one)
    weights = [np.ones(n) if each.weight is None else each.weight for each in (one, other)]
    close = np.isclose(weights[0], weights[1], rtol=0, atol=0, equal_nan=True)
    yield "weight", np.flatnonzero(~close | ((one.weight is None) != (other.weight is None)))
    scores = [each.score.astype(np.float64) for each in (one, other)]
    alike = np.isclose(scores[0], scores[1], rtol=0, atol=SCORE_TOLERANCE, equal_nan=True)
    yield "score", np.flatnonzero(~alike)


def _refusal(
    plan: EvaluationPlan, missing: list[str], wrong: list[str], place: str, totals: set[int]
) -> str:
    lines = []
    if missing:
        shown = joined(missing, _EXAMPLES_NAMED)
        are = "is" if len(missing) == 1 else "are"
        many = f"{len(missing):,} of {plural(len(plan.parts), 'part')} {are} missing"
        lines.append(f"{many}: {shown}{_again(plan, missing, totals)}")
    lines += first_lines(wrong, _SHOWN, "file that cannot be used", "files that cannot be used")
    return f"the parts in {place} are not one whole evaluation: " + "\n  ".join(lines)


def _again(plan: EvaluationPlan, missing: list[str], totals: set[int]) -> str:
    """Say which shards to run again, where all parts are of one division into shards."""
    if len(totals) != 1:
        return ""
    (total,) = totals
    position = {part.id: number for number, part in enumerate(plan.parts)}
    shards = dict.fromkeys(str(Shard.holding(position[name], total)) for name in missing)
    options = "--confmat-shard" if len(shards) == 1 else "each --confmat-shard of"
    return f"; run again: {options} {joined(sorted(shards, key=_number))}"


def _number(shard: str) -> int:
    return Shard.of(shard).number


def _environments(found: Sequence[PartFile]) -> Iterator[str]:
    """Yield a note where parts were computed on unlike machines."""
    names = dict.fromkeys(name for each in found for name in each.environment)
    unlike = []
    for name in names:
        values = dict.fromkeys(one_line(str(each.environment.get(name))) for each in found)
        if len(values) > 1:
            unlike.append(f"{name} ({joined(sorted(values))})")
    if unlike:
        yield (
            "parts were evaluated on machines that differ, which may move scores in their last "
            f"digits: {'; '.join(unlike)}"
        )


def _named(folders: Sequence[Path]) -> str:
    return joined([one_line(short_path(folder)) for folder in folders])
