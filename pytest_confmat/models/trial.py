"""A native runtime tried on a file in a process of its own, which may die of it.

Runtimes written in C++ parse what they are given, and a damaged or hostile file may bring the
process down. So a file is opened and run once in a child process that imports that runtime alone.
That is no sandbox: it keeps a crash from ending the run without a report.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_confmat.errors import ModelError
from pytest_confmat.text import shortened

# Large nets take some seconds to load, more on a busy machine.
SECONDS = 300.0
_CHILD = Path(__file__).with_name("trial_child.py")


@dataclass(frozen=True)
class Trial:
    """What is to be tried.

    Attributes
    ----------
    script
        A Python file with a function ``attempt(request)``, which returns what JSON can hold. It
        imports nothing but the runtime and Python's standard library.
    request
        What that function is given.
    path
        The file that is tried, for messages.
    runtime
        What tries it, with its version, for messages.
    """

    script: Path
    request: Mapping[str, Any]
    path: Path
    runtime: str


def outcome_of(trial: Trial, seconds: float | None = None) -> Any:
    """Return what a trial's function returned.

    Parameters
    ----------
    seconds
        After which a child process that has not ended is killed; default: `SECONDS`.

    Raises
    ------
    ModelError
        If the child process died, did not come to an end, or could not be started.
    """
    limit = SECONDS if seconds is None else seconds
    asked = {"path": sys.path, "script": str(trial.script), "request": dict(trial.request)}
    # Without `site`, nothing but the runtime is imported; and no warning becomes an error.
    command = [sys.executable, "-P", "-S", "-s", "-W", "ignore", str(_CHILD)]
    try:
        done = subprocess.run(
            command, input=json.dumps(asked).encode(), capture_output=True, timeout=limit,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _refused(trial, f"did not come to an end within {limit:g} seconds") from None
    except OSError as error:
        raise ModelError(
            f"{trial.path} is not loaded: it is tried in a process of its own, and that cannot be "
            f"started ({error.strerror or error})"
        ) from error
    if done.returncode or not done.stdout:
        raise _refused(trial, f"crashed ({_ended(done)})")
    answer = json.loads(done.stdout)
    if "raised" in answer:
        raise ModelError(
            f"{trial.path} is not loaded: {trial.runtime} cannot be run in a process of its own "
            f"({shortened(answer['raised'], 300)})"
        )
    return answer["returned"]


def _refused(trial: Trial, what: str) -> ModelError:
    return ModelError(
        f"{trial.path} is not loaded: {trial.runtime}, which opened it and ran it once in a "
        f"process of its own, {what}. The file is damaged, or made to do harm, or the machine has "
        "too little memory for it: export it again, and do not load it in another way"
    )


def _ended(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode > 255:  # Windows's reason, which is looked up in this form
        return f"exit status 0x{done.returncode:08X}"
    if done.returncode >= 0:
        return f"exit status {done.returncode}"
    try:
        return signal.Signals(-done.returncode).name
    except ValueError:
        return f"signal {-done.returncode}"
