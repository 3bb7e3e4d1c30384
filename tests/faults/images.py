"""Image files that cannot be decoded, and those that decode otherwise than they look."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from tests.faults.project import Project, picture
from tests.faults.table import Content, Fault, Make, Section, all_of, file
from tests.support import jpegs
from tests.support.fifos import make_fifo
from tests.support.gifs import growing
from tests.support.images import MARKED, exif, frames, png_of, save
from tests.support.makers import encoded, noise

CAT = "data/cat/1.png"
LFS = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 1234567\n"
)


def cut(form: str) -> bytes:
    whole = encoded(noise(40, 40, 3), form)
    return whole[: len(whole) // 2]


def with_a_damaged_stream() -> bytes:
    content = bytearray(encoded(noise(40, 40, 3)))
    at = content.index(b"IDAT") + 400
    content[at : at + 40] = bytes(40)
    return bytes(content)


def dangling(project: Project) -> None:
    path = project.path / CAT
    path.unlink()
    path.symlink_to("9.png")


def fifo(project: Project) -> None:
    make_fifo(project.path / "data/cat/3.png")


def pipe_behind_a_link(project: Project) -> None:
    make_fifo(project.path / "data/cat/.pipe")
    (project.path / "data/cat/3.png").symlink_to(".pipe")


def empty_files(number: int, more: int = 0) -> Make:
    """The first `number` cats empty, of six images and `more`."""

    def make(project: Project) -> None:
        for n in range(3, 3 + more):
            project.write(f"data/dog/{n:02}.png", picture(n))
        for n in range(number):
            project.write(f"data/cat/{n}.png", b"")
        project.examples += more + max(0, number - 3)

    return make


def dataset(*lines: str) -> Make:
    return lambda project: project.policy("\n".join(["directory: data", *lines]))


def instead(name: str, content: Content) -> Make:
    """Return what writes a file in place of another, so that there are as many as before."""
    return all_of(lambda project: (project.path / CAT).unlink(), file(f"data/{name}", content))


def many_rotated(project: Project) -> None:
    for n in range(5):
        project.write(f"data/cat/turned{n}.jpg", save("JPEG", exif=exif(6)))
    project.examples += 5


def grey_model(project: Project) -> None:
    project.model("gray")


def run_lengths() -> bytes:
    """8 x 8 pixels of one gray."""
    rows, palette = b"\x08\x80\0\0" * 7 + b"\x08\x80\0\1", bytes(range(256)) * 4
    start = 14 + 40 + len(palette)
    head = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 8, 1, len(rows), 0, 0, 256, 0)
    return struct.pack("<2sIII", b"BM", start + len(rows), 0, start) + head + palette + rows


def of_os2() -> bytes:
    head, pixels = struct.pack("<IHHHH", 12, 8, 8, 1, 24), bytes(8 * 8 * 3)
    return struct.pack("<2sIII", b"BM", 26 + len(pixels), 0, 26) + head + pixels


def palette() -> bytes:
    return encoded(np.arange(192, dtype=np.uint8).reshape(8, 8, 3), "BMP", mode="P")


def two_bits() -> bytes:
    return encoded(np.zeros((8, 8), np.uint8), "BMP", mode="1")


STRAY = "1 file holds extraneous bytes in its JPEG data, which TensorFlow skips: cat/1.jpg"
SECTION = Section(
    "Image files",
    "Each is one of six images in class directories; the others are fine.",
    Project.images,
    [
        Fault("an empty file", file(CAT, b""), "cat/1.png is empty (0 bytes)", faulty=1),
        Fault(
            "text in a file named .png",
            file(CAT, "id,label\n1,cat\n"),
            "cat/1.png is no image that can be read: it starts with b'id,label\\n1,c'",
            faulty=1,
        ),
        Fault(
            "a JPEG cut in the middle",
            instead("cat/1.jpg", lambda: cut("JPEG")),
            "cat/1.jpg cannot be decoded as JPEG: it does not end with its "
            "end-of-image marker, so it seems cut",
            faulty=1,
        ),
        Fault(
            "a JPEG cut in its header",
            instead("cat/1.jpg", lambda: cut("JPEG")[:20]),
            "cat/1.jpg cannot be decoded as JPEG: it does not end with its "
            "end-of-image marker, so it seems cut",
            faulty=1,
        ),
        Fault(
            "a PNG cut in the middle",
            file(CAT, lambda: cut("PNG")),
            "cat/1.png cannot be decoded as PNG: it does not end with its IEND "
            "chunk, so it seems cut",
            faulty=1,
        ),
        Fault(
            "a PNG cut in its header",
            file(CAT, lambda: cut("PNG")[:20]),
            "cat/1.png cannot be decoded as PNG: it does not end with its IEND "
            "chunk, so it seems cut",
            faulty=1,
        ),
        Fault(
            "a PNG whose data are damaged",
            file(CAT, with_a_damaged_stream),
            "cat/1.png cannot be decoded as PNG: its data are damaged",
            faulty=1,
        ),
        Fault(
            "a GIF cut in the middle",
            instead("cat/1.gif", lambda: cut("GIF")),
            "cat/1.gif cannot be decoded as GIF: its data are damaged",
            faulty=1,
        ),
        Fault(
            "a BMP cut in the middle",
            instead("cat/1.bmp", lambda: cut("BMP")),
            "cat/1.bmp cannot be decoded as BMP: its data are damaged",
            faulty=1,
        ),
        Fault(
            "a WebP cut in the middle",
            instead("cat/1.webp", lambda: cut("WEBP")),
            "cat/1.webp cannot be decoded as WebP: its data are damaged",
            faulty=1,
        ),
        Fault(
            "a BMP of one bit a pixel",
            instead("cat/1.bmp", two_bits),
            "cat/1.bmp is a BMP image of 1 bit a pixel, which TensorFlow does not read; convert "
            "it, for instance to PNG",
            faulty=1,
        ),
        Fault(
            "a BMP with run-length encoding",
            instead("cat/1.bmp", run_lengths),
            "cat/1.bmp is a run-length encoded BMP image, which TensorFlow does not read; convert "
            "it, for instance to PNG",
            faulty=1,
        ),
        Fault(
            "a BMP with a palette",
            instead("cat/1.bmp", palette),
            "cat/1.bmp is a BMP image with a color palette, which TensorFlow does not read; "
            "convert it, for instance to PNG",
            faulty=1,
        ),
        Fault(
            "a BMP of OS/2",
            instead("cat/1.bmp", of_os2),
            "cat/1.bmp is a BMP image of OS/2, which TensorFlow does not read; convert it, for "
            "instance to PNG",
            faulty=1,
        ),
        *(
            Fault(f"a JPEG {name}", instead("cat/1.jpg", make), f"cat/1.jpg {reason}", faulty=1)
            for name, (make, reason) in jpegs.DAMAGED.items()
        ),
        *(
            Fault(f"a JPEG {name}", instead("cat/1.jpg", make), STRAY, "noted")
            for name, (make, noted) in jpegs.ODD.items()
            if noted
        ),
        Fault(
            "a web page in place of an image",
            file(CAT, "<!DOCTYPE html><title>Sign in</title>"),
            "cat/1.png is no image that can be read: it is an HTML page",
            faulty=1,
        ),
        Fault(
            "a TIFF named .png",
            file(CAT, lambda: encoded(noise(8, 8, 3), "TIFF")),
            "cat/1.png is no image that can be read: it is a TIFF image",
            faulty=1,
        ),
        Fault(
            "a HEIC photo named .jpg",
            instead("cat/1.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
            "cat/1.jpg is no image that can be read: it is a HEIC, AVIF or video file",
            faulty=1,
        ),
        Fault(
            "a PDF named .png",
            file(CAT, b"%PDF-1.7\n"),
            "cat/1.png is no image that can be read: it is a PDF document",
            faulty=1,
        ),
        Fault(
            "a zip archive named .png",
            file(CAT, b"PK\x03\x04\x14\0\0\0"),
            "cat/1.png is no image that can be read: it is a zip archive",
            faulty=1,
        ),
        Fault(
            "a JPEG XL image",
            file(CAT, b"\xff\x0a\xfa\x1f\x41\x91\x08\x06\x01\x00"),
            "cat/1.png is a JPEG XL image, whose size is not read before it is decoded; convert it",
            faulty=1,
        ),
        Fault(
            "a NumPy array named .png",
            file(CAT, b"\x93NUMPY\x01\0v\0"),
            "cat/1.png is no image that can be read: it is a NumPy array",
            faulty=1,
        ),
        Fault(
            "a git-LFS pointer",
            file(CAT, LFS),
            "cat/1.png is a git-LFS pointer; run `git lfs pull`",
            faulty=1,
        ),
        Fault(
            "a link that leads nowhere",
            dangling,
            "cat/1.png is a link to '9.png', which leads nowhere",
            faulty=1,
        ),
        Fault(
            "a named pipe",
            fifo,
            "data holds entries that are no regular files: cat/3.png is a FIFO (named pipe); "
            "remove them",
        ),
        Fault(
            "a named pipe behind a link",
            pipe_behind_a_link,
            "data holds entries that are no regular files: cat/3.png leads to a FIFO (named "
            "pipe); remove them",
        ),
        Fault(
            "a header that declares 40,000 x 30,000 pixels",
            file(CAT, png_of(40_000, 30_000)),
            "cat/1.png is 40,000 x 30,000 pixels, more than max_pixels 178,956,970",
            faulty=1,
        ),
        Fault(
            "a header that declares no pixels",
            file(CAT, png_of(0, 8)),
            "cat/1.png cannot be decoded as PNG: its data are damaged",
            faulty=1,
        ),
        Fault(
            "images beyond the policy's `max_pixels`",
            dataset("max_pixels: 63"),
            "cat/0.png is 8 x 8 pixels, more than max_pixels 63",
            faulty=6,
        ),
        Fault(
            "a WebP where the model takes gray images",
            all_of(grey_model, instead("cat/1.webp", lambda: encoded(noise(8, 8, 3), "WEBP"))),
            "cat/1.webp is a WebP image that TensorFlow reads as rgb, and not as grayscale",
            faulty=1,
        ),
        Fault(
            "more faults than are listed",
            empty_files(23, more=2),
            "cat/0.png is empty (0 bytes)\n[...]\ncat/6.png is empty (0 bytes)\nand 3 more",
            faulty=23,
        ),
        Fault(
            "more faults than `max_faults`",
            all_of(dataset("max_faults: 2"), empty_files(3)),
            "more than 2 of 6 examples cannot be used: fix them, or take them "
            "out of the set (directory data)\n"
            "cat/0.png is empty (0 bytes)\n"
            "cat/1.png is empty (0 bytes)\n"
            "and more: stopped after 2 faults",
        ),
        Fault(
            "faults that the policy counts as misclassified",
            all_of(dataset("on_fault: misclassified"), empty_files(2)),
            "2 examples at fault counted as misclassified: cat/0.png is empty (0 "
            "bytes), cat/1.png is empty (0 bytes)",
            "noted",
        ),
        Fault(
            "nothing but faults, and the policy counts them as misclassified",
            all_of(
                dataset("on_fault: misclassified"),
                *(file(f"data/{name}/{n}.png", b"") for name in ("cat", "dog") for n in range(3)),
            ),
            "cat/0.png is empty (0 bytes)\n[...]\n"
            "on_fault: misclassified needs an example that can be used, and there "
            "is none",
            faulty=6,
        ),
        Fault(
            "a PNG of 16 bits a channel",
            file(CAT, MARKED["16 bits"][0]),
            "1 file has 16 bits a channel, of which the upper 8 are read: cat/1.png",
            "noted",
        ),
        Fault(
            "a JPEG with an EXIF rotation",
            instead("cat/1.jpg", MARKED["a rotated JPEG, big end first"][0]),
            "1 file carries an EXIF rotation that TensorFlow ignores: cat/1.jpg",
            "noted",
        ),
        Fault(
            "a PNG with an EXIF rotation",
            file(CAT, MARKED["a rotated PNG"][0]),
            "1 file carries an EXIF rotation that TensorFlow ignores: cat/1.png",
            "noted",
        ),
        Fault(
            "many files with an EXIF rotation",
            many_rotated,
            "5 files carry an EXIF rotation that TensorFlow ignores: "
            "cat/turned0.jpg, cat/turned1.jpg, cat/turned2.jpg and 2 more",
            "noted",
        ),
        Fault(
            "a PNG with transparency",
            file(CAT, MARKED["alpha in PNG"][0]),
            "1 file has transparency, which is dropped: cat/1.png",
            "noted",
        ),
        Fault(
            "a palette with a transparent color",
            file(CAT, MARKED["a transparent color of a palette"][0]),
            "1 file has transparency, which is dropped: cat/1.png",
            "noted",
        ),
        Fault(
            "a CMYK JPEG",
            instead("cat/1.jpg", MARKED["CMYK"][0]),
            "1 file is a CMYK image, which TensorFlow converts without its color "
            "profile: cat/1.jpg",
            "noted",
        ),
        Fault(
            "an animated GIF",
            instead("cat/1.gif", MARKED["an animated GIF"][0]),
            "1 file is animated, and its first frame is read: cat/1.gif",
            "noted",
        ),
        Fault(
            "an animated GIF whose frames are together beyond `max_pixels`",
            all_of(dataset("max_pixels: 77"), instead("cat/1.gif", lambda: frames("GIF", 9))),
            "1 file is animated, and its first frame is read: cat/1.gif",
            "noted",
        ),
        Fault(
            "an animated GIF whose first frame is not the largest, beyond `max_pixels`",
            all_of(dataset("max_pixels: 299"), instead("cat/1.gif", growing)),
            "cat/1.gif is 10 x 30 pixels, more than max_pixels 299",
            faulty=1,
        ),
        Fault(
            "an animated GIF named .jpg",
            instead("cat/1.jpg", lambda: frames("GIF")),
            "1 file is animated, and its first frame is read: cat/1.jpg",
            "noted",
        ),
        Fault(
            "an animated WebP",
            instead("cat/1.webp", lambda: frames("WEBP", lossless=True)),
            "cat/1.webp is an animated WebP, which TensorFlow does not read; save its first frame "
            "as PNG",
            faulty=1,
        ),
        Fault(
            "a JPEG named .jfif",
            instead("cat/1.jfif", lambda: encoded(noise(8, 8, 3), "JPEG")),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "a JPEG named .png",
            file(CAT, lambda: encoded(noise(8, 8, 3), "JPEG")),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "images of another size than the model takes",
            file(CAT, lambda: encoded(np.asarray(Image.new("RGB", (13, 5))))),
            "confmat: passed 1 limit on 6 examples",
            "works",
        ),
        Fault(
            "no `rescale`, and a model without a layer for it",
            lambda project: project.images(),
            "what goes into the model is 0..255, and it has no layer that rescales before its "
            "Dense layer '[...]': if training rescaled pixels, say so in dataset, such as "
            "`rescale: 1/255`; if it did not, `rescale: 1` says so and ends this note",
            "noted",
        ),
        Fault(
            "`rescale`, and a model that rescales pixels itself",
            all_of(dataset("rescale: 1/255"), lambda project: project.model("rescaling")),
            "the model rescales pixels of 0..255 itself, by its Rescaling layer 'unit' that "
            "multiplies by 1/255, and what goes in is 0..1: take `rescale: 1/255` out of dataset, "
            "unless the model was trained so",
            "noted",
        ),
        Fault(
            "`preprocess`, and a model that rescales pixels itself",
            all_of(dataset("preprocess: caffe"), lambda project: project.model("rescaling")),
            "the model rescales pixels of 0..255 itself, by its Rescaling layer 'unit' that "
            "multiplies by 1/255, and what goes in is -124..151: take `preprocess: caffe` out of "
            "dataset, unless the model was trained so",
            "noted",
        ),
        Fault(
            "pixels of 0 to 255 for a model that rescales them itself",
            lambda project: project.model("rescaling"),
            "input: 8 x 8 rgb, pixels 0..255 as stored, no rescale",
            "works",
        ),
    ],
)
