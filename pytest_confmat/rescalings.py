"""The usual ways to rescale a model's input: none, by a scale and an offset, or as Keras's models.

Which are tried follows from the range of the numbers that are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.feeds import CAFFE_MEAN, TORCH_MEAN, TORCH_STD
from pytest_confmat.spec import ImageSpec, PreprocessMode

Pixels = NDArray[np.float32]
Range = tuple[Fraction, Fraction]
Rescaling = Callable[[Pixels], Pixels]

NONE = "no rescale"


@dataclass(frozen=True)
class Affine:
    """``x * scale + offset``, as `rescale` in a policy."""

    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    @classmethod
    def between(cls, here: Range, there: Range) -> Affine:
        """Return the rescaling from one range to another."""
        scale = (there[1] - there[0]) / (here[1] - here[0])
        return cls(scale, there[0] - here[0] * scale)

    def __call__(self, pixels: Pixels) -> Pixels:
        """Rescale, in float32."""
        return pixels * np.float32(float(self.scale)) + np.float32(float(self.offset))

    def __str__(self) -> str:
        """Return it as a policy says it."""
        if not self.offset:
            return f"rescale: {_ratio(self.scale)}"
        return f"rescale: {{scale: {_ratio(self.scale)}, offset: {_ratio(self.offset)}}}"


_UNIT: Range = (Fraction(0), Fraction(1))
_PIXELS: Range = (Fraction(0), Fraction(255))
_SIGNED: Range = (Fraction(-1), Fraction(1))
_CENTERED: Range = (Fraction(-1, 2), Fraction(1, 2))
_BYTES: Range = (Fraction(-128), Fraction(127))
# Ranges that models are trained on, the usual one first.
_WANTED = (_UNIT, _SIGNED, _CENTERED, _PIXELS)

_TF = Affine.between(_PIXELS, _SIGNED)
_MEAN, _STD = np.array(TORCH_MEAN, np.float32), np.array(TORCH_STD, np.float32)
_CAFFE_MEAN = np.array(CAFFE_MEAN, np.float32)

MODES: dict[PreprocessMode, Rescaling] = {
    "tf": _TF,
    "torch": lambda pixels: (pixels / np.float32(255) - _MEAN) / _STD,
    "caffe": lambda pixels: pixels[..., ::-1] - _CAFFE_MEAN,
}
_OF_RGB: tuple[PreprocessMode, ...] = ("torch", "caffe")


def declared_by(images: ImageSpec) -> Rescaling:
    """Return the rescaling that a policy declares."""
    if images.rescale is not None:
        return Affine(images.rescale.scale, images.rescale.offset)
    if images.preprocess is not None:
        return MODES[images.preprocess]
    return Affine()


def rescaled(pixels: Pixels, declared: Pixels) -> Iterator[tuple[str, Pixels]]:
    """Yield the usual rescalings of `pixels`, the simplest first, but for what is `declared`."""
    seen = [declared]
    for name, rescale in _usual(pixels):
        made = rescale(pixels)
        if not any(np.allclose(made, other, atol=1e-6) for other in seen):
            seen.append(made)
            yield name, made


def _usual(pixels: Pixels) -> Iterator[tuple[str, Rescaling]]:
    yield NONE, Affine()
    ranges = _ranges_of(pixels)
    for here in ranges:
        for there in _WANTED:
            affine = Affine.between(here, there)
            yield "preprocess: tf" if affine == _TF else str(affine), affine
    if pixels.ndim != 4 or pixels.shape[-1] != 3:
        return
    to_pixels = Affine.between(ranges[0], _PIXELS)
    first = "" if to_pixels == Affine() else f"{to_pixels} and "
    for mode in _OF_RGB:
        yield f"{first}preprocess: {mode}", _after(to_pixels, MODES[mode])


def _after(first: Rescaling, then: Rescaling) -> Rescaling:
    return lambda pixels: then(first(pixels))


def _ranges_of(pixels: Pixels) -> tuple[Range, ...]:
    """Return the ranges that numbers are likely meant for, the likeliest first."""
    low, high = float(pixels.min()), float(pixels.max())
    if low >= 0:
        return (_UNIT,) if high <= 1 else (_PIXELS,)
    highest = max(-low, high)
    if highest <= 0.5:
        return _CENTERED, _SIGNED
    if highest <= 1:
        return (_SIGNED,)
    return (_BYTES,) if 4 < highest <= 128 else (_PIXELS,)


def _ratio(number: Fraction) -> str:
    """Return a number as a policy says it: ``0.5``, or ``1/255`` where decimals do not end."""
    decimal = Decimal(number.numerator) / number.denominator
    return f"{decimal.normalize():f}" if Fraction(decimal) == number else str(number)
