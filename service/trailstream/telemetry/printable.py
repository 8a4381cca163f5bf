"""Text from outside, made harmless to look at: it can break no line and steer no terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_CHARACTERS = 1024
"""Longest string in a log line. S3 keys end at 1,024 bytes; what is longer is an attack or an accident."""

MAX_ITEMS = 100
"""Most elements of one list or mapping in a log line."""

MAX_DEPTH = 6
"""Deepest nesting of lists and mappings in a log line."""

_MAX_JSON_INTEGER = 2**64 - 1
_MIN_JSON_INTEGER = -(2**63)


def printable(text: str, *, at_most: int = MAX_CHARACTERS) -> str:
    r"""Return the text with every character that is not printable written as its escape, cut to ``at_most``.

    Not printable is what Unicode calls other or separator, the space excepted (:meth:`str.isprintable`): line breaks,
    the escape that begins a terminal sequence and its one-byte C1 form, bidirectional overrides, zero-width characters
    and lone surrogates. They read ``\n``, ``\x1b``, ``\u202e``, ``\ud800``. A cut text says how much it lost.
    """
    cut = text[:at_most]
    if not cut.isprintable():
        # An escape is up to ten times as long as what it stands for: the ceiling holds for what is written.
        cut = "".join(map(_visible, cut))[:at_most]
    lost = len(text) - at_most
    return f"{cut}… ({lost} more characters)" if lost > 0 else cut


def harmless(value: Any, *, depth: int = MAX_DEPTH) -> Any:
    """Return the value as plain JSON data whose strings are :func:`printable`, whatever was put into it."""
    match value:
        case None | bool() | float():
            return value
        case int() if _MIN_JSON_INTEGER <= value <= _MAX_JSON_INTEGER:
            return int(value)
        case Mapping() if depth:
            some = list(value.items())[:MAX_ITEMS]
            return {printable(str(key)): harmless(item, depth=depth - 1) for key, item in some}
        case list() | tuple() if depth:
            return [harmless(item, depth=depth - 1) for item in value[:MAX_ITEMS]]
        case _:
            return printable(_text(value))


def _text(value: Any) -> str:
    match value:
        case Mapping() | list() | tuple():
            return "…"
        case bytes():
            return value[: 4 * MAX_CHARACTERS].decode("utf-8", "backslashreplace")
        case int():
            return hex(value)  # str() refuses integers of more than 4,300 digits.
        case _:
            return str(value)


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
