from __future__ import annotations

import io
import subprocess
import sys
import warnings
from fractions import Fraction

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.image import imread

from pytest_confmat.errors import MissingDependencyError
from pytest_confmat.limits import Weighting
from pytest_confmat.report.fonts import Fonts
from pytest_confmat.report.heatmap import NUMBERED, draw
from pytest_confmat.report.picture import write_picture
from pytest_confmat.result import GateResult
from tests.support.results import POLICY, gate, limit, random_counts

ANIMALS = ("cat", "dog", "fox")
COUNTS = [[159, 21, 9], [0, 200, 0], [0, 0, 0]]


def cells(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_cells_hold_counts_and_shares():
    result = gate(COUNTS, ANIMALS, [limit("recall", "0.95", actual="cat")])
    figure = draw(result)
    panel, _ = figure.axes
    assert cells(panel) == [
        "159\n84.1 %", "21\n11.1 %", "9\n4.8 %", "0", "200\n100.0 %", "0", "0", "0", "0",
    ]  # fmt: skip
    assert [text.get_text() for text in figure.texts] == [
        "m.keras",
        "BLOCKED  1 of 1 limit failed: recall[cat]",
        "directory data/test, 389 examples of 3 classes, accuracy 0.9229",
        "input: 8 x 8 rgb, pixels 0..255 as stored, no rescale",
    ]
    assert [label.get_text() for label in panel.get_yticklabels()] == list(ANIMALS)
    assert [label.get_fontweight() for label in panel.get_yticklabels()] == [
        "bold", "normal", "normal",
    ]  # fmt: skip
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("predicted class", "true class")
    shown = panel.images[0].get_array()
    assert np.allclose(shown[0], [159 / 189, -21 / 189, -9 / 189])
    assert np.ma.getmaskarray(shown)[2].all() or np.isnan(np.asarray(shown)[2]).all()


def test_each_weighting_has_a_panel():
    own = Weighting((("cat", Fraction(3)), ("dog", Fraction(1)), ("fox", Fraction(1))), "all")
    limits = [
        limit("weighted_diagonal", "0.1", actual="cat", weighting=weighting)
        for weighting in (Weighting("inverse_frequency"), Weighting("balanced", "pred"), own)
    ]
    figure = draw(gate(COUNTS, ANIMALS, limits))
    panels = figure.axes[::2]
    assert [panel.get_title("left") for panel in panels] == [
        "examples, and their share of the true class",
        "weights: inverse_frequency",
        "weights: balanced, normalize: pred",
        "weights: the policy's, normalize: all",
    ]
    assert cells(panels[1]) == [
        *("0.8413", "0.1111", "0.0476", "0", "1.0000", "0", "", "", ""),
    ]
    assert cells(panels[3])[0] == f"{3 * 159 / (3 * 189 + 200):.4f}"


def test_right_is_blue_and_wrong_is_red():
    figure = draw(gate([[9, 1], [1, 9]], "ab"))
    image = figure.axes[0].images[0]
    (red, _, blue, _), (wrong_red, _, wrong_blue, _) = image.to_rgba(image.get_array())[0]
    assert blue > red
    assert wrong_red > wrong_blue


@pytest.mark.parametrize("classes", [1, 2, 31, 120, 1300])
def test_pictures_of_any_size(tmp_path, classes):
    names = [f"class {i}" for i in range(classes)]
    counts = np.eye(classes, dtype=int)
    counts[0, -1] = 1
    path = tmp_path / "report" / "confmat.png"
    write_picture(gate(counts, names, [limit("recall", "0.9", actual=names[0])]), path)
    height, width, _ = imread(path).shape
    assert 300 < height < 2800
    assert 300 < width < 2800
    assert [entry.name for entry in path.parent.iterdir()] == ["confmat.png"]


@pytest.mark.parametrize(("classes", "labels"), [(30, 30), (31, 31), (400, 80), (1300, 130)])
def test_only_small_matrices_have_numbers_and_large_ones_fewer_labels(classes, labels):
    figure = draw(gate(np.eye(classes, dtype=int), [str(i) for i in range(classes)]))
    panel = figure.axes[0]
    assert len(panel.texts) == (classes**2 if classes <= NUMBERED else 0)
    assert len(panel.get_yticklabels()) == len(panel.get_xticklabels()) == labels


def test_up_to_1200_classes_a_cell_is_whole_dots():
    for classes in (31, 100, 999):
        figure = draw(gate(np.eye(classes, dtype=int), [str(i) for i in range(classes)]))
        side = figure.axes[0].get_position().width * figure.get_size_inches()[0] * figure.dpi
        assert side / classes == pytest.approx(round(side / classes))


def test_nothing_overlaps_the_edge_of_the_picture():
    names = ["w" * 50, "m" * 50, *("name " + "x" * i for i in range(10))]
    limits = [limit("recall", "1", actual=names[0])]
    figure = draw(gate(random_counts(12, 100, 0.8), names, limits))
    matplotlib.backends.backend_agg.FigureCanvasAgg(figure)
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 > 0
    assert box.y0 > 0
    assert box.x1 < width
    assert box.y1 < height


def test_what_no_font_has_is_escaped():
    fonts = Fonts(100)
    assert fonts.text("caf\xe9 \U00013000 $x$\n", 40) == "caf\xe9 \\U00013000 $x$\\n"
    assert fonts.text("x" * 40, 10) == "xxxx...xxx"
    narrow, wide = fonts.widths(["i", "WWWW"], 9)
    assert 0 < narrow < wide


def test_without_an_evaluation_the_picture_says_so(tmp_path):
    result = GateResult(POLICY, "error", {"path": "/models/m.keras"}, error="no data\nat all")
    assert [text.get_text() for text in draw(result).texts] == ["m.keras", "ERROR  no data", ""]
    write_picture(result, tmp_path / "confmat.png")
    assert (tmp_path / "confmat.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_leaves_no_trace_and_takes_none(tmp_path):
    limits = [limit("recall", "0.5", actual=name) for name in ANIMALS[:2]]
    result = gate(COUNTS, ANIMALS, limits)
    write_picture(result, tmp_path / "a.png")
    before = plt.get_fignums(), dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "text.usetex": True}):
        write_picture(result, tmp_path / "b.png")
        assert matplotlib.rcParams["text.usetex"] is True
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (plt.get_fignums(), dict(matplotlib.rcParams)) == before


def test_a_warning_does_not_cost_the_picture(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_picture(gate([[1]], ["猫\u0378"]), tmp_path / "a.png")
    assert imread(io.BytesIO((tmp_path / "a.png").read_bytes())).size


@pytest.mark.parametrize("backend", ["tkagg", "module://no.such.backend"])
def test_no_display_is_asked_for(tmp_path, backend):
    code = (
        "from pathlib import Path; from tests.support.results import gate\n"
        "from pytest_confmat.report.picture import write_picture\n"
        f"write_picture(gate([[1]], 'a'), Path({str(tmp_path / 'a.png')!r}))"
    )
    environment = {"MPLBACKEND": backend, "PATH": "", "MPLCONFIGDIR": matplotlib.get_configdir()}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize("missing", ["matplotlib", "sklearn"])
def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch, missing):
    for name in list(sys.modules):
        if name.split(".")[0] == missing or name == "pytest_confmat.report.heatmap":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingDependencyError) as caught:
        write_picture(gate(COUNTS, ANIMALS), tmp_path / "confmat.png")
    assert str(caught.value) == (
        "confmat.png is drawn by matplotlib and scikit-learn, and "
        f"{missing} is not installed; pip install 'pytest-confmat[plot]', "
        "or leave the picture out"
    )
    assert not (tmp_path / "confmat.png").exists()
