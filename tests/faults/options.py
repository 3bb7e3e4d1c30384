"""What the command line asks for, and cannot have."""

from __future__ import annotations

from tests.faults.directories import removed
from tests.faults.project import Project
from tests.faults.table import Fault, Make, Section, all_of, file, options
from tests.support.fifos import make_fifo

POLICY = "thresholds.yaml"


def second_policy(project: Project) -> None:
    project.write("b.yaml", (project.path / POLICY).read_bytes())
    options(f"--confmat-thresholds={POLICY}", "--confmat-thresholds=b.yaml")(project)


def instead(*given: str) -> Make:
    return options(*given, model=False)


def own_data(project: Project) -> None:
    project.batches()
    options("--confmat-data=data")(project)


def pipe(name: str, *given: str) -> Make:
    """Return what puts a named pipe somewhere; nobody ever writes to it."""

    def make(project: Project) -> None:
        (project.path / name).unlink(missing_ok=True)
        make_fifo(project.path / name)
        options(*given)(project)

    return make


def no_data(project: Project) -> None:
    project.batches()
    (project.path / "conftest.py").unlink()


def takes_limits(telling: str) -> Make:
    code = f"""
        def pytest_collection_modifyitems(config, items):
            limits = [item for item in items if item.name == "accuracy"]
            {telling}
            items[:] = [item for item in items if item not in limits]
    """
    return lambda project: project.conftest(code=code)


SECTION = Section(
    "Options",
    "The project is fine; what pytest is called with is not.",
    Project.images,
    [
        Fault(
            "an empty --confmat-model, as a variable that is not set leaves it",
            instead("--confmat-model="),
            "--confmat-model is empty: give a path",
            "refused",
        ),
        Fault(
            "two models",
            options("--confmat-model=other.keras"),
            "--confmat-model is given twice, as 'm.keras' and as 'other.keras', and takes one "
            "value: leave one of them out, or run pytest once for each",
            "refused",
        ),
        Fault(
            "no model, with a policy asked for",
            instead(f"--confmat-thresholds={POLICY}"),
            "there is no model to judge: pass --confmat-model PATH, write model: PATH in the "
            "policy, or override the fixture confmat_model in a conftest.py",
        ),
        Fault(
            "a report, and no model",
            instead(),
            "there is no model to judge: pass --confmat-model PATH, write model: PATH in the "
            "policy, or override the fixture confmat_model in a conftest.py",
        ),
        Fault(
            "a model that is a named pipe",
            pipe("m.keras"),
            "m.keras is a FIFO (named pipe): give a .keras, .h5, .hdf5, .tflite or .onnx file",
        ),
        Fault(
            "a policy that is a named pipe",
            pipe("p.yaml", "--confmat-thresholds=p.yaml"),
            "p.yaml:1: the file is a FIFO (named pipe); name a text file",
            "refused",
        ),
        Fault(
            "a policy by the default name that is a named pipe",
            pipe(POLICY),
            f"{POLICY}:1: the file is a FIFO (named pipe); name a text file",
            "refused",
        ),
        Fault(
            "a manifest that is a named pipe",
            pipe("q.json", "--confmat-manifest=q.json"),
            "the manifest q.json cannot be read: it is a FIFO (named pipe), and only regular "
            "files are read",
            "refused",
        ),
        Fault(
            "a baseline that is a named pipe",
            pipe("b.json", "--confmat-baseline=b"),
            "b.json cannot be read: it is a FIFO (named pipe), and only regular files are read",
        ),
        Fault(
            "--confmat-data that is a named pipe",
            pipe("d", "--confmat-data=d"),
            "d is a FIFO (named pipe), and dataset.directory is a folder that holds one folder per "
            "class",
            "refused",
        ),
        Fault(
            "an empty --confmat-data",
            options("--confmat-data="),
            "--confmat-data is empty: give a path",
            "refused",
        ),
        Fault(
            "a remote --confmat-data",
            options("--confmat-data=s3://bucket/test"),
            "--confmat-data: s3://bucket/test is a remote address, and only local "
            "paths are read: download it first and give the path of the copy",
            "refused",
        ),
        Fault(
            "no policy",
            removed(POLICY),
            "a gate needs a policy, and there is no thresholds.yaml: let --confmat-init "
            "--confmat-data PATH write one from what the model does, write one yourself, "
            "name one as an argument or with --confmat-thresholds FILE, or say "
            "--confmat-thresholds none if the project's own tests are the gate",
            "refused",
        ),
        Fault(
            "a policy that is not there",
            options("--confmat-thresholds=limits.yaml"),
            "--confmat-thresholds: there is no thresholds file limits.yaml; --confmat-init "
            "--confmat-data PATH writes one from what the model does",
            "refused",
        ),
        Fault(
            "a folder that holds a policy, where there is a default one too",
            all_of(file("sub/thresholds.yaml", ""), options("sub")),
            "it is not clear which policy is meant: a folder on the command line holds "
            "sub/thresholds.yaml, and a run that names none is gated by thresholds.yaml: name the "
            "policy itself",
            "refused",
        ),
        Fault(
            "a policy in both spellings",
            file("thresholds.yml", ""),
            "there are both thresholds.yaml and thresholds.yml: keep one of them, or name the one "
            "that is meant",
            "refused",
        ),
        Fault(
            "--confmat, and no policy",
            all_of(removed(POLICY), instead("--confmat")),
            "--confmat gates every policy below [...], and there is no thresholds.yaml: name one "
            "as an argument, or with --confmat-thresholds FILE",
            "refused",
        ),
        Fault(
            "--confmat, and no policy that names a model",
            instead("--confmat"),
            "--confmat gates policies that name a model, and there is none in thresholds.yaml: "
            "write model: PATH there, or pass --confmat-model PATH",
            "refused",
        ),
        Fault(
            "--confmat-thresholds none, and a policy",
            options("--confmat-thresholds=none", POLICY),
            "--confmat-thresholds none asks for no policy, and thresholds.yaml is named: leave one "
            "of them out",
            "refused",
        ),
        Fault(
            "--confmat-model none, and a report",
            instead("--confmat-model=none"),
            "--confmat-model none turns the gate off, and --confmat-report is of one: leave one of "
            "them out",
            "refused",
        ),
        Fault(
            "a batch size of 0",
            options("--confmat-batch-size=0"),
            "--confmat-batch-size: '0' is no number of examples",
            "refused",
        ),
        Fault(
            "a batch size that is no number",
            options("--confmat-batch-size=many"),
            "--confmat-batch-size: 'many' is no number of examples",
            "refused",
        ),
        Fault(
            "a --confmat-cache that is not known",
            options("--confmat-cache=maybe"),
            "--confmat-cache: 'maybe' is none of on, verify, off",
            "refused",
        ),
        Fault(
            "--confmat-data for two policies",
            all_of(second_policy, options("--confmat-data=data")),
            "--confmat-data says where one policy's data are, and there are 2 "
            "policies: write the location into each policy",
            "refused",
        ),
        Fault(
            "--confmat-data for a policy without data",
            own_data,
            "--confmat-data: thresholds.yaml has no dataset that could lie "
            "elsewhere; its data come from the fixture confmat_dataset",
            "refused",
        ),
        Fault(
            "one manifest for two policies",
            all_of(second_policy, options("--confmat-manifest=set.tsv")),
            "--confmat-manifest is of one policy's data, and there are 2 policies",
            "refused",
        ),
        Fault(
            "a report of no policy",
            options("--confmat-thresholds=none"),
            "--confmat-report writes what policies come to, and "
            "--confmat-thresholds none asks for none",
            "refused",
        ),
        Fault(
            "a report folder that is a file",
            all_of(file("out", "x")),
            "--confmat-report: out is a file, not a folder",
            "refused",
        ),
        Fault(
            "a report folder with a confmat.json of another program",
            file("out/confmat.json", '{"name": "mine"}'),
            "the report would replace out/confmat.json, which this plugin has not written: move "
            "that file, or name another folder for the report",
            "refused",
        ),
        Fault(
            "a baseline to be saved over a file that is none",
            all_of(file("package.json", "{}"), options("--confmat-save-baseline=package")),
            "--confmat-save-baseline: package.json is no baseline, and would be overwritten: move "
            "that file, or give the baseline another name",
            "refused",
        ),
        Fault(
            "a baseline to be saved where the report goes",
            options("--confmat-save-baseline=out/confmat"),
            "--confmat-save-baseline and --confmat-report lead to one file, out/confmat.json: "
            "change one of them",
            "refused",
        ),
        Fault(
            "one file for the manifest and the baseline",
            options("--confmat-manifest=q.json", "--confmat-save-baseline=q"),
            "--confmat-manifest and --confmat-save-baseline lead to one file, q.json: change one "
            "of them",
            "refused",
        ),
        Fault(
            "a JUnit file in the place of the policy",
            options(f"--junitxml={POLICY}"),
            f"the policy {POLICY} and --junitxml lead to one file, {POLICY}: change one of them",
            "refused",
        ),
        Fault(
            "a manifest to be written among the images",
            options("--confmat-manifest=data/cat/set.tsv"),
            "--confmat-manifest would write data/cat/set.tsv, which is among the data of "
            f"{POLICY}: name another place",
            "refused",
        ),
        Fault(
            "a policy without data, and no fixture that gives them",
            no_data,
            "thresholds.yaml names no data: write directory or tfrecord below dataset, or override "
            "the fixture confmat_dataset in a conftest.py beside it",
        ),
        Fault(
            "the gate's own plugin switched off",
            options("-p", "no:confmat-session"),
            "-p no:confmat-session takes the gate away that the command line asks for",
            "refused",
        ),
        Fault(
            "a -k that leaves no limit",
            options("-k", "nothing_like_it"),
            "confmat: BLOCKED 1 of 1 limit not checked: accuracy",
        ),
        Fault(
            "a limit that a conftest deselects",
            takes_limits("config.hook.pytest_deselected(items=limits)"),
            "note: 1 limit not checked: deselected by a plugin or conftest (conftest): keep the "
            "gate in one shard",
        ),
        Fault(
            "a limit that a conftest takes off the list",
            takes_limits("pass"),
            "note: 1 limit not checked: taken off the list of tests by a plugin or conftest: "
            "keep the gate in one shard",
        ),
        Fault(
            "a --deselect of all limits",
            options(f"--deselect={POLICY}"),
            "confmat: BLOCKED 1 of 1 limit not checked: accuracy",
        ),
        Fault(
            "an --ignore of the policy",
            options(f"--ignore={POLICY}"),
            "confmat: BLOCKED 1 of 1 limit not checked: accuracy",
        ),
    ],
)
