"""An evaluation kept as the reference: the model that was accepted last, on its examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.baseline.binary_part import Outcomes, decode, encode
from pytest_confmat.baseline.file_pair import BaselineFiles
from pytest_confmat.baseline.text_part import contradictions, render
from pytest_confmat.errors import BaselineError
from pytest_confmat.evaluation import Evaluation, outcome_matrix
from pytest_confmat.example_ids import JoinedIds
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.parts import UNPREDICTED, Column
from pytest_confmat.text import quoted

_CANNOT = "this evaluation cannot be a baseline"


@dataclass(frozen=True, eq=False)
class Baseline:
    """The outcomes of the accepted model, example by example, in the set's order.

    Attributes
    ----------
    classes
        Names, in the order of that model's outputs.
    ids
        Example ids, each once; any sequence of them is taken.
    check
        A word over each example's content, the label excluded, uint64 (n,); 0: not known.
    true, predicted
        Class indices, int64 (n,); `UNPREDICTED` in `predicted`: as none.
    rank
        Rank of the true class, int64 (n,); the number of classes where nothing was predicted.
    provenance
        What was evaluated with what, as in `Evaluation`.
    path
        As it was given, without the ending of the text part.
    columns
        Properties of the examples that were kept, by name.
    """

    classes: tuple[str, ...]
    ids: JoinedIds
    check: NDArray[np.uint64]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    rank: NDArray[np.int64]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    path: Path = Path()
    columns: Mapping[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.ids, JoinedIds):
            object.__setattr__(self, "ids", JoinedIds((tuple(self.ids),)))

    def __repr__(self) -> str:
        return f"<Baseline {self.path}: {len(self.true)} examples of {len(self.classes)} classes>"

    @classmethod
    def of(
        cls, evaluation: Evaluation, path: Path = Path(), columns: Sequence[str] = ()
    ) -> Baseline:
        """Return an evaluation, with these of its columns, as a baseline that is not yet stored."""
        parts = evaluation.parts
        arrays = {
            name: np.concatenate([np.zeros(0, dtype), *(getattr(part, name) for part in parts)])
            for name, dtype in (
                ("check", np.uint64),
                ("true", np.int64),
                ("predicted", np.int64),
                ("rank", np.int64),
            )
        }
        return cls(
            evaluation.classes,
            evaluation.ids,
            **arrays,
            provenance=evaluation.provenance,
            path=path,
            columns={name: evaluation.column(name) for name in columns},
        )

    def __len__(self) -> int:
        return len(self.true)

    @cached_property
    def matrix(self) -> ConfusionMatrix:
        """Counts of all examples."""
        return outcome_matrix(self.true, self.predicted, self.classes)


def save_baseline(evaluation: Evaluation, path: Path, columns: Sequence[str] = ()) -> Baseline:
    """Keep an evaluation as the baseline at `path`, in the place of the one before.

    A process that dies meanwhile leaves the old baseline whole, and at most files beside it that
    nothing refers to; the next call takes them away.

    Parameters
    ----------
    path
        Without ending, as ``baselines/production``; folders are made.
    columns
        Which columns to keep: a baseline lies under version control, where what identifies a
        person must not go by accident.

    Raises
    ------
    BaselineError
        If the evaluation cannot be a baseline, or the files cannot be written.
    """
    files = BaselineFiles(path)
    baseline = Baseline.of(evaluation, files.path, columns)
    _require_fixed(evaluation)
    _require_sound(baseline)
    try:
        content = encode(_outcomes(baseline))
    except BaselineError as error:
        raise BaselineError(f"{_CANNOT}: {error}") from error
    files.replace(content, lambda said: render(baseline.matrix, baseline.provenance, said))
    return baseline


def load_baseline(path: Path) -> Baseline:
    """Read what `save_baseline` wrote.

    Raises
    ------
    BaselineError
        If there is none, or it is not whole, with the reason and what to do.
    """
    files = BaselineFiles(path)
    values, content = files.read()
    try:
        outcomes = decode(content)
    except BaselineError as error:
        raise files.damaged(files.binary(content), f"holds no outcomes: {error}") from error
    baseline = Baseline(
        outcomes.classes,
        outcomes.ids,
        outcomes.check,
        outcomes.true,
        outcomes.predicted,
        outcomes.rank,
        values["provenance"],
        files.path,
        outcomes.columns,
    )
    if wrong := contradictions(values, baseline.matrix):
        raise files.damaged(
            files.text, f"does not say what its outcomes say, in {', '.join(wrong)}: it was edited"
        )
    return baseline


def _outcomes(baseline: Baseline) -> Outcomes:
    return Outcomes(
        baseline.classes,
        baseline.ids,
        baseline.check,
        baseline.true,
        baseline.predicted,
        baseline.rank,
        baseline.columns,
    )


def _require_fixed(evaluation: Evaluation) -> None:
    dataset = evaluation.provenance.get("dataset")
    reason = dataset.get("unfixed") if isinstance(dataset, Mapping) else None
    if reason:
        raise BaselineError(
            f"{_CANNOT}, as its dataset does not promise the same examples in the same order: "
            f"{reason}; hand in one that yields the same in every run"
        )


def _require_sound(baseline: Baseline) -> None:
    """Raise if the files could not be read again, or would be ambiguous."""
    if not len(baseline):
        raise BaselineError(f"{_CANNOT}: it holds no examples")
    k = len(baseline.classes)
    for name, lowest, highest in (
        ("true", 0, k - 1),
        ("predicted", UNPREDICTED, k - 1),
        ("rank", 0, k),
    ):
        values = getattr(baseline, name)
        if values.min() < lowest or values.max() > highest:
            raise BaselineError(f"{_CANNOT}: its {name} leaves {lowest} to {highest}")
    if (twice := baseline.ids.repeated) is not None:
        raise BaselineError(f"{_CANNOT}: two examples share the id {quoted(twice)}")
