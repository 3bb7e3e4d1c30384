"""The gate in one pytest session: its hooks are registered only where a gate is asked for."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.errors import ConfmatError, EvaluationError, RequestError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.plugin import workers
from pytest_confmat.plugin.collection import FOUND, ConfmatItem, ThresholdsFile
from pytest_confmat.plugin.evaluator import Evaluator
from pytest_confmat.plugin.gate import EVALUATION, Gate, open_gate
from pytest_confmat.plugin.ledger import Ledger, is_named, left_out_by_name
from pytest_confmat.plugin.reports import ReportFiles, header, print_summary
from pytest_confmat.plugin.settings import Settings, read_settings
from pytest_confmat.result import GateResult
from pytest_confmat.spec import ModelSpec
from pytest_confmat.verdict import Verdict, judge

SESSION = pytest.StashKey["GateSession"]()


class GateSession:
    """What this process knows of the gates, and the hooks that act on it."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.gates = tuple(open_gate(path, settings.data) for path in settings.policies)
        self.model = ModelSpec(settings.model) if settings.model is not None else None
        self.evaluator = Evaluator(workers.shared_folder(config), settings.batch_size)
        self.ledger = Ledger(self.gates, self.fault_of)
        self.results: tuple[GateResult, ...] = ()
        self.files: ReportFiles | None = None
        if settings.report is not None and not workers.is_worker(config):
            self.files = ReportFiles(settings.report, self.gates)
        self._by_path = {gate.path: gate for gate in self.gates}
        self._data_folders = frozenset(
            folder for gate in self.gates for folder in gate.data_folders
        )
        self._evaluated: dict[Path, tuple[Evaluation, str] | ConfmatError] = {}
        self._judged: dict[Path, dict[str, Verdict]] = {}
        self._evaluating: set[Path] = set()

    # What items ask.

    def gate_at(self, path: Path) -> Gate:
        """Return the gate whose thresholds file is `path`."""
        return self._by_path[path.resolve()]

    def evaluates(self, gate: Gate) -> bool:
        """Whether the item that evaluates is among those to be run."""
        return gate.path in self._evaluating

    def evaluation_of(self, gate: Gate, request: pytest.FixtureRequest) -> tuple[Evaluation, str]:
        """Evaluate `gate` with the model and data that its items see; once, errors included."""
        if gate.path not in self._evaluated:
            try:
                self._evaluated[gate.path] = self._evaluate(gate, request)
            except ConfmatError as error:
                self._evaluated[gate.path] = error
            except Exception as error:
                # A fixture of the project's failed: limits must not run it again and again.
                self._evaluated[gate.path] = EvaluationError(
                    f"model or data could not be had: {type(error).__name__}: {error}"
                )
                raise
        found = self._evaluated[gate.path]
        if isinstance(found, ConfmatError):
            raise type(found)(*found.args)
        return found

    def _evaluate(self, gate: Gate, request: pytest.FixtureRequest) -> tuple[Evaluation, str]:
        model = request.getfixturevalue("confmat_model")
        dataset = request.getfixturevalue("confmat_dataset")
        if dataset is self.default_dataset:
            # The fixture knows one data set; each policy has its own.
            dataset = gate.dataset
        if dataset is None:
            raise RequestError(
                f"{gate.path.name} has no dataset: write one there, or override the fixture "
                "confmat_dataset in a conftest.py beside it"
            )
        job = self.evaluator.job(model, dataset, gate.classes, gate.policy.decision)
        key = self.evaluator.key(job, name=str(gate.path))
        return self.evaluator.evaluate(job, name=str(gate.path)), key

    def verdicts_of(self, gate: Gate, request: pytest.FixtureRequest) -> dict[str, Verdict]:
        """Hold all limits of `gate` against its evaluation, once; verdicts by limit id."""
        if gate.path not in self._judged:
            evaluation, _ = self.evaluation_of(gate, request)
            verdicts = judge(gate.limits, evaluation)
            self._judged[gate.path] = {verdict.limit.id: verdict for verdict in verdicts}
        return self._judged[gate.path]

    @property
    def default_dataset(self) -> Any:
        """What the fixture confmat_dataset returns unless it is overridden."""
        return self.gates[0].dataset if self.gates else None

    @staticmethod
    def fault_of(evaluation: Evaluation) -> str | None:
        """Return what makes an evaluation unfit for release although its numbers are right."""
        matrix = evaluation.matrix
        empty = [name for name, n in zip(matrix.classes, matrix.support, strict=True) if not n]
        if not empty:
            return None
        named = ", ".join(repr(name) for name in empty[:10])
        more = f" and {len(empty) - 10} more" if len(empty) > 10 else ""
        return (
            f"{len(empty)} of {len(matrix.classes)} classes have no example among "
            f"{matrix.total}: {named}{more}; nothing can be said about them"
        )

    # Hooks: collection.

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> ThresholdsFile | None:
        if file_path.resolve() in self._by_path:
            return ThresholdsFile.of(parent, file_path, self)
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

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._evaluating = {
            item.gate.path
            for item in session.items
            if isinstance(item, ConfmatItem) and item.name == EVALUATION
        }

    # Hooks: running.

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "call" and (found := item.stash.get(FOUND, None)):
            # An attribute of a report is what xdist carries to the controller.
            vars(report)["confmat"] = found
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if found := getattr(report, "confmat", None):
            self.ledger.receive(found)

    # Hooks: the end.

    def pytest_report_header(self) -> list[str]:
        return header(self.settings, self.gates)

    def pytest_sessionstart(self) -> None:
        if self.files is not None and not self.config.option.collectonly:
            self.files.begin()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if workers.is_worker(self.config) or self.config.option.collectonly:
            return
        done = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        self.results = self.ledger.results(
            self.evaluator.recall,
            lambda gate: left_out_by_name(self.config, gate),
            interrupted=exitstatus not in (*done, pytest.ExitCode.TESTS_FAILED),
        )
        if self.files is not None:
            self.files.finish(self.results)
        held = all(result.outcome in ("passed", "incomplete") for result in self.results)
        if exitstatus in done and not held:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.results:
            print_summary(terminalreporter, self.results, self.files, self.ledger)


def start(config: pytest.Config) -> None:
    """Read the policies, have their items collected, and register the hooks.

    Raises
    ------
    pytest.UsageError
        If the request cannot be honoured.
    """
    settings = read_settings(config)
    session = GateSession(config, settings)
    # A worker configures again with the same command line, as a repeated call here would.
    for gate in session.gates:
        if not is_named(config, gate):
            config.args.append(str(gate.path))
    config.stash[SESSION] = session
    config.pluginmanager.register(session, "confmat-session")
