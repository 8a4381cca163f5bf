"""Any value as plain JSON data for a log line or a health answer, whatever was put into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trailstream.model.printable import MAX_CHARACTERS, printable

MAX_ITEMS = 100
"""Most elements of one list or mapping in a log line."""

MAX_DEPTH = 6
"""Deepest nesting of lists and mappings in a log line."""

_MAX_JSON_INTEGER = 2**64 - 1
_MIN_JSON_INTEGER = -(2**63)


def harmless(value: Any, *, depth: int = MAX_DEPTH) -> Any:
    """Return the value as plain JSON data whose strings are :func:`printable`, whatever was put into it."""
    match value:
        case str():  # most values are, and telling a mapping takes long
            return printable(value)
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
