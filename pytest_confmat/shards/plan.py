"""The whole plan of an evaluation, which every shard writes beside its parts.

Parts can be merged if their plans are equal: so that the parts of another set, policy, model or
version cannot, and the error says what differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from typing import Any

from pytest_confmat.cache.environment import own_code
from pytest_confmat.errors import EvaluationError
from pytest_confmat.job import Divided, Job
from pytest_confmat.kinds import kind_of, placeless
from pytest_confmat.models.digest import sha256_of_model
from pytest_confmat.text import listed, one_line

FORMAT = 1
_LONGEST = 200
_SHA256 = "SHA-256 of the model"
# Of a set they say where it lies, and of a job what is compared wherever parts come together.
_ELSEWHERE = frozenset({"expected_examples", "digest"})


@dataclass(frozen=True)
class PlanPart:
    """A part by its id, and how many examples it has."""

    id: str
    examples: int


@dataclass(frozen=True)
class EvaluationPlan:
    """What is known of an evaluation before it is done.

    Attributes
    ----------
    parts
        All of them, in the set's order.
    classes
        Names, in the order of the model's outputs.
    facts
        What decides the outcomes, by what it is called in messages; JSON values.
    provenance
        See `Evaluation`; where model and data lay may differ from shard to shard.
    offset
        See `Source.offset`.
    doubt
        A note if the input is likely not what the model was trained on.
    """

    parts: tuple[PlanPart, ...]
    classes: tuple[str, ...]
    facts: Mapping[str, Any]
    provenance: Mapping[str, Any]
    offset: int = 0
    doubt: str | None = None

    @classmethod
    def of(cls, apart: Divided) -> EvaluationPlan:
        """Return the plan of a job that was opened in parts."""
        provenance = apart.provenance()
        model, dataset = provenance["model"], provenance["dataset"]
        facts = {
            **job_facts(apart.job),
            _SHA256: model["sha256"],
            "runtime": model["runtime"],
            "input of the model": dataset["input"],
            "examples a batch": provenance["batch_size"],
            "code of pytest-confmat": own_code(),
            **{f"version of {name}": found for name, found in provenance["versions"].items()},
        }
        parts = tuple(PlanPart(part.id, len(part)) for part in apart.parts)
        classes, offset = apart.job.classes, apart.source.offset
        return cls(parts, classes, facts, provenance, offset, apart.doubt())

    @property
    def examples(self) -> int:
        """How many examples all parts have."""
        return sum(part.examples for part in self.parts)

    @cached_property
    def digest(self) -> str:
        """A digest of all but where model and data lie, in hexadecimal."""
        plain = self.to_plain()
        del plain["provenance"]
        return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def to_plain(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "format": FORMAT,
            "parts": [[part.id, part.examples] for part in self.parts],
            "classes": list(self.classes),
            "facts": dict(self.facts),
            "provenance": dict(self.provenance),
            "offset": self.offset,
            "doubt": self.doubt,
        }

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        return json.dumps(self.to_plain()).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> EvaluationPlan:
        """Read what `to_bytes` returned.

        Raises
        ------
        EvaluationError
            If it is no plan, or one of another version; the text is a predicate.
        """
        try:
            plain = json.loads(content)
            if plain["format"] != FORMAT:
                raise EvaluationError(
                    f"is of format {one_line(str(plain['format']))}, and this release reads "
                    f"{FORMAT}: use one release of pytest-confmat for shards and merge"
                )
            parts = tuple(PlanPart(str(name), int(n)) for name, n in plain["parts"])
            classes = tuple(map(str, plain["classes"]))
            provenance = {name: plain["provenance"][name] for name in plain["provenance"]}
            for name in ("model", "dataset", "versions"):
                provenance[name].items()  # each is a mapping, or this is no plan
            if not parts or len({part.id for part in parts}) < len(parts):
                raise EvaluationError("is no plan: its parts are none, or have one id")
            facts, offset, doubt = dict(plain["facts"]), int(plain["offset"]), plain["doubt"]
            return cls(parts, classes, facts, provenance, offset, doubt)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise EvaluationError("is no plan of an evaluation") from error

    def differences(self, other: EvaluationPlan) -> list[str]:
        """Return in what two plans differ, a line for each thing: ``decision: a, and b there``."""
        found = list(_facts_apart(self.facts, other.facts))
        if self.classes != other.classes:
            found.append(_apart("classes", listed(self.classes), listed(other.classes)))
        if self.parts != other.parts:
            found.append(_parts_apart(self.parts, other.parts))
        if (self.offset, self.doubt) != (other.offset, other.doubt) and not found:
            found.append(_apart("offset of labels", self.offset, other.offset))
        return found

    def foreign_to(self, job: Job) -> list[str]:
        """Return in what a plan differs from that of `job`, as far as its data need not be read.

        Raises
        ------
        ModelError
            If the model's file cannot be read.
        """
        asked = {**job_facts(job), _SHA256: sha256_of_model(job.model.path)}
        planned = {name: self.facts.get(name) for name in self.facts if name in asked}
        found = list(_facts_apart(planned, asked))
        if self.classes != job.classes:
            found.append(_apart("classes", listed(self.classes), listed(job.classes)))
        return found


def job_facts(job: Job) -> dict[str, Any]:
    """Return what decides the outcomes of a plain job, and can be told without its data."""
    spec = placeless(job.dataset)
    return {
        "decision": repr(job.decision),
        "batch size": job.batch_size,
        "signature of the model": job.model.signature,
        "classes without examples": list(job.without_examples),
        "kind of data": kind_of(job.dataset).key,
        **{
            f"dataset.{each.name}": repr(getattr(spec, each.name))
            for each in fields(spec)
            if each.name not in _ELSEWHERE
        },
    }


def _facts_apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            yield _apart(name, one.get(name), other.get(name))


def _apart(name: str, one: object, other: object) -> str:
    said = [one_line(str(each), _LONGEST) for each in (one, other)]
    return f"{name}: {said[0]}, and {said[1]} there"


def _parts_apart(one: Sequence[PlanPart], other: Sequence[PlanPart]) -> str:
    if len(one) != len(other):
        return _apart("number of parts", len(one), len(other))
    first, there = next((a, b) for a, b in zip(one, other, strict=True) if a != b)
    return _apart(
        "the first part that differs",
        f"{first.id} of {first.examples:,} examples",
        f"{there.id} of {there.examples:,}",
    )
