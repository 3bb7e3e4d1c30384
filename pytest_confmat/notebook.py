"""The gate's evaluation without a pytest session: for notebooks and scripts.

`evaluate` makes the pass that the gate makes, `load_report` reads what a gate has left behind, and
`judge` asks a policy about either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pytest_confmat.baseline import Baseline
from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.baseline.comparison import compare as compare_with_baseline
from pytest_confmat.decimals import decimal_text, percent
from pytest_confmat.errors import EvaluationError, MissingDependencyError, RequestError
from pytest_confmat.escaping import printable
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.evaluation_set import class_fault, set_fault
from pytest_confmat.job import Job, run
from pytest_confmat.judging import judge as judge_limits
from pytest_confmat.parts import UNPREDICTED
from pytest_confmat.policy import Policy, dataset_from_keys, read_policy
from pytest_confmat.report.class_view import class_view, confusions
from pytest_confmat.report.rows import class_rows, verdict_row
from pytest_confmat.report.wording import describe
from pytest_confmat.result import GateResult
from pytest_confmat.spec import DatasetSpec, ModelSpec, decision_from
from pytest_confmat.text import listed, plural
from pytest_confmat.verdict import Verdict

_BATCH = 128
_CLASSES_SHOWN = 20
_CONFUSIONS_SHOWN = 5


@dataclass(frozen=True, eq=False, repr=False)
class NotebookEvaluation(Evaluation):
    """An `Evaluation` that shows itself in a notebook, as a table and as a picture.

    Attributes
    ----------
    document
        ``confmat.json`` of the report that it was read from; ``None``: it comes from no report.
    """

    document: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls, evaluation: Evaluation, document: Mapping[str, Any] | None = None
    ) -> NotebookEvaluation:
        """Return an evaluation with what a notebook adds."""
        known = {each.name: getattr(evaluation, each.name) for each in fields(Evaluation)}
        return cls(**known, document=document)

    def to_dataframe(self) -> Any:
        """Return a ``pandas.DataFrame`` with one row an example, in the set's order.

        Columns: ``id``, ``true``, ``predicted`` (missing where it was predicted as no class),
        ``correct``, ``score``, ``runner_up``, ``runner_up_score``, ``rank`` of the true class,
        ``weight`` where the set has weights, and the columns that the data bring.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingDependencyError(
                "to_dataframe needs pandas, which is not installed: pip install pandas"
            ) from error
        names = np.array([*self.classes, None], dtype=object)  # UNPREDICTED is -1, the last
        true, predicted = self.array("true"), self.array("predicted")
        table: dict[str, Any] = {
            "id": list(self.ids),
            "true": names[true],
            "predicted": names[predicted],
            "correct": true == predicted,
            "score": self.array("score"),
            "runner_up": names[self.array("runner_up")],
            "runner_up_score": self.array("runner_up_score"),
            "rank": np.where(predicted == UNPREDICTED, -1, self.array("rank")),
        }
        if self.sample_weight is not None:
            table["weight"] = self.sample_weight
        columns = sorted({name for part in self.parts for name in part.columns})
        return pd.DataFrame(table | {name: self.column(name).texts() for name in columns})

    def plot(self) -> Any:
        """Return the confusion matrix as a ``matplotlib.figure.Figure``, as reports draw it.

        Raises
        ------
        MissingDependencyError
            If matplotlib or scikit-learn are not installed.
        """
        try:
            from pytest_confmat.report.heatmap import draw
        except ImportError as error:
            raise MissingDependencyError(
                "plot needs matplotlib and scikit-learn: pip install 'pytest-confmat[plot]'"
            ) from error
        return draw(self._result())

    def _result(self) -> GateResult:
        found = self.provenance
        dataset = {**found.get("dataset", {}), "examples": len(self)}
        return GateResult(Path(), "incomplete", found.get("model", {}), dataset, self)

    def _repr_html_(self) -> str:
        matrix = self.matrix
        right = int(matrix.correct.sum())
        accuracy = decimal_text(Fraction(right, matrix.total)) if matrix.total else "undefined"
        head = (
            f"{plural(len(self), 'example')} of {plural(len(self.classes), 'class', 'classes')}, "
            f"accuracy {accuracy}"
        )
        view = class_view(self._result(), matrix)
        shown = range(min(len(self.classes), _CLASSES_SHOWN))
        rows = [
            (printable(row.name, 60), f"{row.support:,}", *row.metrics)
            for row in class_rows(view, shown)
        ]
        table = _table(("class", "support", "recall", "precision", "f1"), rows)
        more = len(self.classes) - len(shown)
        rest = f"<p>and {plural(more, 'more class', 'more classes')}</p>" if more else ""
        return f"<p><b>{head}</b></p>{table}{rest}{''.join(self._confusions())}"

    def _confusions(self) -> Iterator[str]:
        matrix = self.matrix
        cells = confusions(matrix)[:_CONFUSIONS_SHOWN]
        for i, j in cells:
            count = int(matrix.cells.at(i, j))
            names = (escape(printable(self.classes[index], 60)) for index in (i, j))
            share = percent(count, int(matrix.support[i]))
            yield f"<div>{' predicted as '.join(names)}: {count:,} ({share})</div>"


class Verdicts(tuple[Verdict, ...]):
    """The verdicts of a policy, in its order; printed, what did not pass and why."""

    __slots__ = ()

    @property
    def passed(self) -> bool:
        """Whether nothing blocks."""
        return not any(verdict.blocks for verdict in self)

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """Those that block."""
        return tuple(verdict for verdict in self if verdict.blocks)

    def __str__(self) -> str:
        head = f"{len(self.failed)} of {plural(len(self), 'limit')} failed"
        if self.passed:
            head = f"passed: {plural(len(self), 'limit')}"
        return "\n".join([head, *map(describe, self.failed)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = []
        for verdict in sorted(self, key=lambda each: not each.blocks):
            row = verdict_row(verdict)
            bound = f"{row.sign} {printable(row.bound)}"
            observed = (row.observed, bound, row.interval, f"{row.support:,}")
            rows.append((printable(row.id), row.outcome, *observed))
        heads = ("limit", "outcome", "observed", "bound", "true value", "support")
        return f"<p><b>{escape(str(self).splitlines()[0])}</b></p>{_table(heads, rows)}"


def evaluate(
    model: Any,
    data: Any,
    *,
    classes: Sequence[str] | None = None,
    decision: Mapping[str, Any] | str = "argmax",
    batch_size: int | None = None,
    without_examples: Sequence[str] = (),
    custom_objects: Mapping[str, Any] | None = None,
    cache: str | Path | None = None,
    safe_mode: bool = True,
) -> NotebookEvaluation:
    """Stream data through a model once, as the gate does.

    Parameters
    ----------
    model
        Path of a saved model, a Keras model, or anything callable on a batch.
    data
        Path of a folder with a folder of images for each class; a mapping with the keys of a
        policy's ``dataset``, such as ``{"directory": "data/test", "rescale": "1/255"}``; a pair of
        arrays (inputs, labels); a ``tf.data.Dataset`` or any iterable of batches.
    classes
        Names in the order of the model's outputs; may be left out where the data state them.
    decision
        ``"argmax"``, or ``{"threshold": 0.3, "positive": "malignant"}``.
    batch_size
        Examples a batch; default: a rule of the input's size.
    without_examples
        Classes that the data are known to have no examples of.
    custom_objects
        Classes and functions of your own that a model file names.
    cache
        A folder in which evaluations of files are kept, and from which they are recalled as long as
        nothing that they depend on has changed; ``None``: each call evaluates.
    safe_mode
        Whether code that a model file holds is refused instead of run.

    Raises
    ------
    ConfmatError
        If the request, the model or the data are not what they should be.
    """
    if isinstance(model, str | Path):
        model = ModelSpec(Path(model).expanduser().resolve(), safe_mode)
    dataset = _dataset(data, batch_size or _BATCH)
    names = None if classes is None else tuple(classes)
    if isinstance(dataset, DatasetSpec):
        from pytest_confmat.data import class_names

        dataset = replace(dataset, without_examples=tuple(without_examples))
        names = class_names(dataset, names)
    elif names is None:
        from pytest_confmat.data import names_of

        names = names_of(dataset)
    if names is None:
        raise RequestError("these data do not name their classes: pass classes=[...]")
    job = Job(
        model, dataset, names, decision_from(decision), batch_size,
        without_examples=tuple(without_examples),
    )  # fmt: skip
    if cache is None:
        return NotebookEvaluation.of(run(job, custom_objects=custom_objects))
    from pytest_confmat.cache.evaluation_cache import EvaluationCache

    folder = Path(cache).expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    kept = EvaluationCache(lambda: folder, own_code=lambda: bool(custom_objects))
    evaluation, _ = kept.obtain(job, lambda: run(job, custom_objects=custom_objects))
    return NotebookEvaluation.of(evaluation)


def load_report(path: str | Path) -> NotebookEvaluation:
    """Read the evaluation behind a report.

    Parameters
    ----------
    path
        The folder of ``--confmat-report``, or the ``confmat.json`` in it.

    Raises
    ------
    EvaluationError
        If there is no report, no evaluation in it, or they do not belong together.
    """
    folder = Path(path).expanduser()
    file = folder / "confmat.json" if folder.is_dir() else folder
    try:
        document = json.loads(file.read_bytes())
        reports = document.get("reports", ())
    except FileNotFoundError:
        raise EvaluationError(
            f"there is no report {file}; a run with --confmat-report DIR writes one"
        ) from None
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise EvaluationError(f"{file} is no report: {error}") from error
    if reports:
        paths = [str(report.get("path")) for report in reports]
        raise EvaluationError(
            f"{file} is an overview of several reports; load one of them: {listed(paths)}"
        )
    stored = file.parent / "evaluation.npz"
    if not stored.exists():
        why = document.get("error") or f"its outcome is {document.get('outcome')!r}"
        raise EvaluationError(
            f"{stored} is not there, which holds the outcome of every example: a run writes it "
            f"beside confmat.json where it has evaluated ({why}); bring it along, or run again"
        )
    evaluation = NotebookEvaluation.of(Evaluation.load(stored), document)
    support = document.get("dataset", {}).get("support")
    if support != evaluation.matrix.support.tolist() or (
        document.get("matrix") not in (None, evaluation.matrix.counts.tolist())
    ):
        raise EvaluationError(f"{stored} is of another run than {file}: their counts differ")
    return evaluation


def compare(before: Evaluation, after: Evaluation) -> Comparison:
    """Compare two evaluations example by example, as a gate compares with its baseline.

    Examples are the same where content and true class are, whatever their ids.

    Raises
    ------
    BaselineError
        If the classes are not the same, or the sets have too little in common.
    """
    return compare_with_baseline(Baseline.of(before), after)


def judge(
    evaluation: Evaluation, policy: str | Path, baseline: Evaluation | None = None
) -> Verdicts:
    """Compare an evaluation with the limits of a policy, as the gate does.

    Parameters
    ----------
    policy
        Path of a ``thresholds.yaml``. Its data are not read.
    baseline
        What limits such as ``max_drop`` compare with; ``None``: the one that the policy names.

    Raises
    ------
    PolicyError
        If the policy is wrong, or is for other classes.
    EvaluationError
        If the evaluation is not of the set that the policy expects.
    """
    read = read_policy(Path(policy).expanduser())
    if read.classes is not None and read.classes != evaluation.classes:
        raise EvaluationError(
            f"{policy} is for other classes than the evaluation: {listed(read.classes, 20)} and "
            f"{listed(evaluation.classes, 20)}"
        )
    evaluation = replace(evaluation, without_examples=frozenset(read.without_examples))
    fault = class_fault(evaluation) or set_fault(evaluation, read.expected_examples, read.digest)
    if fault is not None:
        raise EvaluationError(fault)
    limits, _ = read.limits_for(evaluation.classes)
    comparison = _comparison(read, evaluation, baseline)
    return Verdicts(judge_limits(limits, evaluation, comparison))


def _comparison(
    policy: Policy, evaluation: Evaluation, baseline: Evaluation | None
) -> Comparison | None:
    if baseline is not None:
        return compare(baseline, evaluation)
    if not policy.compares:
        return None
    policy.require_baseline()
    from pytest_confmat.baseline import load_baseline

    assert policy.baseline is not None
    stored = load_baseline(policy.baseline.path)
    return compare_with_baseline(stored, evaluation, policy.baseline.min_overlap)


def _dataset(data: Any, batch_size: int) -> Any:
    if isinstance(data, str | Path):
        data = {"directory": str(data)}
    if isinstance(data, Mapping):
        return dataset_from_keys(data, Path.cwd())
    is_pair = isinstance(data, tuple) and len(data) in (2, 3)
    if is_pair and all(hasattr(each, "shape") for each in data):
        return _Batched(data, batch_size)
    return data


class _Batched:
    """Arrays of one length, as batches."""

    def __init__(self, arrays: Sequence[ArrayLike], size: int) -> None:
        self._arrays = [np.asarray(each) for each in arrays]
        self._size = size
        lengths = [len(each) for each in self._arrays]
        if len(set(lengths)) > 1:
            raise RequestError(f"inputs and labels have different lengths: {lengths}")

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(self._arrays[0]), self._size):
            yield tuple(each[start : start + self._size] for each in self._arrays)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
