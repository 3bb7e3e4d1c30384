"""What decides an evaluation, as one word: equal words, equal evaluations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pytest_confmat.cache.digest_index import DigestIndex
from pytest_confmat.data.reading import Reading
from pytest_confmat.errors import DataError, ModelError, UndeterminedError
from pytest_confmat.job import Job
from pytest_confmat.kinds import KINDS, kind_of, placeless
from pytest_confmat.models.configuration import configuration
from pytest_confmat.models.digest import sha256_of_model
from pytest_confmat.models.foreign import foreign_code
from pytest_confmat.models.formats import FORMATS
from pytest_confmat.models.look import look_at
from pytest_confmat.spec import DatasetSpec, ModelSpec

FORMAT = 2
_STATE_ONE = (
    "a fixture confmat_fingerprint of the project's may return a text that changes whenever that "
    "does"
)


@dataclass(frozen=True)
class Identity:
    """What was found out of a job without doing it.

    Attributes
    ----------
    key
        A digest of all that its evaluation depends on, in hexadecimal.
    model_sha256
        Of the model's file; ``None``: the model is an object.
    reading
        The files of the data; ``None``: they are objects.
    """

    key: str
    model_sha256: str | None
    reading: Reading | None


def identify(
    job: Job,
    index: DigestIndex,
    surroundings: Mapping[str, Any],
    *,
    fingerprint: str | None = None,
    own_code: bool = False,
) -> Identity:
    """Find out what the evaluation of `job` depends on.

    Where files lie does not count, only what they are called and what they hold.

    Parameters
    ----------
    index
        Knows the digests of the data. The model's file is read each time.
    surroundings
        What `environment` says, and what else of the process counts.
    fingerprint
        What the project states of objects and code of its own.
    own_code
        Whether the project hands in classes that a model file may name.

    Raises
    ------
    UndeterminedError
        If that cannot be found out; the text says why, and what to do if anything.
    """
    inputs: dict[str, Any] = {
        "format": FORMAT,
        # All that there is, also what jobs may yet come to hold.
        "job": {
            part.name: repr(getattr(job, part.name))
            for part in fields(job)
            # The number of examples is compared in every run.
            if part.name not in ("model", "dataset", "expected_examples")
        },
        "fingerprint": fingerprint,
        "environment": surroundings,
    }
    model_sha256 = reading = None
    try:
        if isinstance(job.model, ModelSpec):
            _require_own(job.model, fingerprint, own_code)
            model_sha256 = sha256_of_model(job.model.path)
            plain = replace(job.model, path=Path(job.model.path.name))
            inputs["model"] = [repr(plain), model_sha256]
        else:
            inputs["model"] = _object(job.model, "the model", fingerprint)
        if isinstance(job.dataset, DatasetSpec):
            _require_known(job.dataset, fingerprint)
            reading = kind_of(job.dataset).files(job.dataset, job.classes)
            inputs["dataset"] = _dataset(job.dataset, reading, index)
        else:
            inputs["dataset"] = _object(job.dataset, "the dataset", fingerprint)
    except (OSError, DataError, ModelError) as error:
        # The evaluation will say what is wrong.
        what = "model" if isinstance(error, ModelError) else "data"
        raise UndeterminedError(f"the {what} cannot be read: {error}") from error
    key = blake2b(json.dumps(inputs, sort_keys=True).encode(), digest_size=16).hexdigest()
    return Identity(key, model_sha256, reading)


def _require_own(model: ModelSpec, fingerprint: str | None, own_code: bool) -> None:
    try:
        format_key = look_at(model.path).format
        stored = configuration(model)
        code = foreign_code(model, own_code=own_code)
    except Exception as error:
        raise UndeterminedError(f"the model cannot be read: {error}") from error
    if FORMATS.is_own(format_key) and fingerprint is None:
        raise UndeterminedError(
            f"the model format {format_key!r} is the project's own, whose code can change while "
            f"the file does not: {_STATE_ONE}"
        )
    if stored is None and not model.safe_mode and fingerprint is None:
        raise UndeterminedError(
            "--confmat-unsafe-model loads the model without a look at what it does, and it may "
            f"read files that change while its own do not: {_STATE_ONE}"
        )
    if code is not None and fingerprint is None:
        raise UndeterminedError(
            f"the model names {code!r}, which is not Keras's own, and its code can change while "
            f"the file does not: {_STATE_ONE}"
        )


def _require_known(spec: DatasetSpec, fingerprint: str | None) -> None:
    if KINDS.is_own(kind_of(spec).key) and fingerprint is None:
        raise UndeterminedError(
            f"the kind of data {kind_of(spec).key!r} is the project's own, whose code can change "
            f"while the files do not: {_STATE_ONE}"
        )


def _dataset(spec: DatasetSpec, reading: Reading, index: DigestIndex) -> list[Any]:
    listed = "\0".join(reading.names_wherever).encode("utf-8", "surrogateescape")
    digests = index.digests(reading.root, reading.names)
    return [
        repr(placeless(spec)),
        reading.remarks,
        blake2b(listed, digest_size=16).hexdigest(),
        blake2b(digests.tobytes(), digest_size=16).hexdigest(),
    ]


def _object(value: Any, what: str, fingerprint: str | None) -> str:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if fingerprint is None:
        raise UndeterminedError(
            f"{what} is an object of the project's own ({kind}), which can change unseen: "
            f"{_STATE_ONE}"
        )
    return kind
