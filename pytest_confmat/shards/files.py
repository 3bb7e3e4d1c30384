"""The files of a folder of parts: the plan, and each part with its outcomes.

Each is whole or not there, begins with a digest of its content, and holds no code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_confmat.cache.checksummed import read_checksummed, write_checksummed
from pytest_confmat.errors import EvaluationError
from pytest_confmat.filenames import short_path
from pytest_confmat.outcomes import PartOutcomes
from pytest_confmat.shards.plan import EvaluationPlan
from pytest_confmat.shards.shard import Shard
from pytest_confmat.stored_outcomes import StoredOutcomes
from pytest_confmat.text import one_line

PLAN, PART = ".confmat-plan", ".confmat-part"
_SHORT = 16  # digits of a plan's digest in the names of files
_DAMAGED = "is damaged: it is not what a shard wrote, but cut short or altered"


@dataclass(frozen=True, eq=False)
class PartFile:
    """A part as a shard wrote it.

    Attributes
    ----------
    plan
        The digest of its plan.
    shard
        By which it was evaluated.
    environment
        What the shard ran on; JSON values.
    notes
        Sentences of data and model for the reader.
    """

    outcomes: PartOutcomes
    classes: tuple[str, ...]
    plan: str
    shard: Shard
    environment: Mapping[str, Any]
    notes: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        about = {
            "plan": self.plan,
            "shard": str(self.shard),
            "environment": dict(self.environment),
            "notes": list(self.notes),
        }
        return StoredOutcomes(self.outcomes, self.classes, about).to_bytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> PartFile:
        """Read what `to_bytes` returned; raises as `StoredOutcomes.from_bytes` does."""
        stored = StoredOutcomes.from_bytes(content)
        about = stored.about
        try:
            return cls(
                stored.outcomes,
                stored.classes,
                str(about["plan"]),
                Shard.of(str(about["shard"])),
                dict(about["environment"]),
                tuple(map(str, about["notes"])),
            )
        except Exception as error:
            raise EvaluationError("it was not written by a shard") from error


def write_plan(folder: Path, plan: EvaluationPlan) -> Path:
    """Write a plan into a folder, which is made."""
    path = folder / f"{plan.digest[:_SHORT]}{PLAN}"
    write_checksummed(path, plan.to_bytes())
    return path


def write_part(folder: Path, found: PartFile) -> Path:
    """Write a part into a folder, in the place of an earlier result of it."""
    path = folder / f"{found.outcomes.part.id}.{found.plan[:_SHORT]}{PART}"
    write_checksummed(path, found.to_bytes())
    return path


def require_whole(path: Path) -> None:
    """Read back what was written.

    Raises
    ------
    EvaluationError
        If it is not there as it was written.
    """
    _content(path)


def read_part(path: Path) -> PartFile:
    """Read a part.

    Raises
    ------
    EvaluationError
        If it is damaged; the text names the file.
    """
    try:
        return PartFile.from_bytes(_content(path))
    except EvaluationError as error:
        if path.name in str(error):
            raise
        raise EvaluationError(f"{short_path(path)} {_DAMAGED}") from error


def read_plan(path: Path) -> EvaluationPlan:
    """Read a plan.

    Raises
    ------
    EvaluationError
        If it is damaged or of another version; the text names the file.
    """
    content = _content(path)
    try:
        return EvaluationPlan.from_bytes(content)
    except EvaluationError as error:
        raise EvaluationError(f"{short_path(path)} {error}") from error


def files_in(folders: Sequence[Path], suffix: str) -> Iterator[Path]:
    """Yield the files of parts or plans in folders and below them, each once, in order.

    Raises
    ------
    EvaluationError
        If a folder is not there.
    """
    seen: set[Path] = set()
    for folder in folders:
        if not folder.is_dir():
            raise EvaluationError(
                f"there is no folder {one_line(short_path(folder))}: name one that shards wrote "
                "their parts to, with --confmat-parts"
            )
        for path in sorted(folder.rglob(f"*{suffix}")):
            if not path.name.startswith(".") and path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def _content(path: Path) -> bytes:
    try:
        content = read_checksummed(path)
    except OSError as error:
        raise EvaluationError(
            f"{short_path(path)} cannot be read: {error.strerror or error}"
        ) from error
    if content is None:
        raise EvaluationError(f"{short_path(path)} {_DAMAGED}")
    return content
