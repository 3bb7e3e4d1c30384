"""JPEGs that are damaged, or odd, in ways that their decoder at most warns of."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tests.support.makers import encoded

SIDE = 48


@cache
def picture(side: int = SIDE) -> np.ndarray:
    """Waves and noise: every block has something to it."""
    y, x = np.mgrid[:side, :side]
    waves = np.stack([127 + 90 * np.sin(x / (5 + c)) * np.cos(y / 7) for c in range(3)], -1)
    noise = np.random.default_rng(3).normal(0, 12, waves.shape)
    return np.clip(waves + noise, 0, 255).astype(np.uint8)


def whole(**options: Any) -> bytes:
    return encoded(picture(), "JPEG", **options)


def scan(content: bytes) -> int:
    """Where the data of the first scan begin."""
    at = content.index(b"\xff\xda")
    return at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")


def cut_short(at: float = 0.25, **options: Any) -> bytes:
    """Ends after a share of its scans, properly."""
    content = whole(**options)
    start = scan(content)
    return content[: start + int(at * (len(content) - start - 2))] + b"\xff\xd9"


def zeroed() -> bytes:
    content = whole()
    start = scan(content)
    return content[:start] + bytes(len(content) - start - 2) + b"\xff\xd9"


def changed(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def without_codes() -> bytes:
    content = whole()
    return changed(content, (scan(content) + len(content)) // 2, b"\xff\x00" * 20)


def without_a_restart() -> bytes:
    content = whole(restart_marker_rows=1)
    at = content.index(b"\xff\xd1", scan(content))
    return content[:at] + content[at + 2 :]


def cut_between_scans() -> bytes:
    content = whole(progressive=True)
    tables = content.index(b"\xff\xc4", scan(content))
    return content[:tables] + b"\xff\xd9"


def overfull() -> bytes:
    """As if blocks were lost: the decoder has all it wants, and data are left."""
    content = whole()
    return changed(content, content.index(b"\xff\xc0") + 5, (SIDE // 2).to_bytes(2, "big"))


def with_bytes_before_a_marker(content: bytes | None = None) -> bytes:
    content = content or whole()
    at = content.index(b"\xff\xc4")
    return content[:at] + b"\x01stray bytes\x02" + content[at:]


def filled_up(fill: bytes = bytes(40)) -> bytes:
    content = whole()
    return content[:-2] + fill + content[-2:]


def of_odd_parameters(content: bytes | None = None) -> bytes:
    """Its scan says which coefficients it holds, which is of no meaning there, and 0 to 0."""
    content = content or whole()
    return changed(content, scan(content) - 2, b"\0")


def of_another_revision(content: bytes | None = None) -> bytes:
    content = content or whole()
    return changed(content, content.index(b"JFIF\0") + 5, b"\3")


def of_precision(bits: int) -> bytes:
    content = changed(whole(), whole().index(b"\xff\xc0"), b"\xff\xc1")
    return changed(content, content.index(b"\xff\xc1") + 4, bytes([bits]))


def of_process(marker: int) -> bytes:
    return changed(whole(), whole().index(b"\xff\xc0") + 1, bytes([marker]))


def of_scans(number: int) -> bytes:
    """The last scan of a progressive JPEG over and over: all of them are decoded."""
    content = whole(progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * number + b"\xff\xd9"


_MADE_UP = "is a damaged JPEG, and TensorFlow makes up some of its pixels: Corrupt JPEG data: "
_NOT_ITS_OWN = (
    "is a damaged JPEG, and some of its pixels may not be what they were: Corrupt JPEG data: "
)
_WITHOUT_SCANS = (
    "is a JPEG without the last of its scans, as if it were cut, and TensorFlow makes up some "
    "of its pixels; replace it"
)
_UNREAD = "which TensorFlow does not read; convert it, for instance to PNG"
DAMAGED = {
    "cut to a quarter": (cut_short, f"{_MADE_UP}premature end of data segment"),
    "filled with zeros": (zeroed, f"{_MADE_UP}premature end of data segment"),
    "with codes that there are not": (without_codes, f"{_MADE_UP}bad Huffman code"),
    "without a restart marker": (without_a_restart, _NOT_ITS_OWN),
    "with data left over": (overfull, _NOT_ITS_OWN),
    "with bytes left over that may be data": (
        lambda: filled_up(bytes(range(20, 70))),
        _NOT_ITS_OWN,
    ),
    "progressive, cut between scans": (cut_between_scans, _WITHOUT_SCANS),
    "progressive, cut within a scan": (lambda: cut_short(0.97, progressive=True), _MADE_UP),
    "cut, and with bytes before a marker": (
        lambda: with_bytes_before_a_marker(cut_short()),
        f"{_MADE_UP}premature end of data segment",
    ),
    "cut, and of odd parameters": (
        lambda: of_odd_parameters(of_another_revision(cut_short())),
        f"{_MADE_UP}premature end of data segment",
    ),
    "of 12 bits": (lambda: of_precision(12), f"is a 12-bit JPEG, {_UNREAD}"),
    "lossless": (lambda: of_process(0xC3), f"is a lossless JPEG, {_UNREAD}"),
    "hierarchical": (lambda: of_process(0xC5), f"is a hierarchical JPEG, {_UNREAD}"),
    "of hundreds of scans": (
        lambda: of_scans(300),
        "is a JPEG of more than 100 scans, which is not decoded; convert it",
    ),
}
# Harmless, and whether there is a note on it.
ODD = {
    "with bytes before a marker": (with_bytes_before_a_marker, True),
    "filled up with zeros": (filled_up, True),
    "filled up with much of the same": (lambda: filled_up(b"\xff\x00" * 200), True),
    "filled up with another byte": (lambda: filled_up(b"\x55" * 300), True),
    "followed by other bytes": (lambda: whole() + b"and more" * 50, False),
    "of odd parameters": (of_odd_parameters, False),
    "of another revision": (of_another_revision, False),
    "progressive": (lambda: whole(progressive=True), False),
}
