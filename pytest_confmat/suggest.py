"""The nearest right name, for messages about a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], *, listed: int = 12) -> str:
    """Return ``"; did you mean 'dog'?"``, or else the names there are, at most `listed`."""
    names = list(known)
    by_fold = {candidate.casefold(): candidate for candidate in reversed(names)}
    if close := get_close_matches(name.casefold(), by_fold, n=1):
        return f"; did you mean {by_fold[close[0]]!r}?"
    shown = ", ".join(repr(candidate) for candidate in names[:listed])
    more = f" and {len(names) - listed} more" if len(names) > listed else ""
    return f"; there are {shown}{more}" if names else ""
