"""CRC-32C with TFRecord's mask."""

from __future__ import annotations

import google_crc32c

_MASK = 0xA282EAD8


def masked_crc(data: bytes) -> int:
    """Return the masked CRC-32C that TFRecord stores beside `data`."""
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF
