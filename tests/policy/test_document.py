from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_confmat.errors import Location, PolicyError
from pytest_confmat.policy import read_policy, yaml_graph
from pytest_confmat.policy.yaml_document import (
    Document,
    MappingNode,
    ScalarNode,
    SequenceNode,
    read_document,
)
from tests.support.fifos import make_fifo


@pytest.fixture
def tree(tmp_path: Path):
    def tree(text: str | bytes) -> Document:
        path = tmp_path / "t.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_document(path)

    return tree


@pytest.fixture
def fault(tree, tmp_path: Path):
    def fault(text: str | bytes) -> tuple[int, str]:
        with pytest.raises(PolicyError) as caught:
            tree(text)
        assert caught.value.location.path == tmp_path / "t.yaml"
        return caught.value.location.line, caught.value.message

    return fault


def test_scalars_keep_their_text_and_say_whether_they_stood_in_quotes(tree) -> None:
    root = tree("no: 012\ntrue: '1'\n12:30: ~\n1: |\n  text\n").root
    assert root == {"no": "012", "true": "1", "12:30": "~", "1": "text\n"}
    assert [value.plain for value in root.values()] == [True, False, True, False]


def test_nodes_know_their_lines(tree) -> None:
    document = tree("a: 1\n\nb:\n  - x\n  - {k: v,\n     m: w}\n")
    assert document.root.lines == {"a": 1, "b": 3}
    items = document.root["b"]
    assert isinstance(items, SequenceNode)
    assert [item.line for item in items] == [4, 5]
    assert document.place(["b", 1, "m"]) == (Location(document.path, 6), "b[1].m")
    assert document.place(["b", 1, "\0tag", "m", "gone"]) == (Location(document.path, 6), "b[1].m")
    assert document.place(["gone"]) == (Location(document.path, 1), "")
    assert document.place(["b", 7]) == (Location(document.path, 3), "b")


def test_places_stay_within_the_file() -> None:
    # The parser takes what ends with the file to stand on the line after it.
    document = Document(
        Path("t.yaml"), MappingNode({"a": ScalarNode("", 4)}, {"a": 4}, 1), last_line=3
    )
    assert document.place(["a"])[0] == Location(Path("t.yaml"), 3)


def test_words_show_odd_names(tree) -> None:
    document = tree("classes: {a b: {c.d: 1}, e-f_2: 2}")
    assert document.place(["classes", "a b", "c.d"])[1] == "classes['a b']['c.d']"
    assert document.place(["classes", "e-f_2"])[1] == "classes.e-f_2"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_an_editor(tree, newline: str) -> None:
    document = tree(newline.join(["# é", "a: 1", "", "b: 2", ""]))
    assert document.root.lines == {"a": 2, "b": 4}


def test_byte_order_mark_is_no_part_of_the_first_key(tree) -> None:
    assert tree(b"\xef\xbb\xbfa: 1\n").root == {"a": "1"}


def test_aliases_are_copied_and_keep_their_lines(tree) -> None:
    root = tree("a: &x {k: 1}\nb: *x\n").root
    assert root["b"] == {"k": "1"}
    assert isinstance(root["b"], MappingNode)
    assert (root.lines["b"], root["b"].lines["k"]) == (2, 1)


def test_alias_of_a_scalar_may_be_a_key(tree) -> None:
    assert tree("a: &x cat\n*x : 1\n").root == {"a": "cat", "cat": "1"}


def test_merge_gives_way_to_explicit_keys_and_earlier_mappings(tree) -> None:
    text = """\
x-a: &a {p: 1, q: 1}
x-b: &b {q: 2, r: 2}
one: {<<: *a, p: 9}
two: {<<: [*a, *b], r: 9}
three: {s: 9, <<: {<<: *b, q: 3}}
"""
    root = tree(text).root
    assert root == {
        "one": {"p": "9", "q": "1"},
        "two": {"p": "1", "q": "1", "r": "9"},
        "three": {"q": "3", "r": "2", "s": "9"},
    }
    three = root["three"]
    assert isinstance(three, MappingNode)
    assert three.lines == {"q": 5, "r": 2, "s": 5}


def test_merge_in_quotes_is_a_key_like_any(tree) -> None:
    assert tree("a: {'<<': 1}").root["a"] == {"<<": "1"}


def test_own_keys_are_left_out_whatever_is_in_them(tree) -> None:
    text = """\
x-a: !!python/object/apply:os.system [!x {k: 1, k: 2, [1]: 3, z: "\\0"}]
x-b: &b [*b]
a: 1
"""
    assert tree(text).root == {"a": "1"}


def test_what_is_taken_out_of_an_own_key_is_read_strictly(fault) -> None:
    assert fault("x-a: &a {k: 1, k: 2}\nb: *a\n") == (1, "key 'k' is already on line 1")


FAULTS = {
    "": (1, "the file is empty; it needs version, thresholds, and dataset or classes"),
    "# nothing\n\n": (1, "the file is empty; it needs version, thresholds, and dataset or classes"),
    "---\n": (1, "the file is empty; it needs version, thresholds, and dataset or classes"),
    "\n- a\n": (2, "expected the keys of a policy: version, dataset, thresholds"),
    "text\n": (1, "expected the keys of a policy: version, dataset, thresholds"),
    "a: 1\n---\nb: 1\n": (2, "a second YAML document starts here; one file is one policy"),
    "a: 1\n...\n---\n": (3, "a second YAML document starts here; one file is one policy"),
    "a: 1\nb: {c: 1,\n  c: 2}\n": (3, "key 'c' is already on line 2"),
    "a: 1\n'a': 2\n": (2, "key 'a' is already on line 1"),
    "x-a: 1\nx-a: 2\n": (2, "key 'x-a' is already on line 1"),
    "a: &x {k: 1}\nb:\n  <<: *x\n  <<: *x\n": (4, "key '<<' is already on line 3"),
    "a: 1\n<<: 2\n": (2, "<< takes a mapping, or a list of mappings"),
    "a:\n  <<: [{b: 1}, 2]\n": (2, "<< takes a mapping, or a list of mappings"),
    "a: 1\n[b]: 2\n": (2, "a key must be text, and this one is a list or a mapping"),
    "a: 1\nb: !!python/object:os.system x\n": (
        2,
        "tag 'tag:yaml.org,2002:python/object:os.system' is not read; write the value without it",
    ),
    "a: ! 1\n": (1, "tag '!' is not read; write the value without it"),
    "!x {a: 1}\n": (1, "tag '!x' is not read; write the value without it"),
    "!x a: 1\n": (1, "tag '!x' is not read; write the value without it"),
    "a: {<<: !x {b: 1}}\n": (1, "tag '!x' is not read; write the value without it"),
    "a: 1\nb: *c\n": (2, "alias 'c' has no anchor of that name above it"),
    "a: &x 1\nb: &x 2\n": (2, "anchor 'x' is already on line 1"),
    "a: 1\nb: &x\n  - *x\n": (2, "this value contains itself, by an alias"),
    "a: &x {b: {c: *x}}\n": (1, "this value contains itself, by an alias"),
    "a: &x {<<: *x}\n": (1, "this value contains itself, by an alias"),
    "&x <<: {<<: *x}\n": (1, "<< takes a mapping, or a list of mappings"),
    'a: "\\0"\n': (1, "the escape for U+0000 writes what is no text"),
    'a: 1\n"\\ud83d\\ude00": 1\n': (2, "the escape for U+D83D writes what is no text"),
    "a: b: c\n": (1, "not valid YAML: mapping values are not allowed here"),
    "a: 1\n\tb: 2\n": (
        2,
        "not valid YAML: while scanning for the next token, "
        "found character '\\t' that cannot start any token",
    ),
    "a: 1\nb: 'x\n\n": (
        3,
        "not valid YAML: while scanning a quoted scalar that starts on line 2, "
        "found unexpected end of stream",
    ),
    "a: *": (
        1,
        "not valid YAML: while scanning an alias, "
        "expected alphabetic or numeric character, but found the end of the file",
    ),
    'a: "\\UFFFFFFFF"\n': (
        1,
        "not valid YAML: an escape or a directive with an impossible number",
    ),
    "a: \x00\n": (
        1,
        "the file holds the character U+0000, which has no place in a text file; remove it",
    ),
    "a: 1\r\nb: \x1b[31m\n": (
        2,
        "the file holds the character U+001B, which has no place in a text file; remove it",
    ),
    "a: 1\u2028b: 2\n": (
        1,
        "the file holds the character U+2028, which has no place in a text file; remove it",
    ),
    "\ufeff\ufeffa: 1\n": (
        1,
        "the file holds the character U+FEFF, which has no place in a text file; remove it",
    ),
    "a: " + "[" * 70: (1, "nested more than 64 levels deep"),
}


@pytest.mark.parametrize(("text", "expected"), FAULTS.items())
def test_faults(text: str, expected: tuple[int, str], fault) -> None:
    assert fault(text) == expected


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"a: 1\nb: \xff\n", 2), (b"\xff\xfea\x00:\x00", 1), (b"a\r\rb: \xc3", 3), (b"\xef\xbb", 1)],
)
def test_bytes_that_are_no_text_are_shown_by_line(content: bytes, line: int, fault) -> None:
    at, message = fault(content)
    assert at == line
    assert "is not UTF-8: byte 0x" in message


def test_numbers_that_python_refuses_are_refused_by_us(fault) -> None:
    assert fault(f"%YAML 1.{'9' * 5000}\n---\na: 1\n") == (
        1,
        "not valid YAML: an escape or a directive with an impossible number",
    )


def test_whatever_the_parser_raises_is_refused_by_us(fault, monkeypatch) -> None:
    def parse(self, stream):
        raise IndexError

    monkeypatch.setattr("pytest_confmat.policy.yaml_graph.YAML.parse", parse)
    assert fault("a: 1\n") == (1, "not valid YAML: the parser gave up here, with IndexError")


@pytest.fixture
def few(monkeypatch) -> None:
    """Let a policy have fewer values, as counting to the real number takes seconds."""
    assert yaml_graph.MOST_VALUES == 500_000
    monkeypatch.setattr(yaml_graph, "MOST_VALUES", 5_000)


def test_few_bytes_that_stand_for_billions_are_refused(fault, few) -> None:
    rows = ["x-0: &a0 [" + ",".join("z" * 9) + "]"]
    rows += [f"x-{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    _, message = fault("\n".join([*rows, "a: *a19", ""]))
    assert message == "the file stands for more than 5,000 values"


def test_merges_that_stand_for_billions_are_refused(fault, few) -> None:
    rows = ["x-0: &a0 {}"]
    rows += [f"x-{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)]
    _, message = fault("\n".join([*rows, "a: *a39", ""]))
    assert message == "the file stands for more than 5,000 values"


@pytest.mark.parametrize("link", ["[*a{}]", "{{<<: *a{}}}"])
def test_long_chains_of_aliases_are_refused(link: str, fault) -> None:
    rows = ["x-0: &a0 {}", *(f"x-{n}: &a{n} {link.format(n - 1)}" for n in range(1, 2000))]
    _, message = fault("\n".join([*rows, "a: *a1999", ""]))
    assert message == "nested more than 64 levels deep, counting aliases"


def test_files_that_are_too_large_are_not_read(fault) -> None:
    assert fault("#" * (4 * 2**20 + 1)) == (
        1,
        "the file is larger than 4 MiB, which no such file needs to be",
    )


def refusal(path: Path) -> str:
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    assert caught.value.location == Location(path, 1)
    return caught.value.message


def test_missing_file(tmp_path: Path) -> None:
    message = refusal(tmp_path / "gone" / "t.yaml")
    assert message == "the file cannot be read: No such file or directory"


def test_directory_instead_of_a_file(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "the file is a directory; name a text file"


def test_pipe_instead_of_a_file(tmp_path: Path) -> None:
    make_fifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == "the file is a FIFO (named pipe); name a text file"


def test_path_that_no_file_can_have() -> None:
    assert refusal(Path("a\0b")) == "the file cannot be read: embedded null byte"


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows read everything"
)
def test_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.touch(0o000)
    assert refusal(path) == "the file cannot be read: Permission denied"


def test_scalar_is_its_text() -> None:
    assert ScalarNode("cat", 3) == "cat"
    assert {ScalarNode("cat", 3): 1}["cat"] == 1
