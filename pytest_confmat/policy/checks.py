"""What can be wrong with a policy once the class names are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_confmat.errors import Location
from pytest_confmat.limits import (
    FLIPS,
    ClassRule,
    ConfusionRule,
    OverallRule,
    Rule,
    Weighting,
)
from pytest_confmat.lookalikes import appearance
from pytest_confmat.metric import TOP_K
from pytest_confmat.policy.policy_faults import Problem
from pytest_confmat.policy.scalars import first_repeated
from pytest_confmat.policy.text_files import shown
from pytest_confmat.spec import Decision, Threshold
from pytest_confmat.text import joined

Where = Callable[..., Location]
_LISTED = 5


def problems_with(
    rules: Sequence[Rule],
    decision: Decision,
    classes: Sequence[str],
    where: Where,
    without_examples: frozenset[str] = frozenset(),
) -> Iterator[Problem]:
    """Find what does not fit `classes`; `where` returns the place of a key."""
    if len(classes) < 2:
        yield Problem(
            where("dataset"), f"a classifier has at least two classes, and here is {len(classes)}"
        )
    known = frozenset(classes)
    if repeated := first_repeated(classes, appearance):
        name, other = (classes[index] for index in repeated[:2])
        message = f"class {shown(name)} is there twice"
        if name != other:
            message = f"the classes {other!a} and {name!a} look the same; rename one of them"
        yield Problem(where("classes"), message)
    yield from _with_those_without(without_examples, classes, where)
    if isinstance(decision, Threshold):
        yield from _with_threshold(decision, classes, where)
    seen: set[tuple[object, str]] = set()
    for rule in rules:
        found = _with_rule(rule, classes, known, where, without_examples)
        for problem in found:
            # A limit's value and its drop name the same classes, and are two rules.
            if (_subject(rule), problem.message) not in seen:
                seen.add((_subject(rule), problem.message))
                yield problem


def _subject(rule: Rule) -> object:
    return (rule.actual, rule.predicted) if isinstance(rule, ConfusionRule) else rule.metric


def _with_rule(
    rule: Rule,
    classes: Sequence[str],
    known: frozenset[str],
    where: Where,
    without_examples: frozenset[str],
) -> Iterator[Problem]:
    if isinstance(rule, OverallRule):
        yield from _with_rank(rule, classes)
    elif isinstance(rule, ConfusionRule):
        yield from _with_pair(rule, classes, known)
        if rule.actual in without_examples:
            yield _unjudged(str(rule.actual), "thresholds.confusions, actual", rule.location)
    else:
        for name in rule.overrides:
            if name not in known:
                way = ("thresholds", rule.metric, "classes")
                yield _unknown(name, ".".join(way), where(*way, name), classes)
            elif name in without_examples:
                way = ("thresholds", rule.metric, "classes")
                yield _unjudged(name, ".".join(way), where(*way, name))
        if rule.weighting is not None:
            judged = [name for name in classes if name not in without_examples]
            yield from _with_weights(rule.weighting, judged, known, where)


def _unknown(name: str, key: str, location: Location, classes: Sequence[str]) -> Problem:
    return Problem(location, f"{key}: there is no class {shown(name)}", name, classes)


def _unjudged(name: str, key: str, location: Location) -> Problem:
    return Problem(
        location,
        f"{key}: {shown(name)} is one of classes.without_examples, and without examples nothing "
        "can be said of it",
    )


def _with_those_without(
    without_examples: frozenset[str], classes: Sequence[str], where: Where
) -> Iterator[Problem]:
    location = where("classes", "without_examples")
    known = frozenset(classes)
    for name in sorted(without_examples - known):
        yield _unknown(name, "classes.without_examples", location, classes)
    if known and known <= without_examples:
        yield Problem(
            location, "classes.without_examples names every class, and none is left to judge"
        )


def _with_threshold(decision: Threshold, classes: Sequence[str], where: Where) -> Iterator[Problem]:
    if len(classes) != 2:
        yield Problem(
            where("decision"),
            f"decision: a threshold decides between two classes, and there are {len(classes)}",
        )
    if decision.positive is not None and decision.positive not in classes:
        location = where("decision", "positive")
        yield _unknown(decision.positive, "decision.positive", location, classes)


def _with_rank(rule: OverallRule, classes: Sequence[str]) -> Iterator[Problem]:
    match = TOP_K.fullmatch(rule.metric)
    if match is None:
        return
    # Compared by length first: int() refuses thousands of digits.
    digits = match.group(1)
    if len(digits) > len(str(len(classes))) or int(digits) >= len(classes):
        name = rule.metric if len(digits) < 20 else "this metric"
        yield Problem(
            rule.location,
            f"thresholds: {name} is 1 whatever the model does, with {len(classes)} classes; its "
            "number must be below theirs",
        )


def _with_pair(
    rule: ConfusionRule, classes: Sequence[str], known: frozenset[str]
) -> Iterator[Problem]:
    for key, name in (("actual", rule.actual), ("predicted", rule.predicted)):
        if name is not None and name not in known:
            yield _unknown(name, f"thresholds.confusions, {key}", rule.location, classes)


def _with_weights(
    weighting: Weighting, classes: Sequence[str], known: frozenset[str], where: Where
) -> Iterator[Problem]:
    if isinstance(weighting.weights, str):
        return
    key = ("thresholds", "weighted_diagonal", "weights")
    weighted = dict(weighting.weights)
    for name in weighted:
        if name not in known:
            yield _unknown(name, ".".join(key), where(*key, name), classes)
    missing = [shown(name) for name in classes if name not in weighted]
    if missing:
        yield Problem(where(*key), f"{'.'.join(key)}: no weight for {joined(missing, _LISTED)}")


def without_baseline(rules: Sequence[Rule]) -> Problem:
    """Return what is wrong with rules that need a baseline where there is none."""
    places = []
    for rule in rules:
        if rule.against != "baseline":
            continue
        key = "max_drop"
        if isinstance(rule, ConfusionRule):
            key = "max_rise"
        elif rule.metric == FLIPS:
            key = FLIPS
        bounded = [rule.location]
        if isinstance(rule, ClassRule) and rule.bound is None:
            bounded = [own.location for own in rule.overrides.values()]
        places += [(location.line, key, location) for location in bounded]
    _, key, location = min(places)
    return Problem(
        location,
        f"{key} compares with a baseline, and there is none; name one by baseline: PATH or "
        "--confmat-baseline PATH, save the first one by --confmat-save-baseline PATH, or compare "
        "with another model by --confmat-reference PATH",
    )
