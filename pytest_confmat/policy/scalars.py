"""What a single text of a policy means: numbers, words, names, paths."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from pydantic_core import PydanticCustomError

from pytest_confmat.limits import Bound, Kind
from pytest_confmat.lookalikes import appearance
from pytest_confmat.policy.policy_faults import describe, fault
from pytest_confmat.policy.text_files import shown
from pytest_confmat.policy.yaml_document import ScalarNode, SequenceNode
from pytest_confmat.text import nearest_or_all

NONE = "none"
_LONGEST_NUMBER = 60
# Beyond it nothing is left of what tells it from certainty, once it is shared out over many limits.
_HIGHEST_CONFIDENCE = 1 - Fraction(1, 10**6)
_LARGEST_EXPONENT = 99
# The numbers of YAML 1.2's core schema; hexadecimal and octal ones mean other things elsewhere.
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([-+]?[0-9]+))?")
RATIO_PATTERN = rf"^{_DECIMAL.pattern} */ *{_DECIMAL.pattern}$"
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?%")
_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
_NOT_FINITE = re.compile(r"[-+]?\.?(?:inf|infinity|nan)", re.IGNORECASE)
DIGEST_PATTERN = "^sha256:[0-9a-f]{64}$"
_DIGEST = re.compile(DIGEST_PATTERN)
SHA256_PATTERN = "^(sha256:)?[0-9a-fA-F]{64}$"
_SHA256 = re.compile(SHA256_PATTERN)
_A_DIGEST = "sha256: and 64 digits, as every run shows it"
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

Word = TypeVar("Word", bound=str)
Value = TypeVar("Value")


def scalar(value: Any, expected: str) -> ScalarNode:
    """Return `value` if it is a text that holds something."""
    if not isinstance(value, ScalarNode) or not value:
        raise fault(f"expected {expected}, found {describe(value)}")
    return value


def _number_text(value: Any, expected: str) -> str:
    text = scalar(value, expected)
    if not text.plain:
        raise fault(f"{shown(text)} is text, by its quotes; a number stands without them")
    if len(text) > _LONGEST_NUMBER:
        raise fault(f"a number of {len(text)} characters; {_LONGEST_NUMBER} are read at most")
    return str(text)


def decimal(value: Any, expected: str = "a number") -> Fraction:
    """Read a decimal number exactly."""
    text = _number_text(value, expected)
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise fault(_no_number(text))
    exponent = match.group(1)
    # A larger one would take the memory of a number with that many digits.
    if exponent and (len(exponent) > 4 or abs(int(exponent)) > _LARGEST_EXPONENT):
        raise fault(f"the exponent of {text} is beyond {_LARGEST_EXPONENT}")
    return Fraction(Decimal(text))


def _no_number(text: str) -> str:
    if match := _PERCENT.fullmatch(text):
        return f"{shown(text)} is a percentage; write the share: {_hundredth(match.group(1))}"
    if _COMMA.fullmatch(text):
        return f"{shown(text)} is no number; did you mean {text.replace(',', '.')}?"
    if _NOT_FINITE.fullmatch(text):
        return f"{shown(text)} is not a finite number"
    if "/" in text:
        return f"{shown(text)} is a fraction; only rescale takes one, write a decimal number here"
    return f"{shown(text)} is no number"


def _hundredth(text: str) -> str:
    shifted = f"{Decimal(text).scaleb(-2):f}"
    return shifted.rstrip("0").rstrip(".") if "." in shifted else shifted


def bound(kind: Kind, low: int, high: int) -> Callable[[Any], Bound]:
    """Return the reader of a bound between `low` and `high`."""

    def read(value: Any) -> Bound:
        number = decimal(value, "a number" if low < 0 else "a share between 0 and 1")
        text = str(value)
        if low <= number <= high:
            return Bound(kind, number, text)
        if low < 0:
            raise fault(f"{text} is out of range; this metric lies between {low} and {high}")
        if high > 1:
            raise fault(f"{text} is out of range; expected a drop between 0 and {high}")
        raise _out_of_range(value, number, "bounds are shares between 0 and 1")

    return read


def _percent(text: str, number: Fraction) -> str:
    """Return the question whether percents were meant."""
    return f"; did you mean {_hundredth(text)}?" if 2 <= number <= 100 else ""


def _out_of_range(value: Any, number: Fraction, expected: str) -> PydanticCustomError:
    return fault(f"{value} is out of range; {expected}{_percent(str(value), number)}")


def share(value: Any) -> Fraction:
    """Read a share."""
    number = decimal(value, "a share between 0 and 1")
    if not 0 <= number <= 1:
        raise _out_of_range(value, number, "expected a share between 0 and 1")
    return number


def confidence(value: Any) -> Fraction:
    """Read the confidence of a one-sided bound."""
    number = decimal(value, "a confidence such as 0.95")
    if not Fraction(1, 2) < number <= _HIGHEST_CONFIDENCE:
        raise _out_of_range(value, number, "a confidence lies between 0.5 and 1")
    return number


def score(value: Any) -> Fraction:
    """Read a cut on a score."""
    number = decimal(value, "a score between 0 and 1")
    if not 0 <= number <= 1:
        raise _out_of_range(value, number, "scores lie between 0 and 1")
    return number


def positive(value: Any) -> Fraction:
    """Read a weight."""
    number = decimal(value, "a positive number")
    if number <= 0:
        raise fault(f"{value} is out of range; weights are positive numbers")
    return number


def ratio(value: Any) -> Fraction:
    """Read a decimal number or the quotient of two, such as 1/255."""
    text = scalar(value, "a number or a fraction such as 1/255")
    over, slash, under = text.partition("/")
    if not slash:
        return decimal(value)
    if "/" in under:
        raise fault(f"{shown(text)} is no number")
    dividend, divisor = (decimal(ScalarNode(part.strip(" "), text.line)) for part in (over, under))
    if not divisor:
        raise fault(f"{shown(text)} divides by zero")
    return dividend / divisor


def integer(low: int, high: int) -> Callable[[Any], int]:
    """Return the reader of a whole number from `low` to `high`."""

    def read(value: Any) -> int:
        text = _number_text(value, "a whole number")
        if not _INTEGER.fullmatch(text):
            raise fault(f"{shown(text)} is no whole number")
        number = int(text)
        if not low <= number <= high:
            at_least = f"at least {low}" if number < low else f"at most {high:,}"
            raise fault(f"{text} is out of range; expected {at_least}")
        return number

    return read


def dimensions(count: int | None, largest: int, expected: str) -> Callable[[Any], tuple[int, ...]]:
    """Return the reader of a list of positive whole numbers, `count` of them if it is given."""
    read_one = integer(1, largest)

    def read(value: Any) -> tuple[int, ...]:
        if not isinstance(value, SequenceNode):
            raise fault(f"expected {expected}, found {describe(value)}")
        if not value or (count is not None and len(value) != count):
            raise fault(f"expected {expected}, found a list of {len(value)}")
        return each(value, read_one)

    return read


def each(items: SequenceNode, read: Callable[[Any], Value]) -> tuple[Value, ...]:
    """Read every item; an error says which one is wrong."""
    values = []
    for number, item in enumerate(items):
        try:
            values.append(read(item))
        except PydanticCustomError as error:
            context = error.context or {}
            raise fault(context["message"], number, *context["at"]) from None
    return tuple(values)


def one_of(words: Sequence[Word]) -> Callable[[Any], Word]:
    """Return the reader of one of `words`."""

    def read(value: Any) -> Word:
        text = scalar(value, " or ".join([", ".join(words[:-1]), words[-1]]))
        for word in words:
            if text == word:
                return word
        raise fault(f"{shown(text)} is none of its values{nearest_or_all(text, words, 99)}")

    return read


def digest(value: Any) -> str:
    """Read the digest of an evaluation set."""
    text = str(scalar(value, _A_DIGEST))
    if not _DIGEST.fullmatch(text):
        raise fault(f"{shown(text)} is no digest; expected {_A_DIGEST}")
    return text


def sha256(value: Any) -> str:
    """Read the SHA-256 of a file, as sha256sum prints it, ``sha256:`` before it or not."""
    expected = "64 hexadecimal digits, as sha256sum prints them"
    text = str(scalar(value, expected))
    if not _SHA256.fullmatch(text):
        raise fault(f"{shown(text)} is no SHA-256; expected {expected}")
    return text.removeprefix("sha256:").lower()


def name(value: Any) -> str:
    """Read a class name or a key: any text, in quotes or not."""
    text = str(scalar(value, "a name"))
    if not text.strip():
        raise fault("a name needs a character that can be seen")
    return text


def local_path(value: Any) -> str:
    """Read a path of this machine."""
    text = str(scalar(value, "a path"))
    if _REMOTE.match(text):
        raise fault(f"{shown(text)} is no local path; fetch the data first and name the copy")
    return text


def names(value: Any) -> tuple[str, ...]:
    """Read a list of names, each only once."""
    if not isinstance(value, SequenceNode):
        raise fault(f"expected a list of names, found {describe(value)}")
    found = each(value, name)
    if repeated := first_repeated(found, appearance):
        index, first, message = repeated
        raise fault(message, index, other=(first,))
    return found


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def first_repeated(
    found: Sequence[str], same: Callable[[str], str] = _nfc
) -> tuple[int, int, str] | None:
    """Return where a name occurs again, where first, and a message with ``{line}`` in it.

    Parameters
    ----------
    same
        Returns equal texts for names that count as one. Two spellings of a name in Unicode look
        the same to everyone but the file system.
    """
    seen: dict[str, int] = {}
    for index, text in enumerate(found):
        first = seen.setdefault(same(text), index)
        if first < index:
            if found[first] == text:
                return index, first, f"{shown(text)} is already on line {{line}}"
            one, two = ascii(text), ascii(found[first])
            return index, first, f"{one} looks the same as {two} on line {{line}}"
    return None
