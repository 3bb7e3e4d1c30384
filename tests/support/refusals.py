"""What is said by whoever refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_confmat.errors import ConfmatError


def refusal(
    error: type[ConfmatError], call: Callable[..., Any], *arguments: Any, **keys: Any
) -> str:
    """Return the message of the error that a call raises."""
    with pytest.raises(error) as caught:
        call(*arguments, **keys)
    return str(caught.value)
