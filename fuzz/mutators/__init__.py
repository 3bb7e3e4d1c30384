"""Making inputs of inputs: some by bytes alone, most by their structure.

What is changed at random alone is refused by the first check that it meets: a checksum, a
length, a header. These know where such things stand, and put most of them right again.
"""

from __future__ import annotations

from functools import cache
from pkgutil import resolve_name
from random import Random

from fuzz.mutators.raw import Mutator, raw, splice
from fuzz.seeds import seeds
from fuzz.targets import TARGETS

_STEPS = (1, 1, 1, 1, 2, 3, 4)


def mutate(name: str, data: bytes, random: Random) -> bytes:
    """Return another input for a target, made of `data` in some steps."""
    structured = _mutator(name)
    for _ in range(random.choice(_STEPS)):
        choice = random.random()
        if choice < 0.05 or not data:
            data = random.choice(seeds(name))
        elif choice < 0.15:
            data = splice(data, random.choice(seeds(name)), random)
        elif choice < 0.35:
            data = raw(data, random)
        else:
            data = structured(data, random)
    return data[: TARGETS[name].longest]


@cache
def _mutator(name: str) -> Mutator:
    found: Mutator = resolve_name(TARGETS[name].mutator)
    return found
