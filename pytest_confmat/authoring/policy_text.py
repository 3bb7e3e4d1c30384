"""The text of a policy: what was found, what was said, and limits, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pytest_confmat.authoring import yaml_text
from pytest_confmat.authoring.data_at import Place
from pytest_confmat.authoring.init_keys import InitKeys
from pytest_confmat.authoring.margins import decimal
from pytest_confmat.authoring.proposal import Proposal, Proposed
from pytest_confmat.decimals import decimal_text
from pytest_confmat.limits import one_line

# More class names than these are not listed where the data state them.
MOST_LISTED = 100
_OBSERVED = re.compile(
    r"(?P<head>\s*#\s(?:(?:every class|one class|each of [\d,]+ classes); )?)"
    r"(?P<weakest>limited by '.*': |'.*' bears no more: )?"  # the latter as 0.1 wrote it
    r"observed [01](?:\.\d+)? \(\d+ of \d+\)(?: by \S*[^\s,;])?"
)


@dataclass(frozen=True)
class Draft:
    """What is known before the evaluation."""

    place: Place
    given: InitKeys

    @property
    def text(self) -> str:
        """A policy that can be read and has no limit worth the name."""
        lines = [*self._lines(), "thresholds:", "  accuracy: 0"]
        return "\n".join(lines) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "version: 1"
        yield "dataset:"
        yield f"  {self.place.kind.key}: {yaml_text.path(self.place.path)}"
        yield from (
            f"  {yaml_text.name(key)}: {value}" for key, value in self.given.dataset.items()
        )
        yield from (f"{yaml_text.name(key)}: {value}" for key, value in self.given.top.items())


@dataclass(frozen=True)
class Learned:
    """What the evaluation found out.

    Attributes
    ----------
    model
        As it was named.
    command
        That gates it by the policy.
    digest
        Of the evaluation set.
    classes
        In the order of the model's outputs.
    notes
        Of the evaluation.
    rescales_itself
        Whether the model has a layer for it; ``None``: it takes no pixels.
    remarks
        Sentences that a reader of the policy must know.
    """

    model: str
    command: str
    digest: str
    classes: tuple[str, ...]
    notes: Sequence[str] = ()
    rescales_itself: bool | None = None
    remarks: Sequence[str] = ()


def policy_text(draft: Draft, found: Learned, proposal: Proposal) -> str:
    """Return a complete policy, with comments."""
    lines = [
        *_head(found, proposal),
        "version: 1",
        "",
        *_dataset(draft, found, proposal),
        "",
        *_classes(draft, found),
        *(f"{key}: {value}" for key, value in draft.given.top.items() if key != "classes"),
        *([""] if "decision" in draft.given.top else []),
        *_thresholds(proposal),
    ]
    return "\n".join(lines) + "\n"


def _head(found: Learned, proposal: Proposal) -> Iterator[str]:
    yield from yaml_text.comment(
        "What a model must be able to do before it may be released. Check one:"
    )
    yield "#"
    yield f"#   {''.join(c if c.isprintable() else ' ' for c in found.command)}"
    yield "#"
    yield from yaml_text.comment(
        f"Written by --confmat-init, from what {found.model} did on "
        f"{proposal.accuracy.trials:,} examples. Each limit lies so low that on other examples of "
        f"the same kind an equally good model falls below it in at most 1 of {proposal.runs:,} "
        f"runs, and below any of the {proposal.considered:,} in at most 1 of 20; what was observed "
        "then stands beside it. Where you know what your users need, write that instead."
    )
    for remark in found.remarks:
        yield "#"
        yield from yaml_text.comment(remark)
    yield ""


def _dataset(draft: Draft, found: Learned, proposal: Proposal) -> Iterator[str]:
    place, given = draft.place, draft.given.dataset
    yield "dataset:"
    kind = place.kind
    entries = [(f"{kind.key}: {yaml_text.path(place.path)}", kind.comment)]
    for key, inside in kind.inferred(found.notes).items():
        if key not in given:
            pairs = ", ".join(f"{name}: {_flow_key(value)}" for name, value in inside.items())
            entries.append((f"{key}: {{{pairs}}}", "as the records have it"))
    entries += [(f"{yaml_text.name(key)}: {value}", "") for key, value in given.items()]
    count = f"expected_examples: {proposal.accuracy.trials}"
    entries.append((count, "any other number is an error, and any other digest"))
    yield from yaml_text.aligned(entries, 2)
    yield f"  digest: {found.digest}"
    if "rescale" not in given and "preprocess" not in given:
        yield from _rescaling(found.rescales_itself)


def _rescaling(itself: bool | None) -> Iterator[str]:
    if itself:
        yield from yaml_text.comment("no rescale: the model has a layer for it", 2)
    elif itself is not None:
        yield from yaml_text.comment(
            "Pixels go in as they are, 0 to 255. Whether training scaled them cannot be seen in "
            "model or data; if it did, say so, and let the limits be proposed anew:",
            2,
        )
        yield "  # rescale: 1/255"


def _classes(draft: Draft, found: Learned) -> Iterator[str]:
    order = "in the order of the model's outputs"
    if given := draft.given.top.get("classes"):
        yield f"classes: {given}   # {order}"
        return
    names = [yaml_text.name(name) for name in found.classes]
    if len(names) <= MOST_LISTED:
        first, *more = yaml_text.flow(names, "classes", 2)
        yield f"{first}{' ' * 3}# {order}"
        yield from more
        yield ""
        return
    where = draft.place.kind.names_stated_by
    yield from yaml_text.comment(
        f"classes: {len(names):,}, as {where} state them, {order}: {names[0]}, {names[1]}, ... "
        f"{names[-1]}"
    )
    yield ""


def _thresholds(proposal: Proposal) -> Iterator[str]:
    yield "thresholds:"
    accuracy = proposal.accuracy
    if accuracy.value is not None:
        yield f"  accuracy: {decimal(accuracy.value)}   # {_counts(accuracy)}"
    if proposal.general is None:
        yield from yaml_text.comment("recall: no class has enough examples for a limit", 2)
        return
    general, weakest = decimal(proposal.general), proposal.weakest
    if not proposal.own and not proposal.exempt:
        yield f"  recall: {general}   # every class; {_limited_by(weakest)}"
        return
    others = len(proposal.classes) - len(proposal.own) - len(proposal.exempt)
    each_of = "one class" if others == 1 else f"each of {others:,} classes"
    yield "  recall:"
    yield f"    at_least: {general}   # {each_of}; {_limited_by(weakest)}"
    yield "    classes:"
    entries = [
        (f"{yaml_text.name(each.name or '')}: {decimal(each.value)}", _counts(each))
        for each in proposal.own
        if each.value is not None
    ]
    entries += [
        (f"{yaml_text.name(each.name or '')}: none", f"{_counts(each)}: too few for a limit")
        for each in proposal.exempt
    ]
    yield from yaml_text.aligned(entries, 6)


def observed_text(hits: int, trials: int) -> str:
    """Return ``observed 0.9667 (145 of 150)``."""
    return f"observed {decimal_text(Fraction(hits, trials))} ({hits} of {trials})"


def renewed(comment: str, hits: int, trials: int, name: str | None, model: str | None) -> str:
    """Return the comment behind a limit; one of ours says what another model did.

    What was written behind one of ours stays there.

    Parameters
    ----------
    comment
        All that follows the number in its line.
    hits, trials
        Of all examples, or of the class that limits it.
    name
        Of that class.
    model
        As it was named.
    """
    match = _OBSERVED.match(comment)
    if match is None:
        return comment
    by_class = f"limited by '{one_line(name)}': " if match["weakest"] and name is not None else ""
    by = "".join(c if c.isprintable() and not c.isspace() else "_" for c in model or "")
    said = f"{match['head']}{by_class}{observed_text(hits, trials)}{f' by {by}' if by else ''}"
    return said + comment[match.end() :]


def _limited_by(weakest: Proposed | None) -> str:
    """Return which class keeps a general limit from being higher, or nothing."""
    if weakest is None:
        return ""
    return f"limited by '{one_line(weakest.name or '')}': {_counts(weakest)}"


def _counts(one: Proposed) -> str:
    return observed_text(one.hits, one.trials)


def _flow_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z][\w/]*", key) else yaml_text.quoted(key)
