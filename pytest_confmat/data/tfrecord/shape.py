"""What a policy says of TFRecords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from pytest_confmat.policy import scalars
from pytest_confmat.policy.base_shape import (
    HIDDEN,
    NAME_SCHEMA,
    PATH_SCHEMA,
    LocalPath,
    Name,
    ReadBy,
    Shape,
)
from pytest_confmat.policy.dataset_shape import LARGEST, Dimensions, ImagesShape, word
from pytest_confmat.policy.policy_faults import describe, fault
from pytest_confmat.policy.yaml_document import MappingNode, ScalarNode, SequenceNode
from pytest_confmat.spec import Encoding

_ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
# What tf.io.decode_raw takes, but for complex numbers and booleans; half is NumPy's word too.
_DTYPES = (
    *("uint8", "uint16", "int8", "int16", "int32", "int64"),
    *("float16", "half", "float32", "float64"),
)


# What these hold says itself how large it is, and of which dtype.
_SELF_DESCRIBING: dict[Encoding, str] = {
    "encoded": "an encoded image",
    "base64": "an encoded image",
    "tensor": "a serialized tensor",
}


class WeightShape(Shape):
    """The feature that holds an example's weight, one float."""

    expected: ClassVar[str] = "a mapping such as {key: weight}"

    key: Name = Field(description="Name of the feature.")


class LabelShape(Shape):
    """The feature that holds an example's class: a number, a class name, or one-hot."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    expected: ClassVar[str] = "a mapping such as {key: image/class/label, offset: 1}"

    key: Name | None = Field(None, description="Read from the first record if left out.")
    offset: Annotated[
        int,
        ReadBy(scalars.integer(-LARGEST, LARGEST), {"type": "integer"}),
    ] = Field(0, description="Subtracted from labels that are numbers; 1 where they count from 1.")

    @model_validator(mode="after")
    def _says_something(self) -> LabelShape:
        if not self.model_fields_set:
            raise fault("expected key, offset or both, found nothing")
        return self


def _channels(value: Any) -> str | int:
    name = scalars.name(value)
    return int(name) if name in ("1", "3", "4") else name


class SizeShape(Shape):
    """The features that hold the size of an image, one int64 each."""

    expected: ClassVar[str] = "a list of dimensions such as [28, 28, 1], or {height: h, width: w}"

    height: Name = Field(description="Name of the feature.")
    width: Name = Field(description="Name of the feature.")
    channels: (
        Annotated[str | int, ReadBy(_channels, {"anyOf": [NAME_SCHEMA, {"enum": [1, 3, 4]}]})]
        | None
    ) = Field(
        None,
        description="Name of the feature, or 1, 3 or 4; an array without it has two axes.",
    )


def _shape_form(value: Any) -> str:
    return f"{HIDDEN}{'sizes' if isinstance(value, MappingNode) else 'dimensions'}"


def _image_schema(schema: dict[str, Any]) -> None:
    def encoding(word: str, then: dict[str, Any]) -> dict[str, Any]:
        return {
            "if": {"properties": {"encoding": {"const": word}}, "required": ["encoding"]},
            "then": then,
        }

    schema["allOf"] = [
        encoding("raw", {"required": ["dtype", "shape"]}),
        encoding("float", {"required": ["shape"], "properties": {"dtype": False}}),
        encoding("int64", {"required": ["shape"], "properties": {"dtype": False}}),
        {
            "if": {"properties": {"encoding": {"enum": list(_SELF_DESCRIBING)}}},
            "then": {"properties": {"dtype": False, "shape": False}},
        },
    ]


class ImageShape(Shape):
    """The feature that holds an example's image or numbers."""

    model_config = ConfigDict(json_schema_extra=_image_schema)
    expected: ClassVar[str] = "a mapping such as {key: image/encoded}"

    key: Name = Field(description="Name of the feature.")
    encoding: Annotated[Encoding, word(_ENCODINGS)] = Field(
        "encoded",
        description="encoded: JPEG, PNG, GIF, BMP or WebP. base64: these as base64 text. tensor: "
        "as tf.io.serialize_tensor writes it. raw: the bytes of an array. int64, float: a list "
        "of numbers.",
    )
    dtype: Annotated[str, word(_DTYPES)] | None = Field(
        None, description="Of a raw array, in little-endian byte order."
    )
    shape: (
        Annotated[
            Annotated[Dimensions, Tag(f"{HIDDEN}dimensions")]
            | Annotated[SizeShape, Tag(f"{HIDDEN}sizes")],
            Discriminator(_shape_form),
        ]
        | None
    ) = Field(
        None,
        description="Of a raw array or a list of numbers: dimensions, or the features that hold "
        "them.",
    )

    @model_validator(mode="after")
    def _fits_the_encoding(self) -> ImageShape:
        if what := _SELF_DESCRIBING.get(self.encoding):
            for key in ("dtype", "shape"):
                if getattr(self, key) is not None:
                    raise fault(
                        f"{what} brings its own {key}; leave it out, or say encoding: raw, int64 "
                        "or float",
                        key,
                    )
        elif self.shape is None and (self.encoding != "raw" or self.dtype is not None):
            raise fault(f"{self.encoding} data need a shape, such as [28, 28, 1]", "encoding")
        if self.encoding in ("int64", "float") and self.dtype is not None:
            raise fault("a list of numbers has no dtype; leave it out", "dtype")
        if self.encoding == "raw" and self.dtype is None:
            raise fault("raw bytes need a dtype, such as dtype: uint8", "encoding")
        return self


def _as_list(value: Any) -> Any:
    if isinstance(value, ScalarNode):
        return SequenceNode([value], value.line)
    if not isinstance(value, SequenceNode):
        raise fault(f"expected a path, a glob pattern or a list of them, found {describe(value)}")
    return value


def _shards_once(paths: Sequence[str]) -> Sequence[str]:
    if repeated := scalars.first_repeated(paths):
        index, first, message = repeated
        raise fault(f"{message}, and its examples would count twice", index, other=(first,))
    return paths


class TFRecordShape(ImagesShape):
    """Examples in TFRecord files."""

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

    def sample_weights_missing(self) -> str | None:
        """Return that no feature is named, if none is."""
        if self.weight is not None:
            return None
        return "sample weights need to know where they are; add weight: {key: ...} to dataset"
