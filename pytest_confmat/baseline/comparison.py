"""A baseline and an evaluation, compared with each other example by example.

An example of one is an example of the other if content and true class are the same, whatever
its id. What was added, removed, changed or relabeled since is reported, and not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.baseline import Baseline
from pytest_confmat.baseline.alignment import Alignment, align
from pytest_confmat.baseline.file_pair import how_to_save
from pytest_confmat.errors import BaselineError
from pytest_confmat.evaluation import Evaluation, outcome_matrix
from pytest_confmat.matrix import ConfusionMatrix
from pytest_confmat.parts import UNPREDICTED
from pytest_confmat.spec import MIN_OVERLAP
from pytest_confmat.text import first_lines, joined, listed, one_line, plural, quoted

LISTED = 10
CLASSES_LISTED = 50

Integers = NDArray[np.int64]
# A baseline is a stored evaluation; a reference is a model evaluated in the same pass.
Other = Literal["baseline", "reference"]


@dataclass(frozen=True, order=True)
class Relabeled:
    """An example with the same content and another true class than before."""

    id: str
    before: str
    now: str


@dataclass(frozen=True)
class Change:
    """A share of the common examples, for the baseline's model and for the new one."""

    before: Fraction
    now: Fraction

    @property
    def difference(self) -> Fraction:
        """The share now minus the share before."""
        return self.now - self.before


@dataclass(frozen=True)
class Changes:
    """Accuracy and recall then and now.

    Attributes
    ----------
    examples
        How many both sets have in common.
    accuracy
        Of all of them; ``None``: there is none.
    recall
        Of each class, in the evaluation's order; ``None``: no common example is of it.
    """

    examples: int
    accuracy: Change | None
    recall: tuple[Change | None, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The outcomes of two models on the examples that a baseline and an evaluation share.

    Attributes
    ----------
    classes
        Names, in the order of the evaluation; all indices below refer to it.
    true
        True class of each common example, int64 (n,), in the evaluation's order.
    before, now
        Classes predicted by the baseline's model and by the new one, int64 (n,); `UNPREDICTED`
        where an example was predicted as none.
    rank_before, rank_now
        Rank of the true class, int64 (n,): 0 is the first; K where nothing was predicted.
    places
        Places of the common examples in the evaluation's order, int64 (n,), ascending.
    added, removed
        Ids of examples that only the evaluation, or only the baseline holds.
    changed
        Ids that both hold, with other content.
    relabeled
        Examples of the same content and another true class; the id is the evaluation's.
    renamed
        How many of the common examples have another id in the evaluation.
    reordered
        Whether the baseline's classes stand in another order.
    without_examples
        Classes that are declared to have no examples.
    other
        What the other model is called in messages.
    model
        Path, format and sha256 of the reference; ``None`` for a baseline.
    """

    classes: tuple[str, ...]
    true: Integers
    before: Integers
    now: Integers
    rank_before: Integers
    rank_now: Integers
    places: Integers
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    relabeled: tuple[Relabeled, ...] = ()
    renamed: int = 0
    reordered: bool = False
    without_examples: frozenset[str] = frozenset()
    other: Other = "baseline"
    model: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        """Return the number of common examples."""
        return len(self.true)

    def __repr__(self) -> str:
        return f"<Comparison: {len(self)} examples of {len(self.classes)} classes in common>"

    @property
    def examples(self) -> int:
        """Size of the evaluation's set."""
        return len(self) + len(self.added) + len(self.changed) + len(self.relabeled)

    @property
    def baseline_examples(self) -> int:
        """Size of the baseline's set."""
        return len(self) + len(self.removed) + len(self.changed) + len(self.relabeled)

    @cached_property
    def newly_wrong(self) -> NDArray[np.bool_]:
        """Which common examples the baseline got right and the new model gets wrong, (n,)."""
        return np.asarray((self.before == self.true) & (self.now != self.true))

    @cached_property
    def newly_right(self) -> NDArray[np.bool_]:
        """Which common examples the baseline got wrong and the new model gets right, (n,)."""
        return np.asarray((self.before != self.true) & (self.now == self.true))

    @cached_property
    def flipped(self) -> NDArray[np.bool_]:
        """Which common examples the two models predict as different classes, bool (n,).

        One that only one of them could predict is among them.
        """
        return np.asarray(self.before != self.now)

    @cached_property
    def matrix_before(self) -> ConfusionMatrix:
        """Counts of the baseline's model over the common examples."""
        return outcome_matrix(self.true, self.before, self.classes, self.without_examples)

    @cached_property
    def matrix_now(self) -> ConfusionMatrix:
        """Counts of the new model over the common examples."""
        return outcome_matrix(self.true, self.now, self.classes, self.without_examples)

    @property
    def changes(self) -> Changes:
        """Accuracy and recall of both models, on the common examples."""
        before, now = self.matrix_before, self.matrix_now
        rows = zip(now.support, before.correct, now.correct, strict=True)
        recall = tuple(_change(*(int(n) for n in row)) for row in rows)
        right = int(before.correct.sum()), int(now.correct.sum())
        return Changes(len(self), _change(len(self), *right), recall)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the summary: how many examples were compared, and why not all."""
        return tuple(_notes(self))


def compare(
    baseline: Baseline, evaluation: Evaluation, min_overlap: Fraction = MIN_OVERLAP
) -> Comparison:
    """Align an evaluation with a baseline, example by example.

    Parameters
    ----------
    min_overlap
        The common examples must be at least this share of the baseline's examples and of the
        evaluation's, overall and in each class.

    Raises
    ------
    BaselineError
        If the classes are not the same, or the sets have too little in common.
    """
    _require_classes(baseline, evaluation.classes)
    here = Baseline.of(evaluation)
    there = _in_order_of(baseline, here.classes)
    alignment = align(there, here)
    comparison = replace(
        _comparison(there, here, alignment, baseline.classes != here.classes),
        without_examples=evaluation.without_examples,
    )
    _require_overlap(there, here, comparison, min_overlap)
    return comparison


def compare_with_reference(reference: Evaluation, evaluation: Evaluation, path: str) -> Comparison:
    """Compare two models that saw the same examples in one pass, place by place.

    Parameters
    ----------
    path
        Of the reference, for messages.

    Raises
    ------
    BaselineError
        If they did not see the same examples.
    """
    there, here = Baseline.of(reference), Baseline.of(evaluation)
    if there.classes != here.classes or not (
        np.array_equal(there.true, here.true) and np.array_equal(there.check, here.check)
    ):
        raise BaselineError(
            f"the reference {path} and the model saw different examples: the data changed while "
            "they were read, or yield something else each time; run it again with "
            "--confmat-cache=off"
        )
    return Comparison(
        here.classes,
        here.true,
        there.predicted,
        here.predicted,
        there.rank,
        here.rank,
        np.arange(len(here)),
        without_examples=evaluation.without_examples,
        other="reference",
        model={**reference.provenance.get("model", {}), "path": path},
    )


def _change(examples: int, before: int, now: int) -> Change | None:
    if not examples:
        return None
    return Change(Fraction(before, examples), Fraction(now, examples))


def _in_order_of(baseline: Baseline, classes: tuple[str, ...]) -> Baseline:
    """Return a baseline with its classes in another order."""
    if baseline.classes == classes:
        return baseline
    places = {name: place for place, name in enumerate(classes)}
    # UNPREDICTED is -1, and so the last entry.
    new = np.array([*(places[name] for name in baseline.classes), UNPREDICTED])
    return Baseline(
        classes,
        baseline.ids,
        baseline.check,
        new[baseline.true],
        new[baseline.predicted],
        baseline.rank,
        baseline.provenance,
        baseline.path,
    )


def _comparison(there: Baseline, here: Baseline, found: Alignment, reordered: bool) -> Comparison:
    names = here.classes
    return Comparison(
        names,
        here.true[found.here],
        there.predicted[found.there],
        here.predicted[found.here],
        there.rank[found.there],
        here.rank[found.here],
        found.here,
        _named(here.ids, found.added),
        _named(there.ids, found.removed),
        _named(here.ids, found.changed),
        tuple(
            Relabeled(here.ids[now], names[there.true[before]], names[here.true[now]])
            for before, now in found.relabeled.tolist()
        ),
        found.renamed,
        reordered,
    )


def _named(ids: Sequence[str], places: Integers) -> tuple[str, ...]:
    return tuple(ids[place] for place in places.tolist())


def _require_classes(baseline: Baseline, classes: tuple[str, ...]) -> None:
    before, now = set(baseline.classes), set(classes)
    if before == now:
        return
    gone = [name for name in baseline.classes if name not in now]
    new = [name for name in classes if name not in before]
    raise BaselineError(
        f"the baseline {baseline.path} is of other classes than this evaluation; "
        f"only in the baseline: {_classes(gone)}; only here: {_classes(new)}\n"
        f"  the baseline's {len(before):,}: {_classes(baseline.classes)}\n"
        f"  the {len(now):,} here: {_classes(classes)}\n"
        "  if classes were renamed, added or removed on purpose, save a new baseline: "
        f"{how_to_save(baseline.path)}"
    )


def _classes(names: Sequence[str]) -> str:
    return listed(names, CLASSES_LISTED) or "none"


def _require_overlap(
    there: Baseline, here: Baseline, comparison: Comparison, least: Fraction
) -> None:
    """Raise if two sets share too little of either: a shrunken set is as bad as a new one."""
    k = len(here.classes)
    common, before, now = (
        np.bincount(true, minlength=k) for true in (comparison.true, there.true, here.true)
    )
    larger = np.maximum(before, now)
    low = [at for at in range(k) if int(common[at]) < least * int(larger[at])]
    overall = len(comparison) < least * max(len(there), len(here))
    if not low and not overall:
        return
    lines = []
    if overall:
        lines.append(_shared(len(comparison), len(there), len(here)))
    # The class of which least is left, and the first of several.
    low.sort(key=lambda at: (Fraction(int(common[at]), int(larger[at])), at))
    each = [
        f"{quoted(here.classes[at])}: {_shared(int(common[at]), int(before[at]), int(now[at]))}"
        for at in low
    ]
    lines += first_lines(each, LISTED, "class", "classes")
    raise BaselineError(
        f"too few examples are the same as in the baseline {there.path} to compare with it; "
        f"min_overlap is {float(least):g} of both sets, overall and in each class\n"
        + "\n".join(f"  {line}" for line in [*lines, *_differences(comparison)])
        + "\n  a changed set cannot show a regression: let the model in production save a new "
        f"baseline on this one: {how_to_save(there.path)}"
    )


def _shared(common: int, before: int, now: int) -> str:
    return f"{common:,} of the baseline's {before:,} and of the {now:,} here"


def _differences(comparison: Comparison) -> Iterator[str]:
    if reasons := _not_compared(comparison):
        yield ", ".join(reasons)
    if len(comparison.changed) > len(comparison):
        yield "ids are the same and contents are not, as where shards were written anew"


def _not_compared(comparison: Comparison) -> list[str]:
    """Return how many examples are not compared, in words, for each reason."""
    counts = (
        (len(comparison.added), "was added", "were added"),
        (len(comparison.removed), "was removed", "were removed"),
        (len(comparison.changed), "changed", "changed"),
        (len(comparison.relabeled), "was relabeled", "were relabeled"),
    )
    return [plural(n, one, many) for n, one, many in counts if n]


def _notes(comparison: Comparison) -> Iterator[str]:
    common, examples = len(comparison), comparison.examples
    if comparison.other == "reference":
        worse, better = (int(np.sum(x)) for x in (comparison.newly_wrong, comparison.newly_right))
        path = (comparison.model or {}).get("path")
        yield (
            f"compared with the reference {path} on all {plural(examples, 'example')}: "
            f"{int(np.sum(comparison.flipped)):,} predicted differently, {worse:,} newly wrong, "
            f"{better:,} newly right"
        )
        return
    if reasons := _not_compared(comparison):
        yield (
            f"compared with the baseline on {common:,} of {plural(examples, 'example')}: since "
            f"then, {', '.join(reasons)}"
        )
    else:
        yield f"compared with the baseline on all {plural(examples, 'example')}"
    if comparison.relabeled:
        shown = [
            f"{one_line(moved.id)} ({quoted(moved.before)} before, now {quoted(moved.now)})"
            for moved in comparison.relabeled
        ]
        yield f"relabeled since the baseline, and not compared: {joined(shown, LISTED)}"
    if comparison.renamed:
        n = comparison.renamed
        yield (
            f"{plural(n, 'example has', 'examples have')} another id than in the "
            "baseline, and the same content"
        )
    if comparison.reordered:
        yield "the baseline's classes stand in another order, and are matched by name"
