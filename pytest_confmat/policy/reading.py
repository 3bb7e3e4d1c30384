"""thresholds.yaml -> Policy."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_confmat.errors import Location
from pytest_confmat.limits import (
    Bound,
    ClassRule,
    ConfusionRule,
    OverallRule,
    Rule,
    Weighting,
)
from pytest_confmat.policy.dataset import DirectoryShape, ImageShape, ImagesShape, TFRecordShape
from pytest_confmat.policy.document import Block, Document, read_document
from pytest_confmat.policy.grammar import PolicyShape, ThresholdShape
from pytest_confmat.policy.names import read_names
from pytest_confmat.policy.policy import Policy
from pytest_confmat.policy.thresholds import (
    ClassLimit,
    Confusion,
    OverallLimit,
    Thresholds,
    WeightedDiagonal,
)
from pytest_confmat.policy.validation import read_shape
from pytest_confmat.spec import (
    Argmax,
    DatasetSpec,
    Decision,
    DirectorySpec,
    ImageFeature,
    ImageSpec,
    LabelFeature,
    Rescale,
    TFRecordSpec,
    Threshold,
    WeightFeature,
)


def read_policy(path: Path) -> Policy:
    """Read and check a thresholds file.

    Where the file declares the class names, everything is checked; where it does not, what
    needs them is left to `Policy.limits_for`.

    Raises
    ------
    PolicyError
        With file and line: of this file, or of the label file that it names.
    """
    document = read_document(path)
    shape = read_shape(document)
    policy = Policy(
        path=path,
        dataset=dataset_spec(shape, path.absolute().parent),
        classes=_classes(shape, document),
        decision=_decision(shape),
        rules=tuple(_rules(shape.thresholds, document)),
        places=dict(_places(document)),
    )
    if policy.classes is not None:
        policy.limits_for(policy.classes)
    return policy


def _classes(shape: PolicyShape, document: Document) -> tuple[str, ...] | None:
    if isinstance(shape.classes, str):
        location, _ = document.place(["classes"])
        return read_names(document.path.parent / shape.classes, location)
    return shape.classes


def _decision(shape: PolicyShape) -> Decision:
    if isinstance(shape.decision, ThresholdShape):
        return Threshold(shape.decision.threshold, shape.decision.positive)
    return Argmax()


def dataset_spec(policy: PolicyShape, folder: Path) -> DatasetSpec | None:
    """Return what a policy in `folder` (absolute) says about its data."""
    shape = policy.dataset
    if isinstance(shape, DirectoryShape):
        return DirectorySpec(
            directory=folder / shape.directory,
            images=_images(shape),
            ignore=shape.ignore,
            expected_examples=shape.expected_examples,
            on_fault=shape.on_fault,
            max_faults=shape.max_faults,
            digest=shape.digest,
        )
    if isinstance(shape, TFRecordShape):
        # Brackets and stars in the name of the folder itself are no pattern.
        image, label, weight = shape.image, shape.label, shape.weight
        base = Path(glob.escape(str(folder)))
        return TFRecordSpec(
            tfrecord=tuple(str(base / pattern) for pattern in shape.tfrecord),
            image=_image(image) if image else None,
            label=LabelFeature(label.key, label.offset) if label else None,
            weight=WeightFeature(weight.key) if weight else None,
            images=_images(shape),
            expected_examples=shape.expected_examples,
            on_fault=shape.on_fault,
            max_faults=shape.max_faults,
            digest=shape.digest,
        )
    return None


def _image(shape: ImageShape) -> ImageFeature:
    # half is NumPy's other word for float16, and the specs know one.
    dtype = "float16" if shape.dtype == "half" else shape.dtype
    return ImageFeature(shape.key, shape.encoding, dtype, shape.shape)


def _images(shape: ImagesShape) -> ImageSpec:
    rescale = None
    if shape.rescale is not None:
        rescale = Rescale(shape.rescale.scale, shape.rescale.offset)
    return ImageSpec(
        image_size=shape.image_size,
        color_mode=shape.color_mode,
        interpolation=shape.interpolation,
        aspect=shape.aspect,
        rescale=rescale,
        preprocess=shape.preprocess,
        reshape=shape.reshape,
        max_pixels=shape.max_pixels,
    )


def _rules(thresholds: Thresholds, document: Document) -> Iterator[Rule]:
    for metric in _order(document):
        limit: Any = thresholds.top_k.get(metric) or getattr(thresholds, metric)
        if isinstance(limit, OverallLimit):
            location = _bound_location(document, metric)
            yield OverallRule(metric, limit.at_least, location)
        elif isinstance(limit, ClassLimit | WeightedDiagonal):
            yield _class_rule(metric, limit, document)
        else:
            yield from _confusions(limit, document)


def _order(document: Document) -> list[str]:
    thresholds = document.root["thresholds"]
    return list(thresholds) if isinstance(thresholds, Block) else []


def _bound_location(document: Document, metric: str) -> Location:
    location, _ = document.place(["thresholds", metric, "at_least"])
    return location


def _class_rule(metric: str, limit: ClassLimit | WeightedDiagonal, document: Document) -> ClassRule:
    overrides: dict[str, tuple[Bound | None, Location]] = {}
    for name, override in (limit.classes or {}).items():
        location, _ = document.place(["thresholds", metric, "classes", name, "at_least"])
        overrides[name] = (None if override is None else override.at_least, location)
    weighting = None
    if isinstance(limit, WeightedDiagonal):
        weights = limit.weights
        explicit = weights if isinstance(weights, str) else tuple(weights.items())
        weighting = Weighting(explicit, limit.normalize)
    location = _bound_location(document, metric)
    return ClassRule(metric, limit.at_least, location, overrides, weighting)


def _confusions(items: list[Confusion], document: Document) -> Iterator[ConfusionRule]:
    for index, item in enumerate(items):
        location, _ = document.place(["thresholds", "confusions", index, "at_most"])
        yield ConfusionRule(item.at_most, location, item.actual, item.predicted)


def _places(document: Document) -> Iterator[tuple[tuple[str, ...], Location]]:
    """Where the keys stand that are still needed once the file is read."""
    keys: list[tuple[str, ...]] = [(key,) for key in document.root]
    keys.append(("decision", "positive"))
    weights: tuple[str, ...] = ("thresholds", "weighted_diagonal", "weights")
    keys.append(weights)
    node: Any = document.root
    for key in weights:
        node = node.get(key, {}) if isinstance(node, dict) else {}
    if isinstance(node, dict):
        keys += [(*weights, name) for name in node]
    for way in keys:
        location, _ = document.place(way)
        yield way, location
