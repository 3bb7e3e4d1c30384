"""What a single value of a table is: a text, a whole number, a number.

CSV holds texts alone, JSON and Parquet values of types; both mean the same.
"""

from __future__ import annotations

import math
import re
from typing import Any

from pytest_confmat.text import brief, shortened

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}(?:\.0*)?")
# float() also takes underscores, and digits of other scripts.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_LARGEST = 2**53  # of whole floats


class ValueFault(ValueError):  # noqa: N818 (it is a fault, in our words)
    """A value is not what it should be; the text says what it is, to follow the column's name."""


def is_blank(value: Any) -> bool:
    """Whether there is no value: nothing, spaces, or the NaN that pandas writes for nothing."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (isinstance(value, float) and math.isnan(value))


def text(value: Any) -> str:
    """Return a value as a text; a whole number as its digits.

    Raises
    ------
    ValueFault
        If it is blank, or no text and no whole number.
    """
    if is_blank(value):
        raise ValueFault("is blank")
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise ValueFault(f"is {brief(value)}, which is not UTF-8") from None
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueFault(f"is {shortened(ascii(value), 100)}, which is no text") from None
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueFault(f"is {brief(value)}, expected a text")


def integer(value: Any) -> int:
    """Return a whole number, also one that is written as ``3.0``.

    Raises
    ------
    ValueFault
        If it is none.
    """
    if is_blank(value):
        raise ValueFault("is blank")
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value.strip().split(".")[0])
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62:
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return int(value)
    raise ValueFault(f"is {brief(value)}, expected a whole number")


def number(value: Any) -> float:
    """Return a finite number.

    Raises
    ------
    ValueFault
        If it is none.
    """
    if is_blank(value):
        raise ValueFault("is blank")
    found = math.nan
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        found = float(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e308:
        found = float(value)
    if not math.isfinite(found):
        raise ValueFault(f"is {brief(value)}, expected a finite number")
    return found
