"""Whether what a model did is fit to be made a standard: limits must not cement a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_confmat.authoring.margins import ANY
from pytest_confmat.diagnosis import Suspicion
from pytest_confmat.matrix import ConfusionMatrix

_WIRING = ("permuted", "shifted", "collapsed")


def objection(matrix: ConfusionMatrix, suspicions: Sequence[Suspicion]) -> str | None:
    """Return why no limits should be proposed, or ``None``.

    Parameters
    ----------
    suspicions
        What the result looks like; they are looked for although nothing has failed.
    """
    found = [suspicion.text for suspicion in suspicions if suspicion.kind in _WIRING]
    better = [
        suspicion
        for suspicion in suspicions
        if suspicion.kind == "preprocessing" and suspicion.evidence.get("better")
    ]
    found += [suspicion.text for suspicion in better]
    if found:
        for suspicion in better:
            found.append(f"if so: --confmat-init='{suspicion.evidence['better']}'")
        return "\n".join(found)
    return _no_better_than_chance(matrix)


def remarks(suspicions: Sequence[Suspicion]) -> Iterator[str]:
    """Yield what must be known all the same."""
    for suspicion in suspicions:
        if suspicion.kind == "never_predicted":
            yield f"Look into this before you rely on the limits: {suspicion.text}"


def _no_better_than_chance(matrix: ConfusionMatrix) -> str | None:
    """Say so if the predictions, dealt out at random, might be right as often.

    How many are right then has a known mean and variance (as the sum along a random permutation,
    Hoeffding 1951), and is farther above the mean than d in at most var / (var + d * d) of all
    deals (Cantelli's inequality), however small or unbalanced the set is.
    """
    n, right = matrix.total, int(matrix.correct.sum())
    s, p = (counts.astype(object) for counts in (matrix.support, matrix.predicted))
    both = int((s * p).sum())
    mean = both / n
    spread = both - ((s * p * p).sum() + (s * s * p).sum()) / n + both**2 / n**2
    variance = max(float(spread), 0.0) / max(n - 1, 1)
    distance = right - mean
    if distance > 0 and variance / (variance + distance**2) <= ANY:
        return None
    return (
        f"it is not shown to be better than a guess: {right:,} of {n:,} examples are right, and "
        f"its predictions dealt out at random would be right for {mean:.1f}"
    )
