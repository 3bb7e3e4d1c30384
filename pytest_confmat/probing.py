"""What only model and data can tell of a suspicion: whether another rescaling changes it.

Runs in the process that evaluated, where a limit failed, and only for a matrix whose predictions
have collapsed; loads the model once more and reads one small batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat import data, models
from pytest_confmat.diagnosis import CHANCE, Suspicion, ln_tail, suspicions
from pytest_confmat.errors import ConfmatError, DataError
from pytest_confmat.evaluation import UNPREDICTED, Evaluation
from pytest_confmat.job import Job
from pytest_confmat.limits import one_line
from pytest_confmat.models.configuration import rescaling_layer
from pytest_confmat.models.predictor import Predictor
from pytest_confmat.spec import DirectorySpec, ImageSpec, TFRecordSpec
from pytest_confmat.streaming import batch_size_for

SAMPLE = 64
# Data of the user's own can only be read from the start; this far at most.
REACH = 2048

Pixels = NDArray[np.float32]
Rescaling = Callable[[Pixels], Pixels]

_NONE = "no rescale"
# ImageNet's statistics, as keras.applications uses them.
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)
_CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)


def diagnose(
    job: Job, evaluation: Evaluation, custom_objects: Mapping[str, Any] | None = None
) -> tuple[Suspicion, ...]:
    """Say what the result of a job looks like; a probe that fails says so, and no more."""
    spec = job.dataset if isinstance(job.dataset, DirectorySpec | TFRecordSpec) else None
    found = suspicions(evaluation.matrix, spec)
    if not any(suspicion.kind == "collapsed" for suspicion in found):
        return found
    try:
        return (*found, probe_preprocessing(job, evaluation, custom_objects))
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        text = f"the usual rescalings could not be tried: {lines[0]}"
        return (*found, Suspicion("preprocessing", text, {"error": str(error)}))


def probe_preprocessing(
    job: Job, evaluation: Evaluation, custom_objects: Mapping[str, Any] | None = None
) -> Suspicion:
    """Try the usual rescalings on a small batch, balanced over the classes, and compare.

    One is said to change the picture where it does better than what is declared by more than
    chance would in one of 10,000 evaluations, had the best of as many been no better: of the
    examples that are right by one of the two alone, a coin would give it no more.

    Raises
    ------
    ConfmatError
        If model or data cannot be had once more.
    """
    predictor = models.wrap(job.model, job.classes, job.decision, custom_objects)
    own_data = not isinstance(job.dataset, DirectorySpec | TFRecordSpec)
    if isinstance(job.dataset, DirectorySpec | TFRecordSpec):
        pixels, labels = _sample_spec(job, job.dataset, evaluation, predictor)
        declared = _declared(job.dataset.images)(pixels)
    else:
        pixels, labels = _sample_batches(job, evaluation, predictor)
        declared = pixels
    before = _right(predictor, declared, labels)
    tried = {}
    for name, rescaled in _rescaled(pixels, declared):
        with suppress(ConfmatError):  # the model does not take such numbers
            tried[name] = _right(predictor, rescaled, labels)
    accuracies = {name: float(right.mean()) for name, right in tried.items()}
    best = max(tried, key=lambda name: accuracies[name], default=None)
    better = best is not None and _is_better(tried[best], before, len(tried))
    layer = _own_layer(job.model)
    evidence = {
        "examples": len(labels),
        "accuracy": float(before.mean()),
        "tried": accuracies,
        "better": best if better else None,
        "own_layer": None if layer is None else list(layer),
    }
    return Suspicion("preprocessing", _told(evidence, own_data), evidence)


def _told(evidence: Mapping[str, Any], own_data: bool) -> str:
    better, layer = evidence["better"], evidence["own_layer"]
    text = (
        f"tried on {evidence['examples']} examples: accuracy {evidence['accuracy']:.3f} as declared"
    )
    if better is not None:
        how = better if better == _NONE else f"`{better}`"
        text += f", {evidence['tried'][better]:.3f} with {'inputs as after ' * own_data}{how}"
    elif evidence["tried"]:
        highest = max(evidence["tried"].values())
        text += f", at most {highest:.3f} with any of the usual rescalings"
    else:
        text += ", and the model takes no other rescaling"
    if layer is not None:
        text += f"; the model rescales its input itself, by a {layer[0]} layer"
        text += f" '{one_line(layer[1])}'" if layer[1] else ""
    return text


def _is_better(right: NDArray[np.bool_], before: NDArray[np.bool_], tries: int) -> bool:
    gained = int(np.count_nonzero(right & ~before))
    lost = int(np.count_nonzero(before & ~right))
    return ln_tail(gained, gained + lost, 0.5) + log(tries) <= log(CHANCE)


def _right(predictor: Predictor, inputs: Pixels, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    try:
        prediction = predictor.predict(inputs, labels)
    finally:
        predictor.rewind()
    right: NDArray[np.bool_] = prediction.valid & (prediction.predicted == labels)
    return right


def _own_layer(model: Any) -> tuple[str, str] | None:
    try:
        return rescaling_layer(model)
    except Exception:
        return None  # an aside, and models may be anything


# The batch.


def _balanced(evaluation: Evaluation, size: int, reach: int | None = None) -> NDArray[np.int64]:
    """Return places of up to `size` examples, spread over the classes and over each class.

    Only such as were predicted, and among the first `reach`.
    """
    parts = evaluation.parts
    true = np.concatenate([part.true for part in parts])[:reach]
    predicted = np.concatenate([part.predicted for part in parts])[:reach] != UNPREDICTED
    classes = np.unique(true[predicted])
    chosen = classes[_spread(len(classes), size)]
    each = max(1, size // len(chosen))
    places = [np.flatnonzero((true == index) & predicted) for index in chosen]
    return np.sort(np.concatenate([at[_spread(len(at), each)] for at in places]))


def _spread(length: int, size: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, length - 1, min(length, size)).astype(np.int64))


def _sample_spec(
    job: Job, spec: DirectorySpec | TFRecordSpec, evaluation: Evaluation, predictor: Predictor
) -> tuple[Pixels, NDArray[np.int64]]:
    """Return pixels as they are before any rescaling, and labels."""
    bare = replace(spec, images=replace(spec.images, rescale=None, preprocess=None))
    source = data.open_source(bare, job.classes, predictor.input)
    size = min(SAMPLE, batch_size_for(source.shape, "float32"))
    batches = []
    for place in _balanced(evaluation, size):
        with suppress(DataError):  # it could be read in the pass, and has changed since
            batches.append(source.example(int(place)))
    pixels = np.concatenate([np.asarray(batch.inputs) for batch in batches])
    return pixels.astype(np.float32), np.concatenate([batch.labels for batch in batches])


def _sample_batches(
    job: Job, evaluation: Evaluation, predictor: Predictor
) -> tuple[Pixels, NDArray[np.int64]]:
    """Return inputs as the user's data hold them, and labels, which may come in another order."""
    places = _balanced(evaluation, SAMPLE, REACH)
    source = data.open_batches(job.dataset, job.classes, predictor.input)
    pixels, labels = [], []
    with closing(source.batches(SAMPLE)) as batches:
        for batch in batches:
            rows = np.flatnonzero(np.isin(batch.index, places))
            pixels.append(np.asarray(batch.inputs)[rows])
            labels.append(batch.labels[rows])
            if batch.index.max() >= places.max():
                break
    return np.concatenate(pixels).astype(np.float32), np.concatenate(labels)


# The rescalings.


def _scaled(scale: float, offset: float = 0.0) -> Rescaling:
    return lambda pixels: pixels * np.float32(scale) + np.float32(offset)


_MODES: dict[str, Rescaling] = {
    "tf": _scaled(1 / 127.5, -1),
    "torch": lambda pixels: (pixels / np.float32(255) - _MEAN) / _STD,
    "caffe": lambda pixels: pixels[..., ::-1] - _CAFFE_MEAN,
}


def _declared(images: ImageSpec) -> Rescaling:
    if images.rescale is not None:
        return _scaled(float(images.rescale.scale), float(images.rescale.offset))
    if images.preprocess is not None:
        return _MODES[images.preprocess]
    return _scaled(1)


def _rescaled(pixels: Pixels, declared: Pixels) -> Iterator[tuple[str, Pixels]]:
    """Yield the usual rescalings of `pixels`, but for what is `declared`."""
    usual = {
        _NONE: _scaled(1),
        "rescale: 1/255": _scaled(1 / 255),
        "rescale: 255": _scaled(255),
        "preprocess: tf": _MODES["tf"],
    }
    if pixels.ndim == 4 and pixels.shape[-1] == 3:
        usual |= {f"preprocess: {mode}": _MODES[mode] for mode in ("torch", "caffe")}
    for name, rescale in usual.items():
        rescaled = rescale(pixels)
        if not np.allclose(rescaled, declared):
            yield name, rescaled
