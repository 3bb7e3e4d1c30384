"""Size of a baseline of 1,000,000 examples, and CPU seconds to save, load and compare it.

    python benchmarks/baselines.py [examples] [classes]

Needs NumPy alone. Wrong predictions are spread evenly over all classes, which is the worst case
for what compresses them; check words are random, as those of real contents are.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from pytest_confmat.baseline import load_baseline, save_baseline
from pytest_confmat.baseline.comparison import compare
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.example_ids import NumberedIds
from pytest_confmat.parts import Part

WRONG = 0.25


def main() -> None:
    """Measure each kind of ids, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", nargs="?", type=int, default=1_000_000)
    parser.add_argument("classes", nargs="?", type=int, default=1000)
    given = parser.parse_args()
    print(f"{given.examples:,} examples, {given.classes:,} classes, {WRONG:.0%} of them wrong")
    print(f"{'ids':34}{'text':>8}{'binary':>8}{'save':>7}{'load':>7}{'same':>7}{'other':>7}")
    for what, ids in id_kinds(given.examples, given.classes):
        print(f"{what:34}{measure(ids, given.examples, given.classes)}", flush=True)


def id_kinds(examples: int, classes: int) -> Iterator[tuple[str, list[Sequence[str]]]]:
    """Yield what sets call their examples, from the shortest to the least compressible."""
    each = examples // classes
    rng = np.random.default_rng(0)
    yield (
        "val-00017-of-01000.tfrecord#123",
        [NumberedIds(f"val-{n:05d}-of-01000.tfrecord", examples // 1000) for n in range(1000)],
    )
    yield (
        "class_017/img_00123456.jpg",
        [tuple(f"class_{n // each:03d}/img_{n:08d}.jpg" for n in range(examples))],
    )
    yield (
        "class_017/img_73829104.jpg, random",
        [
            tuple(
                f"class_{c:03d}/img_{n:08d}.jpg"
                for n in np.sort(rng.choice(10**8, each, replace=False))
            )
            for c in range(classes)
        ],
    )
    yield (
        "class_017/9f86d081884c.jpg, random",
        [
            tuple(sorted(f"class_{c:03d}/{rng.bytes(6).hex()}.jpg" for _ in range(each)))
            for c in range(classes)
        ],
    )


def measure(ids: list[Sequence[str]], examples: int, classes: int) -> str:
    """Return megabytes and CPU seconds as columns."""
    rng = np.random.default_rng(1)
    evaluation = made(ids, examples, classes, rng)
    # Another model on nearly the same set: one example in a hundred has another content.
    changed = tuple(
        replace(part, check=np.where(rng.random(len(part)) < 0.01, part.check + 1, part.check))
        for part in evaluation.parts[::-1]
    )
    moved = tuple(replace(part, position=at, id=str(at)) for at, part in enumerate(changed))
    other = replace(evaluation, parts=moved)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "baseline")
        _, save = timed(save_baseline, evaluation, path)
        sizes = [sum(f.stat().st_size for f in Path(folder).glob(f"*.{end}")) for end in ENDINGS]
        baseline, load = timed(load_baseline, path)
    _, same = timed(compare, baseline, evaluation)
    _, differing = timed(compare, baseline, other, Fraction(1, 2))
    seconds = "".join(f"{s:6.2f}s" for s in (save, load, same, differing))
    return "".join(f"{size / 1e6:6.2f}MB" for size in sizes) + seconds


ENDINGS = ("json", "bin")


def made(
    ids: list[Sequence[str]], examples: int, classes: int, rng: np.random.Generator
) -> Evaluation:
    """Return an evaluation of a model that is wrong on a quarter of the examples."""
    true = np.repeat(np.arange(classes), -(-examples // classes))[:examples]
    if isinstance(ids[0], NumberedIds):
        rng.shuffle(true)
    wrong = rng.random(examples) < WRONG
    predicted = np.where(wrong, rng.integers(0, classes, examples), true)
    rank = np.minimum(rng.geometric(0.2, examples), classes - 1)
    columns = {
        "true": true.astype(np.int16),
        "predicted": predicted.astype(np.int16),
        "rank": np.where(predicted == true, 0, rank).astype(np.int16),
        "score": np.ones(examples, np.float32),
        "check": rng.integers(0, 2**64, examples, dtype=np.uint64),
    }
    parts, start = [], 0
    for position, piece in enumerate(ids):
        end = start + len(piece)
        arrays = {name: column[start:end] for name, column in columns.items()}
        parts.append(Part(str(position), position, piece, **arrays))
        start = end
    return Evaluation(tuple(f"class_{c:03d}" for c in range(classes)), tuple(parts))


def timed(call: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """Return what a call returns, and the CPU seconds it took."""
    started = process_time()
    result = call(*given)
    return result, process_time() - started


if __name__ == "__main__":
    main()
