"""The words of messages; and that no module makes up its own."""

import re
from pathlib import Path

import pytest

import pytest_confmat
from pytest_confmat.text import (
    and_more,
    first_lines,
    joined,
    listed,
    near,
    nearest,
    nearest_or_all,
    one_line,
    plural,
    quoted,
    shortened,
)

PACKAGE = Path(pytest_confmat.__file__).parent


def test_a_number_agrees_with_its_noun():
    assert plural(1, "limit") == "1 limit"
    assert plural(0, "limit") == "0 limits"
    assert plural(2000, "entry", "entries") == "2,000 entries"


def test_a_long_list_says_how_many_are_left_out():
    assert listed([]) == ""
    assert listed(["a", "b"], 2) == "'a', 'b'"
    assert listed([str(n) for n in range(2002)], 2) == "'0', '1' and 2,000 more"
    assert joined(["a b", "c d", "e"], 2) == "a b, c d and 1 more"
    assert first_lines(["a", "b"], 2, "limit") == ["a", "b"]
    assert first_lines(["a", "b", "c"], 2, "limit") == ["a", "b", "and 1 more limit"]
    assert first_lines(list("abcd"), 2, "class", "classes")[-1] == "and 2 more classes"
    assert and_more(1200) == "and 1,200 more"
    assert shortened("abcd", 4) == "abcd"
    assert shortened("abcde", 4) == "abcd..."


@pytest.mark.parametrize(
    "end", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
)
def test_a_name_begins_no_line(end):
    assert len(quoted(f"a{end}::error::b").splitlines()) == 1


def test_a_name_fills_no_line():
    assert len(one_line("\n" * 10_000)) < 300
    assert one_line("a" * 120) == "a" * 120
    assert one_line("a" * 100 + "b" * 100, 10) == "aaaaa...bbbbb"
    assert quoted("a\x1b[31m") == "'a\x1b[31m'"  # the output escapes it


def test_the_nearest_name_is_suggested_whatever_its_case():
    assert nearest("DOG", ["cat", "dog"]) == "; did you mean 'dog'?"
    assert nearest("zebra", ["cat", "dog"]) == ""
    assert nearest_or_all("zebra", ["cat", "dog"]) == "; there are 'cat', 'dog'"
    assert nearest_or_all("zebra", []) == ""
    assert near("model.keras", ["b.keras", "models.keras"], 2)[0] == "models.keras"


DEFINED_HERE = {"text.py", "filenames.py", "escaping.py"}
BY_HAND = {
    r"\} more\b(?! than)": "use text.and_more, listed, joined or first_lines",
    r"get_close_matches": "use text.near or nearest",
    r"\bdef _?(listed|plural|counted|shortened|nearest|short_path)\(.*-> str": "text has it",
    r"== 1 else ['\"]e?s['\"]|['\"]e?s['\"] if [^:]*== 1": "use text.plural",
    r"\[:\w+\]\}(\.\.\.| \.\.\.)": "use text.shortened",
}


@pytest.mark.parametrize("pattern", BY_HAND)
def test_no_module_makes_up_its_own_words(pattern):
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in DEFINED_HERE
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not found, f"{BY_HAND[pattern]}:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        'more = f" and {len(names) - 5} more"',
        "close = difflib.get_close_matches(name, names)",
        "def _listed(names) -> str:",
        "noun = 'example' + ('' if n == 1 else 's')",
        'text = f"{text[:80]}..."',
    ],
)
def test_words_made_by_hand_are_found(line):
    assert any(re.search(pattern, line) for pattern in BY_HAND)


def test_messages_are_escaped_in_one_place():
    pattern = re.compile(r"\"unicode_escape\"|c\.isprintable")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if pattern.search(path.read_text("utf-8"))
        if path.parent.name != "authoring"  # writes YAML
    }
    assert found - {"limits.py", "report/fonts.py"} == {"escaping.py"}  # ids; what fonts can draw
