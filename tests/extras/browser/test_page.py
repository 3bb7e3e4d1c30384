"""The page in a real browser: what it shows, and what a click and a key do."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from pytest_confmat.baseline.comparison import Comparison
from pytest_confmat.decimals import decimal_text, percent, signed_text
from pytest_confmat.limits import Weighting
from pytest_confmat.report.page.page import page as rendered
from pytest_confmat.report.page.shades import LIGHT
from pytest_confmat.sprites import Thumbnail, Thumbnails
from tests.report.page.test_page import HOSTILE
from tests.support.gates import RED
from tests.support.html import Plain
from tests.support.results import gate, limit, random_counts

CLASSES = ("cat", "dog", "fox")
LIMITS = [limit("recall", "0.9", actual=name) for name in CLASSES]
JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'"


def red(**more):
    return gate(RED, CLASSES, [*LIMITS, limit("confusion", "0.1", "at_most", "cat", "dog")], **more)


def many(k: int = 60, each: int = 300):
    names = [f"c{i:03}" for i in range(k)]
    limits = [limit("recall", "0.8", actual=name) for name in names]
    return gate(random_counts(k, each, 0.9), names, limits)


def body(table: list[list[str]]) -> list[list[str]]:
    return [row[1:] for row in table[1:]]


def test_the_script_draws_what_stood_there_before(open_page):
    for result in (red(), many()):
        plain = Plain(rendered(result))
        opened = open_page(result)
        assert opened.table("matrix-table") == plain.tables["matrix-table"]
        drawn = opened.page.evaluate(
            "[...document.querySelectorAll('#matrix-table td[data-i]')].map(c => c.className)"
        )
        names = [
            value
            for tag, name, value in plain.attributes
            if (tag, name) == ("td", "class") and value.startswith(("good-", "bad-"))
        ]
        assert drawn == names


def test_each_measure_is_shown(open_page):
    weighting = Weighting("inverse_frequency", None)
    weighted = limit("weighted_diagonal", "0.9", actual="cat", weighting=weighting)
    opened = open_page(gate(RED, CLASSES, [*LIMITS, weighted]))
    counts = np.array(RED)
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    assert body(opened.table("matrix-table")) == [
        [str(n) if n else "·" for n in row] for row in counts.tolist()
    ]
    opened.press("Share of true class")
    assert body(opened.table("matrix-table")) == [
        [percent(n, int(rows[i])) if n else "·" for n in row]
        for i, row in enumerate(counts.tolist())
    ]
    opened.press("Share of predicted class")
    assert body(opened.table("matrix-table")) == [
        [percent(n, int(columns[j])) if n else "·" for j, n in enumerate(row)]
        for row in counts.tolist()
    ]
    opened.press("Weighted (inverse_frequency)")
    assert body(opened.table("matrix-table")) == [
        [decimal_text(Fraction(n, int(rows[i]))) if n else "·" for n in row]
        for i, row in enumerate(counts.tolist())
    ]
    pressed = opened.page.locator("button[aria-pressed=true]").all_text_contents()
    assert pressed == ["Weighted (inverse_frequency)"]


def test_what_is_new_since_the_baseline(open_page):
    true = np.repeat([0, 1, 2], [20, 20, 10])
    now = np.repeat([0, 1, 0, 1, 2], [16, 4, 2, 18, 10])
    before = true.copy()
    before[19] = 1
    ranks = [(found != true).astype(int) for found in (before, now)]
    comparison = Comparison(CLASSES, true, before, now, *ranks, np.arange(50))
    opened = open_page(red(comparison=comparison))
    opened.press("Change since the baseline")
    assert body(opened.table("matrix-table"))[0] == [
        signed_text(Fraction(-3, 20)),
        signed_text(Fraction(3, 20)),
        "·",
    ]
    # Worse is orange, on the diagonal too.
    shade = opened.page.locator("td[data-i='0'][data-j='0']").get_attribute("class")
    assert shade == "bad-10"
    opened.page.locator("td[data-i='0'][data-j='1']").click()
    assert opened.examples() == ["val#18", "val#17", "val#16", "val#19"]
    badges = opened.page.locator("#examples-list li").filter(has_text="newly wrong").count()
    assert badges == 3


def test_a_cell_leads_to_its_examples(open_page):
    result = red()
    opened = open_page(result)
    opened.page.locator("td[data-i='0'][data-j='1']").click()
    expected = [mistake.id for mistake in result.evaluation.mistakes("cat", "dog", 10)]
    assert opened.examples() == expected
    assert len(expected) == 4
    status = opened.page.locator("#examples-status").text_content()
    assert status == "cat predicted as dog: 4 examples."
    assert opened.page.url.endswith("#cell-0-1")
    opened.page.locator("td[data-i='2'][data-j='2']").click()
    assert opened.examples() == []
    status = opened.page.locator("#examples-status").text_content()
    assert status == "10 examples of fox predicted right: nothing to show."


def test_examples_have_their_pictures(open_page):
    sheet = np.zeros((20, 90, 3), np.uint8)
    sheet[:, 30:60] = (200, 40, 40)
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG")
    result = red()
    place = result.evaluation.ids.index(result.evaluation.mistakes("cat", "dog", 1)[0].id)
    shown = Thumbnail(place, 0, (0, 0, 30, 20), (30, 0, 30, 20))
    made = Thumbnails((buffer.getvalue(),), "image/png", (shown,))
    opened = open_page(replace(result, thumbnails=made), fragment="#cell-0-1")
    first = opened.page.locator("#examples-list li").first
    assert first.get_attribute("data-place") == str(place)
    names = first.locator(".pictures span").evaluate_all("all => all.map(one => one.title)")
    assert names == ["as the model saw it", "original"]
    picture = first.locator(".pictures span").nth(1)
    seen = np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("RGB"))
    assert np.abs(seen[5:15, 5:25].astype(int) - (200, 40, 40)).max() < 8
    assert opened.page.locator(".pictures").count() == 1


def test_a_class_leads_to_its_examples(open_page):
    opened = open_page(red())
    opened.page.locator("#class-table").get_by_role("button", name="dog").click()
    assert len(opened.examples()) == 6
    status = opened.page.locator("#examples-status").text_content()
    assert status.startswith("dog: its examples predicted as another class")


@pytest.mark.parametrize("fragment", ["#class-0", "#cell-0-1", "#cell-9-9", "#cell-x", "#nothing"])
def test_an_address_leads_there_at_once(open_page, fragment):
    opened = open_page(red(), fragment=fragment)
    assert bool(opened.examples()) == (fragment in ("#class-0", "#cell-0-1"))


def test_a_failed_limit_leads_to_its_class(open_page):
    opened = open_page(red())
    opened.page.get_by_role("link", name="show cat predicted as dog").click()
    assert len(opened.examples()) == 4
    opened.page.get_by_role("link", name="show cat", exact=True).click()
    assert opened.page.url.endswith("#class-0")


def test_keys_move_and_select(open_page):
    opened = open_page(red())
    opened.page.locator("td[data-i='0'][data-j='0']").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        opened.page.keyboard.press(key)
    status = opened.page.locator("#matrix-status").text_content()
    assert status.startswith("dog predicted as dog: 18 examples, 90.0 % of 20")
    opened.page.keyboard.press("Home")
    opened.page.keyboard.press("Enter")
    assert len(opened.examples()) == 2
    assert opened.page.evaluate("document.activeElement.id") == "examples-title"


def test_tables_are_sorted_and_filtered(open_page):
    opened = open_page(many())
    names = [f"c{i:03}" for i in range(60)]

    def shown() -> list[str]:
        return [row[0].removeprefix("! ") for row in opened.table("class-table")[1:]]

    def column(at: int) -> list[float]:
        return [float(row[at].replace(",", "")) for row in opened.table("class-table")[1:]]

    assert shown() == names
    head = opened.page.locator("#class-table thead")
    head.get_by_role("button", name="Recall", exact=True).click()
    assert column(2) == sorted(column(2))
    head.get_by_role("button", name="Recall", exact=True).click()
    assert column(2) == sorted(column(2), reverse=True)
    assert head.locator("th").nth(2).get_attribute("aria-sort") == "descending"
    head.get_by_role("button", name="Support", exact=True).click()
    assert column(1) == sorted(column(1))
    head.get_by_role("button", name="Class", exact=True).click()
    opened.page.get_by_label("Find a class").fill("C00")
    assert sorted(shown()) == names[:10]
    opened.page.get_by_label("Find a class").fill("")
    opened.page.locator("#class-controls").get_by_label("only what fails").check()
    failing = {row[0].removeprefix("! ") for row in opened.table("class-table")[1:]}
    marked = opened.page.locator("#class-table .failed").count()
    assert len(failing) == marked < 60


def test_only_limits_that_fail(open_page):
    opened = open_page(red())
    opened.page.locator("#limit-controls").get_by_label("only what fails").check()
    assert [row[0] for row in opened.table("limit-table")[1:]] == [
        "recall[cat]",
        "confusion[cat:dog]",
    ]


def test_other_classes_are_added_up(open_page):
    result = many()
    counts = result.evaluation.matrix.counts
    opened = open_page(result)
    table = opened.table("matrix-table")
    assert table[0][-1] == table[-1][0] == "(other)"
    numbers = [[int(n.replace(",", "").replace("·", "0")) for n in row] for row in body(table)]
    assert sum(map(sum, numbers)) == counts.sum()
    for row, name in zip(numbers[:-1], table[0][1:-1], strict=True):
        assert sum(row) == counts[int(name[1:])].sum()
    opened.press("Share of true class")
    last = body(opened.table("matrix-table"))[0][-1]
    assert last == (percent(numbers[0][-1], int(sum(numbers[0]))) if numbers[0][-1] else "·")


def test_order_by_similarity(open_page):
    counts = np.diag(np.full(5, 90))
    counts[0, 4] = counts[4, 0] = 10
    opened = open_page(gate(counts, list("abcde")))
    opened.page.get_by_label("Order").select_option("similar")
    head = opened.table("matrix-table")[0][1:]
    assert sorted(head) == list("abcde")
    assert abs(head.index("a") - head.index("e")) == 1


def test_the_whole_of_many_classes(open_page):
    result = many(300, 100)
    opened = open_page(result)
    opened.press("All 300 classes")
    canvas = opened.page.locator("canvas")
    canvas.focus()
    status = opened.page.locator("#matrix-status")
    assert status.text_content().startswith("c000 predicted as c000: ")
    for key in ("ArrowRight", "Shift+ArrowDown", "+", "-"):
        opened.page.keyboard.press(key)
    assert status.text_content().startswith("c010 predicted as c001: ")
    # A click on the place of a confusion leads to its examples.
    matrix = result.evaluation.matrix
    i, j = max(
        ((i, j) for i in range(300) for j in range(300) if i != j),
        key=lambda cell: matrix.counts[cell],
    )
    box = canvas.bounding_box()
    cell = box["width"] / 300
    canvas.click(position={"x": (j + 0.5) * cell, "y": (i + 0.5) * cell})
    expected = result.evaluation.mistakes(f"c{i:03}", f"c{j:03}", 24)
    assert opened.examples() == [mistake.id for mistake in expected]
    for name in ("Share of predicted class", "Counts"):
        opened.press(name)
        assert opened.page.locator("canvas").count() == 1


def test_the_canvas_shows_the_diagonal(open_page):
    opened = open_page(many(300, 100))
    opened.press("All 300 classes")
    blue = opened.page.evaluate(
        "() => { const c = document.querySelector('canvas'); const g = c.getContext('2d');"
        "const n = c.width; let found = 0;"
        "for (let at = 20; at < n; at += 20) {"
        " const [r, , b] = g.getImageData(at, at, 1, 1).data; found += b > r + 40; }"
        "return found / Math.floor((n - 1) / 20); }"
    )
    assert blue > 0.9
    opened.problems.clear()  # it is not the page that reads the canvas


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_for_axe(open_page, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="accessibility is not checked: pip install axe-playwright-python",
    )
    for result in (red(), many()):
        opened = open_page(result, scheme)
        opened.page.locator("td[data-j]").nth(1).click()
        found = axe.Axe().run(opened.page).response["violations"]
        serious = [
            (entry["id"], [node["html"][:200] for node in entry["nodes"]][:3])
            for entry in found
            if entry["impact"] in ("serious", "critical")
        ]
        assert serious == []


def test_dark_is_dark(open_page):
    def background(opened) -> int:
        color = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in color[4:-1].split(","))

    assert background(open_page(red(), "light")) > 700
    assert background(open_page(red(), "dark")) < 100


def test_hostile_names_do_nothing(open_page):
    k = len(HOSTILE)
    counts = np.eye(k, dtype=int) * 9 + 1
    limits = [limit("recall", "0.99", actual=name) for name in HOSTILE]
    result = gate(counts, HOSTILE, limits, notes=tuple(HOSTILE), error=HOSTILE[0])
    opened = open_page(result)
    opened.page.locator("td[data-i='0'][data-j='1']").click()
    assert opened.page.locator("img, #examples script, #matrix-box script").count() == 0
    assert opened.page.locator("script").count() == 2
    for button in opened.page.locator("#class-table tbody button").all():
        button.click()
    # `open_page` fails on any dialog, error or request.


@pytest.mark.parametrize("policy", [JENKINS, "script-src 'none'; style-src 'none'"])
def test_without_scripts_and_styles_it_says_what_matters(open_served, policy):
    page = open_served(red(), policy)
    text = page.locator("body").inner_text()
    assert "BLOCKED: 2 of 4 limits failed: recall[cat], confusion[cat:dog]" in text
    assert "recall of 'cat' is 0.8000, below 0.9" in text
    assert "16 of 20 recognized; 18 were needed" in text
    assert page.locator("#class-table tbody tr").count() == 3
    assert page.locator("#limit-table tbody tr").count() == 4
    assert page.evaluate("1") == 1 if "sandbox" not in policy else True
    cells = page.locator("#matrix-table tbody td")
    assert cells.all_text_contents() == ["16", "4", "·", "2", "18", "·", "·", "·", "10"]
    assert cells.nth(1).get_attribute("bgcolor") == LIGHT.bad[10]


def test_shares_are_written_as_in_python(chromium, page_folder):
    source = (page_folder / "numbers.js").read_text("utf-8")
    rng = np.random.default_rng(3)
    totals = rng.integers(1, 5000, 3000).tolist()
    pairs = [(int(rng.integers(0, total + 1)), total) for total in totals]
    pairs += [(n, t) for t in range(1, 90) for n in range(t + 1)]
    pairs += [(1, 10**7), (10**7 - 1, 10**7), (0, 0), (1, 2000), (3, 2000), (1999, 2000)]
    page = chromium.new_page()
    found = page.evaluate(
        f"pairs => {{ {source}; return pairs.map(([n, t]) => percent(n, t)); }}",
        [list(pair) for pair in pairs],
    )
    page.close()
    assert found == [percent(*pair) for pair in pairs]
