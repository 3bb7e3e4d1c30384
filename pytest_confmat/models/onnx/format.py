"""The format of ONNX files: how one is recognized, and which files belong to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_confmat.models.formats import ModelFile, ModelFormat
from pytest_confmat.spec import Decision

if TYPE_CHECKING:
    from pytest_confmat.models.predictor import Predictor

# Fields of a `ModelProto` by number, with the wire type of each: 0 a number, 2 a length and bytes.
_FIELDS = {
    1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2,
}  # fmt: skip
_IR_VERSION, _GRAPH = 1, 7
# Producer, its version, and domain: short texts. A SavedModel's graph has other things there.
_TEXTS = (2, 3, 4)
_LATEST_IR = 1000


class OnnxFormat(ModelFormat):
    """One file, whose weights may lie in others beside it."""

    key = "onnx"
    suffixes = (".onnx",)
    noun = "an ONNX file"
    again = "model.export('model.onnx', format='onnx'), or torch.onnx.export"

    def recognizes(self, head: bytes) -> bool:
        """Whether it begins as protobuf writes a model: there is no magic number."""
        fields = _fields(head)
        number, value = next(fields, (0, 0))
        if number != _IR_VERSION or not 1 <= int(value) <= _LATEST_IR:
            return False
        seen = {number}
        for number, value in fields:
            if number not in _FIELDS or (number in _TEXTS and not _is_text(value)):
                return False
            seen.add(number)
        return len(seen) > 1

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the file, and those beside it that hold weights."""
        from pytest_confmat.models.onnx.external import data_files
        from pytest_confmat.models.onnx.reading import read, reads

        if not reads():
            return (path,)  # it cannot be loaded either, and that has its own message
        return (path, *data_files(path, read(path).locations))

    def look(self, path: Path) -> str | None:
        """See `ModelFormat.look`."""
        from pytest_confmat.models.look import head_of, require_content
        from pytest_confmat.models.onnx.reading import read, reads

        if not reads():
            return None
        for each in self.files(path)[1:]:
            if each.stat().st_size:
                require_content(each, head_of(each))
        return read(path).saved_by

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
        from pytest_confmat.models.onnx.loading import load

        return load(file, classes, decision)


def _fields(head: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of the fields at the beginning of a protobuf message.

    Whatever cannot be one has the number 0 and is the last; of the last, bytes may be missing.
    """
    at = 0
    while at < len(head):
        tag, at = _varint(head, at)
        size, at = _varint(head, at)
        if tag is None or size is None:
            return  # cut off by the end of `head`
        number, kind = tag >> 3, tag & 7
        if _FIELDS.get(number) != kind:
            yield 0, b""
            return
        if not kind:
            yield number, size
            continue
        yield number, head[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int | None, int]:
    value = 0
    for place in range(10):
        if at >= len(data):
            return None, at
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at
    return None, len(data)


def _is_text(value: int | bytes) -> bool:
    if not isinstance(value, bytes):
        return False
    # The end of `head` may cut a character off.
    text = value.decode("utf-8", "replace")[:-1]
    return text.isprintable() and "\ufffd" not in text
