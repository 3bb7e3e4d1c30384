"""The shapes below ``dataset``: which data, which set it must be, and how pixels become inputs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    WithJsonSchema,
    model_validator,
)

from pytest_confmat.policy import scalars
from pytest_confmat.policy.document import Block, Items, Scalar
from pytest_confmat.policy.faults import describe, fault
from pytest_confmat.policy.shapes import (
    HIDDEN,
    NAME_SCHEMA,
    PATH_SCHEMA,
    LocalPath,
    Name,
    Shape,
    or_short,
)
from pytest_confmat.policy.text import shown
from pytest_confmat.spec import (
    MAX_FAULTS,
    MAX_PIXELS,
    Aspect,
    ColorMode,
    Encoding,
    Interpolation,
    OnFault,
    PreprocessMode,
)

_LARGEST_SIDE = 65_535
_LARGEST = 2**31 - 1
_LARGEST_COUNT = 2**63 - 1
_COLOR_MODES: tuple[ColorMode, ...] = get_args(ColorMode)
_INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)
_ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
_PREPROCESS: tuple[PreprocessMode, ...] = get_args(PreprocessMode)
_ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
_ON_FAULT: tuple[OnFault, ...] = get_args(OnFault)
# What tf.io.decode_raw takes, but for complex numbers and booleans; half is NumPy's word too.
_DTYPES = (
    *("uint8", "uint16", "int8", "int16", "int32", "int64"),
    *("float16", "half", "float32", "float64"),
)
# Keras refuses these two where it crops to the aspect ratio.
_NOT_WITH_CROP = ("gaussian", "mitchellcubic")

_DIMENSION: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": _LARGEST}
_SIDE = _DIMENSION | {"maximum": _LARGEST_SIDE}
_RATIO: dict[str, Any] = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": scalars.RATIO_PATTERN},
    ]
}

Dimensions = Annotated[
    tuple[int, ...],
    PlainValidator(scalars.dimensions(None, _LARGEST, "a list of dimensions such as [28, 28, 1]")),
    WithJsonSchema({"type": "array", "items": _DIMENSION, "minItems": 1}),
]
ImageSize = Annotated[
    tuple[int, int],
    PlainValidator(scalars.dimensions(2, _LARGEST_SIDE, "[height, width] such as [96, 96]")),
    WithJsonSchema({"type": "array", "items": _SIDE, "minItems": 2, "maxItems": 2}),
]


class RescaleShape(Shape):
    """Pixels times scale plus offset, as keras.layers.Rescaling: a number, or a mapping."""

    model_config = ConfigDict(json_schema_extra=or_short(_RATIO))
    expected: ClassVar[str] = "a number such as 1/255, or {scale: 1/127.5, offset: -1}"

    scale: Annotated[Fraction, PlainValidator(scalars.ratio), WithJsonSchema(_RATIO)] = Field(
        description="What pixels are multiplied by."
    )
    offset: Annotated[Fraction, PlainValidator(scalars.ratio), WithJsonSchema(_RATIO)] = Field(
        Fraction(0), description="What is added then; 0 unless it is given."
    )

    @classmethod
    def long_form(cls, value: Any) -> Any:
        """Take a number for {scale: number}."""
        if isinstance(value, Scalar) and value:
            return Block({"scale": value}, {"scale": value.line}, value.line)
        return value

    @model_validator(mode="after")
    def _keeps_the_picture(self) -> RescaleShape:
        if not self.scale:
            raise fault("a scale of 0 makes all pixels equal", "scale")
        return self


def _word(words: Sequence[str]) -> tuple[PlainValidator, WithJsonSchema]:
    return PlainValidator(scalars.one_of(words)), WithJsonSchema({"enum": list(words)})


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

    expected_examples: (
        Annotated[
            int,
            PlainValidator(scalars.integer(1, _LARGEST_COUNT)),
            WithJsonSchema({"type": "integer", "minimum": 1}),
        ]
        | None
    ) = Field(None, description="Any other number of examples is an error.")
    digest: (
        Annotated[
            str,
            PlainValidator(scalars.digest),
            WithJsonSchema({"type": "string", "pattern": scalars.DIGEST_PATTERN}),
        ]
        | None
    ) = Field(None, description="A set with another digest is an error; every run shows it.")


class ImagesShape(SetShape):
    """How pixels become the model's input; every form of dataset takes these keys."""

    model_config = ConfigDict(json_schema_extra={"allOf": [_RESCALE_OR_PREPROCESS, _CROP, _COLORS]})

    image_size: ImageSize | None = Field(
        None, description="Height and width in pixels; the model's input unless it is given."
    )
    color_mode: Annotated[ColorMode, *_word(_COLOR_MODES)] | None = Field(
        None, description="The model's number of channels unless it is given."
    )
    interpolation: Annotated[Interpolation, *_word(_INTERPOLATIONS)] = Field(
        "bilinear", description="How images are resized, in Keras's words."
    )
    aspect: Annotated[Aspect, *_word(_ASPECTS)] = Field(
        "stretch",
        description="What becomes of another aspect ratio, as image_dataset_from_directory does "
        "it: stretch, crop_to_aspect_ratio or pad_to_aspect_ratio.",
    )
    rescale: RescaleShape | None = Field(None, description="Multiplies pixels, such as 1/255.")
    preprocess: Annotated[PreprocessMode, *_word(_PREPROCESS)] | None = Field(
        None, description="One of keras.applications' modes, instead of rescale."
    )
    reshape: Dimensions | None = Field(
        None, description="Shape of one example as the model gets it, such as [784]."
    )
    on_fault: Annotated[OnFault, *_word(_ON_FAULT)] = Field(
        "error",
        description="An example that cannot be used is an error, or counts as misclassified where "
        "its class is known.",
    )
    max_faults: Annotated[
        int,
        PlainValidator(scalars.integer(1, _LARGEST_COUNT)),
        WithJsonSchema({"type": "integer", "minimum": 1}),
    ] = Field(MAX_FAULTS, description="More examples at fault end the pass early.")
    max_pixels: Annotated[
        int,
        PlainValidator(scalars.integer(1, _LARGEST_COUNT)),
        WithJsonSchema({"type": "integer", "minimum": 1}),
    ] = Field(MAX_PIXELS, description="An encoded image whose header declares more is at fault.")

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


def _ignored(value: Any) -> tuple[str, ...]:
    found = scalars.names(value)
    for index, name in enumerate(found):
        if "/" in name or name in (".", ".."):
            raise fault(f"{shown(name)} is a path; it takes names of class directories", index)
    return found


class DirectoryShape(ImagesShape):
    """Images in class directories."""

    elsewhere: ClassVar = {
        key: f"{key} is for tfrecord, and this dataset is a directory"
        for key in ("image", "label", "weight")
    }

    directory: LocalPath = Field(
        description="Folder of the class directories; relative to this file."
    )
    ignore: Annotated[
        tuple[str, ...],
        PlainValidator(_ignored),
        WithJsonSchema({"type": "array", "items": NAME_SCHEMA, "uniqueItems": True}),
    ] = Field((), description="Directories that are no class, such as __MACOSX.")


class WeightShape(Shape):
    """The feature that holds an example's weight, one float."""

    expected: ClassVar[str] = "a mapping such as {key: weight}"

    key: Name = Field(description="Name of the feature.")


class LabelShape(Shape):
    """The feature that holds an example's class: an integer, a class name, or one-hot."""

    expected: ClassVar[str] = "a mapping such as {key: image/class/label, offset: 1}"

    key: Name = Field(description="Name of the feature.")
    offset: Annotated[
        int,
        PlainValidator(scalars.integer(-_LARGEST, _LARGEST)),
        WithJsonSchema({"type": "integer"}),
    ] = Field(0, description="Subtracted from integer labels; 1 where they count from 1.")


def _image_schema(schema: dict[str, Any]) -> None:
    def encoding(word: str, then: dict[str, Any]) -> dict[str, Any]:
        return {
            "if": {"properties": {"encoding": {"const": word}}, "required": ["encoding"]},
            "then": then,
        }

    schema["allOf"] = [
        encoding("raw", {"required": ["dtype", "shape"]}),
        encoding("float", {"required": ["shape"], "properties": {"dtype": False}}),
        {
            "if": {"properties": {"encoding": {"const": "encoded"}}},
            "then": {"properties": {"dtype": False, "shape": False}},
        },
    ]


class ImageShape(Shape):
    """The feature that holds an example's image or numbers."""

    model_config = ConfigDict(json_schema_extra=_image_schema)
    expected: ClassVar[str] = "a mapping such as {key: image/encoded}"

    key: Name = Field(description="Name of the feature.")
    encoding: Annotated[Encoding, *_word(_ENCODINGS)] = Field(
        "encoded",
        description="encoded: JPEG, PNG, GIF, BMP or WebP. raw: the bytes of an array. float: "
        "a list of floats.",
    )
    dtype: Annotated[str, *_word(_DTYPES)] | None = Field(
        None, description="Of a raw array, in little-endian byte order."
    )
    shape: Dimensions | None = Field(None, description="Of a raw array or a list of floats.")

    @model_validator(mode="after")
    def _fits_the_encoding(self) -> ImageShape:
        if self.encoding == "encoded":
            for key in ("dtype", "shape"):
                if getattr(self, key) is not None:
                    raise fault(
                        f"an encoded image brings its own {key}; leave it out, or say encoding: "
                        "raw or float",
                        key,
                    )
        if self.encoding == "float" and self.dtype is not None:
            raise fault("a list of floats has no dtype; leave it out", "dtype")
        if self.encoding == "raw" and self.dtype is None:
            raise fault("raw bytes need a dtype, such as dtype: uint8", "encoding")
        if self.encoding != "encoded" and self.shape is None:
            raise fault(f"{self.encoding} data need a shape, such as [28, 28, 1]", "encoding")
        return self


def _as_list(value: Any) -> Any:
    if isinstance(value, Scalar):
        return Items([value], value.line)
    if not isinstance(value, Items):
        raise fault(f"expected a path, a glob pattern or a list of them, found {describe(value)}")
    return value


def _shards_once(paths: Sequence[str]) -> Sequence[str]:
    if repeated := scalars.first_repeated(paths):
        index, first, message = repeated
        raise fault(f"{message}, and its examples would count twice", index, other=(first,))
    return paths


class TFRecordShape(ImagesShape):
    """Examples in TFRecord files."""

    elsewhere: ClassVar = {"ignore": "ignore is for a directory, and this dataset is tfrecord"}

    tfrecord: Annotated[
        list[LocalPath],
        BeforeValidator(_as_list),
        Field(min_length=1),
        AfterValidator(_shards_once),
        WithJsonSchema(
            {
                "anyOf": [
                    PATH_SCHEMA,
                    {"type": "array", "items": PATH_SCHEMA, "minItems": 1, "uniqueItems": True},
                ]
            }
        ),
    ] = Field(description="A file, a glob pattern, or a list of them; relative to this file.")
    image: ImageShape | None = Field(None, description="Read from the first record if left out.")
    label: LabelShape | None = Field(None, description="Read from the first record if left out.")
    weight: WeightShape | None = Field(None, description="The weight of each example, if any.")


_FORMS = ("directory", "tfrecord")


def _one_form(value: Any) -> Any:
    if not isinstance(value, Block):
        raise fault(f"expected a mapping with directory or tfrecord, found {describe(value)}")
    forms = [form for form in _FORMS if form in value]
    if len(forms) > 1:
        raise fault("it is either a directory or tfrecord; keep one", "tfrecord")
    own = [key for key in SetShape.known_keys() if key in value]
    if not forms and len(own) < max(1, len(value)):
        there = ", ".join(shown(key) for key in list(value)[:12]) or "nothing"
        more = f"; without them, it takes {' and '.join(SetShape.known_keys())} alone"
        raise fault(f"it needs directory or tfrecord, and has {there}{more if own else ''}")
    return value


def _form(value: Any) -> str:
    return HIDDEN + next((form for form in _FORMS if form in value), "own")


Dataset = Annotated[
    Annotated[DirectoryShape, Tag(f"{HIDDEN}directory")]
    | Annotated[TFRecordShape, Tag(f"{HIDDEN}tfrecord")]
    | Annotated[SetShape, Tag(f"{HIDDEN}own")],
    Discriminator(_form),
    BeforeValidator(_one_form),
]
