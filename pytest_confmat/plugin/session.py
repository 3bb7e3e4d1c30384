"""The hooks of a session that gates: they are registered only if a gate is asked for."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.errors import ConfmatError, RequestError
from pytest_confmat.filenames import relative_path
from pytest_confmat.output import Output
from pytest_confmat.plugin import caching, workers
from pytest_confmat.plugin.aim import Aim, aim_of
from pytest_confmat.plugin.collection import ConfmatItem, ThresholdsFile
from pytest_confmat.plugin.findings import (
    FINDINGS,
    Evaluated,
    Findings,
    ItemFindings,
    read_findings,
)
from pytest_confmat.plugin.gate import EVALUATION
from pytest_confmat.plugin.ledger import Ledger
from pytest_confmat.plugin.longrepr import Failure, Reason
from pytest_confmat.plugin.options import only_shows, runs_tests
from pytest_confmat.plugin.outputs import Notes, finish, outputs_of
from pytest_confmat.plugin.record import Record, discard_record, reason_of, record_of
from pytest_confmat.plugin.registration import register_own
from pytest_confmat.plugin.reports import (
    header,
    left_out_by_choice,
    left_out_by_name,
    left_out_without_model,
    print_end,
    print_sections,
    print_summary,
)
from pytest_confmat.plugin.selection import Selection, chooses_by_name, deselector, is_covered
from pytest_confmat.plugin.settings import Settings, fitted, read_settings
from pytest_confmat.plugin.sharing import require_apart
from pytest_confmat.plugin.state import GateState
from pytest_confmat.result import GateResult

STATE = pytest.StashKey[GateState]()
_NAME = "confmat-session"
_RAN = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
_NOTHING_ASKED = (
    "confmat: ERROR  nothing was evaluated: with --confmat-thresholds none the project's tests are "
    "the gate, and none that was run called confmat_evaluator"
)


class GateHooks:
    """Collects limits as test items, receives their verdicts, and decides the exit status."""

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        state: GateState,
        record: Record | None,
        outputs: Sequence[Output],
    ) -> None:
        self.config = config
        self.settings = settings
        self.aim = state.aim
        self.state = state
        self.record = record
        self.outputs = outputs
        self.ledger = Ledger(state.gates)
        self.selection = Selection()
        self.results: tuple[GateResult, ...] = ()
        self._notes = Notes()
        self._idle = False
        self._ran = False
        self._not_chosen: frozenset[Path] = frozenset()
        self._data_folders = _unwalked(config, state)

    # Collection.

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> ThresholdsFile | None:
        if file_path.resolve() in self.state.runs:
            return ThresholdsFile.of(parent, file_path, self.state)
        return None

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return True if collection_path in self._data_folders else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # Limits come last, and the item that evaluates before its limits.
        def place(item: pytest.Item) -> int:
            if not isinstance(item, ConfmatItem):
                return 0
            return 1 if item.name == EVALUATION else 2

        items.sort(key=place)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self.selection.collect(item)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.selection.deselect(items, deselector())

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.selection.select(session.items)
        self.state.reported = frozenset(
            Path(policy) for policy, names in self.selection.selected.items() if EVALUATION in names
        )
        workers.tell_controller(self.config, self.selection.to_plain())

    # Running.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        # Limits share one evaluation and give the same verdict each time: pytest itself runs them,
        # and no plugin that would run each in its own process (--forked) or again (--reruns).
        if not isinstance(item, ConfmatItem):
            return None
        runner: Any = self.config.pluginmanager.get_plugin("runner")
        return runner.pytest_runtest_protocol(item=item, nextitem=nextitem)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        findings: Findings | None = item.stash.get(FINDINGS, None)
        if not self.state.gates and self.state.evaluator.has_evaluated:
            findings = Evaluated()
        if call.when == "call" and findings is not None:
            # An attribute of a report is what xdist carries to the controller.
            vars(report)["confmat"] = findings.to_plain()
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if plain := getattr(report, "confmat", None):
            findings = read_findings(plain, self.state.limits_of)
            self.ledger.receive(findings)
            if report.failed and isinstance(findings, ItemFindings) and findings.reason:
                # Here, since a worker's report reaches the controller as text.
                path, line, _ = report.location
                reason = Reason(path, (line or 0) + 1, findings.reason)
                told: Any = Failure(str(report.longrepr), reason)
                report.longrepr = told

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        # Exit status and JUnit XML count it as failed; its own block would repeat the cause.
        is_told_elsewhere = report.failed and "see" in (getattr(report, "confmat", None) or ())
        return ("not checked", "F", "NOT CHECKED") if is_told_elsewhere else None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        if told := workers.told_by(node):
            self.selection.merge(told)

    def pytest_runtest_logstart(self) -> None:
        self._ran = True

    # The end.

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if self.record is not None:
            self.record.ended = excinfo.value

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if self.record is not None:
            self.record.ended = excinfo.value

    def pytest_report_header(self) -> list[str]:
        lines = header(self.settings, self.state)
        if option := only_shows(self.config.option):
            lines.append(f"confmat: no limit is checked: {option} runs no test")
        return [*lines, *caching.remarks(self.config, self.settings)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if workers.is_worker(self.config) or only_shows(self.config.option):
            return
        ended = self.record.close() if self.record is not None else None
        # A Ctrl-C is no error; anything else that ends a run before its first test is one.
        if ended is not None and type(ended) is not KeyboardInterrupt and not self._ran:
            self.ledger.refuse(f"no test was run: {reason_of(ended)}")
        if not self.aim.is_ordered:
            self._not_chosen = self.selection.not_chosen(self.config, self.state.gates)
        self.results = self.ledger.results(
            self.state.evaluator.recall,
            lambda gate: self.selection.left_out(self.config, gate),
            lambda gate, ids: self.selection.why_unchecked(self.config, gate, ids),
            not_chosen=self._not_chosen,
            interrupted=exitstatus not in _RAN,
            comparison_of=self.state.comparison_of,
        )
        if self.settings.report is not None:
            self.results = tuple(map(self.state.illustrated, self.results))
        if self.state.watch.current is not None:
            self._notes.add(None, [f"interrupted after {self.state.watch.current}"])
        chooses = not self.aim.is_ordered and chooses_by_name(self.config)
        evaluated = self.state.gates or self.ledger.evaluated
        if not evaluated and not chooses and exitstatus in _RAN:
            self._idle = True
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        held = all(result.outcome in ("passed", "incomplete") for result in self.results)
        # Before anything is written: a full disk must not hide a failure.
        if not held and exitstatus in _RAN:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if not finish(self.outputs, self.results, self._notes, green=not session.exitstatus):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        results = [result for result in self.results if result.policy not in self._not_chosen]
        if results:
            own = self.ledger.judged_elsewhere()
            print_summary(terminalreporter, results, self._notes.by_section[None], own)
        if self._idle:
            terminalreporter.section("confmat", sep="=")
            terminalreporter.write_line(_NOTHING_ASKED)
        print_sections(terminalreporter, self._notes.by_section)
        for path in sorted(self._not_chosen):
            terminalreporter.write_line(left_out_by_choice(path))
        for path in self.aim.left_out:
            terminalreporter.write_line(left_out_by_name(path))
        for path in self.state.without_model:
            terminalreporter.write_line(left_out_without_model(path))
        files = self.record.files if self.record is not None else None
        print_end(terminalreporter, self.results, files.shown if files is not None else None)


class AsideHooks:
    """Prints at the end which gates a run of other tests left out."""

    def __init__(self, aim: Aim) -> None:
        self.aim = aim

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for path in self.aim.left_out:
            terminalreporter.write_line(left_out_by_name(path))


def start(config: pytest.Config) -> None:
    """Read the policies, have their items collected, and register the hooks.

    Raises
    ------
    pytest.UsageError
        If the request cannot be honored.
    """
    aim = aim_of(config)
    if aim.is_aside:
        discard_record(config)
        config.pluginmanager.register(AsideHooks(aim), _NAME)
        return
    is_worker = workers.is_worker(config)
    record = None
    if runs_tests(config.option) and not is_worker:
        record = record_of(config, config.option)
    settings, state = _opened(config, aim)
    if record is not None and settings.report is None:
        record.files = None
    outputs = [] if is_worker else outputs_of(config, settings, state, record)
    if not is_worker:
        require_apart(config, settings, state.gates, outputs, record)
        _begin(outputs, state)
    # A worker configures again with the same command line, as a repeated call here would.
    for gate in state.gates:
        if not is_covered(config, gate):
            # Relative, because pytest takes a bracket in a path for a parameter.
            config.args.append(relative_path(gate.path, config.invocation_params.dir))
    config.stash[STATE] = state
    hooks = GateHooks(config, settings, state, record, outputs)
    if config.pluginmanager.register(hooks, _NAME) is None:
        raise pytest.UsageError(f"-p no:{_NAME} takes the gate away that the command line asks for")


def state_of(config: pytest.Config) -> GateState:
    """Return the gates of a session, also where it gates none and a test asks for one all the same.

    Raises
    ------
    RequestError
        If what a left-out gate takes is not there.
    """
    if STATE not in config.stash:
        try:
            _, config.stash[STATE] = _opened(config, aim_of(config))
        except pytest.UsageError as error:
            raise RequestError(str(error)) from None
    return config.stash[STATE]


def differs(config: pytest.Config, fixture: str) -> bool:
    """Whether policies differ in what a fixture returns: their models, or their data."""
    if STATE not in config.stash:
        return len(aim_of(config).left_out) > 1
    state = config.stash[STATE]
    return len(state.models if fixture == "confmat_model" else state.gates) > 1


def _opened(config: pytest.Config, aim: Aim) -> tuple[Settings, GateState]:
    register_own(config)
    settings = fitted(read_settings(config), len(aim.policies or aim.left_out))
    return settings, GateState(config, settings, aim)


def _begin(outputs: Sequence[Output], state: GateState) -> None:
    for output in outputs:
        try:
            output.begin(state.gates)
        except ConfmatError as error:
            raise pytest.UsageError(str(error)) from error


def _unwalked(config: pytest.Config, state: GateState) -> frozenset[Path]:
    """Return the data folders that hold nothing that pytest was asked to collect."""
    here = config.invocation_params.dir
    wanted = [(here / str(arg).partition("::")[0]).resolve() for arg in config.args]
    wanted += [gate.path for gate in state.gates]
    return frozenset(
        folder
        for gate in state.gates
        for folder in gate.data_folders
        if not any(path.is_relative_to(folder) for path in wanted)
    )
