"""thresholds.yaml -> Policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pytest_confmat.errors import Location
from pytest_confmat.filenames import below
from pytest_confmat.kinds import KINDS
from pytest_confmat.limits import ESTIMATE, Evidence
from pytest_confmat.policy.grammar import PolicyShape, ThresholdShape
from pytest_confmat.policy.label_files import read_label_file
from pytest_confmat.policy.policy import Policy
from pytest_confmat.policy.rules import rules_of
from pytest_confmat.policy.validation import read_shape
from pytest_confmat.policy.yaml_document import (
    Document,
    MappingNode,
    Node,
    ScalarNode,
    read_document,
)
from pytest_confmat.spec import (
    Argmax,
    BaselineSpec,
    DatasetSpec,
    Decision,
    ModelSpec,
    Threshold,
)


def read_policy(path: Path, *, with_limits: bool = True) -> Policy:
    """Read and check a thresholds file; without limits, one that may have none.

    Where the file declares the class names, everything is checked; where it does not, what
    needs them is left to `Policy.limits_for`.

    Raises
    ------
    PolicyError
        With file and line: of this file, or of the label file that it names.
    """
    document = read_document(path)
    if not with_limits and "thresholds" not in document.root:
        document = _with_any_limit(document)
    shape = read_shape(document)
    folder = path.absolute().parent
    evidence = _evidence(shape)
    without = () if shape.classes is None else shape.classes.without_examples
    dataset = dataset_spec(shape, folder)
    policy = Policy(
        path=path,
        dataset=None if dataset is None else replace(dataset, without_examples=without),
        expected_examples=None if shape.dataset is None else shape.dataset.expected_examples,
        digest=None if shape.dataset is None else shape.dataset.digest,
        classes=_classes(shape, document),
        without_examples=without,
        decision=_decision(shape),
        model=_model(shape, folder),
        signature=None if shape.model is None else shape.model.signature,
        model_sha256=shape.model_sha256,
        evidence=evidence,
        baseline=_baseline(shape, folder),
        reference=_reference(shape, folder),
        thumbnails=0 if shape.report is None else shape.report.thumbnails,
        rules=rules_of(shape.thresholds, evidence, document) if with_limits else (),
        places=dict(_places(document)),
    )
    if policy.classes is not None and with_limits:
        policy.limits_for(policy.classes)
    return policy


def _with_any_limit(document: Document) -> Document:
    """Return a document with the least that the grammar asks for below ``thresholds``."""
    root, last = document.root, document.last_line
    limits = MappingNode({"accuracy": ScalarNode("0", last)}, {"accuracy": last}, last)
    entries, lines = {**root, "thresholds": limits}, {**root.lines, "thresholds": last}
    return replace(document, root=MappingNode(entries, lines, root.line))


def _classes(shape: PolicyShape, document: Document) -> tuple[str, ...] | None:
    if shape.classes is None:
        return None
    names = shape.classes.names
    if isinstance(names, str):
        location, _ = document.place(["classes", "names"])
        return read_label_file(below(document.path.parent, names), location)
    return names


def _model(shape: PolicyShape, folder: Path) -> ModelSpec | None:
    if shape.model is None or shape.model.path is None:
        return None
    return ModelSpec(below(folder, shape.model.path), signature=shape.model.signature)


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
    return BaselineSpec(below(folder, shape.baseline.path), shape.baseline.min_overlap)


def _reference(shape: PolicyShape, folder: Path) -> ModelSpec | None:
    if shape.reference is None:
        return None
    return ModelSpec(below(folder, shape.reference.path), signature=shape.reference.signature)


def dataset_spec(policy: PolicyShape, folder: Path) -> DatasetSpec | None:
    """Return what a policy in `folder` (absolute) says of its data; ``None``: it names none."""
    for kind in KINDS:
        if type(policy.dataset) is kind.shape:
            spec: DatasetSpec = kind.read(policy.dataset, folder)
            return spec
    return None


_KEPT = ("classes", "decision", "evidence", "baseline", "reference")


def _places(document: Document) -> Iterator[tuple[tuple[str, ...], Location]]:
    """Yield the places of the keys that are still needed once the file is read."""
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
    return node if isinstance(node, MappingNode) else {}
