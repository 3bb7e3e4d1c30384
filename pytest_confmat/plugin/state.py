"""What the gates of a session share in this process: the model asked for, and the evaluator."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.baseline.comparison import Changes
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.plugin import workers
from pytest_confmat.plugin.caching import evaluation_cache
from pytest_confmat.plugin.custom_objects import custom_objects
from pytest_confmat.plugin.evaluator import Evaluator
from pytest_confmat.plugin.gate import Gate, open_gate
from pytest_confmat.plugin.progress import watch
from pytest_confmat.plugin.run import GateRun
from pytest_confmat.plugin.settings import Settings
from pytest_confmat.spec import ModelSpec


class GateState:
    """The gates of a session, each with its run.

    Parameters
    ----------
    config, settings
        The session's.

    Attributes
    ----------
    data_were_named
        Whether the command line names the data.
    folder
        What workers share; ``None``: there are none.
    reported
        Gates whose evaluation item is to be run; it reports what is wrong with the evaluation.

    Raises
    ------
    pytest.UsageError
        If a policy cannot be honored.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.gates = tuple(open_gate(path, settings) for path in settings.policies)
        self.model = None
        if settings.model is not None:
            self.model = ModelSpec(settings.model, settings.safe_mode)
        self.data_were_named = settings.data is not None
        self.manifest = settings.manifest
        self.watch = watch(config)
        self.folder = workers.shared_folder(config)
        self.evaluator = Evaluator(
            self.folder,
            settings.batch_size,
            partial(custom_objects, config),
            evaluation_cache(config, settings),
            self.watch.evaluation,
        )
        self.reported: frozenset[Path] = frozenset()
        self.runs = {gate.path: GateRun(gate, self) for gate in self.gates}

    @property
    def default_dataset(self) -> Any:
        """What the fixture confmat_dataset returns unless it is overridden."""
        return self.gates[0].dataset if self.gates else None

    def changes_of(self, gate: Gate, evaluation: Evaluation) -> Changes | None:
        """Return what changed since the baseline of a gate; see `GateRun.changes`."""
        return self.runs[gate.path].changes(evaluation)
