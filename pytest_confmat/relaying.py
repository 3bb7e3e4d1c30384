"""What a library says, as our messages may repeat it.

Some libraries recommend what makes loading a file unsafe, in the very error that says that it is.
Whoever reads a red run must not be led to it.
"""

from __future__ import annotations

import re

# A fact that is put as an option.
_OPTION = re.compile(r",? when allow_pickle=False")
_UNSAFE = re.compile(
    r"safe_mode|unsafe_deserialization|load it unsafely|allow_pickle|pickle\.load|weights_only|"
    r"\bif you (?:fully )?trust|fully trust|trusted source|trusted=|"
    # To make known whatever a file names is no better.
    r"custom_object|register_keras_serializable|already decorated",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_NOTHING_LEFT = "no reason that would be safe to repeat"


def recommends_unsafe(text: str) -> bool:
    """Whether a library's text names a way around its own protection."""
    return bool(_UNSAFE.search(_OPTION.sub("", text)))


def without_advice(text: str) -> str:
    """Return a library's text without the sentences that `recommends_unsafe` finds."""
    text = _OPTION.sub("", text)
    if not recommends_unsafe(text):
        return text
    kept = [each for each in _SENTENCES.split(text) if not recommends_unsafe(each)]
    return " ".join(kept) or _NOTHING_LEFT
