"""Parts that are kept while an evaluation is done, so that a run which ends early is continued.

They lie beside the evaluations, under the key of the one that they are parts of, and count toward
the same bound. What was read while model or data changed is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from time import monotonic

from pytest_confmat.cache.store import EntryStore
from pytest_confmat.data.part_plan import PlannedPart
from pytest_confmat.errors import EvaluationError, UndeterminedError
from pytest_confmat.outcomes import PartOutcomes
from pytest_confmat.resuming import Done
from pytest_confmat.stored_outcomes import StoredOutcomes
from pytest_confmat.text import plural

# Seconds: what takes less is done again. Writing is a small part of the time that it saves.
KEEP_EVERY = 5.0
_SHARE = 20
_SUFFIX = "outcomes"


class KeptParts:
    """The parts of one evaluation, as far as they are done.

    Parameters
    ----------
    store
        Where they are kept.
    key
        Of the evaluation, by all that it depends on.
    is_same
        Tells whether model and data are still what `key` says.
    clock
        Seconds.

    Attributes
    ----------
    resumed
        How many were done by an earlier run, as far as that was asked.
    """

    def __init__(
        self,
        store: EntryStore,
        key: str,
        is_same: Callable[[], bool],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.resumed = 0
        self._store = store
        self._key = key
        self._is_same = is_same
        self._clock = clock
        self._due = clock() + KEEP_EVERY
        self._waiting: list[StoredOutcomes] = []
        self._total = 0
        self._written: set[str] = set()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader should know of it."""
        if not self.resumed:
            return ()
        were = "was" if self.resumed == 1 else "were"
        return (
            f"{self.resumed:,} of {plural(self._total, 'part')} {were} done by an earlier run that "
            "did not finish; --confmat-cache=off evaluates all of them anew",
        )

    def done(
        self,
        parts: Sequence[PlannedPart],
        classes: tuple[str, ...],
        asked: Collection[str] | None = None,
    ) -> Mapping[str, Done]:
        """Return the parts that an earlier run has done, by their ids; see `Kept.done`."""
        found = {}
        wanted = {part.id for part in parts} if asked is None else set(asked)
        for position, part in enumerate(parts):
            kept = self._read(part, position, classes) if part.id in wanted else None
            if kept is not None:
                notes = tuple(map(str, kept.about.get("notes", ())))
                found[part.id] = Done(kept.outcomes, notes)
        self.resumed, self._total = len(found), len(wanted)
        self._written.update(map(_name, found))
        return found

    def keep(
        self, outcomes: PartOutcomes, classes: tuple[str, ...], notes: tuple[str, ...]
    ) -> None:
        """Keep a part that is done, soon; one with examples at fault not, as they may be fixed."""
        if outcomes.faults:
            return
        about = {"key": self._key, "notes": list(notes)}
        self._waiting.append(StoredOutcomes(outcomes, classes, about))
        if self._clock() >= self._due:
            self._write()

    def close(self) -> None:
        """Keep what is still waiting, if it took long enough to be worth it."""
        if self._written or self._clock() >= self._due:
            self._write()

    def forget(self) -> None:
        """Remove what is kept, once it is elsewhere: the evaluation itself, or a shard's parts."""
        self._waiting.clear()
        self._store.remove_beside(self._key, self._written)

    def _write(self) -> None:
        started = self._clock()
        waiting, self._waiting = self._waiting, []
        try:
            if self._is_same():
                for each in waiting:
                    name = _name(each.outcomes.part.id)
                    self._store.put_beside(self._key, name, each.to_bytes())
                    self._written.add(name)
        except (OSError, UndeterminedError):
            pass  # it will be evaluated again
        ended = self._clock()
        self._due = ended + max(KEEP_EVERY, _SHARE * (ended - started))

    def _read(
        self, planned: PlannedPart, position: int, classes: tuple[str, ...]
    ) -> StoredOutcomes | None:
        content = self._store.get_beside(self._key, _name(planned.id))
        if content is None:
            return None
        with suppress(EvaluationError):
            found = StoredOutcomes.from_bytes(content)
            part = found.outcomes.part
            if (
                (found.about.get("key"), found.classes) == (self._key, classes)
                and (part.id, part.position) == (planned.id, position)
                and not found.outcomes.faults
                and tuple(part.ids) == tuple(planned.ids)
            ):
                return found
        return None


def _name(part: str) -> str:
    return f"{part}.{_SUFFIX}"
