"""The contract of a predictor: a model, and what it says about a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.parts import set_unknown
from pytest_confmat.spec import ModelInput


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model said about a batch, one entry an example.

    Attributes
    ----------
    predicted
        Class indices, int64 (n,).
    score
        Score of the predicted class, float32 (n,).
    rank
        How many classes scored above the true one, or equal with a lower index; int64 (n,).
        0 exactly where `predicted` is the true class. Meaningless for a label out of range.
    valid
        Whether all scores of the example are finite, bool (n,). Where not, the other entries
        mean nothing.
    runner_up, runner_up_score
        The class with the highest score but for `predicted`, the first of equals, int64 (n,); its
        score, float32 (n,).
    tied
        How many classes share the highest score, int64 (n,); 1 where there is no tie.
    true_tied
        Whether the true class has the highest score, alone or with others, bool (n,).

    The last four are as of a `Part` that does not know them, where they are left out.
    """

    predicted: NDArray[np.int64]
    score: NDArray[np.float32]
    rank: NDArray[np.int64]
    valid: NDArray[np.bool_]
    runner_up: NDArray[np.integer] = None  # type: ignore[assignment]  # set below
    runner_up_score: NDArray[np.float32] = None  # type: ignore[assignment]
    tied: NDArray[np.integer] = None  # type: ignore[assignment]
    true_tied: NDArray[np.bool_] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        set_unknown(self, len(self.predicted))


class Predictor(Protocol):
    """A model behind one call."""

    @property
    def input(self) -> ModelInput:
        """What the model takes."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader."""

    @property
    def runtime(self) -> str | None:
        """What runs the model, with its version: ``TensorFlow 2.21.0``; ``None``: the project."""

    @property
    def is_pure(self) -> bool | None:
        """Whether batches may be predicted in any order, and at the same time, in threads.

        ``None``: that is known after `check`.
        """

    @property
    def is_stateful(self) -> bool:
        """Whether what it says of a batch depends on the batches before; known after `check`."""

    def rewind(self) -> None:
        """Leave the model in the state in which it was before its first batch."""

    def check_stated(self) -> None:
        """Compare what the model states of its outputs, if anything, with classes and decision.

        Before any data are read: a pass that ends at its first batch has begun to read many.

        Raises
        ------
        ModelError
            If the outputs do not fit.
        """

    def check(self, inputs: Any, batch_size: int | None = None) -> None:
        """Compare the model's outputs for a first batch with classes and decision.

        Parameters
        ----------
        batch_size
            The most examples that a batch will hold; default: as many as `inputs`.

        The model's state is afterwards as it was before.

        Raises
        ------
        ModelError
            If the batch does not fit the model, or the outputs do not fit the classes.
        """

    def predict(self, inputs: Any, labels: NDArray[np.int64]) -> Prediction:
        """Predict a batch: inputs of shape (n, ...), true classes int64 (n,).

        Raises
        ------
        ModelError
            If the scores cannot be used, such as logits under a threshold.
        """
