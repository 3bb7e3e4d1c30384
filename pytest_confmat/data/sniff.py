"""What a content is by its first bytes, and why an image cannot be decoded."""

from __future__ import annotations

import struct

from pytest_confmat.data import bmp, jpeg
from pytest_confmat.files import is_lfs_pointer

LFS_REASON = "is a git-LFS pointer; run `git lfs pull`"

_IMAGES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
)
_OTHERS = (
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"8BPS", "a Photoshop image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"ARRAYRECORD", "an ArrayRecord file"),
    (b"PAR1", "a Parquet file"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML text"),
    (b"<!DOCTYPE", "an HTML page"),
    (b"<html", "an HTML page"),
)
_OBSTACLES = {"JPEG": jpeg.obstacle, "BMP": bmp.obstacle}
_ENDS = {"JPEG": (b"\xff\xd9", "end-of-image marker"), "PNG": (b"IEND", "IEND chunk")}


def image_format(data: bytes) -> str | None:
    """Return the name of the image format that TensorFlow reads, or ``None``."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return next((name for magic, name in _IMAGES if data.startswith(magic)), None)


def looks_like(data: bytes) -> str:
    """Return what a content seems to be: ``it is a zip archive``, ``it starts with b'...'``."""
    if image := image_format(data):
        return f"it is a {image} image"
    if data[4:8] == b"ftyp":
        return "it is a HEIC, AVIF or video file"
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return f"it is {name}"
    return f"it starts with {bytes(data[:12])!r}"


def fault_before_decoding(data: bytes) -> str | None:
    """Return why `data` is no image that could be decoded, or ``None``."""
    if not data:
        return "is empty (0 bytes)"
    if is_lfs_pointer(data):
        return LFS_REASON
    if image_format(data) is None:
        return f"is no image that can be read: {looks_like(data)}"
    return None


def fault_in_decoding(data: bytes) -> str:
    """Return why an image of a known format could not be decoded."""
    image = image_format(data)
    if image in _ENDS:
        end, name = _ENDS[image]
        if end not in data[-64:]:
            return f"cannot be decoded as {image}: it does not end with its {name}, so it seems cut"
    return obstacle(data) or f"cannot be decoded as {image}: its data are damaged"


def obstacle(data: bytes) -> str | None:
    """Return what keeps TensorFlow from reading a whole image as it is meant; ``None``: nothing."""
    find = _OBSTACLES.get(image_format(data) or "")
    try:
        return find(data) if find else None
    except (struct.error, IndexError):  # it is cut
        return None
