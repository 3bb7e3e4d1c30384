"""Encoded images with and without traits, made by Pillow."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from pytest_confmat.data.headers import ImageTrait
from tests.support.makers import encoded, noise

H, W = 7, 11


def exif(orientation: int, order: str = "<", entries: int = 0) -> Image.Exif:
    made = Image.Exif()
    made.endian = order
    for tag in range(entries):
        made[0x9C9B + tag] = b"x"
    made[0x0112] = orientation
    return made


def save(form: str, mode: str = "RGB", size: tuple[int, int] = (W, H), **options) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, form, **options)
    return buffer.getvalue()


def frames(form: str, number: int = 3, **options) -> bytes:
    pictures = [Image.fromarray(noise(H, W, 3)) for _ in range(number)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, form, save_all=True, append_images=pictures[1:], **options)
    return buffer.getvalue()


PLAIN = {
    "PNG": save("PNG"),
    "PNG of grays": save("PNG", "L"),
    "interlaced text": save("PNG", pnginfo=None, dpi=(72, 72)),
    "JPEG": encoded(noise(H, W, 3), "JPEG"),
    "JPEG of grays": save("JPEG", "L"),
    "progressive JPEG": encoded(noise(H, W, 3), "JPEG", progressive=True),
    "JPEG with a profile": save("JPEG", icc_profile=b"p" * 200_000),
    "JPEG with a comment": save("JPEG", comment=b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01"),
    "GIF": save("GIF", "P"),
    "BMP": save("BMP"),
    "BMP of grays": save("BMP", "L"),
    "WebP": encoded(noise(H, W, 3), "WEBP"),
    "lossless WebP": encoded(noise(H, W, 3), "WEBP", lossless=True),
    "upright JPEG": save("JPEG", exif=exif(1)),
    "upright WebP": save("WEBP", exif=exif(1)),
}
MARKED = {
    "alpha in PNG": (save("PNG", "RGBA"), ImageTrait.ALPHA),
    "gray and alpha in PNG": (save("PNG", "LA"), ImageTrait.ALPHA),
    "a transparent color of a palette": (save("PNG", "P", transparency=0), ImageTrait.ALPHA),
    "a transparent color": (save("PNG", transparency=(0, 0, 0)), ImageTrait.ALPHA),
    "alpha in WebP": (save("WEBP", "RGBA"), ImageTrait.ALPHA),
    "alpha in lossless WebP": (save("WEBP", "RGBA", lossless=True), ImageTrait.ALPHA),
    "16 bits": (encoded(noise(H, W, dtype=np.uint16)), ImageTrait.SIXTEEN_BITS),
    "CMYK": (save("JPEG", "CMYK"), ImageTrait.CMYK),
    "an animated GIF": (frames("GIF"), ImageTrait.ANIMATED),
    "an animated PNG": (frames("PNG"), ImageTrait.ANIMATED),
    "an animated WebP": (frames("WEBP"), ImageTrait.ANIMATED),
    "a rotated PNG": (save("PNG", exif=exif(3)), ImageTrait.ROTATED),
    "a rotated WebP": (save("WEBP", exif=exif(8)), ImageTrait.ROTATED),
    "a rotated JPEG, big end first": (save("JPEG", exif=exif(6, ">")), ImageTrait.ROTATED),
    "many entries": (save("JPEG", exif=exif(6, entries=40)), ImageTrait.ROTATED),
    "rotated and CMYK": (save("JPEG", "CMYK", exif=exif(5)), ImageTrait.ROTATED | ImageTrait.CMYK),
}


def png_of(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
