"""Fuzzing by hand, guided by coverage: ``python -m fuzz.run TARGET --seconds N``.

It begins with the generated seeds, the kept corpus and what earlier runs found worth keeping in
``fuzz/grown``. A finding ends it, and stands in ``fuzz/findings``; ``--input FILE`` runs a target
on such a file alone. What of ``fuzz/grown`` is worth a place in the repository, `fuzz.keep` says.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from random import Random
from types import ModuleType

from fuzz.guard import memory_in_use

HERE = Path(__file__).parent
CORPUS, GROWN, FINDINGS = HERE / "corpus", HERE / "grown", HERE / "findings"

_INSTRUMENTED = ["pytest_confmat", "ruamel"]
# Seconds by the clock: for what hangs outside of Python, on a machine with other work.
_PATIENCE = 120
_RESIDENT = 6000  # MiB
_ROOM = 8 << 30  # bytes that may be asked for beyond what is in use at the start
_BY_LIBFUZZER = 0.2  # of all mutations; the others know the structure


def main() -> None:
    """Run one target."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m fuzz.run")
    parser.add_argument("target", nargs="?", help="what to fuzz; all are listed without one")
    parser.add_argument("--seconds", type=int, default=60, help="how long; 60 unless given")
    parser.add_argument("--input", type=Path, help="run on this file alone")
    arguments = parser.parse_args()
    if arguments.target is None:
        from fuzz.targets import TARGETS

        print("\n".join(f"{target.name:12}{target.surface}" for target in TARGETS.values()))
    elif arguments.input is not None:
        from fuzz.targets import check

        print(check(arguments.target, arguments.input.read_bytes()) or "accepted")
    else:
        sys.exit(_run(arguments.target, arguments.seconds))


def _run(target: str, seconds: int) -> int:
    """Fuzz in a process of its own; return its exit status."""
    atheris = _atheris()
    # libFuzzer ends its process at once, so that another one must clear up behind it.
    with tempfile.TemporaryDirectory(prefix="confmat-fuzz-") as place:
        child = os.fork()
        if not child:
            tempfile.tempdir = place
            _fuzz(atheris, target, seconds)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _atheris() -> ModuleType:
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: pip install -e '.[fuzz]' (Linux on x86-64 alone)")
    found: ModuleType = atheris
    return found


def _fuzz(atheris: ModuleType, name: str, seconds: int) -> None:
    with atheris.instrument_imports(include=_INSTRUMENTED):
        from fuzz.mutators import mutate
        from fuzz.seeds import seeds
        from fuzz.targets import TARGETS, check

        if name not in TARGETS:
            sys.exit(f"no target {name!r}; there are {', '.join(TARGETS)}")
        check(name, seeds(name)[0])  # imports what it needs

    def mutator(data: bytes, longest: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < _BY_LIBFUZZER:
            return bytes(atheris.Mutate(data, longest))
        return mutate(name, bytes(data), random)[:longest]

    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory_in_use("VmSize") + _ROOM, limits[1]))
    FINDINGS.mkdir(exist_ok=True)
    (GROWN / name).mkdir(parents=True, exist_ok=True)
    generated = Path(tempfile.mkdtemp())
    write_all(generated, seeds(name))
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={TARGETS[name].longest}",
        f"-timeout={_PATIENCE}",
        f"-rss_limit_mb={_RESIDENT}",
        f"-artifact_prefix={FINDINGS / name}-",
        "-len_control=0",
        "-reload=0",
        "-print_final_stats=1",
    ]
    folders = [str(f) for f in (GROWN / name, CORPUS / name, generated) if f.is_dir()]
    words = [sys.argv[0], *options, *folders]
    atheris.Setup(words, lambda data: check(name, bytes(data)), custom_mutator=mutator)
    atheris.Fuzz()


def write_all(folder: Path, inputs: tuple[bytes, ...]) -> None:
    """Write each input to a file that is named by its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (folder / sha256(data).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    main()
