"""Which parts of a set a shard evaluates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pytest_confmat.errors import RequestError

T = TypeVar("T")
_FORM = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True)
class Shard:
    """The shard `number`, from 1, of `total`."""

    number: int
    total: int

    @classmethod
    def of(cls, text: str) -> Shard:
        """Read ``2/7``.

        Raises
        ------
        RequestError
            If it is no such text.
        """
        found = _FORM.fullmatch(text)
        number, total = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= total:
            raise RequestError(
                f"{text!r} is no shard: give its number, from 1, and how many there are, as in 2/7"
            )
        return cls(number, total)

    @classmethod
    def holding(cls, position: int, total: int) -> Shard:
        """Return the shard of `total` that the part at `position` belongs to."""
        return cls(position % total + 1, total)

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    def share(self, parts: Sequence[T]) -> Sequence[T]:
        """Return the parts of the shard: every `total`-th, as parts side by side are alike."""
        return parts[self.number - 1 :: self.total]
