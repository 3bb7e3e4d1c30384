"""Class names that a data set of the user's own carries with it.

Keras's ``image_dataset_from_directory`` and its iterators, and the sets of torchvision, state
which names their labels count. What TensorFlow knows of a pipeline is asked of attributes that
are not public, since there are no others; where one is missing, nothing is found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from pytest_confmat.data.naming import require_same_names, same_names
from pytest_confmat.errors import DataError
from pytest_confmat.text import listed

_LISTS = ("class_names", "classes")
_PLACES = ("class_indices", "class_to_idx")
# Steps of a pipeline of TensorFlow's that hand examples on as they are, few or many at a time.
_HANDING_ON = (
    *("Prefetch", "Cache", "Take", "Skip", "Shuffle", "Shard", "Options", "Repeat", "Concatenate"),
    *("Batch", "ParallelBatch", "PaddedBatch", "Unbatch", "Rebatch", "Restructured", "Filter"),
    *("AssertCardinality", "IgnoreErrors"),
)
_MAPS = ("Map", "ParallelMap")
# Operations that leave a label what it is, or one-hot.
_KEEPING = ("Identity", "Cast", "OneHot", "ExpandDims", "Squeeze", "Reshape")


@dataclass(frozen=True)
class Stated:
    """Names, as a data set states them.

    Attributes
    ----------
    attribute
        Where they stand, such as ``class_names``.
    renumbering
        What may give labels other numbers on their way; ``None``: they count these names.
    """

    attribute: str
    names: tuple[str, ...]
    renumbering: str | None = None


def stated_names(dataset: Any) -> tuple[Stated, ...]:
    """Return every list of names that a data set states."""
    return tuple(dict.fromkeys(_look(dataset)))


def names_of(dataset: Any) -> tuple[str, ...] | None:
    """Return the class names that a data set states; ``None``: it states none for its labels.

    Raises
    ------
    DataError
        If it states different ones.
    """
    found = [stated for stated in stated_names(dataset) if stated.renumbering is None]
    for other in found[1:]:
        if other.names != found[0].names:
            raise DataError(
                f"the dataset's {found[0].attribute} and {other.attribute} differ: "
                f"{listed(found[0].names)} and {listed(other.names)}; pass classes=[...] in the "
                "order of the labels, and correct the one that is wrong"
            )
    return found[0].names if found else None


def compare_names(dataset: Any, classes: Sequence[str]) -> tuple[str, ...]:
    """Compare what a data set states with `classes`; return notes.

    Raises
    ------
    DataError
        If they contradict each other; it shows both.
    """
    notes = []
    for stated in stated_names(dataset):
        whose = f"the dataset's {stated.attribute}"
        if stated.renumbering is None:
            notes.append(
                require_same_names(
                    whose,
                    stated.names,
                    classes,
                    f"its labels count the names of {stated.attribute}: if the model's outputs "
                    "have that order, write classes so; if not, make the dataset in the order of "
                    "the model's outputs",
                )
            )
        elif not same_names(stated.names, classes):
            notes.append(
                f"{whose} are {listed(stated.names, 3)}, and classes {listed(classes, 3)}: they "
                f"are not compared, as {stated.renumbering} may renumber the labels"
            )
    return tuple(filter(None, notes))


def _look(dataset: Any, renumbering: str | None = None) -> Iterator[Stated]:
    """Yield what an object states; where that is nothing, what it was made of does."""
    if _attribute(dataset, "target_transform") is not None:  # of torchvision
        renumbering = renumbering or "its target_transform"
    own = [Stated(attribute, names, renumbering) for attribute, names in _own(dataset)]
    yield from own
    if own:
        return
    module, kind = type(dataset).__module__, type(dataset).__name__
    if module.startswith("tensorflow"):
        name = kind.removeprefix("_").removesuffix("Dataset")
        inputs = getattr(dataset, "_inputs", None)
        if name not in _HANDING_ON and not (name in _MAPS and _keeps_labels(dataset)):
            renumbering = renumbering or f"a step of it ({kind.strip('_')})"
        for made_of in inputs() if callable(inputs) else ():
            yield from _look(made_of, renumbering)
    elif module.startswith("torch.") and kind in ("DataLoader", "Subset"):
        yield from _look(getattr(dataset, "dataset", None), renumbering)


def _own(dataset: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    for attribute in _LISTS:
        found = _attribute(dataset, attribute)
        if getattr(found, "ndim", None) == 1:  # an array
            found = found.tolist()
        if isinstance(found, list | tuple) and _are_names(found):
            yield attribute, tuple(found)
    for attribute in _PLACES:
        found = _attribute(dataset, attribute)
        if isinstance(found, Mapping) and _are_names(found):
            places = list(found.values())
            whole = all(isinstance(place, Integral) for place in places)
            if whole and sorted(places) == list(range(len(found))):
                yield attribute, tuple(sorted(found, key=found.__getitem__))


def _are_names(found: Collection[Any]) -> bool:
    return (
        len(found) > 1
        and all(isinstance(name, str) for name in found)
        and len(set(found)) == len(found)
    )


def _attribute(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name, None)
    except Exception:  # a property of the user's own, which nobody asked for
        return None


def _keeps_labels(step: Any) -> bool:
    """Whether a map hands on the second of (inputs, labels[, weights]) as it comes."""
    from pytest_confmat.data.images import tensorflow

    tf = tensorflow()

    def place(element: Any) -> int | None:
        if not isinstance(element, tuple) or len(element) not in (2, 3):
            return None
        if not isinstance(element[1], tf.TensorSpec):
            return None
        return len(tf.nest.flatten(element[0], expand_composites=True))

    try:
        function = step._map_func.function
        before, after = place(step._inputs()[0].element_spec), place(step.element_spec)
        if before is None or after is None:
            return False
        label = function.outputs[after]
        while label.op.type in _KEEPING:
            label = label.op.inputs[0]
        return label is function.inputs[before]
    except (AttributeError, IndexError, TypeError):
        return False
