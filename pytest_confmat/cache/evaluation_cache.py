"""Evaluations that are recalled where they may be, computed where they must be, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from pytest_confmat.cache.agreement import disagreement
from pytest_confmat.cache.digest_index import DigestIndex
from pytest_confmat.cache.environment import environment
from pytest_confmat.cache.identity import Identity, identify
from pytest_confmat.cache.kept_parts import KeptParts
from pytest_confmat.cache.store import DamagedEntryError, Entry, EntryStore
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.errors import ConfmatError, UndeterminedError
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.job import Job, seen_from_here


@dataclass(frozen=True)
class CacheInfo:
    """Where an evaluation came from.

    Attributes
    ----------
    key
        Under which it is in the cache, or would be; ``None``: it is not kept.
    computed
        When, as ISO 8601 in UTC, if it was recalled; ``None``: now.
    remarks
        What a reader of the numbers should know of it.
    """

    key: str | None = None
    computed: str | None = None
    remarks: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> CacheInfo:
        """Read what `to_plain` returned."""
        return cls(plain["key"], plain["computed"], tuple(plain["remarks"]))


class EvaluationCache:
    """Recalls evaluations, and keeps those that are computed.

    Parameters
    ----------
    folder
        Tells where, when first asked; ``None``: nowhere, so that all is computed.
    verify
        Read every file, also one that seems unchanged.
    talkative
        Say why an evaluation is not kept, or why files were read again.
    own_code
        Tells whether the project hands in classes that a model file may name.
    loaded
        Tells, as JSON values, what code may have changed Keras or TensorFlow in this process.
    """

    def __init__(
        self,
        folder: Callable[[], Path | None],
        *,
        verify: bool = False,
        talkative: bool = False,
        own_code: Callable[[], bool] = lambda: False,
        loaded: Callable[[], Any] = lambda: None,
    ) -> None:
        self._folder = folder
        self._verify = verify
        self._talkative = talkative
        self._own_code = own_code
        self._loaded = loaded
        self._opened: tuple[EntryStore, DigestIndex] | None = None
        self._asked: dict[str, _Asked] = {}

    def obtain(
        self,
        job: Job,
        compute: Callable[[], Evaluation],
        fingerprint: str | None = None,
        resume: Callable[[KeptParts], Evaluation] | None = None,
    ) -> tuple[Evaluation, CacheInfo]:
        """Return the evaluation of `job`, and where it came from.

        An evaluation is kept if nothing it depends on changed while it was computed; one with
        examples at fault is not, as what could not be read today may be readable tomorrow.

        Parameters
        ----------
        resume
            In the place of `compute` where parts can be kept as they are done; ``None``: they
            cannot.

        Raises
        ------
        ConfmatError
            What `compute` raises.
        """
        look = self._look(job, fingerprint)
        if look.recalled is not None:
            return look.recalled
        if look.keeping is None:
            return compute(), look.info
        store, known, asked = look.keeping
        kept = _kept_parts(store, asked, known.key)
        evaluation = compute() if resume is None else resume(kept)
        info = self._keep(store, known, asked, evaluation)
        kept.forget()
        return evaluation, replace(info, remarks=look.info.remarks + kept.remarks + info.remarks)

    def obtain_all(
        self,
        jobs: Sequence[Job],
        compute: Callable[[Sequence[Job]], Sequence[Evaluation | ConfmatError]],
        fingerprints: Sequence[str | None],
    ) -> list[tuple[Evaluation, CacheInfo] | ConfmatError]:
        """Return the evaluations of `jobs`; those that cannot be recalled are computed in one call.

        Parameters
        ----------
        compute
            Returns for each of its jobs the evaluation, or the error that is its own.
        fingerprints
            One a job; see `identify`.

        Raises
        ------
        ConfmatError
            What `compute` raises.
        """
        looked = [self._look(job, stated) for job, stated in zip(jobs, fingerprints, strict=True)]
        missing = [job for job, look in zip(jobs, looked, strict=True) if look.recalled is None]
        computed = iter(compute(missing) if missing else ())
        return [look.recalled or self._finished(look, next(computed)) for look in looked]

    def _look(self, job: Job, fingerprint: str | None) -> _Look:
        """Return what is kept of a job, or why nothing is."""
        started = perf_counter()
        opened = self._open()
        if opened is None:
            return _Look(CacheInfo())
        store, index = opened
        try:
            surroundings = {**environment(), "loaded": self._loaded()}
            asked = _Asked(job, index, surroundings, fingerprint, self._own_code())
            known = asked.identify()
        except (OSError, UndeterminedError) as reason:
            return _Look(self._not_kept(reason))
        self._asked[known.key] = asked
        try:
            entry = _entry(store, job, known)
        except DamagedEntryError as damage:
            info = CacheInfo(remarks=(f"{damage}: evaluated anew",))
            return _Look(info, (store, known, asked))
        if entry is None:
            return _Look(CacheInfo(), (store, known, asked))
        found = seen_from_here(entry.evaluation, job)
        timing = {"cache": perf_counter() - started}
        info = self._recalled(asked, known.key, entry.computed)
        return _Look(info, recalled=(replace(found, timing=timing), info))

    def _finished(
        self, look: _Look, evaluation: Evaluation | ConfmatError
    ) -> tuple[Evaluation, CacheInfo] | ConfmatError:
        """Keep what was computed, where it may be kept."""
        if isinstance(evaluation, ConfmatError):
            return evaluation
        if look.keeping is None:
            return evaluation, look.info
        info = self._keep(*look.keeping, evaluation)
        return evaluation, replace(info, remarks=look.info.remarks + info.remarks)

    def parts_of(self, job: Job, fingerprint: str | None = None) -> KeptParts | None:
        """Return where the parts of `job` are kept while they are done; ``None``: nowhere."""
        opened = self._open()
        if opened is None:
            return None
        store, index = opened
        try:
            surroundings = {**environment(), "loaded": self._loaded()}
            asked = _Asked(job, index, surroundings, fingerprint, self._own_code())
            return _kept_parts(store, asked, asked.identify().key)
        except (OSError, UndeterminedError):
            return None

    def keep_as(self, info: CacheInfo, job: Job, evaluation: Evaluation) -> None:
        """Keep an evaluation for another job too, whose result it is known to be.

        Parameters
        ----------
        info
            Of the same evaluation as it was kept or recalled; of one that was not, nothing is kept.
        """
        opened, asked = self._open(), self._asked.get(info.key or "")
        if opened is None or asked is None:
            return
        store, _ = opened
        try:
            known = replace(asked, job=job).identify()
            agrees = disagreement(evaluation, job, known) is None
            if known.key != info.key and agrees and store.get(known.key) is None:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                store.put(known.key, Entry(evaluation, info.computed or now))
        except (OSError, UndeterminedError, DamagedEntryError):
            return  # it will be computed

    def likely_causes(self, info: CacheInfo) -> tuple[LikelyCause, ...] | None:
        """Return what was kept of what an evaluation looks like, or ``None``."""
        entry = self._entry(info)
        return None if entry is None else entry.likely_causes

    def keep_likely_causes(self, info: CacheInfo, found: tuple[LikelyCause, ...]) -> None:
        """Keep what an evaluation looks like, unless something could not be looked for."""
        if any("error" in cause.evidence for cause in found):
            return
        entry, opened = self._entry(info), self._open()
        if entry is None or opened is None or info.key is None:
            return
        try:
            opened[0].put(info.key, replace(entry, likely_causes=found))
        except OSError:
            return  # it will be looked for again

    def beside(self, info: CacheInfo, what: str, make: Callable[[], bytes]) -> bytes:
        """Return what is made of an evaluation, kept beside it where it is kept itself.

        Parameters
        ----------
        what
            Names it; a suffix of a file.
        """
        opened = self._open()
        if opened is None or info.key is None:
            return make()
        kept = opened[0].get_beside(info.key, what)
        if kept is None:
            kept = make()
            with suppress(OSError):  # it will be made again
                opened[0].put_beside(info.key, what, kept)
        return kept

    def _open(self) -> tuple[EntryStore, DigestIndex] | None:
        if self._opened is None and (folder := self._folder()) is not None:
            self._opened = EntryStore(folder), DigestIndex(folder, verify=self._verify)
        return self._opened

    def _entry(self, info: CacheInfo) -> Entry | None:
        opened = self._open()
        if opened is None or info.key is None:
            return None
        try:
            return opened[0].get(info.key)
        except DamagedEntryError:
            return None

    def _keep(
        self, store: EntryStore, known: Identity, asked: _Asked, evaluation: Evaluation
    ) -> CacheInfo:
        if evaluation.faults:
            return self._not_kept("examples are at fault, and may be fixed")
        try:
            if asked.identify().key != known.key:
                return self._not_kept("model or data changed while it was made", always=True)
            if (why := disagreement(evaluation, asked.job, known)) is not None:
                return self._not_kept(f"it {why}")
            now = datetime.now(UTC).isoformat(timespec="seconds")
            store.put(known.key, Entry(evaluation, now))
        except (OSError, UndeterminedError) as reason:
            return self._not_kept(reason)
        return CacheInfo(known.key)

    def _not_kept(self, reason: object, *, always: bool = False) -> CacheInfo:
        remark = f"the evaluation is not kept in the cache: {reason}"
        return CacheInfo(remarks=(remark,) if self._talkative or always else ())

    def _recalled(self, asked: _Asked, key: str, computed: str) -> CacheInfo:
        when = datetime.fromisoformat(computed).strftime("%Y-%m-%d %H:%M UTC")
        how = "read and found unchanged" if self._verify else "unchanged"
        what = f"model and data {how}"
        if not asked.job.is_plain:
            what = f"files {how}, and objects by the project's confmat_fingerprint"
        kinds = ", ".join(sorted(asked.index.untrusted))
        if kinds and self._talkative and not self._verify:
            what += f" (data on {kinds} were read again: file times say nothing there)"
        return CacheInfo(
            key,
            computed,
            (f"evaluation of {when} from the cache: {what}; --confmat-cache=off computes it anew",),
        )


@dataclass(frozen=True)
class _Asked:
    """A job as it was when it was asked for: settings of the process change while it is done."""

    job: Job
    index: DigestIndex
    surroundings: dict[str, Any]
    fingerprint: str | None
    own_code: bool

    def identify(self) -> Identity:
        return identify(
            self.job,
            self.index,
            self.surroundings,
            fingerprint=self.fingerprint,
            own_code=self.own_code,
        )


def _kept_parts(store: EntryStore, asked: _Asked, key: str) -> KeptParts:
    return KeptParts(store, key, lambda: asked.identify().key == key)


@dataclass(frozen=True)
class _Look:
    """What was found of a job.

    Attributes
    ----------
    info
        Of what is recalled, or what is to be said of what has to be computed.
    keeping
        Where and as what that may be kept.
    recalled
        The evaluation, if it was kept.
    """

    info: CacheInfo
    keeping: tuple[EntryStore, Identity, _Asked] | None = None
    recalled: tuple[Evaluation, CacheInfo] | None = None


def _entry(store: EntryStore, job: Job, known: Identity) -> Entry | None:
    """Return what is kept of a job.

    Raises
    ------
    DamagedEntryError
        If that is damaged, or cannot be of this job.
    """
    entry = store.get(known.key)
    if entry is not None and (why := disagreement(entry.evaluation, job, known)) is not None:
        raise DamagedEntryError(f"the entry {store.name(known.key)} of the cache {why}")
    return entry
