"""The format of LiteRT files: how one is recognized."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_confmat.models.formats import ModelFile, ModelFormat
from pytest_confmat.spec import Decision

if TYPE_CHECKING:
    from pytest_confmat.models.predictor import Predictor

# How a flatbuffer says what it is, behind the offset of its first table.
_IDENTIFIER = b"TFL3"


class LiteRTFormat(ModelFormat):
    """One file."""

    key = "litert"
    suffixes = (".tflite",)
    noun = "a LiteRT file"
    again = "tf.lite.TFLiteConverter.from_keras_model(model).convert()"
    has_signatures = True

    def recognizes(self, head: bytes) -> bool:
        """Whether it has the identifier of such files."""
        return head[4:8] == _IDENTIFIER

    def look(self, path: Path) -> str | None:
        """See `ModelFormat.look`."""
        from pytest_confmat.models.litert.reading import read, reads

        return read(path).saved_by if reads() else None

    def load(
        self,
        file: ModelFile,
        classes: tuple[str, ...],
        decision: Decision,
        *,
        safe_mode: bool,  # noqa: ARG002 (nothing in such a file is run as code)
        custom_objects: Mapping[str, Any] | None,  # noqa: ARG002 (nor does it name classes)
    ) -> Predictor:
        """See `ModelFormat.load`."""
        from pytest_confmat.models.litert.loading import load

        return load(file, classes, decision)
