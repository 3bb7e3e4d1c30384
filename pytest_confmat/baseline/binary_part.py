"""The binary part of a baseline: the outcomes of its examples, in a few bytes each.

A line that names the form; a line of JSON with classes, the pieces of the ids, the columns and the
length of each block; then the blocks. Nothing in it is code, and nothing is read past what the
lengths say. Form 1, which earlier releases wrote, has no columns, and is read too.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.errors import BaselineError
from pytest_confmat.example_ids import JoinedIds, NumberedIds
from pytest_confmat.parts import NO_VALUE, UNPREDICTED, Column
from pytest_confmat.text import shortened

_FORM_1 = b"pytest-confmat baseline outcomes 1\n"
MAGIC = b"pytest-confmat baseline outcomes 2\n"
LONGEST_ID = 4096  # bytes; also the longest path of Linux
_ROWS = 4096  # ids a block
_LEVEL = 6
_BLOCKS = ("check", "true", "predicted", "rank", "ids")

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What the binary part holds; see `pytest_confmat.baseline.Baseline` for the arrays."""

    classes: tuple[str, ...]
    ids: JoinedIds
    check: NDArray[np.uint64]
    true: Integers
    predicted: Integers
    rank: Integers
    columns: Mapping[str, Column] = field(default_factory=dict)


def encode(outcomes: Outcomes) -> bytes:
    """Return the binary part.

    Raises
    ------
    BaselineError
        If an id cannot be stored, with the reason.
    """
    k = len(outcomes.classes)
    pieces = outcomes.ids.pieces
    widths, text = _encode_ids([i for p in pieces if not isinstance(p, NumberedIds) for i in p])
    # What is predicted right becomes 0, of which nearly nothing is left when compressed.
    away = (outcomes.predicted - outcomes.true) % (k + 1)
    blocks = {
        "check": outcomes.check.astype("<u8").tobytes(),
        "true": _encode_numbers(outcomes.true, k),
        "predicted": _encode_numbers(away, k),
        "rank": _encode_numbers(outcomes.rank, k),
        "ids": text,
    }
    for name, column in outcomes.columns.items():
        blocks[_block_of(name)] = _encode_numbers(
            column.codes.astype(np.int64) - NO_VALUE, len(column.values)
        )
    header = {
        "classes": outcomes.classes,
        "examples": len(outcomes.true),
        "pieces": [
            [piece.prefix, len(piece), piece.start]
            if isinstance(piece, NumberedIds)
            else len(piece)
            for piece in pieces
        ],
        "columns": {name: column.values for name, column in outcomes.columns.items()},
        "widths": widths,
        "blocks": {name: len(block) for name, block in blocks.items()},
    }
    line = json.dumps(header, ensure_ascii=True).encode("ascii")
    return b"".join((MAGIC, line, b"\n", *blocks.values()))


def decode(content: bytes) -> Outcomes:
    """Read what `encode` returned.

    Raises
    ------
    BaselineError
        If it is anything else; the text is the reason alone.
    """
    if not content.startswith((_FORM_1, MAGIC)):
        raise BaselineError("it does not begin as one")
    end = content.find(b"\n", len(MAGIC))
    if end < 0:
        raise BaselineError("it has no header")
    try:
        header = json.loads(content[len(MAGIC) : end])
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"its header cannot be read: {error}") from error
    if not isinstance(header, dict):
        raise BaselineError("its header is no mapping")
    return _decode_blocks(header, memoryview(content)[end + 1 :])


def _decode_blocks(header: dict[str, Any], rest: memoryview) -> Outcomes:
    classes = _classes(header.get("classes"))
    examples = _count(header.get("examples"), "examples")
    values = _columns(header.get("columns", {}))
    blocks = _split(header.get("blocks"), (*_BLOCKS, *map(_block_of, values)), rest)
    if len(blocks["check"]) != 8 * examples:
        raise BaselineError(f"it has {len(blocks['check'])} bytes of check words of {examples}")
    k = len(classes)
    true = _decode_numbers(blocks["true"], examples, k, "true")
    if (true >= k).any():
        raise BaselineError(f"it has a true class {true.max()} of {k} classes")
    # Both were counted from -1 when the one was taken from the other.
    predicted = (_decode_numbers(blocks["predicted"], examples, k, "predicted") + true + 1) % (
        k + 1
    ) + UNPREDICTED
    rank = _decode_numbers(blocks["rank"], examples, k, "rank")
    ids = _decode_ids(header, blocks["ids"], examples)
    check = np.frombuffer(blocks["check"], "<u8").astype(np.uint64)
    columns = {
        name: Column(
            texts,
            _decode_numbers(
                blocks[_block_of(name)], examples, len(texts), f"column {name!a}", "values"
            )
            + NO_VALUE,
        )
        for name, texts in values.items()
    }
    return Outcomes(classes, ids, check, true, predicted, rank, columns)


def _block_of(column: str) -> str:
    return f"column {column}"


def _columns(value: Any) -> dict[str, tuple[str, ...]]:
    texts = value.values() if isinstance(value, dict) else [None]
    if not all(isinstance(each, list) and all(isinstance(t, str) for t in each) for each in texts):
        raise BaselineError("its columns are no mapping of names to lists of texts")
    return {name: tuple(each) for name, each in value.items()}


def _split(lengths: Any, names: Sequence[str], rest: memoryview) -> dict[str, memoryview]:
    if not isinstance(lengths, dict) or list(lengths) != list(names):
        raise BaselineError(f"its blocks are not {', '.join(names)}")
    blocks = {}
    for name in names:
        length = _count(lengths[name], f"bytes of {name}")
        blocks[name], rest = rest[:length], rest[length:]
        if len(blocks[name]) != length:
            raise BaselineError(f"it ends within {name}")
    if len(rest):
        raise BaselineError(f"it goes on for {len(rest)} bytes after its end")
    return blocks


def _classes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(n, str) for n in value):
        raise BaselineError("its classes are no list of names")
    if len(set(value)) < len(value):
        raise BaselineError("it names a class twice")
    return tuple(value)


def _count(value: Any, what: str) -> int:
    if type(value) is not int or value < 0:
        raise BaselineError(f"its number of {what} is {shortened(str(value), 40)!r}")
    return value


def _dtype(k: int) -> np.dtype[Any]:
    """Return the narrowest type for 0 to k, whose bytes stand in the same order everywhere."""
    return np.dtype(np.min_scalar_type(k)).newbyteorder("<")


def _encode_numbers(numbers: Integers, k: int) -> bytes:
    """Compress whole numbers of 0 to k, the bytes of each place together."""
    dtype = _dtype(k)
    planes = numbers.astype(dtype).view(np.uint8).reshape(len(numbers), dtype.itemsize).T
    return zlib.compress(np.ascontiguousarray(planes).tobytes(), _LEVEL)


def _decode_numbers(
    block: memoryview, count: int, k: int, what: str, of: str = "classes"
) -> Integers:
    dtype = _dtype(k)
    planes = np.frombuffer(_inflate(block, count * dtype.itemsize, what), np.uint8)
    rows = np.ascontiguousarray(planes.reshape(dtype.itemsize, count).T)
    numbers = rows.reshape(-1).view(dtype).astype(np.int64)
    if (numbers > k).any():
        raise BaselineError(f"it has {numbers.max()} in {what}, of {k} {of}")
    return numbers


def _inflate(block: memoryview, length: int, what: str) -> bytes:
    inflater = zlib.decompressobj()
    try:
        # One byte more than there may be, so that a longer content is noticed and not unpacked.
        content = inflater.decompress(block, length + 1)
    except zlib.error as error:
        raise BaselineError(f"its {what} cannot be unpacked: {error}") from error
    if len(content) != length or not inflater.eof or inflater.unused_data:
        raise BaselineError(f"its {what} do not unpack to {length} bytes")
    return content


def _encode_ids(ids: Sequence[str]) -> tuple[list[int], bytes]:
    """Compress ids by their columns: neighbors of a sorted listing differ in the last ones.

    Returns the width of each block of rows, and the blocks.
    """
    rows = [name.encode("utf-8", "surrogatepass") for name in ids]
    for row in rows:
        if b"\0" in row or len(row) > LONGEST_ID:
            what = "a NUL character" if b"\0" in row else f"more than {LONGEST_ID:,} bytes"
            raise BaselineError(f"the id {row[:60]!r} has {what}")
    widths, blocks = [], []
    for start in range(0, len(rows), _ROWS):
        block = np.array(rows[start : start + _ROWS])
        widths.append(block.dtype.itemsize)
        columns = block.view(np.uint8).reshape(len(block), block.dtype.itemsize).T
        blocks.append(np.ascontiguousarray(columns).tobytes())
    return widths, zlib.compress(b"".join(blocks), _LEVEL)


def _decode_ids(header: dict[str, Any], block: memoryview, examples: int) -> JoinedIds:
    pieces = header.get("pieces")
    if not isinstance(pieces, list):
        raise BaselineError("its ids have no pieces")
    found: list[NumberedIds | int] = []
    for piece in pieces:
        if isinstance(piece, list) and len(piece) in (2, 3) and isinstance(piece[0], str):
            found.append(NumberedIds(piece[0], *(_count(number, "ids") for number in piece[1:])))
        else:
            found.append(_count(piece, "ids"))
    total = sum(piece if isinstance(piece, int) else piece.length for piece in found)
    if total != examples:
        raise BaselineError(f"it has {total} ids for {examples} examples")
    explicit = sum(piece for piece in found if isinstance(piece, int))
    names = _decode_names(header.get("widths"), block, explicit)
    joined: list[Sequence[str]] = []
    at = 0
    for piece in found:
        if isinstance(piece, int):
            joined.append(tuple(names[at : at + piece]))
            at += piece
        else:
            joined.append(piece)
    return JoinedIds(tuple(joined))


def _decode_names(widths: Any, block: memoryview, count: int) -> list[str]:
    sizes = [min(_ROWS, count - start) for start in range(0, count, _ROWS)]
    if not isinstance(widths, list) or len(widths) != len(sizes):
        raise BaselineError("its ids have no widths")
    for width in widths:
        if not 0 < _count(width, "columns of ids") <= LONGEST_ID:
            raise BaselineError(f"its ids have {width} columns")
    length = sum(rows * width for rows, width in zip(sizes, widths, strict=True))
    content = np.frombuffer(_inflate(block, length, "ids"), np.uint8)
    names: list[str] = []
    for rows, width in zip(sizes, widths, strict=True):
        columns, content = content[: rows * width], content[rows * width :]
        table = np.ascontiguousarray(columns.reshape(width, rows).T)
        # NumPy takes the zeros that fill up a row for its end; one text is decoded faster than
        # thousands.
        text = b"\0".join(table.reshape(-1).view(f"S{width}").tolist())
        try:
            block_names = text.decode("utf-8", "surrogatepass").split("\0")
        except UnicodeDecodeError as error:
            raise BaselineError(f"it has an id that is no UTF-8: {error}") from error
        if len(block_names) != rows:
            raise BaselineError("it has an id with a NUL character")
        names += block_names
    return names
