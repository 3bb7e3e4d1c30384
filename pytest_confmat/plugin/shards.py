"""What the command line asks for of shards and merges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_confmat.errors import RequestError
from pytest_confmat.plugin.places import absolute
from pytest_confmat.shards.shard import Shard

# What needs verdicts, or the whole set.
_OF_A_WHOLE = ("save_baseline", "tighten", "init", "look")


@dataclass(frozen=True)
class ShardRequest:
    """The parts that a run evaluates, and the folder (absolute) that it writes them to."""

    shard: Shard
    folder: Path


def shard_request(config: pytest.Config) -> ShardRequest | None:
    """Return what ``--confmat-shard`` and ``--confmat-parts`` ask for together.

    Raises
    ------
    pytest.UsageError
        If a value makes no sense, one is there without the other, or an option does not go with
        them.
    """
    shard, parts = config.getoption("confmat_shard"), config.getoption("confmat_parts")
    if shard is None and parts is None:
        return None
    if shard is None or parts is None:
        given, lacking = ("parts", "shard I/N") if shard is None else ("shard", "parts DIR")
        raise pytest.UsageError(
            f"--confmat-{given} needs --confmat-{lacking}: which parts a shard evaluates, and "
            "where it writes them"
        )
    _require_alone(config, "shard", (*_OF_A_WHOLE, "merge"))
    try:
        found = Shard.of(str(shard))
    except RequestError as error:
        raise pytest.UsageError(f"--confmat-shard: {error}") from error
    return ShardRequest(found, _folder(config, "parts", str(parts)))


def merge_folders(config: pytest.Config) -> tuple[Path, ...]:
    """Return the folders of ``--confmat-merge``.

    Raises
    ------
    pytest.UsageError
        If one makes no sense, or an option does not go with them.
    """
    given = config.getoption("confmat_merge")
    if given is None:
        return ()
    _require_alone(config, "merge", ("init",))
    return tuple(_folder(config, "merge", str(each)) for each in given)


def _folder(config: pytest.Config, name: str, text: str) -> Path:
    if not text:
        raise pytest.UsageError(f"--confmat-{name} is empty: give a folder")
    path = absolute(config.invocation_params.dir, text)
    if path.exists() and not path.is_dir():
        raise pytest.UsageError(f"--confmat-{name}: {path} is a file, not a folder")
    return path


def _require_alone(config: pytest.Config, name: str, others: tuple[str, ...]) -> None:
    why = {
        "shard": "evaluates a part of the set, and judges nothing",
        "merge": "judges what shards have evaluated",
    }
    for other in others:
        if config.getoption(f"confmat_{other}") is not None:
            raise pytest.UsageError(
                f"--confmat-{name} {why[name]}: --confmat-{other.replace('_', '-')} does not go "
                "with it"
            )
