"""What stands below ``dataset`` whatever the kind of data: which set it must be, and its pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar, get_args

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from pytest_confmat.kinds import KINDS, DataKind, choice
from pytest_confmat.policy import scalars
from pytest_confmat.policy.base_shape import (
    HIDDEN,
    Count,
    ReadBy,
    Shape,
    or_short,
)
from pytest_confmat.policy.policy_faults import describe, fault
from pytest_confmat.policy.text_files import shown
from pytest_confmat.policy.yaml_document import MappingNode, ScalarNode
from pytest_confmat.spec import (
    MAX_FAULTS,
    MAX_PIXELS,
    Aspect,
    ColorMode,
    ImageSpec,
    Interpolation,
    JpegDecoding,
    OnFault,
    PreprocessMode,
    Rescale,
)

_LARGEST_SIDE = 65_535
LARGEST = 2**31 - 1
_COLOR_MODES: tuple[ColorMode, ...] = get_args(ColorMode)
_INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)
_ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
_PREPROCESS: tuple[PreprocessMode, ...] = get_args(PreprocessMode)
_JPEG: tuple[JpegDecoding, ...] = get_args(JpegDecoding)
_ON_FAULT: tuple[OnFault, ...] = get_args(OnFault)
# Keras refuses these two where it crops to the aspect ratio.
_NOT_WITH_CROP = ("gaussian", "mitchellcubic")

_DIMENSION: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": LARGEST}
_SIDE = _DIMENSION | {"maximum": _LARGEST_SIDE}
_RATIO: dict[str, Any] = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": scalars.RATIO_PATTERN},
    ]
}

Dimensions = Annotated[
    tuple[int, ...],
    ReadBy(
        scalars.dimensions(None, LARGEST, "a list of dimensions such as [28, 28, 1]"),
        {"type": "array", "items": _DIMENSION, "minItems": 1},
    ),
]
ImageSize = Annotated[
    tuple[int, int],
    ReadBy(
        scalars.dimensions(2, _LARGEST_SIDE, "[height, width] such as [96, 96]"),
        {"type": "array", "items": _SIDE, "minItems": 2, "maxItems": 2},
    ),
]


class RescaleShape(Shape):
    """Pixels times scale plus offset, as keras.layers.Rescaling: a number, or a mapping."""

    model_config = ConfigDict(json_schema_extra=or_short(_RATIO))
    expected: ClassVar[str] = "a number such as 1/255, or {scale: 1/127.5, offset: -1}"

    scale: Annotated[Fraction, ReadBy(scalars.ratio, _RATIO)] = Field(
        description="What pixels are multiplied by."
    )
    offset: Annotated[Fraction, ReadBy(scalars.ratio, _RATIO)] = Field(
        Fraction(0), description="What is added then; 0 unless it is given."
    )

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Take a number for {scale: number}."""
        if isinstance(value, ScalarNode) and value:
            return MappingNode({"scale": value}, {"scale": value.line}, value.line)
        return value

    @model_validator(mode="after")
    def _keeps_the_picture(self) -> RescaleShape:
        if not self.scale:
            raise fault("a scale of 0 makes all pixels equal", "scale")
        return self


def word(words: Sequence[str]) -> ReadBy:
    """Return what makes a field one of `words`."""
    return ReadBy(scalars.one_of(words), {"enum": list(words)})


_RESCALE_OR_PREPROCESS: dict[str, Any] = {"not": {"required": ["rescale", "preprocess"]}}
_CROP: dict[str, Any] = {
    "if": {"properties": {"aspect": {"const": "crop"}}, "required": ["aspect"]},
    "then": {"properties": {"interpolation": {"not": {"enum": list(_NOT_WITH_CROP)}}}},
}
_COLORS: dict[str, Any] = {
    "if": {"properties": {"preprocess": {"enum": ["torch", "caffe"]}}, "required": ["preprocess"]},
    "then": {"properties": {"color_mode": {"const": "rgb"}}},
}


class SetShape(Shape):
    """Which set it must be; all that is said of data from the fixture confmat_dataset."""

    expected_examples: Count | None = Field(
        None, description="Any other number of examples is an error."
    )
    digest: (
        Annotated[
            str,
            ReadBy(scalars.digest, {"type": "string", "pattern": scalars.DIGEST_PATTERN}),
        ]
        | None
    ) = Field(None, description="A set with another digest is an error; every run shows it.")


class ImagesShape(SetShape):
    """How pixels become the model's input; every kind of data takes these keys."""

    # Why examples have no weights of their own, if they never have.
    weightless: ClassVar[str | None] = None

    model_config = ConfigDict(json_schema_extra={"allOf": [_RESCALE_OR_PREPROCESS, _CROP, _COLORS]})

    image_size: ImageSize | None = Field(
        None, description="Height and width in pixels; the model's input unless it is given."
    )
    color_mode: Annotated[ColorMode, word(_COLOR_MODES)] | None = Field(
        None, description="The model's number of channels unless it is given."
    )
    interpolation: Annotated[Interpolation, word(_INTERPOLATIONS)] = Field(
        "bilinear", description="How images are resized, in Keras's words."
    )
    aspect: Annotated[Aspect, word(_ASPECTS)] = Field(
        "stretch",
        description="What becomes of another aspect ratio, as image_dataset_from_directory does "
        "it: stretch, crop_to_aspect_ratio or pad_to_aspect_ratio.",
    )
    jpeg: Annotated[JpegDecoding, word(_JPEG)] = Field(
        "fast",
        description="How JPEGs are decoded: fast as TensorFlow and Keras do by default, accurate "
        "as Pillow, OpenCV and dct_method='INTEGER_ACCURATE' do.",
    )
    rescale: RescaleShape | None = Field(None, description="Multiplies pixels, such as 1/255.")
    preprocess: Annotated[PreprocessMode, word(_PREPROCESS)] | None = Field(
        None, description="One of keras.applications' modes, instead of rescale."
    )
    reshape: Dimensions | None = Field(
        None, description="Shape of one example as the model gets it, such as [784]."
    )
    on_fault: Annotated[OnFault, word(_ON_FAULT)] = Field(
        "error",
        description="An example that cannot be used is an error, or counts as misclassified where "
        "its class is known.",
    )
    max_faults: Count = Field(MAX_FAULTS, description="More examples at fault end the pass early.")
    max_pixels: Count = Field(
        MAX_PIXELS, description="An encoded image whose header declares more is at fault."
    )

    def common(self) -> dict[str, Any]:
        """Return what every spec takes, under its names."""
        rescale = None
        if self.rescale is not None:
            rescale = Rescale(self.rescale.scale, self.rescale.offset)
        images = ImageSpec(
            image_size=self.image_size,
            color_mode=self.color_mode,
            interpolation=self.interpolation,
            aspect=self.aspect,
            rescale=rescale,
            preprocess=self.preprocess,
            reshape=self.reshape,
            max_pixels=self.max_pixels,
            jpeg=self.jpeg,
        )
        return {
            "images": images,
            "expected_examples": self.expected_examples,
            "on_fault": self.on_fault,
            "max_faults": self.max_faults,
            "digest": self.digest,
        }

    def sample_weights_missing(self) -> str | None:
        """Return why limits cannot use the weights of examples; ``None``: they can."""
        return self.weightless

    @classmethod
    def refusal(cls, key: str) -> str | None:
        """Say which kinds of data take `key`, if others do."""
        others = [kind for kind in KINDS if key in kind.shape.known_keys()]
        if not others:
            return super().refusal(key)
        own = next(kind.noun for kind in KINDS if kind.shape is cls)
        return (
            f"{key} is for {' and '.join(each.noun for each in others)}, and this dataset is {own}"
        )

    @model_validator(mode="after")
    def _can_be_done(self) -> ImagesShape:
        if self.rescale is not None and self.preprocess is not None:
            raise fault("rescale and preprocess both scale pixels; keep one", "preprocess")
        if self.interpolation in _NOT_WITH_CROP and self.aspect == "crop":
            raise fault(
                f"Keras has no {self.interpolation} with aspect: crop; choose another of the two",
                "interpolation",
            )
        if self.preprocess in ("torch", "caffe") and self.color_mode not in (None, "rgb"):
            raise fault(
                f"{self.preprocess} is made for color_mode: rgb, not {self.color_mode}",
                "preprocess",
            )
        return self


def _one_kind(value: Any) -> Any:
    named = choice()
    if not isinstance(value, MappingNode):
        raise fault(f"expected a mapping with {named}, found {describe(value)}")
    kinds = [kind for kind in KINDS if kind.key in value]
    if len(kinds) > 1:
        first, *_, last = kinds
        raise fault(f"it is either {first.noun} or {last.noun}; keep one", last.key)
    own = [key for key in SetShape.known_keys() if key in value]
    if not kinds and len(own) < max(1, len(value)):
        there = ", ".join(shown(key) for key in list(value)[:12]) or "nothing"
        more = f"; without them, it takes {' and '.join(SetShape.known_keys())} alone"
        raise fault(f"it needs {named}, and has {there}{more if own else ''}")
    return value


_OWN = f"{HIDDEN}own"


def _tag(value: Any) -> str:
    return next((HIDDEN + kind.key for kind in KINDS if kind.key in value), _OWN)


def dataset(kinds: Iterable[DataKind[Any]]) -> Any:
    """Return the type of ``dataset``: one of `kinds`, or what is said of data of the project's."""
    shapes = [Annotated[kind.shape, Tag(HIDDEN + kind.key)] for kind in kinds]
    each: Any = Annotated[SetShape, Tag(_OWN)]
    for shape in reversed(shapes):
        each = shape | each
    return Annotated[each, Discriminator(_tag), BeforeValidator(_one_kind)]
