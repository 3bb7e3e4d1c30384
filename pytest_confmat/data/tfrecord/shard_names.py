"""Which files a TFRecord set consists of, by their names and by what lies beside them."""

from __future__ import annotations

import glob
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from pytest_confmat.errors import DataError, RequestError
from pytest_confmat.filenames import common_folder, short_path, text_of, without_drive
from pytest_confmat.files import irregular, read_file
from pytest_confmat.text import and_more, listed, nearest, plural

_NUMBERED = re.compile(r"(.*)-([0-9]{5,})-of-([0-9]{5,})(.*)", re.DOTALL)
_SET = re.compile(r"(.*)-[0-9]{5,}-of-([0-9]{5,})(.*)", re.DOTALL)
_SHARD = re.compile(r"\.tfrec(?:ords?)?(?![a-z])|-[0-9]{5,}-of-[0-9]{5,}", re.IGNORECASE)
_SETS_SHOWN = 5
_TFDS_INFO = "dataset_info.json"
_TFDS_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"


def resolve(patterns: Sequence[str]) -> tuple[Path, ...]:
    """Return the shards that paths and glob patterns name: in their order, each glob sorted.

    Raises
    ------
    DataError
        If a pattern matches no file, a shard is named twice, or shards numbered
        ``00003-of-00010`` are not all there.
    """
    named_by: dict[str, str] = {}
    paths = []
    real_folder = cache(os.path.realpath)
    for pattern in patterns:
        for path in _matches(pattern):
            folder, name = os.path.split(path)
            is_link = os.path.islink(path)  # noqa: PTH114 (thousands of them)
            real = os.path.realpath(path) if is_link else f"{real_folder(folder)}/{name}"
            if real in named_by:
                raise DataError(
                    f"dataset.tfrecord names the shard {short_path(path)} twice, by "
                    f"{short_path(named_by[real])} and by {short_path(pattern)}: its "
                    "examples would count twice"
                )
            named_by[real] = pattern
            paths.append(Path(path))
    _refuse_missing(paths)
    return tuple(paths)


def folders(patterns: Sequence[str]) -> tuple[Path, ...]:
    """Return the folders that hold the shards, each once.

    Raises
    ------
    DataError
        If a pattern matches no file.
    """
    found = (os.path.dirname(path) for pattern in patterns for path in _matches(pattern))  # noqa: PTH120
    return tuple(map(Path, dict.fromkeys(found)))


def short_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return a distinct name for each shard: its own, or with the folders that tell it apart."""
    names = Counter(path.name for path in paths)
    if max(names.values(), default=1) == 1:
        return tuple(text_of(path.name) for path in paths)
    common = common_folder(path.parent for path in paths)
    found = (without_drive(path) if common is None else path.relative_to(common) for path in paths)
    return tuple(text_of(path.as_posix()) for path in found)


def stated_lengths(paths: Sequence[Path]) -> tuple[dict[Path, int], tuple[str, ...]]:
    """Return how many records TFDS states for each shard, and notes on what was looked at.

    ``dataset_info.json`` lies beside the shards that TFDS writes. One that cannot be understood
    is left out, with a note.
    """
    lengths: dict[Path, int] = {}
    notes = []
    beside = dict.fromkeys(os.path.dirname(path) for path in paths)  # noqa: PTH120 (thousands)
    infos = [Path(folder, _TFDS_INFO) for folder in beside]
    # Not seen from the current folder: a note is kept with the evaluation.
    for info, name in zip(infos, short_names(infos), strict=True):
        folder, info_name = info.parent, name
        if not info.exists():
            continue
        try:
            stated_by_name = dict(_tfds_shards(json.loads(read_file(info).decode("utf-8"))))
        except (
            *(OSError, ValueError, TypeError, KeyError, AttributeError),
            *(OverflowError, RecursionError),  # of 1e999, and of [[[[...
        ):
            notes.append(f"{info_name} is not understood: shard lengths are not checked by it")
            continue
        found = {
            path: stated_by_name[path.name]
            for path in paths
            if path.parent == folder
            if path.name in stated_by_name
        }
        lengths |= found
        if found:
            notes.append(f"records of {plural(len(found), 'shard')} compared with {info_name}")
    return lengths, tuple(notes)


def _matches(pattern: str) -> list[str]:
    literal = [pattern] if Path(pattern).exists() else []
    found = literal or sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (absolute)
    if not found:
        raise DataError(_nothing_matches(pattern))
    for path in found:
        kind = irregular(path)
        if kind is not None and Path(path).is_dir():
            raise DataError(
                f"dataset.tfrecord names the directory {short_path(path)}; it takes shards, "
                f"such as {short_path(Path(path, '*.tfrecord*'))}"
            )
        if kind is not None:
            raise DataError(
                f"dataset.tfrecord names {short_path(path)}, which is {kind}; shards are "
                "regular files"
            )
    return found


def _nothing_matches(pattern: str) -> str:
    if glob.has_magic(pattern):
        message = f"the shard pattern {short_path(pattern)} matches no file"
    else:
        message = f"the shard {short_path(pattern)} does not exist"
    folder, name = os.path.split(pattern)
    if glob.has_magic(folder):
        return message
    if not Path(folder).is_dir():
        return f"{message}; there is no directory {short_path(folder)}"
    files = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    if not files:
        return f"{message}; {short_path(folder)} holds no files"
    near = nearest(name, files) or f"; {short_path(folder)} holds {listed(files, 3)}"
    return f"{message}{near}"


def _refuse_missing(paths: Sequence[Path]) -> None:
    numbers: dict[tuple[Path, str, str, str], set[int]] = defaultdict(set)
    for path in paths:
        if match := _NUMBERED.fullmatch(path.name):
            prefix, number, total, suffix = match.groups()
            numbers[path.parent, prefix, total, suffix].add(int(number))
    for (folder, prefix, total, suffix), there in numbers.items():
        # Numbers count from 0; of writers that count from 1, shard 0 is reported as missing.
        if max(there) >= int(total) + (0 not in there):
            name = f"{prefix}-{max(there):0{len(total)}d}-of-{total}{suffix}"
            raise DataError(
                f"the shard {short_path(folder / name)} is numbered beyond the {int(total):,} that "
                "its name says there are: it is of another set"
            )
        missing = int(total) - sum(number < int(total) for number in there)
        if missing:
            first = islice((n for n in range(int(total)) if n not in there), 5)
            names = ", ".join(
                short_path(folder / f"{prefix}-{n:0{len(total)}d}-of-{total}{suffix}")
                for n in first
            )
            others = f" {and_more(missing - 5)}" if missing > 5 else ""
            raise DataError(
                f"{missing:,} of {int(total):,} shards {'is' if missing == 1 else 'are'} missing, "
                f"by the names of the others: {names}{others}; fetch them, or let "
                "dataset.tfrecord name all of them"
            )


def _tfds_shards(info: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for split in info["splits"]:
        lengths = split.get("shardLengths", ())
        template = split.get("filepathTemplate") or _TFDS_TEMPLATE
        for number, length in enumerate(lengths):
            index, total = f"{number:05d}", f"{len(lengths):05d}"
            words = {
                "DATASET": info["name"],
                "SPLIT": split["name"],
                "FILEFORMAT": info.get("fileFormat", "tfrecord"),
                "SHARD_X_OF_Y": f"{index}-of-{total}",
                "SHARD_INDEX": index,
                "NUM_SHARDS": total,
            }
            yield re.sub(r"\{(\w+)\}", lambda m, w=words: str(w[m[1]]), template), int(length)


def one_set_in(path: Path) -> str | None:
    """Return the pattern of the one set of shards in a folder; ``None``: there are none.

    Raises
    ------
    RequestError
        If there are several, or folders beside them.
    """
    entries = [entry for entry in os.scandir(path) if not entry.name.startswith(".")]
    shards = sorted(entry.name for entry in entries if entry.is_file())
    shards = [name for name in shards if _SHARD.search(name)]
    if not shards:
        return None
    if folders := sorted(entry.name for entry in entries if entry.is_dir()):
        raise RequestError(
            f"{path} holds shards such as {shards[0]!r}, and folders such as {folders[0]!r}: name "
            "the one or the other, shards by a pattern"
        )
    sets = defaultdict(list)
    for name in shards:
        sets[_pattern(name)].append(name)
    if len(sets) > 1:
        raise RequestError(
            f"{path} holds shards of {len(sets)} sets: {listed(sets, _SETS_SHOWN)}; name one, as "
            f"'{path}/{next(iter(sets))}'"
        )
    ((pattern, names),) = sets.items()
    return glob.escape(names[0]) if len(names) == 1 else pattern


def _pattern(name: str) -> str:
    """Return the pattern of the shards that belong with the one called `name`."""
    if match := _SET.fullmatch(name):
        prefix, total, suffix = (glob.escape(part) for part in match.groups())
        return f"{prefix}-*-of-{total}{suffix}"
    return "*".join(glob.escape(part) for part in re.split(r"[0-9]+", name))
