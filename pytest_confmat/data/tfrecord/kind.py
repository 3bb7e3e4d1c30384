"""TFRecord shards as a kind of data."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_confmat.data.naming import at_least_two
from pytest_confmat.data.reading import Reading
from pytest_confmat.data.tfrecord.files_beside import FEATURES
from pytest_confmat.data.tfrecord.names import label_candidates, names_of_label_file
from pytest_confmat.data.tfrecord.shape import ImageShape, SizeShape, TFRecordShape
from pytest_confmat.data.tfrecord.shard_names import one_set_in, resolve, short_names
from pytest_confmat.errors import DataError
from pytest_confmat.filenames import below, identity, short_path
from pytest_confmat.kinds import DataKind
from pytest_confmat.spec import (
    ImageFeature,
    LabelFeature,
    ModelInput,
    SizeFeatures,
    TFRecordSpec,
    WeightFeature,
)
from pytest_confmat.text import and_more, listed

if TYPE_CHECKING:
    from pytest_confmat.data.source import SharedSource, Source
    from pytest_confmat.evaluation import Evaluation

# Beside the shards; besides the files that name classes.
_SIDE_FILES = ("dataset_info.json", FEATURES)
_INFERRED = re.compile(
    r"(image|label) inferred: (.+?) \((\w[\w-]*)\)(?:, compared with .+)?", re.DOTALL
)


class TFRecordKind(DataKind[TFRecordSpec]):
    """Examples in TFRecord shards, which hold labels as numbers, names or one-hot rows."""

    key = "tfrecord"
    noun = "tfrecord"
    spec = TFRecordSpec
    comment = "shards; relative to this file"
    names_stated_by = "the label file beside the shards"

    @property
    def shape(self) -> type[TFRecordShape]:
        """See `DataKind.shape`."""
        return TFRecordShape

    def read(self, shape: TFRecordShape, folder: Path) -> TFRecordSpec:
        """See `DataKind.read`."""
        image, label, weight = shape.image, shape.label, shape.weight
        # Brackets and stars in the name of the folder itself are no pattern.
        base = Path(glob.escape(str(folder)))
        return TFRecordSpec(
            tfrecord=tuple(str(below(base, pattern)) for pattern in shape.tfrecord),
            image=_image(image) if image else None,
            label=LabelFeature(label.key, label.offset) if label else None,
            weight=WeightFeature(weight.key) if weight else None,
            **shape.common(),
        )

    def moved(self, spec: TFRecordSpec, to: Path) -> TFRecordSpec:
        """See `DataKind.moved`: of a folder, the files that the policy's patterns name."""
        if not to.is_dir():
            return replace(spec, tfrecord=(str(to),))
        folder = glob.escape(str(to))
        names = (Path(pattern).name for pattern in spec.tfrecord)
        return replace(spec, tfrecord=tuple(f"{folder}/{name}" for name in names))

    def find(self, path: Path, text: str, named: str) -> str | None:
        """See `DataKind.find`: a file, a pattern, or a folder with shards."""
        if path.is_dir():
            pattern = one_set_in(path)
            return None if pattern is None else f"{glob.escape(named)}/{pattern}"
        return named if path.exists() or glob.has_magic(text) else None

    def class_names(self, spec: TFRecordSpec, declared: tuple[str, ...] | None) -> tuple[str, ...]:
        """See `DataKind.class_names`: no shard is read, but the label files beside them."""
        if declared is None:
            return names_of_label_file(spec)
        return at_least_two(declared, f"classes names {listed(declared) or 'none'}")

    def files(self, spec: TFRecordSpec, classes: Sequence[str]) -> Reading:  # noqa: ARG002
        """See `DataKind.files`."""
        shards = resolve(spec.tfrecord)
        folders = dict.fromkeys(path.parent for path in shards)
        beside = [*label_candidates(spec), *(at / name for at in folders for name in _SIDE_FILES)]
        there = [path for path in beside if path.is_file()]
        names = tuple(map(os.fspath, dict.fromkeys([*shards, *there])))
        return Reading("", names, shards=shards)

    def place(self, spec: TFRecordSpec) -> Sequence[Path]:
        """See `DataKind.place`."""
        return tuple(map(Path, spec.tfrecord))

    def describe(self, spec: TFRecordSpec) -> str:
        """See `DataKind.describe`."""
        first, *others = spec.tfrecord
        more = f" {and_more(len(others))}" if others else ""
        return f"TFRecords {short_path(first)}{more}"

    def without_place(self, spec: TFRecordSpec) -> TFRecordSpec:
        """See `DataKind.without_place`."""
        return replace(spec, tfrecord=())

    def holds(self, spec: TFRecordSpec, classes: Sequence[str], path: Path) -> bool:  # noqa: ARG002
        """See `DataKind.holds`."""
        place, name = identity(path.parent), path.name
        return any(
            fnmatchcase(name, pattern.name) and identity(pattern.parent) == place
            for pattern in self.place(spec)
        )

    def offset(self, spec: TFRecordSpec) -> int:
        """See `DataKind.offset`."""
        return 0 if spec.label is None else spec.label.offset

    def takes_pixels(self, spec: TFRecordSpec) -> bool:
        """See `DataKind.takes_pixels`: lists of floats are none."""
        return spec.image is None or spec.image.encoding != "float"

    def open(self, spec: TFRecordSpec, classes: tuple[str, ...], model_input: ModelInput) -> Source:
        """See `DataKind.open`."""
        from pytest_confmat.data.tfrecord.source import TFRecordSource

        return TFRecordSource(spec, classes, model_input)

    def open_shared(
        self, spec: TFRecordSpec, classes: tuple[str, ...], inputs: Sequence[ModelInput]
    ) -> SharedSource:
        """See `DataKind.open_shared`: records are read once, and images decoded once."""
        from pytest_confmat.data.source import SharedSource
        from pytest_confmat.data.tfrecord.source import TFRecordSource

        first = TFRecordSource(spec, classes, inputs[0])
        others = tuple(map(first.beside, inputs[1:]))
        return SharedSource((first, *others), partial(first.read_with, others))

    def is_of(self, evaluation: Evaluation, reading: Reading) -> bool:
        """See `DataKind.is_of`."""
        from pytest_confmat.data.tfrecord.shards import plain_records

        ids = evaluation.ids
        if ids.starts is None or list(ids.starts) != list(short_names(reading.shards)):
            return False
        try:
            counts = list(map(plain_records, reading.shards))
        except (OSError, DataError):
            return False  # the evaluation will say what is wrong
        return all(n in (None, len(piece)) for n, piece in zip(counts, ids.pieces, strict=True))

    def inferred(self, notes: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """See `DataKind.inferred`: the features that hold image and label."""
        matches = filter(None, map(_INFERRED.fullmatch, notes))
        return {match[1]: {"key": match[2]} for match in matches}

    def notes_once_stated(self, notes: Sequence[str]) -> tuple[str, ...]:
        """See `DataKind.notes_once_stated`."""
        found = []
        for note in notes:
            match = _INFERRED.fullmatch(note)
            if match is None:
                found.append(note)
            elif match[1] == "label":
                found.append(note.replace("inferred", "read", 1))
        return tuple(found)


def _image(shape: ImageShape) -> ImageFeature:
    # half is NumPy's other word for float16, and the specs know one.
    dtype = "float16" if shape.dtype == "half" else shape.dtype
    stored = shape.shape
    if isinstance(stored, SizeShape):
        sizes = SizeFeatures(stored.height, stored.width, stored.channels)
        return ImageFeature(shape.key, shape.encoding, dtype, sizes=sizes)
    return ImageFeature(shape.key, shape.encoding, dtype, stored)
