"""What decides an evaluation, as one word: equal words, equal evaluations."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pytest_confmat.cache.contents import Contents
from pytest_confmat.data.reading import files_of
from pytest_confmat.errors import DataError, UndeterminedError
from pytest_confmat.job import Job, from_here
from pytest_confmat.models.foreign import foreign_code
from pytest_confmat.spec import DatasetSpec, DirectorySpec, ModelSpec, TFRecordSpec

FORMAT = 1
_STATE_ONE = (
    "a fixture confmat_fingerprint of the project's may return a text that changes whenever that "
    "does"
)


def identity(
    job: Job,
    contents: Contents,
    surroundings: Mapping[str, Any],
    *,
    fingerprint: str | None = None,
    own_code: bool = False,
) -> str:
    """Return a digest of all that the evaluation of `job` depends on, in hexadecimal.

    Paths count as reports show them: relative where they lie below the current folder.

    Parameters
    ----------
    contents
        Knows the contents of files.
    surroundings
        What `environment` says.
    fingerprint
        What the project states of objects and code of its own.
    own_code
        Whether the project hands in classes that a model file may name.

    Raises
    ------
    UndeterminedError
        If that cannot be told; the text says why, and what to do if anything.
    """
    said = {
        "format": FORMAT,
        # All that there is, also what jobs may yet come to hold.
        "job": {
            part.name: repr(getattr(job, part.name))
            for part in fields(job)
            if part.name not in ("model", "dataset")
        },
        "fingerprint": fingerprint,
        "environment": surroundings,
    }
    try:
        said["model"] = _model(job.model, contents, fingerprint, own_code)
        said["dataset"] = _dataset(job, contents, fingerprint)
    except (OSError, DataError) as error:
        # The evaluation will say what is wrong.
        raise UndeterminedError(f"the data cannot be read: {error}") from error
    return blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def _model(model: Any, contents: Contents, fingerprint: str | None, own_code: bool) -> Any:
    if not isinstance(model, ModelSpec):
        return _object(model, "the model", fingerprint)
    try:
        code = foreign_code(model, own_code=own_code)
    except Exception as error:
        raise UndeterminedError(f"the model cannot be read: {error}") from error
    if code is not None and fingerprint is None:
        raise UndeterminedError(
            f"the model names {code!r}, which is not Keras's own, and its code can change while "
            f"the file does not: {_STATE_ONE}"
        )
    return [repr(replace(model, path=from_here(model.path))), _digest(contents, "", [model.path])]


def _dataset(job: Job, contents: Contents, fingerprint: str | None) -> Any:
    spec = job.dataset
    if not isinstance(spec, DirectorySpec | TFRecordSpec):
        return _object(spec, "the dataset", fingerprint)
    reading = files_of(spec, job.classes)
    names = reading.names if reading.root else [from_here(Path(name)) for name in reading.names]
    listed = "\0".join(map(str, names)).encode("utf-8", "surrogateescape")
    return [
        repr(_without_place(spec)),
        reading.remarks,
        blake2b(listed, digest_size=16).hexdigest(),
        _digest(contents, reading.root, reading.names),
    ]


def _object(value: Any, what: str, fingerprint: str | None) -> str:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if fingerprint is None:
        raise UndeterminedError(
            f"{what} is an object of the project's own ({kind}), which can change unseen: "
            f"{_STATE_ONE}"
        )
    return kind


def _without_place(spec: DatasetSpec) -> DatasetSpec:
    """Return a spec whose paths are as reports show them.

    What digest and count of the set must be is held against each evaluation, be it recalled or
    not.
    """
    bare = replace(spec, digest=None, expected_examples=None)
    if isinstance(bare, DirectorySpec):
        return replace(bare, directory=from_here(bare.directory))
    patterns = tuple(os.fspath(from_here(Path(pattern))) for pattern in bare.tfrecord)
    return replace(bare, tfrecord=patterns)


def _digest(contents: Contents, root: str, names: Any) -> str:
    digests = contents.digests(root, tuple(map(os.fspath, names)))
    return blake2b(digests.tobytes(), digest_size=16).hexdigest()
