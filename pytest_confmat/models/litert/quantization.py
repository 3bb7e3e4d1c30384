"""Whole numbers that stand for others: how a quantized model takes and gives its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Quantization:
    """One scale and one zero point for all numbers of a tensor.

    Attributes
    ----------
    dtype
        NumPy's name of the whole numbers.
    """

    dtype: str
    scale: float
    zero_point: int

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest number that can be told."""
        limits = np.iinfo(self.dtype)
        ends = self.real(np.array([limits.min, limits.max]))
        return float(ends[0]), float(ends[1])

    def quantized(self, numbers: NDArray[np.float32]) -> NDArray[Any]:
        """Return the whole numbers that stand for float32 `numbers`; those outside are cut off."""
        limits = np.iinfo(self.dtype)
        found = np.round(numbers / np.float32(self.scale)) + np.float32(self.zero_point)
        # What is not finite has no whole number; its example is told apart later.
        with np.errstate(invalid="ignore"):
            return np.clip(found, limits.min, limits.max).astype(self.dtype)

    def real(self, whole: NDArray[Any]) -> NDArray[np.float32]:
        """Return the float32 numbers that whole ones stand for."""
        distance = whole.astype(np.float32) - np.float32(self.zero_point)
        found: NDArray[np.float32] = distance * np.float32(self.scale)
        return found

    def outside(self, numbers: NDArray[np.float32]) -> float:
        """Return the share of numbers that are cut off, by more than a step."""
        low, high = self.range
        beyond = (numbers < low - self.scale) | (numbers > high + self.scale)
        return float(beyond.mean()) if beyond.size else 0.0
