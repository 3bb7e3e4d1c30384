"""Files that a run reads or writes under more than one name: one would overwrite the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from pytest_confmat.baseline.file_pair import BaselineFiles
from pytest_confmat.escaping import printable
from pytest_confmat.filenames import identity
from pytest_confmat.kinds import kind_of
from pytest_confmat.output import Output
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.plugin.record import Record
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.shards.files import PLAN


@dataclass(frozen=True)
class Claim:
    """A file, by whom it is named, and whether the run writes it."""

    origin: str
    path: Path
    writes: bool


def require_apart(
    config: pytest.Config,
    settings: Settings,
    gates: Sequence[Gate],
    outputs: Iterable[Output],
    record: Record | None,
) -> None:
    """Refuse a run in which one file would overwrite another, or something that is not ours.

    Links, ``..`` and the case of letters make no difference.

    Raises
    ------
    pytest.UsageError
        If there is one; the text names both options and the file.
    """
    written = list(_written(config, outputs, record))
    if settings.shard is not None:
        written.append(Claim("--confmat-parts", settings.shard.folder / f"plan{PLAN}", True))
    named = [*_read(settings, gates), *written]
    places = [(claim, identity(claim.path)) for claim in named]
    for (one, place), (other, its_place) in combinations(places, 2):
        if place == its_place and (one.writes or other.writes):
            if record is not None:
                record.withhold((one.path, other.path))
            raise pytest.UsageError(
                f"{one.origin} and {other.origin} lead to one file, {_shown(other.path)}: change "
                "one of them"
            )
    for claim in written:
        for gate in gates:
            if _is_among_data(claim.path, gate):
                if record is not None:
                    record.withhold((claim.path,))
                raise pytest.UsageError(
                    f"{claim.origin} would write {_shown(claim.path)}, which is among the data of "
                    f"{gate.path.name}: name another place"
                )


def _read(settings: Settings, gates: Sequence[Gate]) -> Iterator[Claim]:
    origins = settings.origins
    for model in dict.fromkeys(gate.model for gate in gates):
        if model is not None:
            yield Claim(model.origin, model.spec.path, False)
    for gate in gates:
        yield Claim(f"the policy {gate.path.name}", gate.path, False)
        if gate.reference is not None:
            yield Claim(gate.reference.origin, gate.reference.spec.path, False)
        if gate.baseline is not None:
            text = _text(gate.baseline.path)
            # A baseline may be replaced by the one that was compared with it.
            if settings.save_baseline is None or text != _text(settings.save_baseline):
                origin = origins.get("baseline", f"baseline in {gate.path.name}")
                yield Claim(origin, text, False)


def _written(
    config: pytest.Config, outputs: Iterable[Output], record: Record | None
) -> Iterator[Claim]:
    for output in outputs:
        for path in output.files:
            yield Claim(output.origin, path, True)
    if record is not None and record.junit is not None:
        yield Claim("--junitxml", record.junit[0], True)
    if given := getattr(config.option, "log_file", None):
        yield Claim("--log-file", config.invocation_params.dir / given, True)


def _is_among_data(path: Path, gate: Gate) -> bool:
    dataset = gate.dataset
    return dataset is not None and kind_of(dataset).holds(dataset, gate.classes, path)


def _text(path: Path) -> Path:
    return BaselineFiles(path).text.resolve()


def _shown(path: Path) -> str:
    return printable(str(path), 400)
