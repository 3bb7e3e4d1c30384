"""A note where the input of a model is likely not what it was trained on; never a verdict.

A model that gets pixels on the wrong scale may still be right often enough to pass. What can be
checked without training is the first layer and its input.
"""

from __future__ import annotations

from fractions import Fraction

from pytest_confmat.data.feeds import range_text
from pytest_confmat.models.configuration import Layer
from pytest_confmat.spec import Feed
from pytest_confmat.text import quoted

# A layer that multiplies by at most so much is there for pixels of 0 to 255.
_FOR_PIXELS = 1 / 50
# Numbers up to no more than this are nothing that a model is trained on.
_NOTHING = 0.05
# Pixels of 0 to 255 reach beyond this, also where they are dark.
_PIXELS = 12


def doubt(feed: Feed, layer: Layer | None) -> str | None:
    """Return a sentence on what is likely wrong with what goes in, or ``None``.

    Parameters
    ----------
    layer
        The model's first; ``None``: it is not known. Layers other than `Rescaling` and those with
        trained weights are skipped: a `Normalization` or `BatchNormalization` may have
        been fitted to any scale.
    """
    if layer is None or feed.low is None or feed.high is None or not feed.is_image:
        return None
    is_pixels = feed.low >= 0 and _PIXELS < feed.high <= 255
    if layer.scale is not None and layer.scale <= _FOR_PIXELS:
        return None if is_pixels else _twice(feed, layer)
    if layer.scale is not None:
        return _unscaled(feed, layer) if layer.scale > 1 and is_pixels else None
    if layer.is_weighted and is_pixels and feed.rescaled_by is None:
        return _forgotten(feed, layer)
    if layer.is_weighted and max(-feed.low, feed.high) <= _NOTHING:
        return _nothing(feed)
    return None


def _twice(feed: Feed, layer: Layer) -> str:
    return (
        f"the model rescales pixels of 0..255 itself, by {_named(layer)} that multiplies by "
        f"{Fraction(layer.scale or 0).limit_denominator(1000)}, and what goes in is "
        f"{_range(feed)}: {_leave_out(feed)}, unless the model was trained so"
    )


def _leave_out(feed: Feed) -> str:
    if feed.is_own:
        return "let the dataset yield pixels as they are"
    if feed.rescaled_by is None:
        return "say what makes pixels of 0..255 of them, such as `rescale: 255`, in dataset"
    return f"take `{feed.rescaled_by}` out of dataset"


def _unscaled(feed: Feed, layer: Layer) -> str:
    return (
        f"the model multiplies its input by {layer.scale:g} in {_named(layer)}, and what goes in "
        f"is {_range(feed)}: it was likely trained on 0..1, {_say(feed)}"
    )


def _forgotten(feed: Feed, layer: Layer) -> str:
    return (
        f"what goes into the model is {_range(feed)}, and it has no layer that rescales before "
        f"{_named(layer)}: if training rescaled pixels, {_say(feed)}"
        + ("" if feed.is_own else "; if it did not, `rescale: 1` says so and ends this note")
    )


def _nothing(feed: Feed) -> str:
    by = f": `{feed.rescaled_by}` may be meant for other numbers" if feed.rescaled_by else ""
    return f"what goes into the model is {_range(feed)}, as if it were rescaled twice{by}"


def _say(feed: Feed) -> str:
    if feed.is_own:
        return "the dataset must do the same"
    return "say so in dataset, such as `rescale: 1/255`"


def _named(layer: Layer) -> str:
    name = f" {quoted(layer.name)}" if layer.name else ""
    return f"its {layer.kind} layer{name}"


def _range(feed: Feed) -> str:
    return range_text((feed.low or 0.0, feed.high or 0.0))
