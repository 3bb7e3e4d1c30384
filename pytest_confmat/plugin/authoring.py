"""``--confmat-init``: writes the policy of a project that has none, in place of a test run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest

from pytest_confmat.authoring import proposal_for
from pytest_confmat.authoring.data_at import find_place
from pytest_confmat.authoring.exports import with_export_keys
from pytest_confmat.authoring.init_keys import read_init_keys
from pytest_confmat.authoring.margins import decimal
from pytest_confmat.authoring.policy_text import Draft, Learned, policy_text
from pytest_confmat.authoring.proposal import Proposal, examples_needed
from pytest_confmat.authoring.soundness import objection, remarks
from pytest_confmat.data import class_names
from pytest_confmat.decimals import decimal_text
from pytest_confmat.diagnosis import LikelyCause
from pytest_confmat.errors import ConfmatError, EvaluationError, PolicyError, RequestError
from pytest_confmat.escaping import printable
from pytest_confmat.evaluation import Evaluation
from pytest_confmat.evaluation_set import class_fault
from pytest_confmat.filenames import command_line, short_path
from pytest_confmat.job import Job
from pytest_confmat.judging import judge
from pytest_confmat.kinds import kind_of
from pytest_confmat.manifest import digest
from pytest_confmat.plugin.caching import evaluation_cache_before_configuring
from pytest_confmat.plugin.custom_objects import CustomObjects
from pytest_confmat.plugin.evaluator import Evaluator
from pytest_confmat.plugin.judged import judged_model
from pytest_confmat.plugin.options import DEFAULT_POLICY, NO_POLICY
from pytest_confmat.plugin.places import ini_folder
from pytest_confmat.plugin.registration import register_own
from pytest_confmat.plugin.settings import Settings, read_settings
from pytest_confmat.policy import Policy, read_policy
from pytest_confmat.spec import ModelSpec
from pytest_confmat.text import plural
from pytest_confmat.writing import written_beside

_OPTION = "--confmat-init"
# What a run that gates nothing cannot do.
_BESIDE = ("every", "report", "manifest", "tighten", "baseline", "save_baseline", "reference")
_LINE = 1000


@dataclass(frozen=True)
class Request:
    """What is to be written, and where.

    Attributes
    ----------
    target
        The policy, which is not there yet.
    is_named
        Whether the command line says so.
    policy
        What can be said of the data before the evaluation, read as a policy is.
    """

    settings: Settings
    model: ModelSpec
    target: Path
    is_named: bool
    draft: Draft
    policy: Policy
    classes: tuple[str, ...]


def write_policy(config: pytest.Config) -> int:
    """Evaluate once, and write a policy with limits that an equally good model holds.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    pytest.UsageError
        If the request cannot be honored.
    """
    register_own(config)
    try:
        request = _read_request(config)
    except ConfmatError as error:
        raise pytest.UsageError(f"{_OPTION}: {error}") from error
    data = config.getoption("confmat_data")
    _say(f"confmat: evaluating {short_path(request.model.path)} on {data} ...")
    try:
        return _evaluate_and_write(config, request)
    except ConfmatError as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"{request.target} cannot be written: {error.strerror or error}")
    except KeyboardInterrupt:
        _refuse("interrupted")
        return pytest.ExitCode.INTERRUPTED
    return pytest.ExitCode.TESTS_FAILED


# The request.


def _read_request(config: pytest.Config) -> Request:
    for name in _BESIDE:
        if config.getoption(f"confmat_{name}", None) is not None:
            option = f"--confmat-{name.replace('_', '-')}".removesuffix("-every")
            raise RequestError(f"it writes a policy and gates nothing: leave {option} out")
    if config.option.collectonly:
        raise RequestError("it collects nothing: leave --collect-only out")
    target = _target(config)
    settings = read_settings(config)
    model = judged_model(None, settings)
    if model is None:
        raise RequestError(
            "limits are proposed from what a model does: name one with --confmat-model PATH"
        )
    data = config.getoption("confmat_data")
    if data is None:
        raise RequestError(
            "name the evaluation set with --confmat-data PATH: a folder of class directories, a "
            "TFRecord file, a folder of shards, or a pattern such as 'data/test-*.tfrecord'"
        )
    given = read_init_keys(config.getoption("confmat_init"))
    given, export = with_export_keys(given, model.spec, target.parent)
    if export:
        _say(f"confmat: {export}")
    place = find_place(str(data), config.invocation_params.dir, target.parent)
    draft = Draft(place, given)
    policy, classes = _read_draft(draft, target)
    is_named = bool(config.getoption("confmat_thresholds"))
    return Request(settings, model.spec, target, is_named, draft, policy, classes)


def _target(config: pytest.Config) -> Path:
    given, folder = config.getoption("confmat_thresholds"), config.invocation_params.dir
    if not given:
        given, folder = config.getini("confmat_thresholds"), ini_folder(config)
    if not given:
        given, folder = [DEFAULT_POLICY], config.invocation_params.dir
    if len(given) > 1 or given == [NO_POLICY]:
        raise RequestError(
            f"it writes one policy, and {' and '.join(given)} is asked for: name one file with "
            "--confmat-thresholds"
        )
    target = Path(os.path.normpath(folder / Path(str(given[0])).expanduser()))
    if os.path.lexists(target):
        raise RequestError(
            f"there is a policy already, {target}, and none is ever overwritten: remove it, or "
            "name another file with --confmat-thresholds FILE; to sharpen its limits, use "
            "--confmat-tighten"
        )
    if not target.parent.is_dir():
        raise RequestError(f"there is no folder {target.parent} to write a policy to")
    return target


def _read_draft(draft: Draft, target: Path) -> tuple[Policy, tuple[str, ...]]:
    """Read what is known as a policy is read, and find out the names of the classes."""
    hint = f"\nwhat a policy would say there, say here: {_OPTION}='key: value'"
    try:
        with written_beside(target, draft.text) as beside:
            policy = read_policy(beside.path)
        if policy.dataset is None:
            raise RequestError("the data are not known")
        return policy, class_names(policy.dataset, policy.classes)
    except PolicyError as error:
        raise RequestError(f"{error.message}{hint}") from error
    except RequestError:
        raise
    except ConfmatError as error:
        raise RequestError(f"{error}{hint}") from error
    except OSError as error:
        raise RequestError(f"{target} cannot be written: {error.strerror or error}") from error


# The evaluation.


def _evaluate_and_write(config: pytest.Config, request: Request) -> int:
    objects = CustomObjects(config, request.target)
    kept_in = evaluation_cache_before_configuring(config, request.settings)
    evaluator = Evaluator(None, request.settings.batch_size, objects, kept_in)
    decision = request.policy.decision
    job = evaluator.job(request.model, request.policy.dataset, request.classes, decision)
    evaluation = evaluator.evaluate(job, keep=True)
    if evaluation.faults:
        raise EvaluationError(
            f"{plural(len(evaluation.faults), 'example')} cannot be used, such as "
            f"{evaluation.faults[0].id}, which {evaluation.faults[0].reason}; fix them first"
        )
    if fault := class_fault(evaluation):
        raise EvaluationError(fault)
    likely_causes = list(evaluator.diagnose(job))
    if probe := _probe(job, evaluation, request, likely_causes, objects):
        likely_causes.append(probe)
    if why := objection(evaluation.matrix, likely_causes):
        raise EvaluationError(why)
    proposal = proposal_for(evaluation.matrix)
    if not proposal.limits:
        raise EvaluationError(
            f"{plural(len(evaluation), 'example')} are too few: there is no limit that an equally "
            f"good model is sure to hold; at this accuracy it takes about "
            f"{examples_needed(proposal):,}"
        )
    found = _found(request, evaluation, likely_causes)
    policy = _publish(request, policy_text(request.draft, found, proposal), evaluation, proposal)
    if kept_in is not None:
        # The gate by the policy is the same evaluation, of data whose features it states.
        gated = replace(job, dataset=policy.dataset)
        notes = request.draft.place.kind.notes_once_stated(evaluation.notes)
        kept_in.keep_as(
            evaluator.cache_info(evaluator.key(job)), gated, replace(evaluation, notes=notes)
        )
    _tell(request, found, proposal, likely_causes)
    return pytest.ExitCode.OK


def _probe(
    job: Job,
    evaluation: Evaluation,
    request: Request,
    likely_causes: Sequence[LikelyCause],
    objects: CustomObjects,
) -> LikelyCause | None:
    """Try the usual rescalings where nobody said which; what is done to pixels leaves no trace."""
    tried = any(cause.kind == "preprocessing" for cause in likely_causes)
    if tried or _says_pixels(request) or not _takes_pixels(request):
        return None
    from pytest_confmat.probing import probe_preprocessing

    try:
        return probe_preprocessing(job, evaluation, objects())
    except Exception:
        return None  # it is an aside


def _says_pixels(request: Request) -> bool:
    return not {"rescale", "preprocess"}.isdisjoint(request.draft.given.dataset)


def _takes_pixels(request: Request) -> bool:
    spec = request.policy.dataset
    return spec is None or kind_of(spec).takes_pixels(spec)


def _found(
    request: Request, evaluation: Evaluation, likely_causes: Sequence[LikelyCause]
) -> Learned:
    rescales: bool | None = None
    if _takes_pixels(request):
        probed = [s.evidence for s in likely_causes if s.kind == "preprocessing"]
        rescales = any(evidence.get("own_layer") is not None for evidence in probed)
    return Learned(
        model=short_path(request.model.path),
        command=_command(request),
        digest=digest(evaluation),
        classes=request.classes,
        notes=evaluation.notes,
        rescales_itself=rescales,
        remarks=tuple(remarks(likely_causes)),
    )


def _command(request: Request) -> str:
    """Return what is to be run next, from where this ran."""
    words = ["pytest", "--confmat-model", short_path(request.model.path)]
    if not request.settings.safe_mode:
        words.append("--confmat-unsafe-model")
    if request.is_named:
        words += ["--confmat-thresholds", short_path(request.target)]
    return command_line(words)


# The file.


def _publish(request: Request, text: str, evaluation: Evaluation, proposal: Proposal) -> Policy:
    """Write the policy once it is known to be read as it was meant, and to hold."""
    with written_beside(request.target, text) as beside:
        policy = read_policy(beside.path)
        dataset = policy.dataset
        limits, _ = policy.limits_for(request.classes)
        meant = {limit.id: limit.bound.value for limit in proposal.limits}
        same = {limit.id: limit.bound.value for limit in limits} == meant
        holds = all(verdict.outcome == "passed" for verdict in judge(limits, evaluation))
        if not same or not holds or dataset is None or dataset.digest != digest(evaluation):
            raise EvaluationError(
                "the policy is not read as it was meant; this is a defect of ours"
            )
        try:
            beside.become(request.target)
        except FileExistsError:
            raise EvaluationError(f"{request.target} has come up meanwhile") from None
    return policy


# What is told.


def _tell(
    request: Request, found: Learned, proposal: Proposal, likely_causes: Sequence[LikelyCause]
) -> None:
    accuracy, recall = proposal.accuracy, [x for x in proposal.limits if x.metric == "recall"]
    _say(
        f"confmat: wrote {short_path(request.target)}: {plural(len(proposal.limits), 'limit')} "
        f"from {accuracy.trials:,} examples of {len(request.classes):,} classes"
    )
    _say(f"  accuracy {decimal_text(accuracy.observed)} of {accuracy.trials:,} was observed")
    if proposal.exempt:
        _say(
            f"  {len(proposal.exempt):,} of {len(request.classes):,} classes have no limit on "
            "recall: too few of their examples are there, or recognized"
        )
    if recall:
        values = sorted(limit.bound.value for limit in recall)
        ends = dict.fromkeys(decimal(value) for value in (values[0], values[-1]))
        _say(f"  limits on recall: {' to '.join(ends)}")
    _say(
        f"  an equally good model passes all of them together in 95 of 100 runs, each in all but 1 "
        f"of {proposal.runs:,}"
    )
    for remark in found.remarks:
        _say(f"warning: {remark}")
    if found.rescales_itself is False and not _says_pixels(request):
        _say(f"warning: {_on_pixels(likely_causes)}")
    _say(f"next: {found.command}")


def _on_pixels(likely_causes: Sequence[LikelyCause]) -> str:
    said = "the model has no Rescaling layer, and pixels went in as 0 to 255"
    for cause in likely_causes:
        tried = cause.evidence.get("tried") or {}
        if "rescale: 1/255" in tried:
            said += (
                f" (on {cause.evidence['examples']} examples: accuracy "
                f"{decimal_text(Fraction(cause.evidence['accuracy']))} so, "
                f"{decimal_text(Fraction(tried['rescale: 1/255']))} with rescale: 1/255)"
            )
    return (
        f"{said}; if training scaled them, remove the file and say how: {_OPTION}='rescale: 1/255'"
    )


def _refuse(why: str) -> None:
    first, *more = why.splitlines() or [""]
    _say(f"confmat: no policy was written: {first}")
    for line in more:
        _say(f"  {line}")


def _say(line: str) -> None:
    # There is no terminal reporter yet, and a stream may not have every character.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    shown = printable(line, _LINE)
    print(shown.encode(encoding, "backslashreplace").decode(encoding), flush=True)
