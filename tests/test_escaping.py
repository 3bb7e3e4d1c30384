from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_confmat.escaping import defused, printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat", "cat"),
        ("café 猫 قطة 🐱 e\u0301", "café 猫 قطة 🐱 e\u0301"),
        ("C:\\data\\cat", "C:\\data\\cat"),
        ("dog[/x]", "dog[/x]"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("gnp\u202egpj", "gnp\\u202egpj"),
        ("\ufeffcat\u200b", "\\ufeffcat\\u200b"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("non\xa0breaking", "non\\xa0breaking"),
        ("\ue000\uffff", "\\ue000\\uffff"),
        ("👨\u200d👩", "👨\\u200d👩"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
        ("::error::x", "\\x3a:error::x"),
        ("  ::error::x", "  \\x3a:error::x"),
        ("a::b", "a::b"),
        ("a ##[error]b", "a ##\\x5berror]b"),
        ("##vso[task.complete]", "##vso\\x5btask.complete]"),
        ("# [x]", "# [x]"),
        ("", ""),
    ],
)
def test_a_name_is_shown_and_not_obeyed(name, shown):
    assert printable(name) == shown


def test_a_long_name_loses_its_middle():
    assert printable("a" * 5000 + "z" * 5000) == "a" * 59 + "..." + "z" * 58
    assert printable("x" * 120) == "x" * 120
    assert printable("0123456789abc", 10) == "0123...abc"


def test_an_escape_is_not_cut():
    assert printable("\n" * 1000, 10) == "\\n\\n...\\n"
    assert printable("\U000e0001" * 1000, 10) == "..."


def test_what_a_picture_cannot_draw_is_escaped_too():
    assert printable("猫a", is_shown=str.isascii) == "\\u732ba"


@given(st.text(st.characters()), st.integers(3, 60))
@example("##" * 40 + "[", 20)
@example(" ::" * 40, 20)
@example("\udc80::", 20)
def test_any_name_is_one_harmless_line(name, limit):
    shown = printable(name, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    assert "##[" not in shown
    assert not shown.lstrip().startswith("::")
    assert printable(shown, limit) == shown
    shown.encode("utf-8")


def test_lines_that_were_put_together_are_defused():
    assert defused("a\n::error::b\n  ::x\nc ##[d") == "a\n\\x3a:error::b\n  \\x3a:x\nc ##\\x5bd"
    assert defused("a ::b\nc: :d # [") == "a ::b\nc: :d # ["
