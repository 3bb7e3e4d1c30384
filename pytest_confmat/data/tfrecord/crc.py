"""CRC-32C with TFRecord's mask. Only for short headers and for records that are suspected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
_MASK = 0xA282EAD8
_LANE = 256  # bytes that one lane of a long record holds


def _table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


_TABLE = _table()
_PLAIN_TABLE = tuple(int(entry) for entry in _TABLE)


def masked_crc(data: bytes) -> int:
    """Return the masked CRC-32C that TFRecord stores beside `data`."""
    crc = _crc(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _crc(data: bytes) -> int:
    if len(data) < 4 * _LANE:
        return _update(0xFFFFFFFF, data) ^ 0xFFFFFFFF
    # A CRC is linear: many lanes are computed side by side, and then drawn together.
    head = len(data) % _LANE
    crc = _update(0xFFFFFFFF, data[:head])
    lanes = np.frombuffer(data, np.uint8, offset=head).reshape(-1, _LANE)
    sums = np.zeros(len(lanes), np.uint32)
    for column in lanes.T:
        sums = _TABLE[(sums ^ column) & 0xFF] ^ (sums >> 8)
    for lane in sums:
        crc = _advance_a_lane(crc) ^ int(lane)
    return crc ^ 0xFFFFFFFF


def _update(crc: int, data: bytes) -> int:
    table = _PLAIN_TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def _lane_tables() -> tuple[tuple[int, ...], ...]:
    """Return what each byte of a CRC becomes when a lane of zero bytes follows."""
    shifts = 8 * np.arange(4, dtype=np.uint32)
    state = np.arange(256, dtype=np.uint32)[None, :] << shifts[:, None]
    for _ in range(_LANE):
        state = _TABLE[state & 0xFF] ^ (state >> 8)
    return tuple(tuple(int(entry) for entry in row) for row in state)


_LANE_TABLES = _lane_tables()


def _advance_a_lane(crc: int) -> int:
    first, second, third, fourth = _LANE_TABLES
    return first[crc & 0xFF] ^ second[crc >> 8 & 0xFF] ^ third[crc >> 16 & 0xFF] ^ fourth[crc >> 24]
