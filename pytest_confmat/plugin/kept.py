"""What a run keeps for later runs to be compared with: a manifest of the set, and a baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from pytest_confmat.baseline import Baseline, load_baseline, save_baseline
from pytest_confmat.baseline.file_pair import BaselineFiles
from pytest_confmat.decimals import decimal_text
from pytest_confmat.errors import BaselineError, ConfmatError, OutputError, RequestError
from pytest_confmat.manifest import require_manifest, write_manifest
from pytest_confmat.output import Output
from pytest_confmat.plugin.gate import Gate
from pytest_confmat.result import GateResult
from pytest_confmat.text import plural


class ManifestOutput(Output):
    """The manifest of the first set that was evaluated, unless there is one."""

    key = "manifest"

    def __init__(self, path: Path, origin: str) -> None:
        self._path = path
        self._origin = origin

    @property
    def origin(self) -> str:
        """See `Output.origin`."""
        return self._origin

    @property
    def files(self) -> Iterable[Path]:
        """See `Output.files`."""
        return (self._path,)

    def begin(self, gates: Sequence[Gate]) -> None:  # noqa: ARG002
        """Refuse a file that is no manifest."""
        if not self._path.exists():
            return
        try:
            require_manifest(self._path)
        except ConfmatError as error:
            raise RequestError(f"{self._origin}: {error}") from error

    def finish(self, results: Sequence[GateResult], *, green: bool) -> Sequence[str]:  # noqa: ARG002
        """Write it, whatever the verdicts: it says which set was evaluated."""
        for result in results:
            if result.evaluation is None or result.error is not None or self._path.exists():
                continue
            try:
                write_manifest(result.evaluation, self._path)
            except OSError as error:
                raise OutputError(
                    f"the manifest could not be written to {self._path}: {error}"
                ) from error
            return (f"manifest of {len(result.evaluation):,} examples written to {self._path}",)
        return ()


class BaselineOutput(Output):
    """The evaluation of the one gate that there is, if it passed, and all else did."""

    key = "baseline"

    def __init__(self, path: Path, origin: str) -> None:
        self._path = path
        self._origin = origin

    @property
    def origin(self) -> str:
        """See `Output.origin`."""
        return self._origin

    @property
    def files(self) -> Iterable[Path]:
        """See `Output.files`."""
        return (_text(self._path),)

    def begin(self, gates: Sequence[Gate]) -> None:  # noqa: ARG002
        """Refuse to replace what is no baseline."""
        try:
            BaselineFiles(self._path).require_replaceable()
        except ConfmatError as error:
            raise RequestError(f"{self._origin}: {error}") from error

    def finish(self, results: Sequence[GateResult], *, green: bool) -> Sequence[str]:
        """Save it, or say why not."""
        if not results:
            return ()
        (result,) = results
        text = _text(self._path)
        if result.outcome == "incomplete":
            raise OutputError(f"no baseline was saved to {text}: limits were left out, or not run")
        if result.evaluation is None or result.outcome != "passed":
            accept = ""
            if text.is_file() and result.outcome == "failed":
                accept = (
                    f"; if only the comparison fails and this model is to be accepted as it is, "
                    f"remove {text.name} first"
                )
            raise OutputError(f"no baseline was saved to {text}: the gate did not pass{accept}")
        if not green:
            raise OutputError(
                f"no baseline was saved to {text}: the gate passed, and the run did not"
            )
        replaced = _replaced(self._path)
        try:
            saved = save_baseline(result.evaluation, self._path)
        except BaselineError as error:
            raise OutputError(str(error)) from error
        return (
            f"baseline of {_size(saved)} saved to {text} and the binary part beside it"
            f"{replaced}: keep both under version control",
        )


def _size(baseline: Baseline) -> str:
    right = Fraction(int(baseline.matrix.correct.sum()), len(baseline))
    return f"{plural(len(baseline), 'example')}, accuracy {decimal_text(right)},"


def _replaced(path: Path) -> str:
    """Say what a new baseline takes the place of."""
    if not _text(path).is_file():
        return ""
    try:
        return f", in the place of one of {_size(load_baseline(path)).rstrip(',')}"
    except BaselineError:
        return ", in the place of one that could not be read"


def _text(path: Path) -> Path:
    return BaselineFiles(path.resolve()).text
