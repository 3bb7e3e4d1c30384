"""GIFs put together frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.support.makers import encoded


def gif(sizes: Sequence[tuple[int, int]]) -> bytes:
    """Frames of these heights and widths, each of a color of its own."""
    made = [
        encoded(np.full(size, 60 + 40 * n, np.uint8), "GIF", optimize=False)
        for n, size in enumerate(sizes)
    ]
    colors = 13 + 3 * 256  # of the screen, the same in all
    return made[0][:colors] + b"".join(one[colors:-1] for one in made) + b";"


def growing() -> bytes:
    return gif([(4, 5), (10, 8), (10, 10)])
