"""Makes thumbnails: a second look at the few examples that a report shows.

Reads these examples once more, in the process that writes the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.pictures import Pictures, Pixels
from pytest_confmat.job import Job, open_source
from pytest_confmat.sprites import Rect, Thumbnail, Thumbnails
from pytest_confmat.text import plural

# The most of a side. What is smaller is enlarged by whole dots, up to `_LEAST`.
SIDE = 96
_LEAST = 48
_ROW = 16  # pictures in a row of a sheet
_PER_SHEET = _ROW * 16
# Of all sheets together, encoded: a report is to stay below 5 MB, and base64 takes a third more.
MAX_BYTES = 2_500_000
_QUALITY = 85


def thumbnails(
    job: Job, places: Sequence[int], custom_objects: Mapping[str, Any] | None = None
) -> Thumbnails:
    """Return pictures of the examples at some places of a set's order.

    An example that cannot be shown costs its own picture and no other; so do those that come after
    the sheets are full.

    Raises
    ------
    ConfmatError
        If model or data cannot be opened once more.
    """
    with open_source(job, custom_objects) as source:
        look = getattr(source, "pictures", None)
        if look is None:
            return Thumbnails(notes=("there are no thumbnails of this kind of data",))
        found: list[tuple[int, Pictures]] = []
        failed = 0
        for place in places:
            try:
                pictures = look(place)
            except Exception:  # whatever happened to it since the pass
                pictures = None
            if pictures is None:
                failed += 1
            else:
                found.append((place, pictures))
    notes = []
    if failed:
        notes.append(f"{plural(failed, 'example')} could not be shown as a picture")
    made = _packed(found)
    if len(made.shown) < len(found):
        notes.append(
            f"thumbnails of {len(made.shown):,} of {plural(len(found), 'example')}: with more the "
            "report would be too large"
        )
    return Thumbnails(made.sheets, made.mime, made.shown, tuple(notes))


def _packed(found: Sequence[tuple[int, Pictures]]) -> Thumbnails:
    import tensorflow as tf

    small = all(max(each.seen.shape[:2]) <= SIDE // 2 for _, each in found)
    mime = "image/png" if small else "image/jpeg"
    sheets: list[bytes] = []
    shown: list[Thumbnail] = []
    size = 0
    for start in range(0, len(found), _PER_SHEET // 2):
        pixels, places = _sheet(found[start : start + _PER_SHEET // 2], len(sheets))
        encoded = (
            tf.io.encode_png(pixels) if small else tf.io.encode_jpeg(pixels, quality=_QUALITY)
        ).numpy()
        size += len(encoded)
        if size > MAX_BYTES and sheets:
            break
        sheets.append(encoded)
        shown += places
    return Thumbnails(tuple(sheets), mime, tuple(shown))


def _sheet(found: Sequence[tuple[int, Pictures]], number: int) -> tuple[Pixels, list[Thumbnail]]:
    """Lay out the pictures of some examples on one sheet, side by side in rows."""
    pieces = [_small(pixels) for _, each in found for pixels in (each.seen, each.original)]
    rects: list[Rect] = []
    top = 0
    for row in _rows(pieces):
        left = 0
        for piece in row:
            height, width = piece.shape[:2]
            rects.append((left, top, width, height))
            left += width
        top += max(piece.shape[0] for piece in row)
    sheet = np.zeros((top, max(x + width for x, _, width, _ in rects), 3), np.uint8)
    for piece, (x, y, width, height) in zip(pieces, rects, strict=True):
        sheet[y : y + height, x : x + width] = piece
    places = [
        Thumbnail(place, number, rects[2 * at], rects[2 * at + 1])
        for at, (place, _) in enumerate(found)
    ]
    return sheet, places


def _rows(pieces: Sequence[Pixels]) -> Iterator[Sequence[Pixels]]:
    for start in range(0, len(pieces), _ROW):
        yield pieces[start : start + _ROW]


def _small(pixels: NDArray[np.uint8]) -> Pixels:
    """Return a picture of a fitting size, uint8 (height, width, 3)."""
    import tensorflow as tf

    if pixels.shape[2] == 4:
        # On white, as a browser shows what is not covered.
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    longest = max(pixels.shape[:2])
    if longest > SIDE:
        scale = SIDE / longest
        size = [max(1, round(side * scale)) for side in pixels.shape[:2]]
        resized = tf.image.resize(pixels, size, method="area").numpy()
        whole: Pixels = np.clip(np.rint(resized), 0, 255).astype(np.uint8)
        return whole
    factor = max(1, _LEAST // longest)
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
