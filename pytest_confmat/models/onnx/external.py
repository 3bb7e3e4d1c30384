"""Files beside an ONNX file that hold its weights: they must lie in its folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pytest_confmat.errors import ModelError
from pytest_confmat.files import irregular, is_link
from pytest_confmat.text import brief, shortened

_DISTRUST = "Do not trust it, and do not load it in another way; find out where it comes from"
# By this name onnxruntime means its own memory.
_MEMORY = "_ORT_MEM_ADDR_"


def data_files(path: Path, locations: Sequence[str]) -> tuple[Path, ...]:
    """Return the files that a model's weights lie in.

    Raises
    ------
    ModelError
        If one lies outside the folder of `path`, is reached by a link, or is not there.
    """
    return tuple(sorted({_file(path, each) for each in locations}))


def _file(path: Path, location: str) -> Path:
    name = PurePosixPath(location)
    outside = name.is_absolute() or ".." in name.parts or not name.parts
    # What Windows takes for a drive or a separator is refused everywhere.
    if outside or re.search(r"[\\:\0]", location) or _MEMORY in location:
        raise ModelError(
            f"{path} is not loaded: it names {brief(location)} as a file that holds its weights, "
            f"and these lie beside it, in its folder. {_DISTRUST}"
        )
    found = path.parent.joinpath(*name.parts)
    below = [path.parent.joinpath(*name.parts[: n + 1]) for n in range(len(name.parts))]
    try:
        link = next((each for each in below if is_link(each)), None)
        there, kind = found.exists(), irregular(found)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not loaded: its file {brief(location)} cannot be read: "
            f"{getattr(error, 'strerror', None) or error}"
        ) from error
    if link is not None:
        raise ModelError(
            f"{path} is not loaded: {_said(path, link)}, which holds its weights or leads to them, "
            "is a link, and links may lead out of its folder: put the file itself there (cp -L)"
        )
    if not there:
        raise ModelError(
            f"{path} lacks the file {shortened(location, 100)}, which holds its weights: copy it "
            "beside the model, or export the model again"
        )
    if kind:
        raise ModelError(
            f"{path} is not loaded: {_said(path, found)}, which is to hold its weights, is {kind}"
        )
    return found


def _said(path: Path, found: Path) -> str:
    return shortened(found.relative_to(path.parent).as_posix(), 100)
