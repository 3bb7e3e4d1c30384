"""What an item or a test found out, on its way to the ledger: in its stash, then in its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

import pytest

from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.limits import Limit
from pytest_confmat.parts import Fault
from pytest_confmat.verdict import Verdict


@dataclass(frozen=True)
class ItemFindings:
    """What an item of a policy found out.

    Attributes
    ----------
    policy
        The policy's path.
    key
        What the evaluation is remembered under.
    error
        Why no limit could be checked.
    cached
        When the evaluation was computed, if it was recalled; see `CacheInfo`.
    notes
        What is to be reported of the evaluation besides its numbers.
    faults
        The examples that cannot be used.
    likely_causes
        Of the limits that fail.
    verdicts
        On the item's limits.
    reason
        Why the item failed, in one line.
    see
        The item that tells more of it.
    partial
        What a shard has evaluated and written, in a sentence.
    """

    policy: str
    key: str | None = None
    error: str | None = None
    cached: str | None = None
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    likely_causes: tuple[LikelyCause, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    reason: str | None = None
    see: str | None = None
    partial: str | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return what xdist can carry."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        plain["faults"] = [astuple(fault) for fault in self.faults]
        plain["likely_causes"] = [cause.to_plain() for cause in self.likely_causes]
        plain["verdicts"] = [verdict.to_plain() for verdict in self.verdicts]
        return {name: value for name, value in plain.items() if value}


@dataclass(frozen=True)
class FixtureFindings:
    """What a test of the project's found out with the fixture `confmat`.

    Attributes
    ----------
    test
        Its node id.
    key
        What the evaluation that it saw is remembered under.
    """

    test: str
    key: str

    def to_plain(self) -> dict[str, Any]:
        """Return what xdist can carry."""
        return {"test": self.test, "key": self.key}


@dataclass(frozen=True)
class Evaluated:
    """A test evaluated something; told only where there is no policy."""

    def to_plain(self) -> dict[str, Any]:
        """Return what xdist can carry."""
        return {"evaluated": True}


Findings = ItemFindings | FixtureFindings | Evaluated
FINDINGS = pytest.StashKey[ItemFindings | FixtureFindings]()


def add_findings(item: pytest.Item, **found: Any) -> None:
    """Add to what an item of a policy has found out so far: fields of `ItemFindings`."""
    so_far = item.stash[FINDINGS]
    assert isinstance(so_far, ItemFindings)
    item.stash[FINDINGS] = replace(so_far, **found)


def read_findings(
    plain: Mapping[str, Any], limits_of: Callable[[str], Mapping[str, Limit]]
) -> Findings:
    """Read what `to_plain` returned.

    Parameters
    ----------
    limits_of
        Returns the limits of the policy at a path, by id.
    """
    if "evaluated" in plain:
        return Evaluated()
    if "test" in plain:
        return FixtureFindings(**plain)
    limits = limits_of(plain["policy"])
    rest = dict(plain)
    notes, faults, causes, verdicts = (
        rest.pop(name, ()) for name in ("notes", "faults", "likely_causes", "verdicts")
    )
    return ItemFindings(
        **rest,
        notes=tuple(notes),
        faults=tuple(Fault(*fault) for fault in faults),
        likely_causes=tuple(LikelyCause(**cause) for cause in causes),
        verdicts=tuple(Verdict.from_plain(verdict, limits) for verdict in verdicts),
    )
