"""The targets: a function a surface, which takes bytes and returns, or raises our error.

Whatever else comes out of one is a finding: another exception, a crash, too much time or memory
(`fuzz.guard`), and an AssertionError where two readers of the same bytes disagree, so that an
example would be judged by what it does not say. atheris (`fuzz.run`) and Hypothesis
(``tests/fuzz``) feed the same functions.

HDF5 files are none of them. The C library reads them, and where one of its heaps is damaged it may
not come to an end (an object of no size), or ask for gigabytes; so does Keras when it loads them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name

from fuzz.guard import MEMORY, budgets
from fuzz.seeds import seeds
from pytest_confmat.errors import ConfmatError

# A message that lists what a file holds must not be as long as the file.
LONGEST_MESSAGE = 20_000


@dataclass(frozen=True)
class Target:
    """What is fuzzed.

    Attributes
    ----------
    name, surface
        In a word, and in a sentence.
    where, mutator
        The function that takes the bytes, and the one of `fuzz.mutators` that makes others of
        them: ``module:function``.
    longest
        Bytes of an input, at most.
    memory
        Bytes that an input of no size may take.
    """

    name: str
    surface: str
    where: str
    mutator: str
    longest: int = 1 << 14
    memory: int = MEMORY

    @property
    def function(self) -> Callable[[bytes], None]:
        """The function itself; what it needs is imported here."""
        found: Callable[[bytes], None] = resolve_name(self.where)
        return found


_ALL = (
    Target(
        "policy",
        "thresholds.yaml, and its limits for some classes",
        "fuzz.texts:policy",
        "fuzz.mutators.texts:yaml",
        longest=4096,
    ),
    Target(
        "names",
        "label files: of a policy, and beside TFRecords",
        "fuzz.texts:names",
        "fuzz.mutators.texts:lines",
    ),
    Target(
        "info",
        "dataset_info.json beside TFRecords",
        "fuzz.texts:info",
        "fuzz.mutators.texts:json_text",
    ),
    Target(
        "manifest",
        "manifests of evaluation sets",
        "fuzz.texts:manifest",
        "fuzz.mutators.texts:lines",
        longest=4096,
    ),
    Target(
        "example",
        "serialised Examples, by five layouts",
        "fuzz.records:example",
        "fuzz.mutators.records:example",
    ),
    Target(
        "shard",
        "TFRecord shards, plain and compressed, to their end",
        "fuzz.records:shard",
        "fuzz.mutators.records:shard",
        longest=1 << 16,
    ),
    Target(
        "header",
        "headers of encoded images",
        "fuzz.pictures:header",
        "fuzz.mutators.pictures:picture",
    ),
    Target(
        "image",
        "encoded images, decoded as the directory source does it",
        "fuzz.pictures:image",
        "fuzz.mutators.pictures:picture",
    ),
    Target(
        "keras",
        ".keras files, before they are loaded",
        "fuzz.files:keras",
        "fuzz.mutators.files:keras",
        longest=1 << 16,
    ),
    Target(
        "keras_2",
        "configurations of Keras 2, before tf-keras reads them",
        "fuzz.files:keras_2",
        "fuzz.mutators.texts:json_text",
    ),
    Target(
        "saved_model",
        "graphs of SavedModels, before they are imported",
        "fuzz.files:saved_model",
        "fuzz.mutators.graphs:saved_model",
        longest=1 << 16,
    ),
    Target(
        "onnx",
        "ONNX files, before onnxruntime opens them",
        "fuzz.files:onnx",
        "fuzz.mutators.onnx:onnx",
        longest=1 << 16,
    ),
    Target(
        "litert",
        "LiteRT files, before a runtime opens them",
        "fuzz.files:litert",
        "fuzz.mutators.litert:litert",
        longest=1 << 16,
    ),
    Target(
        "baseline",
        "both parts of a baseline",
        "fuzz.files:baseline",
        "fuzz.mutators.files:baseline",
    ),
    Target(
        "evaluation",
        "stored evaluations",
        "fuzz.files:evaluation",
        "fuzz.mutators.files:archive",
        longest=1 << 16,
    ),
)
TARGETS = {target.name: target for target in _ALL}


def check(name: str, data: bytes) -> str | None:
    """Run a target on `data`, within its budgets; return our error's text, if that came.

    Raises
    ------
    Exception
        Anything but our error, which is a finding.
    """
    target = TARGETS[name]
    message = None
    function = _warm(target)
    with budgets(len(data), memory=target.memory):
        try:
            function(data)
        except ConfmatError as error:
            message = error.text
    if message is not None:
        assert message.strip(), "an error without a text"
        assert len(message) <= LONGEST_MESSAGE, f"a text of {len(message):,} characters"
    return message


@cache
def _warm(target: Target) -> Callable[[bytes], None]:
    """Return a target's function once it has been run: what it imports is no input's doing."""
    function = target.function
    for data in seeds(target.name)[:1]:
        with contextlib.suppress(ConfmatError):
            function(data)
    return function
