"""What a policy can say about data, model and decision, as plain frozen values.

Nothing here reads a file or knows TensorFlow: a spec can be printed, compared, hashed and sent
to a worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pytest_confmat.errors import RequestError

ColorMode = Literal["rgb", "grayscale", "rgba"]
Aspect = Literal["stretch", "crop", "pad"]
Interpolation = Literal[
    "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"
]
PreprocessMode = Literal["tf", "torch", "caffe"]
JpegDecoding = Literal["fast", "accurate"]
Encoding = Literal["encoded", "base64", "tensor", "raw", "int64", "float"]
Normalize = Literal["true", "pred", "all"]
OnFault = Literal["error", "misclassified"]
Links = Literal["inside", "follow"]

# Pillow's limit: a quarter of a GiB of pixels of three bytes.
MAX_PIXELS = 178_956_970
MAX_FAULTS = 100
MIN_OVERLAP = Fraction(9, 10)

CHANNELS: dict[ColorMode, int] = {"grayscale": 1, "rgb": 3, "rgba": 4}


@dataclass(frozen=True)
class Rescale:
    """``x * scale + offset`` in float32, as ``keras.layers.Rescaling`` computes it."""

    scale: Fraction
    offset: Fraction = Fraction(0)


@dataclass(frozen=True)
class ImageSpec:
    """How pixels become the model's input. ``None`` means: take it from the model's input.

    Attributes
    ----------
    image_size
        Height and width in pixels.
    reshape
        Shape of one example as it is handed to the model, without the batch axis.
    max_pixels
        An encoded image whose header declares more is a fault, and is not decoded.
    jpeg
        ``fast``: the DCT that TensorFlow and Keras use by default. ``accurate``: the exact one,
        as in Pillow and OpenCV.
    """

    image_size: tuple[int, int] | None = None
    color_mode: ColorMode | None = None
    interpolation: Interpolation = "bilinear"
    aspect: Aspect = "stretch"
    rescale: Rescale | None = None
    preprocess: PreprocessMode | None = None
    reshape: tuple[int, ...] | None = None
    max_pixels: int = MAX_PIXELS
    jpeg: JpegDecoding = "fast"


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """What a policy can say of an evaluation set of any kind.

    Attributes
    ----------
    on_fault
        Whether an example at fault is an error, or a wrong prediction of its class where that is
        known.
    max_faults
        More faults than these end the pass early.
    digest
        What `pytest_confmat.manifest.digest` must return of the set: ``sha256:`` and 64 digits.
    without_examples
        Classes that the set is known to have no examples of.
    """

    images: ImageSpec = field(default_factory=ImageSpec)
    expected_examples: int | None = None
    on_fault: OnFault = "error"
    max_faults: int = MAX_FAULTS
    digest: str | None = None
    without_examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class DirectorySpec(DatasetSpec):
    """Images in class directories below ``directory`` (absolute).

    Attributes
    ----------
    links
        ``inside``: links to files below ``directory`` alone are examples. ``follow``: all links
        are followed, to files and folders, wherever they lead.
    """

    directory: Path
    ignore: tuple[str, ...] = ()
    links: Links = "inside"


@dataclass(frozen=True)
class SizeFeatures:
    """The features that hold the size of an array, one int64 each.

    `channels` may also be the number itself; ``None``: the array has two axes.
    """

    height: str
    width: str
    channels: str | int | None = None


@dataclass(frozen=True)
class ImageFeature:
    """The feature that holds an example's image or numbers.

    Attributes
    ----------
    encoding
        ``encoded``: JPEG, PNG, GIF, BMP or WebP bytes. ``base64``: these as base64 text.
        ``tensor``: what ``tf.io.serialize_tensor`` writes. ``raw``: the bytes of an array of
        `dtype` and `shape`. ``int64``, ``float``: a list of numbers of `shape`.
    sizes
        Where records state the shape, instead of `shape`.
    """

    key: str
    encoding: Encoding = "encoded"
    dtype: str | None = None
    shape: tuple[int, ...] | None = None
    sizes: SizeFeatures | None = None


@dataclass(frozen=True)
class LabelFeature:
    """The feature that holds an example's class; `offset` is subtracted from numbers.

    A `key` that is ``None`` is inferred from the first records.
    """

    key: str | None = None
    offset: int = 0


@dataclass(frozen=True)
class WeightFeature:
    """The feature that holds an example's weight, one float."""

    key: str


@dataclass(frozen=True)
class TFRecordSpec(DatasetSpec):
    """TFRecord shards: absolute paths or glob patterns, in the order written."""

    tfrecord: tuple[str, ...]
    image: ImageFeature | None = None
    label: LabelFeature | None = None
    weight: WeightFeature | None = None


@dataclass(frozen=True)
class Argmax:
    """The predicted class is the unit with the highest score, the first one of equals."""


@dataclass(frozen=True)
class Threshold:
    """Of two classes, `positive` is predicted where its score is at least `threshold`.

    ``positive=None`` is the second class.
    """

    threshold: Fraction
    positive: str | None = None


Decision = Argmax | Threshold


@dataclass(frozen=True)
class ModelSpec:
    """A saved model: an absolute path as the user meant it, not yet looked at.

    Attributes
    ----------
    safe_mode
        Whether code that the file holds is refused instead of run.
    signature
        Which of the file's entry points is judged, where its format has them; ``None``: its usual
        one.
    """

    path: Path
    safe_mode: bool = True
    signature: str | None = None


@dataclass(frozen=True)
class BaselineSpec:
    """A stored evaluation to compare with: an absolute path, not yet looked at.

    Attributes
    ----------
    min_overlap
        Share of examples that both sets must have in common, as a whole and in each class.
    """

    path: Path
    min_overlap: Fraction = MIN_OVERLAP


@dataclass(frozen=True)
class ModelInput:
    """What a model takes.

    Attributes
    ----------
    shape
        Of one example, without the batch axis; ``None`` in it is any size. ``None`` as a whole:
        the model does not say.
    dtype
        NumPy name of the dtype the model is fed with.
    batch
        The batch size the model insists on, or ``None``.
    channels_first
        Of a model that takes images the other way round: `shape` in its own order, in which
        examples may come too. ``None``: it does not.
    """

    shape: tuple[int | None, ...] | None = None
    dtype: str = "float32"
    batch: int | None = None
    channels_first: tuple[int | None, ...] | None = None


@dataclass(frozen=True)
class Feed:
    """What goes into a model.

    Attributes
    ----------
    text
        In words: ``32 x 32 rgb, pixels 0..255 as stored, no rescale``.
    low, high
        The range of the numbers that the model gets; ``None``: not known.
    is_image
        Whether an example is a picture of 1, 3 or 4 channels, whose pixels may be fractions.
    rescaled_by
        What the policy does to the numbers, as it would say it; ``None``: nothing.
    is_own
        Whether it comes from a dataset of the project's own, which no policy describes.
    """

    text: str
    low: float | None = None
    high: float | None = None
    is_image: bool = False
    rescaled_by: str | None = None
    is_own: bool = False


def decision_from(given: Decision | Mapping[str, Any] | str) -> Decision:
    """Return a decision as calls in Python state it.

    Raises
    ------
    RequestError
        If it is neither ``"argmax"`` nor ``{"threshold": 0.3, "positive": "name"}``.
    """
    if isinstance(given, Argmax | Threshold):
        return given
    if given == "argmax":
        return Argmax()
    if isinstance(given, Mapping) and set(given) <= {"threshold", "positive"} and given:
        try:
            threshold = Fraction(str(given["threshold"]))
        except (KeyError, ValueError):
            raise RequestError(f"decision {given!r} needs a number as threshold") from None
        return Threshold(threshold, given.get("positive"))
    raise RequestError(
        f"decision is 'argmax' or {{'threshold': 0.3, 'positive': 'name'}}, not {given!r}"
    )
