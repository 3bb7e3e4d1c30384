"""Likely causes that only model and data can show: whether another rescaling helps.

Runs in the process that evaluated, where a limit failed, and only for a matrix whose predictions
have collapsed; loads the model once more and reads one small batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import replace
from fractions import Fraction
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat import data, models
from pytest_confmat.decimals import decimal_text
from pytest_confmat.diagnosis import LikelyCause, likely_causes, with_cause
from pytest_confmat.errors import ConfmatError, DataError
from pytest_confmat.evaluation import UNPREDICTED, Evaluation
from pytest_confmat.evidence.chance import CHANCE, coin_tail, ln_tail
from pytest_confmat.job import Job
from pytest_confmat.models.configuration import configuration, layers, rescaling_layer
from pytest_confmat.models.predictor import Predictor
from pytest_confmat.rescalings import NONE, Pixels, declared_by, rescaled
from pytest_confmat.spec import DatasetSpec, ImageSpec
from pytest_confmat.streaming import batch_size_for
from pytest_confmat.text import quoted

SAMPLE = 64
# Data of the user's own can only be read from the start; this far at most.
REACH = 2048

# One rescaling is clearly better than another if a coin would give it no more in one of so many.
_CLEAR = Fraction(1, 100)


def diagnose(
    job: Job, evaluation: Evaluation, custom_objects: Mapping[str, Any] | None = None
) -> tuple[LikelyCause, ...]:
    """Return the likely causes of a failed job; a probe that fails is one of them."""
    spec = job.dataset if isinstance(job.dataset, DatasetSpec) else None
    found = likely_causes(evaluation.matrix, spec, job.decision)
    if not any(cause.kind == "collapsed" for cause in found):
        return found
    try:
        probed = probe_preprocessing(job, evaluation, custom_objects)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        text = f"the usual rescalings could not be tried: {lines[0]}"
        return (*found, LikelyCause("preprocessing", text, {"error": str(error)}))
    helps, statistics = probed.evidence["helps"], _has_statistics(job.model)
    explained = (
        with_cause(each, rescaling_helps=helps, has_statistics=statistics) for each in found
    )
    return (*explained, probed)


def probe_preprocessing(
    job: Job, evaluation: Evaluation, custom_objects: Mapping[str, Any] | None = None
) -> LikelyCause:
    """Try the usual rescalings on a small batch, balanced over the classes, and compare.

    One is reported as better where it beats what is declared by more than
    chance would in one of 10,000 evaluations, had the best of as many been no better: of the
    examples that are right by one of the two alone, a coin would give it no more. Of several such
    the simplest is named that the best does not beat clearly; where the model rescales its input
    itself, that is none at all.

    Raises
    ------
    ConfmatError
        If model or data cannot be had once more.
    """
    predictor = models.wrap(job.model, job.classes, job.decision, custom_objects)
    images = None
    if isinstance(job.dataset, DatasetSpec):
        images = job.dataset.images
        pixels, labels = _sample_spec(job, job.dataset, evaluation, predictor)
        declared = declared_by(images)(pixels)
    else:
        pixels, labels = _sample_batches(job, evaluation, predictor)
        declared = pixels
    before = _right(predictor, declared, labels)
    tried = {}
    for name, inputs in rescaled(pixels, declared):
        with suppress(ConfmatError):  # the model does not take such numbers
            tried[name] = _right(predictor, inputs, labels)
    layer = _own_layer(job.model)
    better, close = _choose(tried, before, layer is not None)
    evidence = {
        "examples": len(labels),
        "accuracy": float(before.mean()),
        "tried": {name: float(right.mean()) for name, right in tried.items()},
        "better": better,
        "close": close,
        "helps": True if better else _may_help(tried, before),
        "own_layer": None if layer is None else list(layer),
    }
    return LikelyCause("preprocessing", _findings(evidence, images), evidence)


def _findings(evidence: Mapping[str, Any], images: ImageSpec | None) -> str:
    n, better, layer = evidence["examples"], evidence["better"], evidence["own_layer"]

    def accuracy(share: float) -> str:
        return decimal_text(Fraction(round(share * n), n))

    declared = accuracy(evidence["accuracy"])
    text = f"preprocessing, tried on {n} examples: accuracy {declared} as declared"
    tried = {name: accuracy(share) for name, share in evidence["tried"].items()}
    if better == NONE:
        key = "preprocess" if images is not None and images.preprocess is not None else "rescale"
        text += f", {tried[better]} without `{key}`"
    elif better is not None:
        text += f", {tried[better]} with {'inputs as after ' * (images is None)}`{better}`"
    elif tried:
        text += f", at most {accuracy(max(evidence['tried'].values()))} with {_either(list(tried))}"
    else:
        text += ", and the model takes no other rescaling"
    if evidence["close"]:
        close = ", ".join(f"{tried[name]} with {_either([name])}" for name in evidence["close"])
        text += f" ({close}: too close to tell, and what training did decides)"
    if layer is not None:
        text += f"; the model rescales its input itself, by a {layer[0]} layer"
        text += f" {quoted(layer[1])}" if layer[1] else ""
    return text


def _either(names: list[str]) -> str:
    *most, last = (f"`{name}`" if name != NONE else name for name in names)
    return f"{', '.join(most)} or {last}" if most else last


def _choose(
    tried: Mapping[str, NDArray[np.bool_]], before: NDArray[np.bool_], rescales_itself: bool
) -> tuple[str | None, list[str]]:
    """Return the rescaling to name, and those that do as well within chance.

    `tried` holds the simplest first.
    """
    better = [name for name, right in tried.items() if _is_better(right, before, len(tried))]
    if not better:
        return None, []
    if rescales_itself and NONE in better:
        return NONE, []
    # A model without a layer for it was rather trained on numbers that something rescaled.
    better.sort(key=lambda name: (not name.startswith("rescale:"), name != NONE))
    best = max(better, key=lambda name: int(tried[name].sum()))
    close = [name for name in better if _chance(tried[best], tried[name]) > _CLEAR]
    return close[0], close[1:]


def _is_better(right: NDArray[np.bool_], before: NDArray[np.bool_], tries: int) -> bool:
    gained = int(np.count_nonzero(right & ~before))
    lost = int(np.count_nonzero(before & ~right))
    return ln_tail(gained, gained + lost, 0.5) + log(tries) <= log(CHANCE)


def _may_help(tried: Mapping[str, NDArray[np.bool_]], before: NDArray[np.bool_]) -> bool | None:
    """Return ``False`` where no rescaling helps; ``None``: too few examples to tell."""
    chance = min((_chance(right, before) for right in tried.values()), default=Fraction(1))
    return None if chance * len(tried) <= _CLEAR else False


def _chance(right: NDArray[np.bool_], other: NDArray[np.bool_]) -> Fraction:
    """Return the chance that a coin gives `right` as many of the examples where the two differ."""
    gained = int(np.count_nonzero(right & ~other))
    return coin_tail(gained, int(np.count_nonzero(right != other)))


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


def _has_statistics(model: Any) -> bool:
    """Whether a model has batch normalization, or may have."""
    try:
        kinds = [layer.get("class_name") for layer in layers(configuration(model))]
    except Exception:
        return True
    return not kinds or "BatchNormalization" in kinds


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
    job: Job, spec: DatasetSpec, evaluation: Evaluation, predictor: Predictor
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
