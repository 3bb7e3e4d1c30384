"""Keeping what runs found: ``python -m fuzz.keep TARGET ...``.

Of what is in ``fuzz/corpus`` and ``fuzz/grown``, the corpus keeps the smallest inputs that reach
what the generated seeds do not: other steps from line to line of the project's code. Findings
that are fixed are put there by hand, as ``found-...``, and stay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

import pytest_confmat
from fuzz.run import CORPUS, GROWN
from fuzz.seeds import seeds
from fuzz.targets import TARGETS, check

MOST_BYTES = 64 << 10  # of a target's corpus, besides findings
_MOST_FILES = 24
_ROOT = str(Path(pytest_confmat.__file__).parent)

Steps = set[tuple[str, int, int]]


def main() -> None:
    """Make the corpora of the named targets anew."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m fuzz.keep")
    parser.add_argument("targets", nargs="+", choices=sorted(TARGETS))
    for name in parser.parse_args().targets:
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        found = [path for path in (*folder.iterdir(), *(GROWN / name).glob("*")) if not fixed(path)]
        inputs = {path.read_bytes() for path in found}
        kept = smallest(name, inputs)
        for path in folder.iterdir():
            if not fixed(path):
                path.unlink()
        for data in kept:
            (folder / sha256(data).hexdigest()[:16]).write_bytes(data)
        print(f"{name}: {len(kept)} of {len(inputs)}, {sum(map(len, kept)):,} bytes")


def fixed(path: Path) -> bool:
    """Whether a file of a corpus is a finding that was fixed."""
    return path.name.startswith("found-")


def smallest(name: str, inputs: Iterable[bytes]) -> list[bytes]:
    """Return the inputs that reach what the seeds and smaller ones do not."""
    reached: Steps = set()
    for data in seeds(name):
        reached |= steps(name, data)
    kept: list[bytes] = []
    room = MOST_BYTES
    for data in sorted(inputs, key=lambda data: (len(data), data)):
        new = steps(name, data) - reached
        if new and len(data) <= room and len(kept) < _MOST_FILES:
            kept.append(data)
            reached |= new
            room -= len(data)
    return kept


def steps(name: str, data: bytes) -> Steps:
    """Return the steps from line to line that a target takes in the project's code."""
    found: Steps = set()

    def trace(frame: FrameType, *_: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(_ROOT):
            return None
        last = frame.f_lineno

        def line(frame: FrameType, *_: Any) -> Any:
            nonlocal last
            found.add((file, last, frame.f_lineno))
            last = frame.f_lineno
            return line

        return line

    check(name, data)  # so that what is done but once is no step of this input
    sys.settrace(trace)
    try:
        check(name, data)
    finally:
        sys.settrace(None)
    return found


if __name__ == "__main__":
    main()
