"""One verdict in words: what was observed, the bound, and the counts behind it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pytest_confmat.decimals import decimal_text, percent
from pytest_confmat.escaping import defused, printable
from pytest_confmat.escaping import printable_quoted as quoted
from pytest_confmat.evaluation import Mistake
from pytest_confmat.limits import FLIPS, Limit, Weighting
from pytest_confmat.metric import TOP_K, counting_of, metric_called
from pytest_confmat.report.interval_text import change_words, interval_text
from pytest_confmat.text import first_lines, plural
from pytest_confmat.verdict import Verdict, counts_predictions

# How many entries a message shows of each kind; it then says how many more there are.
CLASSES_SHOWN = 5
CELLS_SHOWN = 10
_GAP = "   "
_LOCATION_GAP = " " * 6
_SENTENCE = 600
# Ids are paths to open: these are shortened only where they are absurd. In a list names are.
_PATH = 260
_LISTED = 60


def describe(verdict: Verdict) -> str:
    """Return the message of a verdict: one line where the limit passed, else with the reasons.

    The text is safe for a terminal and a log, whatever the names in it.
    """
    if verdict.outcome == "passed":
        return headline(verdict)
    lines = [located_headline(verdict)]
    lines += [f"  {line}" for line in reasons(verdict)]
    return defused("\n".join(lines))


def headline(verdict: Verdict) -> str:
    """Return ``recall of 'cat' is 0.8413, below 0.95``."""
    return defused(f"{_subject(verdict)} is {_finding(verdict)}")


def observed_text(verdict: Verdict) -> str:
    """Return what was measured, never rounded across the bound that it was compared with."""
    if verdict.observed is None:
        return "undefined"
    return decimal_text(verdict.observed, verdict.limit.bound.value)


def reason_first(verdict: Verdict) -> str:
    """Return ``0.8413, below 0.95: recall of 'cat'``, for a line that is cut at its end."""
    return defused(f"{_finding(verdict)}: {_subject(verdict).removesuffix(',')}")


def _finding(verdict: Verdict) -> str:
    if verdict.observed is None:
        return f"undefined: {printable(verdict.undefined or 'there is no value', _SENTENCE)}"
    bound = printable(verdict.limit.bound.text)
    return f"{observed_text(verdict)}, {_relation(verdict)} {bound}"


_KEPT_AND_BROKEN = {"at_least": ("at least", "below"), "at_most": ("at most", "above")}


def _relation(verdict: Verdict) -> str:
    """Return how the value compares with the bound, and whether that is shown."""
    kept, broken = _KEPT_AND_BROKEN[verdict.limit.bound.kind]
    if verdict.too_few:
        return "with too few examples to compare it with"
    if verdict.limit.evidence.rule != "estimate" and not verdict.limit.has_interval:
        return f"an estimate alone, which is not shown to be {kept}"
    relations = {
        ("estimate", "passed"): kept,
        ("estimate", "failed"): broken,
        ("proven", "passed"): f"shown to be {kept}",
        ("proven", "failed"): f"shown to be {broken}",
        ("proven", "undecided"): f"not shown to be {kept}",
        ("not_refuted", "passed"): f"not shown to be {broken}",
        ("not_refuted", "failed"): f"shown to be {broken}",
    }
    return relations[verdict.limit.evidence.rule, verdict.outcome]


def located_headline(verdict: Verdict) -> str:
    """Return the headline, and after it the line of the policy with the limit."""
    location = verdict.limit.location
    if location is None:
        return headline(verdict)
    return defused(f"{headline(verdict)}{_LOCATION_GAP}{printable(str(location))}")


def _subject(verdict: Verdict) -> str:
    limit = verdict.limit
    if limit.metric == FLIPS:
        return f"share of examples on which this model and the {limit.against} differ"
    if limit.against == "value":
        return _metric(verdict)
    if limit.metric == "confusions":
        return _metric(verdict)
    return f"{'rise in the' if limit.metric == 'confusion' else 'drop in'} {_metric(verdict)}"


def _metric(verdict: Verdict) -> str:
    limit = verdict.limit
    if limit.metric == "confusions":
        highest = "highest confusion" if limit.against == "value" else "highest rise of a confusion"
        if not verdict.cells:
            return highest
        actual, predicted, *_ = verdict.cells[0]
        return f"{highest}, {quoted(actual)} predicted as {quoted(predicted)},"
    if limit.metric == "confusion":
        return f"share of {quoted(limit.actual or '')} predicted as {quoted(limit.predicted or '')}"
    if limit.actual is None:
        return printable(limit.metric)
    return f"{printable(limit.metric)} of {quoted(limit.actual)}{_weighting(limit.weighting)}"


def _weighting(weighting: Weighting | None) -> str:
    """Return how the matrix was weighted, where its diagonal is not simply recall."""
    if weighting is None or (
        weighting.weights == "inverse_frequency" and weighting.normalize is None
    ):
        return ""
    weights = weighting.weights if isinstance(weighting.weights, str) else "own weights"
    return f" ({weights}, normalize: {weighting.normalize})"


def reasons(verdict: Verdict) -> Iterator[str]:
    """Yield the lines below the headline of a limit that did not pass: counts, bounds, examples."""
    if verdict.change is not None:
        yield from change_words(verdict)
    if counts := _counts(verdict):
        yield counts
    yield from interval_text(verdict)
    if verdict.unpredicted and not _is_untouched(verdict.limit):
        those = "of them is" if verdict.unpredicted == 1 else "of them are"
        yield f"{verdict.unpredicted} {those} at fault and counted as misclassified"
    yield from _cells(verdict)
    if verdict.confused_with:
        yield _confused_with(verdict)
    if verdict.mistakes:
        shown = (_mistake(mistake, verdict.limit) for mistake in verdict.mistakes)
        label = "highest-confidence errors"
        if (other := verdict.limit.against) != "value":
            right = "right before" if other == "baseline" else f"right by the {other}"
            label = f"not so by the {other}" if _is_untouched(verdict.limit) else right
        yield _GAP.join((label, *shown))


def _is_untouched(limit: Limit) -> bool:
    """Whether an example that was not predicted does not count against a limit."""
    return counts_predictions(limit) or limit.metric in ("confusion", "confusions")


def _counts(verdict: Verdict) -> str | None:
    """Return the counts behind the value in words; a composite metric has none."""
    limit, hits, trials = verdict.limit, verdict.hits, verdict.trials
    template = _template(limit.metric)
    if hits is None or trials is None or template is None:
        return None
    needed = verdict.needed
    if is_twice := counting_of(limit.metric) == "twice":
        needed = _half(needed, up=limit.bound.kind == "at_least")
    counts = template.format(
        hits=hits,
        trials=trials,
        right=hits // 2 if is_twice else hits,
        examples=plural(verdict.support, "example"),
        predictions=plural(trials - verdict.support, "prediction"),
        actual=quoted(limit.actual or ""),
        predicted=quoted(limit.predicted or ""),
    )
    return counts + _needed(verdict, needed)


def _template(metric: str) -> str | None:
    if TOP_K.fullmatch(metric):
        return f"{{hits}} of {{trials}} have their class among the first {metric.split('_')[1]}"
    found = metric_called(metric)
    return _COUNTS.get(metric) if found is None else found.counts


_COUNTS = {
    "weighted_diagonal": "{hits} of {trials} recognized",
    "confusion": "{hits} of {trials} {actual} predicted as {predicted}",
    FLIPS: "{hits} of {trials} examples are predicted differently",
}


def _half(number: int | None, *, up: bool) -> int | None:
    return None if number is None else (number + up) // 2


def _needed(verdict: Verdict, needed: int | None) -> str:
    if needed is None:
        return ""
    if verdict.limit.bound.kind == "at_most":
        return f"; at most {needed} allowed"
    return f"; {needed} {'was' if needed == 1 else 'were'} needed"


def _cells(verdict: Verdict) -> Iterator[str]:
    cells = verdict.cells
    if not cells:
        return
    bound = printable(verdict.limit.bound.text)
    rose = verdict.limit.against != "value"
    if any(Fraction(n, of) > verdict.limit.bound.value for *_, n, of in cells):
        what = ("confusion rose", "confusions rose") if rose else ("confusion is", "confusions are")
        yield f"{plural(len(cells), *what)} {'by more than' if rose else 'above'} {bound}"
    more = "more " if rose else ""
    rows = [
        f"{printable(actual, _LISTED)} -> {printable(predicted, _LISTED)}{_GAP}"
        f"{count} {more}of {support} ({percent(count, support)})"
        for actual, predicted, count, support in cells
    ]
    yield from (f"  {line}" for line in first_lines(rows, CELLS_SHOWN))


def _confused_with(verdict: Verdict) -> str:
    limit = verdict.limit
    if counts_predictions(limit):
        label, total = "predicted as it", verdict.trials or 0
    else:
        label, total = "predicted as", verdict.support
    entries = [
        f"{printable(name, _LISTED)} {count}" + (f" ({percent(count, total)})" if total else "")
        for name, count in verdict.confused_with
    ]
    return _GAP.join((label, *first_lines(entries, CLASSES_SHOWN)))


def _mistake(mistake: Mistake, limit: Limit) -> str:
    """Return an example with its prediction, and its class where limit and id do not show it."""
    known = mistake.actual == limit.actual or mistake.id.startswith(f"{mistake.actual}/")
    actual = "" if known else f" ({printable(mistake.actual, _LISTED)})"
    predicted = printable(mistake.predicted, _LISTED)
    return f"{printable(mistake.id, _PATH)}{actual} -> {predicted} {mistake.score:.3f}"
