"""Different names that look the same: by Unicode, by spaces, or by another script."""

from __future__ import annotations

import unicodedata

# Letters of Cyrillic and Greek that are drawn as Latin ones.
_CYRILLIC = ("АВЕЅІЈКМНОРСТУХаеорсухіјѕһԁԛԝ", "ABESIJKMHOPCTYXaeopcyxijshdqw")  # noqa: RUF001
_GREEK = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοχ", "ABEZHIKMNOPTYXox")
_LATIN = {
    ord(other): latin
    for others, latins in (_CYRILLIC, _GREEK)
    for other, latin in zip(others, latins, strict=True)
}


def appearance(name: str) -> str:
    """Return a text that is equal for names that a reader cannot tell apart."""
    if name.isascii():
        return " ".join(name.split())
    visible = "".join(
        character
        for character in unicodedata.normalize("NFC", name)
        if unicodedata.category(character) != "Cf"  # joiners, soft hyphens, marks of direction
    )
    return " ".join(visible.translate(_LATIN).split())
