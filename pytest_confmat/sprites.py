"""Small pictures of examples, packed into sheets: plain values that a report shows."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

Rect = tuple[int, int, int, int]
# What a policy or an option may ask for; how many a report holds is a matter of their size too.
MAX_THUMBNAILS = 2000


@dataclass(frozen=True)
class Thumbnail:
    """Where the pictures of one example are.

    Attributes
    ----------
    place
        The example's, in the set's order.
    sheet
        Number of the sheet.
    seen, original
        Left, top, width and height in dots: the example as the model saw it, and as it is stored;
        ``None``: there is no such picture.
    """

    place: int
    sheet: int
    seen: Rect | None
    original: Rect | None


@dataclass(frozen=True)
class Thumbnails:
    """Pictures of some examples.

    Attributes
    ----------
    sheets
        Encoded images.
    mime
        What they are: ``image/jpeg`` or ``image/png``.
    shown
        In the order in which they were asked for.
    notes
        Why examples have no picture.
    """

    sheets: tuple[bytes, ...] = ()
    mime: str = "image/png"
    shown: tuple[Thumbnail, ...] = ()
    notes: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        plain = asdict(self)
        plain["sheets"] = [base64.b64encode(sheet).decode("ascii") for sheet in self.sheets]
        return json.dumps(plain).encode("ascii")

    @classmethod
    def from_bytes(cls, content: bytes) -> Thumbnails:
        """Read what `to_bytes` returned."""
        plain = json.loads(content)
        return cls(
            tuple(map(base64.b64decode, plain["sheets"])),
            plain["mime"],
            tuple(
                Thumbnail(
                    each["place"], each["sheet"], _rect(each["seen"]), _rect(each["original"])
                )
                for each in plain["shown"]
            ),
            tuple(plain["notes"]),
        )


def _rect(plain: Sequence[int] | None) -> Rect | None:
    return None if plain is None else (plain[0], plain[1], plain[2], plain[3])
