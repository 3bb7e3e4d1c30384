"""Build the wheel, install it alone in a fresh environment, and gate models there.

The wheel is built from the source distribution, so both are tried. In the environment is nothing
of the repository: what a wheel forgot to take along is missing there as it would be for its users.
It needs the package ``build``, and a package index.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POLICY = """\
version: 1
classes: [cat, dog, fox]
thresholds:
  accuracy: 0.9
  recall: 0.9
"""
# A model that hands its input through, and data that are scores: the gate needs no TensorFlow.
CONFTEST = """\
import numpy as np
import pytest

TRUE = np.repeat({true}, 20)


@pytest.fixture(scope="session")
def confmat_model():
    return lambda scores: scores


@pytest.fixture(scope="session")
def confmat_dataset():
    scores = np.eye(3, dtype=np.float32)[np.repeat([0, 1, 2], 20)] * 0.7 + 0.1
    return [(scores, TRUE)]
"""
IMAGES_POLICY = """\
version: 1
dataset: {directory: images}
thresholds:
  accuracy: 0.9
"""
MAKE_IMAGES = """\
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

for name, gray in (("dark", 10), ("light", 240)):
    folder = Path("images", name)
    folder.mkdir(parents=True)
    for number in range(10):
        pixels = np.full((8, 8, 3), gray + number, np.uint8)
        (folder / f"{number}.png").write_bytes(tf.io.encode_png(pixels).numpy())
layers = [
    keras.Input((8, 8, 3)),
    keras.layers.Rescaling(1 / 255),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(2, activation="softmax"),
]
model = keras.Sequential(layers)
model.layers[-1].set_weights([np.array([[-9, 9]] * 3, np.float32), np.array([9, -9], np.float32)])
model.save("m.keras")
"""
FILES = {"confmat.json", "report.html", "summary.md", "metrics.txt", "mistakes.csv"}


def main() -> None:
    """Do what the module says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, help="keep what was built in this folder")
    parser.add_argument("--extras", default="", help="cpu,plot: gate a Keras file too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wheel-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        wheel = built(asked.out or folder / "dist")
        require_whole(wheel)
        python = installed(wheel, asked.extras, folder / "venv")
        require_alone(python, folder)
        gate_scores(python, folder / "scores")
        if asked.extras:
            gate_images(python, folder / "images")
    print(f"{wheel.name} is whole: installed alone, it passes a good model and blocks a bad one")


def built(folder: Path) -> Path:
    """Build the source distribution, and of it the wheel; return the wheel."""
    if folder.is_dir() and (old := sorted(folder.glob("pytest_confmat-*"))):
        sys.exit(f"{folder} holds {old[0].name} of an earlier build: remove it first")
    run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], Path.cwd())
    (wheel,) = folder.glob("*.whl")
    (source,) = folder.glob("*.tar.gz")
    name, version = wheel.name.split("-")[:2]
    if source.name != f"{name}-{version}.tar.gz":
        sys.exit(f"{source.name} and {wheel.name} are of two versions")
    return wheel.resolve()


def require_whole(wheel: Path) -> None:
    """Exit unless the wheel holds the files of the package, and no others."""
    package = ROOT / "pytest_confmat"
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
    wanted = {path.relative_to(ROOT).as_posix() for path in files}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    if found != wanted:
        sys.exit(f"{wheel.name} lacks {sorted(wanted - found)}, and has {sorted(found - wanted)}")


def installed(wheel: Path, extras: str, folder: Path) -> Path:
    """Install the wheel into a fresh environment; return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    named = f"{wheel}[{extras}]" if extras else str(wheel)
    run([str(python), "-m", "pip", "install", "--quiet", named], folder)
    return python


def require_alone(python: Path, folder: Path) -> None:
    """Exit if what is imported there is not what was installed."""
    code = (
        "import pytest_confmat; print(pytest_confmat.__file__); print(pytest_confmat.__version__)"
    )
    where, version = run([str(python), "-c", code], folder).splitlines()
    if not Path(where).resolve().is_relative_to(folder.resolve()):
        sys.exit(f"pytest_confmat was imported from {where}")
    print(f"version {version}")


def gate_scores(python: Path, folder: Path) -> None:
    """Gate a model that is right, and one that takes every fox for a dog."""
    folder.mkdir()
    (folder / "thresholds.yaml").write_text(POLICY, encoding="utf-8")
    asked = ["--confmat-thresholds", "thresholds.yaml"]
    for true, status in (([0, 1, 2], 0), ([0, 1, 1], 1)):
        (folder / "conftest.py").write_text(CONFTEST.format(true=true), encoding="utf-8")
        gate(python, folder, asked, status)


def gate_images(python: Path, folder: Path) -> None:
    """Gate a Keras file on a directory of images."""
    folder.mkdir()
    (folder / "thresholds.yaml").write_text(IMAGES_POLICY, encoding="utf-8")
    run([str(python), "-c", MAKE_IMAGES], folder)
    gate(python, folder, ["thresholds.yaml", "--confmat-model", "m.keras"], 0)


def gate(python: Path, folder: Path, asked: list[str], status: int) -> None:
    """Run a gate, and exit unless it ends with this status and leaves its report."""
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", *asked]
    run([*command, "--confmat-report", "report"], folder, status)
    there = {path.name for path in (folder / "report").iterdir()}
    if missing := FILES - there:
        sys.exit(f"the report lacks {sorted(missing)}")


def run(command: list[str], folder: Path, status: int = 0) -> str:
    """Run a command with nothing of the repository in its way; exit unless it ends as it should."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, encoding="utf-8", errors="replace",
        check=False,
    )  # fmt: skip
    if done.returncode != status:
        shown = " ".join(command[1:])
        sys.exit(
            f"{done.stdout}{done.stderr}\nexit status {done.returncode}, not {status}: {shown}"
        )
    return done.stdout


if __name__ == "__main__":
    main()
