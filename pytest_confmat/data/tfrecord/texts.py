"""The texts that records hold beside their numbers: `image/class/text` with `image/class/label`.

Every pair of a number and a text is compared with `classes`. It contradicts them where the text
can mean a class, as `naming.Matcher` has it, but not the one that the number stands for. One thing
is excused: of two classes such as ``crane`` and ``crane (machine)`` the data may call both
``crane``, so that the shorter name is no contradiction for a number that has no better one. A text
that is no class's name is noted and no more: `classes` may well name things otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_confmat.data.images import tensorflow
from pytest_confmat.data.naming import Matcher, extends
from pytest_confmat.data.pipeline import words
from pytest_confmat.errors import DataError
from pytest_confmat.text import first_lines, joined, listed, plural

_SHOWN = 20
_MOST = 100_000  # different pairs; beyond them the texts are no names of classes
_MIX = np.uint64(0x9E3779B97F4A7C15)


def text_keys(label_key: str) -> Iterator[str]:
    """Yield the features that may name the class whose number is in `label_key`."""
    if label_key.endswith("/label"):
        stem = label_key.removesuffix("label")
        yield from (f"{stem}text", f"{stem}name", f"{stem}synset")
    yield from (label_key + ending for ending in ("_text", "_name", "/text", "/name"))
    if label_key == "label":
        yield from ("class_text", "class_name")


@dataclass(frozen=True)
class Pair:
    """A number and a text that stand together.

    Attributes
    ----------
    label
        The number, less the offset.
    first
        Place of a record that holds them, the first that came.
    """

    label: int
    text: str
    first: int = 0
    records: int = 0


@dataclass(frozen=True)
class Comparison:
    """Pairs against classes.

    Attributes
    ----------
    wrong
        Those that contradict them.
    excused
        Those of a text that names another class, whose name the own one extends.
    unknown
        Those of a text that is no class's name.
    """

    wrong: tuple[Pair, ...]
    excused: tuple[Pair, ...]
    unknown: tuple[Pair, ...]


def compare(pairs: Collection[Pair], classes: Sequence[str]) -> Comparison:
    """Compare pairs with `classes`; see the module."""
    matcher = Matcher(classes)
    named = {pair.label for pair in pairs if pair.label in matcher.places(pair.text)}
    wrong: list[Pair] = []
    excused: list[Pair] = []
    unknown: list[Pair] = []
    for pair in pairs:
        if not matcher.places(pair.text):
            unknown.append(pair)
        elif pair.label not in matcher.places(pair.text):
            excusable = pair.label not in named and _extends(pair, classes, matcher)
            (excused if excusable else wrong).append(pair)
    return Comparison(tuple(wrong), tuple(excused), tuple(unknown))


def _extends(pair: Pair, classes: Sequence[str], matcher: Matcher) -> bool:
    """Whether the class of a number has the name that its text means, and more words."""
    return 0 <= pair.label < len(classes) and all(
        extends(classes[pair.label], classes[place]) for place in matcher.places(pair.text)
    )


class Texts:
    """Collects the pairs of a pass, each once, and says what is wrong with them.

    Parameters
    ----------
    classes, label_key, text_key, offset
        Names in the order of the labels; which features the pairs are of; and what was subtracted
        from the numbers.
    """

    def __init__(self, classes: Sequence[str], label_key: str, text_key: str, offset: int) -> None:
        self._classes = classes
        self._label_key = label_key
        self._text_key = text_key
        self._offset = offset
        self._matcher = Matcher(classes)
        self._pairs: list[Pair] = []
        # Of each pair a key, sorted; which pair it is of; how many records hold that; and whether
        # it contradicts the classes, whatever else is still to come.
        self._keys = np.zeros(0, np.uint64)
        self._places = np.zeros(0, np.int64)
        self._records = np.zeros(0, np.int64)
        self._sure = np.zeros(0, bool)

    @property
    def wrong(self) -> int:
        """How many records contradict the classes, whatever else is still to come."""
        return int(self._records[self._sure].sum())

    def add(self, labels: NDArray[np.int64], texts: Any, index: NDArray[np.int64]) -> None:
        """Take the pairs of a batch; in Python only those that were not there before.

        Parameters
        ----------
        labels, index
            int64 (n,).
        texts
            String tensor (n,), empty where there is none.
        """
        if len(self._pairs) > _MOST:
            return  # memory must not follow the examples
        keys = words(texts).numpy() * _MIX + labels.astype(np.uint64)
        new = np.flatnonzero(~np.isin(keys, self._keys))
        if new.size:
            distinct, firsts = np.unique(keys[new], return_index=True)
            at = new[firsts]
            self._take(distinct, labels[at], _gathered(texts, at), index[at])
        places = self._places[np.searchsorted(self._keys, keys)]
        self._records += np.bincount(places, minlength=len(self._records))

    def _take(
        self,
        keys: NDArray[np.uint64],
        labels: NDArray[np.int64],
        texts: Sequence[str],
        index: NDArray[np.int64],
    ) -> None:
        pairs = list(map(Pair, labels.tolist(), texts, index.tolist()))
        sure = [self._contradicts(pair) for pair in pairs]
        keys = np.concatenate([self._keys, keys])
        places = np.concatenate([self._places, len(self._pairs) + np.arange(len(pairs))])
        order = np.argsort(keys)
        self._keys, self._places = keys[order], places[order]
        self._pairs += pairs
        self._records = np.concatenate([self._records, np.zeros(len(pairs), np.int64)])
        self._sure = np.concatenate([self._sure, np.array(sure, bool)])

    def _contradicts(self, pair: Pair) -> bool:
        places = self._matcher.places(pair.text)
        extended = _extends(pair, self._classes, self._matcher)
        return bool(places) and pair.label not in places and not extended

    def require(self, label: int, text: Any) -> None:
        """Compare a single record with the classes, in the light of all that were added.

        Raises
        ------
        DataError
            If it contradicts them.
        """
        pair = Pair(label, _decoded(text.numpy()))
        if pair in compare([*self._named, pair], self._classes).wrong:
            raise DataError(
                f"has {label + self._offset} in {self._label_key!r}, in classes "
                f"{self._class(label)}, and {pair.text!r} in {self._text_key!r}"
            )

    def contradiction(self, name: Callable[[int], str]) -> str | None:
        """Return how the pairs contradict the classes, if they do.

        Parameters
        ----------
        name
            Tells the id of the record at a place.
        """
        wrong = sorted(self._compared.wrong, key=lambda pair: (pair.label, pair.first))
        if not wrong:
            return None
        lines = [
            f"the numbers in {self._label_key!r} and the texts in {self._text_key!r} contradict "
            "classes"
        ]
        contradictions = [
            f"{pair.label + self._offset} is {pair.text!r} in {plural(pair.records, 'record')}, "
            f"such as {name(pair.first)}; in classes it is {self._class(pair.label)}"
            for pair in wrong
        ]
        lines += [f"  {line}" for line in first_lines(contradictions, _SHOWN)]
        lines.append(f"  classes: {listed(self._classes, _SHOWN)}")
        return "\n".join([*lines, self._advice()])

    def notes(self) -> Iterator[str]:
        """Yield what a reader should know of texts that are no class's, or may be another's."""
        compared = self._compared
        if len(self._pairs) > _MOST:
            yield (
                f"{self._text_key!r} holds more than {_MOST:,} different texts, so the rest is not "
                "compared with classes"
            )
        for pairs, what in (
            (compared.unknown, "are no names of classes, so they are not compared"),
            (compared.excused, "are the names of other classes, which theirs extend"),
        ):
            if pairs:
                shown = sorted(pairs, key=lambda pair: (pair.label, pair.first))
                examples = joined(
                    [f"{pair.text!r} for {self._class(pair.label)}" for pair in shown], 3
                )
                number = f"{len(pairs):,} of {plural(len(self._named), 'text')}"
                yield f"{number} in {self._text_key!r} {what}: {examples}"

    @property
    def _named(self) -> list[Pair]:
        return [
            replace(pair, records=number)
            for pair, number in zip(self._pairs, self._records.tolist(), strict=True)
            if pair.text.strip()
        ]

    @property
    def _compared(self) -> Comparison:
        return compare(self._named, self._classes)

    def _class(self, label: int) -> str:
        if 0 <= label < len(self._classes):
            return repr(self._classes[label])
        return f"none of the {len(self._classes):,}"

    def _advice(self) -> str:
        """Return what would bring numbers and classes together."""
        meant = [(pair.label, self._matcher.places(pair.text)) for pair in self._named]
        sure = [(label, min(places)) for label, places in meant if len(places) == 1]
        steps = {label - place for label, place in sure}
        if len(steps) == 1 and 0 not in steps:
            (step,) = steps
            how = f"{abs(step):,} {'higher' if step > 0 else 'lower'}"
            return (
                f"every number is {how} than the place of its text in classes: offset: "
                f"{self._offset + step} in dataset.label would make them agree"
            )
        order = dict(sure)
        if len(set(sure)) == len(order) and sorted(order) == sorted(order.values()):
            names = [self._classes[order.get(place, place)] for place in range(len(self._classes))]
            return (
                f"the numbers stand for {listed(names, _SHOWN)}: write classes in that order if "
                "the model's outputs have it, and write the records again if they have not"
            )
        return "correct the numbers or texts of these records, or the order of classes"


def _gathered(texts: Any, at: NDArray[np.int64]) -> list[str]:
    return [_decoded(text) for text in tensorflow().gather(texts, at).numpy().tolist()]


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")
