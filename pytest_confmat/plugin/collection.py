"""A policy as test items: one that evaluates, and one for every limit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pytest_confmat.errors import ConfmatError, ExamplesError
from pytest_confmat.escaping import printable_lines
from pytest_confmat.evaluation_set import class_fault
from pytest_confmat.parts import Fault
from pytest_confmat.plugin.findings import FINDINGS, ItemFindings, add_findings
from pytest_confmat.plugin.gate import EVALUATION, Gate
from pytest_confmat.plugin.longrepr import reason_of
from pytest_confmat.plugin.properties import add_digests, properties_of
from pytest_confmat.plugin.run import GateRun
from pytest_confmat.plugin.shards import ShardRequest
from pytest_confmat.plugin.state import GateState
from pytest_confmat.report.wording import describe, headline, reason_first
from pytest_confmat.text import and_more, plural
from pytest_confmat.verdict import Verdict

VERDICTS_TOLD = 50


class ThresholdsFile(pytest.File):
    """A policy as pytest collects it."""

    run: GateRun
    state: GateState

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, state: GateState) -> ThresholdsFile:
        """Return the collector of the gate at `path`."""
        node: ThresholdsFile = cls.from_parent(parent, path=path)
        node.run, node.state = state.runs[path.resolve()], state
        return node

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the item that evaluates, then one for each limit."""
        if self.state.shard is not None:
            yield self._item(EVALUATION, _shard_check(self.run, self.state.shard), 1)
            return
        yield self._item(EVALUATION, _evaluation_check(self.run, self.state), 1)
        for name, limits in self.run.gate.items.items():
            line = limits[0].location.line if limits[0].location else 1
            yield self._item(name, _limit_check(self.run, self.state, name), line)

    def _item(
        self, name: str, check: Callable[[pytest.FixtureRequest], None], line: int
    ) -> pytest.Item:
        item: ConfmatItem = ConfmatItem.from_parent(self, name=name, callobj=check)
        item.gate, item.line = self.run.gate, line
        item.add_marker("confmat")
        return item


class ConfmatItem(pytest.Function):
    """A pytest function, so that fixtures and markers work; located by its line in the policy."""

    gate: Gate
    line: int

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the limit is declared; pytest counts lines from 0."""
        return self.path, self.line - 1, self.name


def _evaluation_check(run: GateRun, state: GateState) -> Callable[[pytest.FixtureRequest], None]:
    def evaluation(request: pytest.FixtureRequest) -> None:
        item = request.node
        item.stash[FINDINGS] = ItemFindings(str(run.gate.path))
        fault: str | None
        try:
            result, key = run.evaluation(request)
            add_digests(request, run.gate, result, is_only=len(state.gates) == 1)
            add_findings(item, key=key, cached=run.cached, notes=run.notes)
            add_findings(item, likely_causes=run.likely_causes(request))
            fault = class_fault(result)
        except ConfmatError as error:
            fault = str(error)
            _add_faults(item, error, run)
        except BaseException:
            add_findings(item, error=run.error)
            raise
        # Outside of the handler, or pytest would show the handled error as a second failure.
        if fault is not None:
            add_findings(item, error=fault)
            _fail(item, printable_lines(fault))

    return evaluation


def _shard_check(run: GateRun, asked: ShardRequest) -> Callable[[pytest.FixtureRequest], None]:
    def shard(request: pytest.FixtureRequest) -> None:
        item = request.node
        item.stash[FINDINGS] = ItemFindings(str(run.gate.path))
        fault = None
        try:
            add_findings(item, partial=run.write_shard(request, asked))
        except ConfmatError as error:
            fault = str(error)
            _add_faults(item, error, run)
        # Outside of the handler, as in the item that evaluates.
        if fault is not None:
            add_findings(item, error=fault)
            _fail(item, printable_lines(fault))

    return shard


def _limit_check(
    run: GateRun, state: GateState, name: str
) -> Callable[[pytest.FixtureRequest], None]:
    def limit(request: pytest.FixtureRequest) -> None:
        item = request.node
        item.stash[FINDINGS] = ItemFindings(str(run.gate.path))
        try:
            _, key = run.evaluation(request)
            add_findings(item, key=key, cached=run.cached, notes=run.notes)
            judged, fault = run.verdicts(request), None
        except ConfmatError as error:
            judged, fault = {}, str(error)
            add_findings(item, error=fault)
            _add_faults(item, error, run)
        except BaseException:
            add_findings(item, error=run.error)
            raise
        if not judged:
            teller = EVALUATION if run.gate.path in state.reported else run.told_by
            if teller != name:
                # One cause is reported once.
                add_findings(item, see=teller)
                _fail(item, printable_lines(f"not checked: see {teller}"))
            _fail(item, printable_lines(f"not checked: {fault}"))
        verdicts = tuple(judged[limit.id] for limit in run.gate.items[name])
        add_findings(item, verdicts=verdicts, likely_causes=run.likely_causes(request))
        item.user_properties += properties_of(verdicts)
        waiting = [v for v in verdicts if v.outcome == "undecided" and not v.blocks]
        for told in _first(waiting, headline):
            _warn(item, told)
        if blocking := [verdict for verdict in verdicts if verdict.blocks]:
            many = plural(len(verdicts), "limit")
            count = "" if len(verdicts) == 1 else f"{len(blocking)} of {many}, such as "
            _fail(item, "\n".join(_first(blocking, describe)), count + reason_first(blocking[0]))

    return limit


def _fail(item: pytest.Item, text: str, reason: str | None = None) -> NoReturn:
    """Fail an item with `text`; in one line with its `reason`."""
    __tracebackhide__ = True
    add_findings(item, reason=reason_of(text) if reason is None else reason)
    pytest.fail(text, pytrace=False)


def _add_faults(item: pytest.Item, error: ConfmatError, run: GateRun) -> None:
    """Add the examples at fault once in each process, as there may be very many."""
    run.told_by = run.told_by or item.name
    if run.told_by == item.name and isinstance(error, ExamplesError):
        faults: Sequence[Any] = error.faults
        add_findings(item, faults=tuple(Fault(*fault) for fault in faults))


def _warn(item: pytest.Item, text: str) -> None:
    """Warn of what the policy lets pass, also where the project turns warnings into errors.

    A warning raised as an error would fail a limit that does not block.
    """
    try:
        item.warn(pytest.PytestWarning(text))
    except pytest.PytestWarning:
        with warnings.catch_warnings():
            warnings.simplefilter("always", pytest.PytestWarning)
            item.warn(pytest.PytestWarning(text))


def _first(verdicts: Sequence[Verdict], tell: Callable[[Verdict], str]) -> list[str]:
    """Return texts on the first verdicts of an item, which may check thousands of limits."""
    told = [tell(verdict) for verdict in verdicts[:VERDICTS_TOLD]]
    if more := len(verdicts) - len(told):
        told.append(f"{and_more(more)}: confmat.json lists them all")
    return told
