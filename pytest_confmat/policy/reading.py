"""thresholds.yaml -> Policy."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_confmat.errors import Location
from pytest_confmat.filenames import system_name
from pytest_confmat.limits import ESTIMATE, Evidence
from pytest_confmat.policy.dataset import DirectoryShape, ImageShape, ImagesShape, TFRecordShape
from pytest_confmat.policy.document import Block, Document, Node, read_document
from pytest_confmat.policy.grammar import PolicyShape, ThresholdShape
from pytest_confmat.policy.names import read_names
from pytest_confmat.policy.policy import Policy
from pytest_confmat.policy.rules import rules_of
from pytest_confmat.policy.validation import read_shape
from pytest_confmat.spec import (
    Argmax,
    BaselineSpec,
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
    folder = path.absolute().parent
    evidence = _evidence(shape)
    policy = Policy(
        path=path,
        dataset=dataset_spec(shape, folder),
        expected_examples=None if shape.dataset is None else shape.dataset.expected_examples,
        digest=None if shape.dataset is None else shape.dataset.digest,
        classes=_classes(shape, document),
        decision=_decision(shape),
        model_sha256=shape.model_sha256,
        evidence=evidence,
        baseline=_baseline(shape, folder),
        rules=rules_of(shape.thresholds, evidence, document),
        places=dict(_places(document)),
    )
    if policy.classes is not None:
        policy.limits_for(policy.classes)
    return policy


def _classes(shape: PolicyShape, document: Document) -> tuple[str, ...] | None:
    if isinstance(shape.classes, str):
        location, _ = document.place(["classes"])
        return read_names(_below(document.path.parent, shape.classes), location)
    return shape.classes


def _decision(shape: PolicyShape) -> Decision:
    if isinstance(shape.decision, ThresholdShape):
        return Threshold(shape.decision.threshold, shape.decision.positive)
    return Argmax()


def _evidence(shape: PolicyShape) -> Evidence:
    if shape.evidence is None:
        return ESTIMATE
    return Evidence(
        confidence=shape.evidence.confidence,
        rule=shape.evidence.rule,
        undecided=shape.evidence.undecided,
        min_support=shape.evidence.min_support,
        family=shape.evidence.family,
    )


def _baseline(shape: PolicyShape, folder: Path) -> BaselineSpec | None:
    if shape.baseline is None:
        return None
    return BaselineSpec(_below(folder, shape.baseline.path), shape.baseline.min_overlap)


def dataset_spec(policy: PolicyShape, folder: Path) -> DatasetSpec | None:
    """Return what a policy in `folder` (absolute) says about its data."""
    shape = policy.dataset
    if isinstance(shape, DirectoryShape):
        return DirectorySpec(
            directory=_below(folder, shape.directory),
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
            tfrecord=tuple(str(_below(base, pattern)) for pattern in shape.tfrecord),
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


def _below(folder: Path, text: str | Path) -> Path:
    """Join a path to the folder it is relative to, without ``a/..`` in it.

    Unless that leads elsewhere, as where `a` is a link.
    """
    joined = folder / system_name(str(text))
    flat = Path(os.path.normpath(joined))
    return flat if flat.resolve() == joined.resolve() else joined


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


_KEPT = ("decision", "evidence", "baseline")


def _places(document: Document) -> Iterator[tuple[tuple[str, ...], Location]]:
    """Where the keys stand that are still needed once the file is read."""
    root = document.root
    ways: list[tuple[str, ...]] = [(key,) for key in root]
    ways += [(key, inner) for key in _KEPT for inner in _mapping(root.get(key))]
    for metric, limit in _mapping(root["thresholds"]).items():
        ways.append(("thresholds", metric))
        for key in ("classes", "weights"):
            inside = _mapping(_mapping(limit).get(key))
            ways += [("thresholds", metric, key), *(("thresholds", metric, key, n) for n in inside)]
    for way in ways:
        location, _ = document.place(way)
        yield way, location


def _mapping(node: Node | None) -> Mapping[str, Node]:
    return node if isinstance(node, Block) else {}
