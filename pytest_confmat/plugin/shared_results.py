"""Results that the workers of one session share through files.

Whoever comes first computes under an OS lock, which the system releases if the worker dies; the
others wait and read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from filelock import FileLock

from pytest_confmat import errors
from pytest_confmat.cache.evaluation_cache import CacheInfo
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.errors import ConfmatError, ExamplesError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.plugin.attempts import attempt
from pytest_confmat.plugin.endings import ended_by
from pytest_confmat.writing import write_atomically


class SharedResults:
    """Evaluations, and what they look like, each made by one of the workers.

    Parameters
    ----------
    folder
        The folder that the workers share.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def evaluation(
        self, key: str, evaluate: Callable[[], tuple[Evaluation, CacheInfo]]
    ) -> Evaluation:
        """Return the evaluation under `key`, made by `evaluate` if no worker has made it yet.

        Raises
        ------
        ConfmatError
            What `evaluate` raised, in whichever worker.
        """
        found = self.evaluations([key], lambda _: [evaluate()])[key]
        if isinstance(found, ConfmatError):
            raise found
        return found

    def evaluations(
        self,
        keys: Sequence[str],
        evaluate: Callable[[Sequence[str]], Sequence[tuple[Evaluation, CacheInfo] | ConfmatError]],
    ) -> dict[str, Evaluation | ConfmatError]:
        """Return what is under `keys`; what no worker has made yet, `evaluate` makes in one call.

        Raises
        ------
        ConfmatError
            What `evaluate` raises; it is that of all that was to be made.
        """
        with ExitStack() as locks:
            # In one order everywhere, or two workers could wait for each other.
            for key in sorted(keys):
                locks.enter_context(FileLock(self._folder / f"{key}.lock"))
            known = {key: self.read(key) for key in keys}
            missing = [key for key, found in known.items() if found is None]
            made = self._make(missing, evaluate) if missing else {}
            return {key: found or made[key] for key, found in known.items()}

    def _make(
        self,
        keys: Sequence[str],
        evaluate: Callable[[Sequence[str]], Sequence[tuple[Evaluation, CacheInfo] | ConfmatError]],
    ) -> dict[str, Evaluation | ConfmatError]:
        try:
            with ExitStack() as attempts:
                for key in keys:
                    attempts.enter_context(attempt(self._folder, key))
                found = evaluate(keys)
        except BaseException as error:
            ended = error if isinstance(error, ConfmatError) else ended_by(error)
            if ended is not None:
                for key in keys:
                    self._write(key, "error", _error_to_plain(ended))
            raise
        made: dict[str, Evaluation | ConfmatError] = {}
        for key, each in zip(keys, found, strict=True):
            if isinstance(each, ConfmatError):
                self._write(key, "error", _error_to_plain(each))
                made[key] = each
                continue
            made[key], info = each
            self._write(key, "info", info.to_plain())
            each[0].save(self._folder / f"{key}.npz")
        return made

    def read(self, key: str) -> Evaluation | ConfmatError | None:
        """Return the evaluation under `key`, or why there is none; ``None``: nothing was done."""
        stored = self._folder / f"{key}.npz"
        if stored.exists():
            return Evaluation.load(stored)
        plain = self._read(key, "error")
        return None if plain is None else _error_from_plain(plain)

    def cache_info(self, key: str) -> CacheInfo | None:
        """Return where the evaluation under `key` came from; ``None``: it was not done."""
        plain = self._read(key, "info")
        return None if plain is None else CacheInfo.from_plain(plain)

    def likely_causes(
        self, key: str, diagnose: Callable[[], tuple[LikelyCause, ...]]
    ) -> tuple[LikelyCause, ...]:
        """Return what `diagnose` says of the evaluation under `key`, asked by one worker for all.

        Raises
        ------
        EvaluationError
            If two workers died in it.
        """
        with FileLock(self._folder / f"{key}.likely_causes.lock"):
            plain = self._read(key, "likely_causes")
            if plain is not None:
                return tuple(LikelyCause(**cause) for cause in plain)
            with attempt(self._folder, f"likely_causes-{key}"):
                found = diagnose()
            self._write(key, "likely_causes", [cause.to_plain() for cause in found])
            return found

    def _write(self, key: str, what: str, plain: Any) -> None:
        write_atomically(self._folder / f"{key}.{what}.json", json.dumps(plain).encode())

    def _read(self, key: str, what: str) -> Any:
        path = self._folder / f"{key}.{what}.json"
        return json.loads(path.read_bytes()) if path.exists() else None


def _error_to_plain(error: ConfmatError) -> dict[str, Any]:
    plain: dict[str, Any] = {"type": type(error).__name__, "text": str(error)}
    if isinstance(error, ExamplesError):
        plain["faults"] = error.faults
    return plain


def _error_from_plain(plain: Mapping[str, Any]) -> ConfmatError:
    kind: type[ConfmatError] = getattr(errors, plain["type"])
    return kind(plain["text"], *([plain["faults"]] if "faults" in plain else ()))
