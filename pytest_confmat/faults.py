"""Examples that cannot be used, in words: which, why, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pytest_confmat.data.source import Described, ExampleFault
from pytest_confmat.errors import ExamplesError
from pytest_confmat.evaluation import Fault
from pytest_confmat.spec import MAX_FAULTS, OnFault
from pytest_confmat.text import and_more, one_line

FAULTS_SHOWN = 20


@dataclass(frozen=True)
class Care:
    """What is done about examples at fault.

    Attributes
    ----------
    on_fault
        ``misclassified``: an example at fault counts as a wrong prediction of its class, where
        that is known; where it is not, it is an error all the same.
    max_faults
        How many faulty examples are collected before the pass is given up.
    """

    on_fault: OnFault = "error"
    max_faults: int = MAX_FAULTS


@dataclass(frozen=True)
class FaultySet:
    """A set in which examples are at fault.

    Attributes
    ----------
    source, classes
        The set, and the names of its classes.
    name
        Tells the id of the example at a place.
    care
        What is done about them.
    extent
        How many examples there are, as far as that is known.
    is_weighted
        Whether examples have weights of their own.
    present
        True classes of the examples whose class is known.
    """

    source: Described
    classes: tuple[str, ...]
    name: Callable[[int], str]
    care: Care
    extent: int
    is_weighted: bool
    present: frozenset[int]

    def is_error(self, fault: ExampleFault, number: int) -> bool:
        """Whether one of `number` faults cannot be counted as a wrong prediction."""
        weightless = self.is_weighted and fault.weight is None
        return not self._counts(number) or fault.label is None or weightless

    def _counts(self, number: int) -> bool:
        """Whether faults may count as wrong: not if nothing at all could be predicted."""
        return self.care.on_fault == "misclassified" and self.extent > number

    def listed(self, faults: Mapping[int, ExampleFault]) -> Iterator[Fault]:
        """Yield faults with ids and classes, in the set's order."""
        for place, fault in sorted(faults.items()):
            known = fault.label is not None and 0 <= fault.label < len(self.classes)
            actual = self.classes[fault.label or 0] if known else None
            yield Fault(self.name(place), " ".join(str(fault).split()), actual)

    def error(self, faults: Mapping[int, ExampleFault], *, gave_up: bool = False) -> ExamplesError:
        """Return the error that lists the faults, by place in the set.

        Parameters
        ----------
        gave_up
            There are more: the pass was given up after `max_faults`.
        """
        lines = list(self._lines(faults, gave_up))
        return ExamplesError(
            "\n".join(lines),
            ((fault.id, fault.reason, fault.actual) for fault in self.listed(faults)),
        )

    def _lines(self, faults: Mapping[int, ExampleFault], gave_up: bool) -> Iterator[str]:
        number = len(faults)
        parts = self.source.parts
        total = sum(map(len, parts)) if parts is not None else None if gave_up else self.extent
        of = "" if total is None else f" of {total:,}"
        many = f"more than {self.care.max_faults:,}" if gave_up else f"{number:,}"
        noun = "example" if total == 1 else "examples"
        yield (
            f"{many}{of} {noun} cannot be used: fix them, or take them out of the set "
            f"({self.source.description})"
        )
        # Those that could be counted all the same come last.
        ordered = sorted(faults, key=lambda at: (not self.is_error(faults[at], number), at))
        shown = ordered[:FAULTS_SHOWN]
        names = [one_line(self.name(place)) for place in shown]
        width = min(48, max(len(name) for name in names))
        for name, place in zip(names, shown, strict=True):
            yield f"  {name:{width}}   {' '.join(str(faults[place]).split())}"
        if gave_up:
            yield f"  and more: stopped after {self.care.max_faults:,} faults"
        elif number > len(shown):
            yield f"  {and_more(number - len(shown))}"
        if number > len(shown):
            yield f"  confmat.json lists all {number:,} of them: --confmat-report DIR"
        if hint := self._offset_hint(faults):
            yield hint
        if not gave_up and self.care.on_fault == "misclassified":
            yield self._why_not_misclassified(faults)

    def _offset_hint(self, faults: Mapping[int, ExampleFault]) -> str | None:
        """Say so where the labels out of range look as if counted from another number."""
        offset, k = self.source.offset, len(self.classes)
        strays = {fault.stray for fault in faults.values() if fault.stray is not None}
        for stray, missing, change in ((k, 0, 1), (-1, k - 1, -1)):
            if strays == {stray} and missing not in self.present:
                fits = f"offset: {offset + change} in dataset.label would make them fit"
                if self.source.parts is None:  # batches, of which no policy says an offset
                    fits = f"{'subtract' if change > 0 else 'add'} 1 to make them fit"
                return (
                    f"  no label is {missing + offset}, as if they were counted from "
                    f"{change + offset}: {fits}"
                )
        return None

    def _why_not_misclassified(self, faults: Mapping[int, ExampleFault]) -> str:
        if not self._counts(len(faults)):
            return "  on_fault: misclassified needs an example that can be used, and there is none"
        unknown = sum(self.is_error(fault, len(faults)) for fault in faults.values())
        what = "class or weight" if self.is_weighted else "class"
        whose = f"the {what} of {unknown:,} of them is" if unknown > 1 else f"the {what} of one is"
        return f"  on_fault: misclassified cannot count them all: {whose} not known"
