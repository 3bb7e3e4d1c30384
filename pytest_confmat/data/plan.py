"""From what a policy says and a model takes: how pixels become inputs. Decided before a pass."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from pytest_confmat.data import shapes
from pytest_confmat.data.shapes import ModelShape, Shape
from pytest_confmat.errors import DataError
from pytest_confmat.spec import CHANNELS, ColorMode, ImageSpec, ModelInput
from pytest_confmat.text import plural

_KERAS_CANNOT_CROP = ("gaussian", "mitchellcubic")
_SAY_SIZE = "say image_size: [height, width] in dataset"


@dataclass(frozen=True)
class Plan:
    """How examples become inputs.

    Attributes
    ----------
    spec
        Interpolation, aspect, rescale and preprocess, as the policy says.
    resize
        Height and width to resize to; ``None`` leaves the size as it is.
    channels
        To decode images with: 1, 3 or 4. Of no meaning for arrays.
    pixels
        Shape of one example before reshaping.
    shape, dtype
        Of one example as the model gets it.
    """

    spec: ImageSpec
    resize: tuple[int, int] | None
    channels: int
    pixels: Shape
    shape: Shape
    dtype: str

    @property
    def changes_values(self) -> bool:
        """Whether anything but the dtype is done to the numbers."""
        spec = self.spec
        return self.resize is not None or spec.rescale is not None or spec.preprocess is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of how pixels are treated."""
        exact = self.resize is None or self.spec.interpolation == "nearest"
        if exact or not takes_integers(self.dtype):
            return ()
        return (
            f"the model takes {self.dtype}: pixels are cut to whole numbers after resizing, "
            "as Keras does",
        )


def resolve(images: ImageSpec, model: ModelInput) -> Plan:
    """Decide how encoded images become inputs of `model`.

    Raises
    ------
    DataError
        If the two contradict each other, or leave open what must be known.
    """
    _refuse_impossible(images)
    axes = _image_axes(model.shape)
    size = images.image_size or _model_size(axes, images, model.shape)
    channels = _channels(images, axes, size)
    if images.reshape is None:
        _refuse_contradiction(images, axes, model.shape)
    pixels = (*size, channels)
    shape = shapes.target(pixels, images.reshape, model.shape, "images")
    _refuse_preprocess(images, pixels)
    return _checked(Plan(images, size, channels, pixels, shape, model.dtype))


def resolve_arrays(
    images: ImageSpec, model: ModelInput, shape: tuple[int, ...] | None, what: str
) -> Plan:
    """Decide how arrays of `shape`, named `what` in messages, become inputs of `model`.

    They are resized only where the policy gives an ``image_size``.

    Raises
    ------
    DataError
        If array, policy and model contradict each other, or leave open what must be known.
    """
    _refuse_impossible(images)
    if shape is None:
        shape = _model_shape(model.shape, images, what)
    if images.color_mode is not None:
        _refuse_other_channels(images.color_mode, shape, what)
    pixels = shape
    if images.image_size is not None:
        if len(shape) not in (2, 3):
            raise DataError(
                f"dataset.image_size needs {what} of shape [height, width] or [height, width, "
                f"channels], and they have {shapes.text(shape)}"
            )
        pixels = (*images.image_size, *(shape[2:] or (1,)))
    taken = model.shape
    if images.image_size is None and shapes.fit(shape, taken) is None and model.channels_first:
        taken = model.channels_first
    fitted = shapes.target(pixels, images.reshape, taken, what)
    _refuse_preprocess(images, pixels)
    return _checked(Plan(images, images.image_size, pixels[-1], pixels, fitted, model.dtype))


def _refuse_impossible(images: ImageSpec) -> None:
    if images.rescale is not None and images.preprocess is not None:
        raise DataError("dataset has both rescale and preprocess; keep the one the model needs")
    if images.aspect == "crop" and images.interpolation in _KERAS_CANNOT_CROP:
        raise DataError(
            f"interpolation: {images.interpolation} does not go with aspect: crop, nor does it in "
            "Keras; take another interpolation, or aspect: stretch or pad"
        )


def _image_axes(model: ModelShape | None) -> tuple[int | None, int | None, int | None] | None:
    """Return height, width and channels of the images that a model takes, if it takes images."""
    if model is None:
        return None
    if shapes.looks_channels_first(model):
        raise DataError(
            f"the model takes {shapes.text(model)}, channels first; {shapes.CHANNELS_FIRST}"
        )
    if len(model) != 3 or model[2] not in (1, 3, 4):
        model = tuple(size for size in model if size != 1)
    if len(model) == 2:
        return model[0], model[1], 1
    if len(model) == 3 and model[2] in (1, 3, 4, None):
        return model[0], model[1], model[2]
    return None


def _model_size(
    axes: tuple[int | None, int | None, int | None] | None,
    images: ImageSpec,
    model: ModelShape | None,
) -> tuple[int, int]:
    if model is None:
        raise DataError(f"the model does not say what size of images it takes; {_SAY_SIZE}")
    if axes is None and images.reshape is not None:
        raise DataError(f"reshape needs to know the size of the images before it; {_SAY_SIZE}")
    if axes is None:
        wanted = ", ".join(str(size or "...") for size in model)
        raise DataError(
            f"the model takes {shapes.text(model)}, which is no image of 1, 3 or 4 channels; if "
            f"it takes the pixels of one, say image_size: [height, width] and reshape: [{wanted}] "
            "in dataset"
        )
    if axes[0] is None or axes[1] is None:
        raise DataError(f"the model takes images of any size, {shapes.text(model)}; {_SAY_SIZE}")
    return axes[0], axes[1]


def _channels(
    images: ImageSpec,
    axes: tuple[int | None, int | None, int | None] | None,
    size: tuple[int, int],
) -> int:
    if images.color_mode is not None:
        return CHANNELS[images.color_mode]
    if axes is not None and axes[2] is not None and images.reshape is None:
        return axes[2]
    if images.reshape is not None:
        # The shape to come tells how many channels the image must have.
        fitting = [c for c in (1, 3, 4) if prod(size) * c == prod(images.reshape)]
        if fitting:
            return fitting[0]
    return 3


def _refuse_contradiction(
    images: ImageSpec,
    axes: tuple[int | None, int | None, int | None] | None,
    model: ModelShape | None,
) -> None:
    if axes is None or model is None:
        return
    size, color_mode = images.image_size, images.color_mode
    if size and any(b not in (None, a) for a, b in zip(size, axes[:2], strict=True)):
        raise DataError(
            f"dataset.image_size is {list(size)}, and the model takes {list(axes[:2])}, its input "
            f"being {shapes.text(model)}; leave image_size out to take the model's"
        )
    if color_mode and axes[2] not in (None, CHANNELS[color_mode]):
        raise DataError(
            f"dataset.color_mode is {color_mode}, {plural(CHANNELS[color_mode], 'channel')}, and "
            f"the model takes {axes[2]}, its input being {shapes.text(model)}; leave color_mode "
            "out to take the model's"
        )


def _model_shape(model: ModelShape | None, images: ImageSpec, what: str) -> Shape:
    known = tuple(size for size in model or () if size is not None)
    if model is None or len(known) < len(model) or images.image_size or images.reshape:
        raise DataError(f"the shape of {what} is not known; say shape: [...] in dataset.image")
    return known


def _refuse_other_channels(color_mode: ColorMode, shape: Shape, what: str) -> None:
    given = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or given != CHANNELS[color_mode]:
        raise DataError(
            f"dataset.color_mode is {color_mode}, and {what} have shape {shapes.text(shape)}; "
            "leave color_mode out"
        )


def _refuse_preprocess(images: ImageSpec, pixels: Shape) -> None:
    if images.preprocess in ("torch", "caffe") and (len(pixels) != 3 or pixels[2] != 3):
        raise DataError(
            f"preprocess: {images.preprocess} is for rgb images, and these have shape "
            f"{shapes.text(pixels)}"
        )


def _checked(plan: Plan) -> Plan:
    if plan.dtype in ("string", "object", "resource", "variant"):
        raise DataError(f"the model takes {plan.dtype}, and the data are numbers")
    asked = "rescale" if plan.spec.rescale is not None else "preprocess"
    if takes_integers(plan.dtype) and (plan.spec.rescale or plan.spec.preprocess):
        raise DataError(
            f"dataset.{asked} makes fractions, and the model takes {plan.dtype}, which would cut "
            f"them to whole numbers; leave {asked} out"
        )
    return plan


def takes_integers(dtype: str) -> bool:
    """Whether numbers of `dtype` are whole."""
    return dtype.startswith(("int", "uint", "bool"))
