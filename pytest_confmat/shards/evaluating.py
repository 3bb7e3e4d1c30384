"""One shard: evaluate its share of the parts, and write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from pytest_confmat.assembly import assembled
from pytest_confmat.cache.environment import hardware
from pytest_confmat.errors import EvaluationError, ModelError, RequestError
from pytest_confmat.filenames import short_path
from pytest_confmat.job import Divided, Job, divided
from pytest_confmat.outcomes import PartOutcomes
from pytest_confmat.resuming import Done, Kept, ProgressCallback, counting_on
from pytest_confmat.shards.files import (
    PLAN,
    PartFile,
    files_in,
    read_plan,
    require_whole,
    write_part,
    write_plan,
)
from pytest_confmat.shards.plan import EvaluationPlan
from pytest_confmat.shards.shard import Shard
from pytest_confmat.streaming import NOT_PURE
from pytest_confmat.text import one_line, plural


def require_plain(job: Job, option: str) -> None:
    """Refuse a job whose model or data are objects, which another process cannot see.

    Raises
    ------
    RequestError
        If it is such a job.
    """
    if not job.is_plain:
        raise RequestError(
            f"{option} needs a model file and a policy's dataset, which other processes can see, "
            "and here model or data come from a fixture of the project's: evaluate it as a whole"
        )


def evaluate_shard(
    job: Job,
    shard: Shard,
    folder: Path,
    custom_objects: Mapping[str, Any] | None = None,
    *,
    progress: ProgressCallback | None = None,
    kept: Kept | None = None,
) -> str:
    """Evaluate a shard's parts of a job, write them, and return in a sentence what was done.

    Parameters
    ----------
    kept
        Parts that an earlier run has done, which are not evaluated again.

    Raises
    ------
    ConfmatError
        If model or data are not what they should be, the model must see the whole set in its
        order, examples are at fault, or the parts cannot be written.
    """
    require_plain(job, "--confmat-shard")
    apart = divided(job, custom_objects)
    plan = EvaluationPlan.of(apart)
    if apart.is_pure is False:
        raise ModelError(NOT_PURE)
    try:
        _require_own(folder, plan)
        written = [write_plan(folder, plan)]
        done, ran_on = [], hardware()
        for each in _done(apart, shard, progress, kept):
            found = PartFile(each.outcomes, job.classes, plan.digest, shard, ran_on, each.notes)
            written.append(write_part(folder, found))
            done.append(each.outcomes)
    except OSError as error:
        raise EvaluationError(
            f"parts cannot be written to {short_path(folder)}: {error.strerror or error}"
        ) from error
    for path in written:
        require_whole(path)
    _require_sound(apart, done)
    if kept is not None:
        kept.forget()
    examples = sum(len(each.part) for each in done)
    return (
        f"{len(done):,} of {plural(len(plan.parts), 'part')} with {examples:,} of "
        f"{plural(plan.examples, 'example')} evaluated, and written to "
        f"{one_line(short_path(folder))}{_resumed(kept)}"
    )


def _resumed(kept: Kept | None) -> str:
    if kept is None or not kept.resumed:
        return ""
    were = "was" if kept.resumed == 1 else "were"
    return f"; {kept.resumed:,} of them {were} done by an earlier run"


def _done(
    apart: Divided, shard: Shard, progress: ProgressCallback | None, kept: Kept | None
) -> Iterator[Done]:
    """Yield the parts of a shard: those that are done already, then the others as they are."""
    asked, classes = [part.id for part in shard.share(apart.parts)], apart.job.classes
    before = {} if kept is None else kept.done(apart.parts, classes, asked)
    rest = [part for part in asked if part not in before]
    resumed = tuple(before.values())
    yield from resumed
    if not rest:
        return
    try:
        with closing(apart.outcomes(rest, counting_on(progress, resumed))) as outcomes:
            for each in outcomes:
                if not apart.is_pure:  # of some models that is known after the first batch
                    raise ModelError(NOT_PURE)
                if kept is not None:
                    kept.keep(each, classes, apart.notes)
                yield Done(each, apart.notes)
    finally:
        if kept is not None:
            kept.close()


def _require_own(folder: Path, plan: EvaluationPlan) -> None:
    """Refuse a folder with parts that these could not be merged with."""
    if not folder.is_dir():
        return
    for path in files_in([folder], PLAN):
        if apart := plan.differences(read_plan(path)):
            raise EvaluationError(
                f"{one_line(short_path(folder))} holds parts of another evaluation "
                f"({path.name}), which could not be merged with these: name another folder, or "
                "empty it\n" + "\n".join(f"  {line}" for line in apart)
            )


def _require_sound(apart: Divided, done: list[PartOutcomes]) -> None:
    """Refuse examples at fault where each of them is an error: the merge would as well."""
    if apart.care.on_fault == "error" and any(each.faults for each in done):
        source, care, classes = apart.source, apart.care, apart.job.classes
        assembled(source, classes, done, care=care, provenance={}, notes=(), timing={})
