"""How scores become a class: the one place where that is decided, whatever computed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import ModelError, RequestError
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.spec import Argmax, Decision
from pytest_confmat.text import listed

SMALLEST = np.finfo(np.float32).tiny
# How far a score may lie outside 0 to 1 by rounding alone.
ROUNDING = 1e-6
# Numbers decided on at a time: what is made of them on the way stays in the cache of a core.
_BLOCK = 1 << 17
_LACKED = (
    ", and of those without examples in the set say so: "
    "`classes: {names: [...], without_examples: [...]}`"
)
_LISTED = 20


@dataclass(frozen=True)
class Rule:
    """A decision compared with the classes it decides between.

    Attributes
    ----------
    classes
        Names, in the order of the model's outputs.
    threshold
        The score from which on `positive` is predicted, or ``None`` for argmax.
    positive
        Index of the class that `threshold` speaks of.
    written
        The threshold as a decimal, for messages.
    """

    classes: tuple[str, ...]
    threshold: np.float32 | None = None
    positive: int = 1
    written: str = ""

    @classmethod
    def of(cls, decision: Decision, classes: Sequence[str]) -> Rule:
        """Return the rule for these classes.

        Raises
        ------
        RequestError
            If a threshold is to decide between other than two classes, or for an unknown one.
        """
        names = tuple(classes)
        if isinstance(decision, Argmax):
            return cls(names)
        if len(names) != 2:
            raise RequestError(
                f"a threshold decides between two classes, and there are {len(names)}: "
                f"{listed(names, _LISTED)}; use `decision: argmax`"
            )
        if decision.positive is not None and decision.positive not in names:
            raise RequestError(
                f"the threshold's positive class {decision.positive!r} is none of the classes: "
                f"{listed(names, _LISTED)}"
            )
        positive = 1 if decision.positive is None else names.index(decision.positive)
        cut = float(decision.threshold)
        threshold = np.float32(cut)
        if cut > 0 and threshold < SMALLEST:
            # Scores this small count as zero, and zero must not reach the threshold.
            threshold = SMALLEST
        return cls(names, threshold, positive, repr(cut))

    def require_units(self, shape: Sequence[int | None], name: str) -> None:
        """Hold the shape of a model's scores, the batch axis first, against the classes.

        Sizes that are not known are ``None`` and fit.

        Raises
        ------
        ModelError
            If the shape is not (N, K), nor (N, 1) for a threshold, but for axes of length 1.
        """
        row = one_row(shape)
        if len(row) != 2:
            raise ModelError(
                f"{name} gives an output of shape {with_n(shape)}: supported is one row of scores "
                f"an example, {self._supported()}"
            )
        units = row[1]
        if units in (None, len(self.classes)) and units != 1:
            return
        if units == 1:
            self._require_one_unit(name)
            return
        raise ModelError(
            f"{name} has {units} outputs, and there are {len(self.classes)} classes: "
            f"{listed(self.classes, _LISTED)}; `classes` must name every output, in the "
            f"model's order{_LACKED if units > len(self.classes) else ''}"
        )

    def _require_one_unit(self, name: str) -> None:
        if self.threshold is not None:
            return
        if len(self.classes) != 2:
            raise ModelError(
                f"{name} has one output, which can tell two classes apart, and there are "
                f"{len(self.classes)}: {listed(self.classes, _LISTED)}"
            )
        first, second = self.classes
        raise ModelError(
            f"{name} has one output, and argmax over one output is always 0, that is {first!r}: "
            f"write `decision: {{threshold: 0.5}}` if its score is that of {second!r}, or "
            f"`decision: {{threshold: 0.5, positive: {first!r}}}` if it is that of {first!r}"
        )

    def _supported(self) -> str:
        k = len(self.classes)
        return f"(N, {k})" if self.threshold is None else f"(N, {k}) or (N, 1)"

    def require_probabilities(self, extremes: NDArray[np.floating], name: str) -> None:
        """Hold the outermost score of each example against a threshold's range of 0 to 1.

        Raises
        ------
        ModelError
            If one lies outside.
        """
        if self.threshold is None:
            return
        outside = np.flatnonzero((extremes < -ROUNDING) | (extremes > 1 + ROUNDING))
        if outside.size:
            raise ModelError(
                f"{name} gave the score {extremes[outside[0]]!s}, and a threshold of "
                f"{self.written} needs scores between 0 and 1: these look like logits; end the "
                "model in a sigmoid (one output) or a softmax (two), or put one behind it in a "
                "confmat_model fixture"
            )

    def decide(self, scores: NDArray[Any], labels: NDArray[np.int64], name: str) -> Prediction:
        """Turn scores of shape (n, K), or (n, 1) under a threshold, into a prediction.

        Parameters
        ----------
        scores
            Floats. float64 is compared as it is under argmax, and as float32 under a threshold.
        labels
            True classes, int64 (n,); those out of range get a rank without meaning.
        name
            The model, as messages should call it.

        Raises
        ------
        ModelError
            If a threshold is given scores outside 0 to 1.
        """
        rows = max(1, _BLOCK // max(scores.shape[1], 1))
        blocks = [
            self._decide(scores[at : at + rows], labels[at : at + rows], name)
            for at in range(0, max(len(scores), 1), rows)
        ]
        return blocks[0] if len(blocks) == 1 else _joined(blocks)

    def _decide(self, scores: NDArray[Any], labels: NDArray[np.int64], name: str) -> Prediction:
        valid = np.isfinite(scores).all(axis=1)
        # TensorFlow takes numbers below the smallest normal one for zero, and so do we.
        scores = np.where(np.abs(scores) < np.finfo(scores.dtype).tiny, 0, scores)
        true = np.clip(labels, 0, len(self.classes) - 1)
        if self.threshold is None:
            return _argmax(scores, true, valid)
        scores = scores.astype(np.float32)
        if len(scores):
            extremes = np.where(
                scores.max(axis=1) > 1 + ROUNDING, scores.max(axis=1), scores.min(axis=1)
            )
            self.require_probabilities(extremes[valid], name)
        # One unit is the score of the positive class, wherever that stands.
        own = scores[:, 0 if scores.shape[1] == 1 else self.positive]
        other = np.float32(1) - own if scores.shape[1] == 1 else scores[:, 1 - self.positive]
        above = own >= self.threshold
        predicted = np.where(above, self.positive, 1 - self.positive)
        is_right = predicted == true
        tied = own == other
        return Prediction(
            predicted.astype(np.int64),
            np.where(above, own, other),
            (~is_right).astype(np.int64),
            valid,
            1 - predicted.astype(np.int64),
            np.where(above, other, own),
            np.where(tied, 2, 1),
            tied | np.where(true == self.positive, own > other, other > own),
        )


def _argmax(
    scores: NDArray[np.floating], true: NDArray[np.int64], valid: NDArray[np.bool_]
) -> Prediction:
    rows, units = np.arange(len(scores)), np.arange(scores.shape[1])
    predicted = np.argmax(scores, axis=1)
    own, top = scores[rows, true][:, np.newaxis], scores[rows, predicted]
    equal = scores == own
    before = np.count_nonzero(equal & (units < true[:, np.newaxis]), axis=1)
    rank = np.count_nonzero(scores > own, axis=1) + before
    true_tied = own[:, 0] == top
    tied = np.count_nonzero(scores == top[:, np.newaxis], axis=1)
    # Of the others the first with the highest score.
    others = scores.copy()
    others[rows, predicted] = -np.inf
    runner_up = np.argmax(others, axis=1)
    with np.errstate(over="ignore"):
        score, second = (scores[rows, unit].astype(np.float32) for unit in (predicted, runner_up))
    return Prediction(
        predicted.astype(np.int64),
        score,
        rank.astype(np.int64),
        valid,
        runner_up.astype(np.int64),
        second,
        tied.astype(np.int64),
        true_tied,
    )


def _joined(predictions: Sequence[Prediction]) -> Prediction:
    columns = zip(*(vars(each).values() for each in predictions), strict=True)
    return Prediction(*map(np.concatenate, columns))


def one_row(shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return the shape of scores without axes of length 1, such as (N, K) for (N, 1, 1, K).

    The batch axis comes first and stays. Where nothing else is left there is one unit, (N, 1).
    """
    sizes = [size for size in shape[1:] if size != 1]
    return (*shape[:1], *(sizes or shape[1:2]))


def with_n(shape: Sequence[int | None]) -> str:
    """Return a shape with its batch axis written as N, other unknown sizes as None."""
    if not shape:
        return "()"
    return f"(N{''.join(f', {size}' for size in shape[1:])}{',' if len(shape) == 1 else ''})"
