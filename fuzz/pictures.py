"""Targets: encoded images."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzz.place import folder, one_in, put
from fuzz.seeds import CLASSES, MAX_PIXELS, TAKES_IMAGES, png
from pytest_confmat.data.directory.source import DirectorySource
from pytest_confmat.data.headers import TRAITS, read_header
from pytest_confmat.data.images import tensorflow
from pytest_confmat.errors import DataError
from pytest_confmat.models.predictor import Prediction
from pytest_confmat.spec import Aspect, ColorMode, DirectorySpec, ImageSpec, ModelInput
from pytest_confmat.streaming import evaluate

_PLANS: tuple[tuple[ColorMode, Aspect], ...] = (
    ("rgb", "stretch"),
    ("grayscale", "pad"),
    ("rgba", "crop"),
)
_FILE = "cat/1.png"


@dataclass(frozen=True)
class First:
    """A predictor that says the first class of every example."""

    input: ModelInput = TAKES_IMAGES
    notes: tuple[str, ...] = ()
    runtime: str | None = None
    is_pure: bool = True
    is_stateful: bool = False

    def rewind(self) -> None:
        """There is nothing to put back."""

    def check_stated(self) -> None:
        """Do nothing: no outputs are stated."""

    def check(self, inputs: Any, batch_size: int | None = None) -> None:
        """Any inputs will do."""

    def predict(self, inputs: Any, labels: NDArray[np.int64]) -> Prediction:
        """See `Predictor.predict`."""
        assert np.isfinite(np.asarray(inputs)).all()
        n = len(labels)
        ranks = (labels != 0).astype(np.int64)
        return Prediction(np.zeros(n, np.int64), np.ones(n, np.float32), ranks, np.ones(n, bool))


def header(data: bytes) -> None:
    """Read the header of an image, of which nothing may be raised at all."""
    try:
        found = read_header(data)
    except Exception as error:
        raise AssertionError("reading a header raises") from error
    assert found.height >= 0
    assert found.width >= 0
    assert 0 <= found.traits <= sum(TRAITS)


def image(data: bytes) -> None:
    """Decode an image among others, in every color mode; some in a whole pass."""
    put(_root() / _FILE, data)
    faults = []
    for mode, aspect in _PLANS:
        try:
            _source(mode, aspect).example(1)
        except DataError as fault:
            faults.append(fault)
    if len(faults) < len(_PLANS):
        _is_as_declared(data)
    if one_in(32, data):
        _pass(*_PLANS[len(data) % len(_PLANS)])
    if faults:
        raise faults[0]


def _pass(mode: ColorMode, aspect: Aspect) -> None:
    """Take the image in a pass, out of which all examples come, whatever it is."""
    source = _source(mode, aspect)
    found = evaluate(source, First(), CLASSES, batch_size=2, on_fault="misclassified")
    assert len(found) == 3
    if not found.faults:
        try:
            source.example(1)
        except DataError as fault:
            raise AssertionError("a pass takes what is at fault by itself") from fault


def _is_as_declared(data: bytes) -> None:
    """Hold the size of what was decoded against what its header said."""
    tf = tensorflow()
    with contextlib.suppress(tf.errors.OpError):
        height, width, _ = tf.io.decode_image(data, expand_animations=False).shape
        said = read_header(data)
        assert height * width <= said.height * said.width <= MAX_PIXELS, (height, width, said)


def _source(mode: ColorMode, aspect: Aspect) -> DirectorySource:
    images = ImageSpec((8, 6), mode, aspect=aspect, max_pixels=MAX_PIXELS)
    channels = {"grayscale": 1, "rgb": 3, "rgba": 4}[mode]
    spec = DirectorySpec(_root(), images=images)
    return DirectorySource(spec, CLASSES, ModelInput((8, 6, channels)))


@cache
def _root() -> Any:
    root = folder("image")
    for name in ("cat/0.png", _FILE, "dog/0.png"):
        put(root / name, png())
    return root
