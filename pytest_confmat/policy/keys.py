"""A dataset given in Python, with the keys that a policy's ``dataset`` has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_confmat.errors import PolicyError, RequestError
from pytest_confmat.policy.reader import dataset_spec
from pytest_confmat.policy.validation import read_shape
from pytest_confmat.policy.yaml_document import (
    Document,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
)
from pytest_confmat.spec import DatasetSpec


def dataset_from_keys(keys: Mapping[str, Any], folder: Path) -> DatasetSpec:
    """Read ``dataset`` as a policy would; relative paths lie below `folder`.

    Raises
    ------
    RequestError
        In the words of the policy's own errors.
    """
    # The rest of the smallest policy that could hold this dataset.
    rest = {"version": 1, "classes": ["0", "1"], "thresholds": {"accuracy": 0}}
    root = _tree({**rest, "dataset": keys})
    assert isinstance(root, MappingNode)
    try:
        shape = read_shape(Document(folder / "dataset", root, 1))
    except PolicyError as error:
        raise RequestError(error.message) from None
    spec = dataset_spec(shape, folder)
    assert spec is not None
    return spec


def _tree(value: Any) -> Node:
    if isinstance(value, Mapping):
        entries = {str(key): _tree(entry) for key, entry in value.items()}
        return MappingNode(entries, dict.fromkeys(entries, 1), 1)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return SequenceNode([_tree(entry) for entry in value], 1)
    return ScalarNode(str(value), 1)
