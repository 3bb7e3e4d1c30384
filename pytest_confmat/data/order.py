"""Whether a data set of the user's own comes in the same order, with the same content, every time.

What TensorFlow knows of a pipeline is asked of attributes that are not public, since there are no
others; where one is missing, nothing is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Ops that draw numbers from a state of their own; the stateless ones have a seed as input.
_DRAWING = ("Random", "TruncatedNormal", "Multinomial", "SampleDistortedBoundingBox")
# What Keras's random layers do to their seed.
_CHANGING = ("AssignVariableOp", "AssignAddVariableOp", "RngReadAndSkip")


def shuffling(dataset: Any) -> str | None:
    """Return what shows that a data set comes in another order each time, if something does."""
    sampler = type(getattr(dataset, "sampler", None)).__name__
    if sampler == "RandomSampler":  # of a torch DataLoader
        return sampler
    if getattr(dataset, "shuffle", None) is True:  # of Keras's older iterators
        return "shuffle=True"
    for step in steps(dataset):
        if "Shuffle" in type(step).__name__:
            return type(step).__name__.strip("_")
    return None


def note_on_order(dataset: Any) -> str | None:
    """Return what to say of a data set that shuffles, if it does."""
    if not (how := shuffling(dataset)):
        return None
    return (
        f"the dataset shuffles ({how}): ids are places in its order, so that in another run "
        "they may name other examples, and the digest differ; pass it without shuffling"
    )


def nondeterminism(dataset: Any) -> str | None:
    """Return why another run may see other examples, or others' order, if something shows it.

    A data set that is read as it lies is fixed: arrays, a list, a pipeline that neither shuffles,
    nor draws at random, nor keeps a state. What a Python function or class of the user's does
    cannot be seen, and counts as fixed; that the content is the same is then shown by the check
    words alone.
    """
    if how := shuffling(dataset):
        return f"it shuffles ({how})"
    if _is_tensorflow(dataset) and dataset.options().deterministic is False:
        return "its order is left open (deterministic=False)"
    return next((why for step in steps(dataset) if (why := _nondeterminism_of(step))), None)


def _nondeterminism_of(step: Any) -> str | None:
    name = type(step).__name__.strip("_")
    if name == "RandomDataset":
        return f"it draws at random ({name})"
    if getattr(step, "_deterministic", None) == "false":
        return f"its order is left open (deterministic=False in {name})"
    for op in _ops(step):
        if "ShuffleDataset" in op:
            return f"it shuffles ({op} in {name})"
        if not op.startswith("Stateless") and any(word in op for word in _DRAWING):
            return f"it changes examples at random ({op} in {name})"
        if op in _CHANGING:
            return f"it changes examples by a state of its own ({op} in {name})"
    return None


def _is_tensorflow(dataset: Any) -> bool:
    return type(dataset).__module__.startswith("tensorflow") and hasattr(dataset, "options")


def steps(dataset: Any) -> Iterator[Any]:
    """Yield the transformations that a data set of TensorFlow's consists of."""
    waiting = [dataset] if type(dataset).__module__.startswith("tensorflow") else []
    while waiting:
        step = waiting.pop()
        yield step
        inputs = getattr(step, "_inputs", None)
        waiting += inputs() if callable(inputs) else []


def _ops(step: Any) -> Iterator[str]:
    """Yield the names of the operations in the functions that a step calls."""
    functions = getattr(step, "_functions", None)
    for function in functions() if callable(functions) else ():
        graph = getattr(getattr(function, "function", None), "graph", None)
        if graph is None:
            continue
        definition = graph.as_graph_def()
        for nodes in (definition.node, *(f.node_def for f in definition.library.function)):
            yield from (node.op for node in nodes)
