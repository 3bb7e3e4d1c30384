"""A policy: what a thresholds file says, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.limits import ESTIMATE, Evidence, Exemption, Limit, Rule, expand
from pytest_confmat.policy.checks import problems_with, without_baseline
from pytest_confmat.policy.policy_faults import raise_first
from pytest_confmat.spec import Argmax, BaselineSpec, DatasetSpec, Decision, ModelSpec


@dataclass(frozen=True)
class Policy:
    """What to check: data, classes, decision, and the rules that make limits.

    Attributes
    ----------
    path
        The thresholds file, as it was named.
    dataset
        ``None``: the data come from the fixture ``confmat_dataset``.
    expected_examples, digest
        Of the set, wherever it comes from; ``None``: the policy does not say.
    classes
        The declared names, in the order of the model's outputs; ``None``: none are declared.
    without_examples
        Those of which the set has no examples, as the policy declares.
    model
        The model's file, as the policy names it; ``None``: it names none.
    signature
        Which of its entry points is judged, also of a model that is named elsewhere; ``None``: the
        usual one.
    model_sha256
        SHA-256 of the model's file in lower case, if the policy is for that model alone.
    evidence
        How sure one must be where a limit does not say otherwise; each rule carries its own.
    baseline
        What to compare with; ``None``: the policy names nothing.
    reference
        A model to compare with in the same pass; ``None``: the policy names none.
    thumbnails
        How many pictures of misclassified examples the report may hold.
    rules
        In the order of the file, what a limit says of a value before what it says of a change.
    places
        Where keys stand, by their way through the file: ``("decision", "positive")``.
    """

    path: Path
    dataset: DatasetSpec | None = None
    expected_examples: int | None = None
    digest: str | None = None
    classes: tuple[str, ...] | None = None
    without_examples: tuple[str, ...] = ()
    decision: Decision = field(default_factory=Argmax)
    model: ModelSpec | None = None
    signature: str | None = None
    model_sha256: str | None = None
    evidence: Evidence = ESTIMATE
    baseline: BaselineSpec | None = None
    reference: ModelSpec | None = None
    thumbnails: int = 0
    rules: tuple[Rule, ...] = ()
    places: Mapping[tuple[str, ...], Location] = field(
        default_factory=dict, repr=False, compare=False
    )

    def where(self, *keys: str) -> Location:
        """Return where `keys` lead to, or as far as they lead; the first line if they do not."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, Location(self.path, 1))

    @property
    def dataset_location(self) -> Location:
        """Where the data are declared; line 1 if they are not."""
        return self.where("dataset")

    @property
    def classes_location(self) -> Location:
        """Where the classes are declared; line 1 if they are not."""
        return self.where("classes")

    @property
    def decision_location(self) -> Location:
        """Where the decision is declared; line 1 if it is not."""
        return self.where("decision")

    @property
    def thresholds_location(self) -> Location:
        """Where the limits begin."""
        return self.where("thresholds")

    @property
    def baseline_location(self) -> Location:
        """Where the baseline is named; line 1 if it is not."""
        return self.where("baseline", "path")

    @property
    def compares(self) -> bool:
        """Whether a limit is compared with a baseline."""
        return any(rule.against == "baseline" for rule in self.rules)

    def require_baseline(self) -> None:
        """Refuse limits against a baseline where the policy names none.

        To be asked where neither the command line names one nor this run saves the first.

        Raises
        ------
        PolicyError
            With the line of the first such limit.
        """
        if self.baseline is None and self.compares:
            problem = without_baseline(self.rules)
            raise PolicyError(problem.message, problem.location)

    def require_fitting(self, classes: Sequence[str]) -> None:
        """Refuse classes that do not fit what the policy says of them.

        Raises
        ------
        PolicyError
            With the line of the first key that does not fit.
        """
        without = frozenset(self.without_examples)
        raise_first(problems_with(self.rules, self.decision, classes, self.where, without))

    def limits_for(self, classes: Sequence[str]) -> tuple[tuple[Limit, ...], tuple[Exemption, ...]]:
        """Apply the rules to `classes`: the limits to check, and who is exempt.

        A rule for every class makes none for those without examples.

        Raises
        ------
        PolicyError
            If the policy names a class that is not among `classes`, does not fit their number,
            or makes no limit.
        """
        self.require_fitting(classes)
        judged = [name for name in classes if name not in self.without_examples]
        limits, exemptions = expand(self.rules, judged)
        if not limits:
            message = "the policy makes no limit; write one below thresholds"
            if exemptions:
                message = "no limit is left: every class that has one is exempt"
            raise PolicyError(message, self.thresholds_location)
        seen: dict[str, Limit] = {}
        for limit in limits:
            if limit.id in seen:
                location = limit.location or self.thresholds_location
                first = seen[limit.id].location or self.thresholds_location
                raise PolicyError(
                    f"limit {limit.id} is already declared on line {first.line}", location
                )
            seen[limit.id] = limit
        return limits, exemptions
