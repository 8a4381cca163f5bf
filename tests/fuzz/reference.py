"""What ``docs/records.md`` promises of a document, worked out the plainest way: from the whole text, by ``json``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from math import isinf
from typing import Any

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Members(list[tuple[str, Any]]):
    """An object with every member that stands in the text, those too that a later one of the same name replaces."""


@dataclass
class Expected:
    """What a reader must make of a document."""

    records: list[tuple[int, Any]] = field(default_factory=list)
    damaged: list[tuple[frozenset[str], int]] = field(default_factory=list)
    """Codes, any of which is right, and the index of each unusable record."""
    has_records: bool = False


def tree(text: str) -> Any:
    """Parse strictly, with objects as :class:`Members`. Raises ValueError, and RecursionError for a deep one."""
    return json.loads(text, object_pairs_hook=Members, parse_constant=_refused)


def expected_of(text: bytes, max_depth: int) -> Expected | None:
    """Return what a document must come to; None where ``json`` does not read the text."""
    try:
        document = tree(text.removeprefix(b"\xef\xbb\xbf").decode())
    except (ValueError, RecursionError):
        return None
    expected = Expected()
    arrays = [value for name, value in members(document) if name == "Records" and type(value) is list]
    expected.has_records = bool(arrays)
    for index, element in enumerate(element for array in arrays for element in array):
        if codes := _wrong_with(element, max_depth):
            expected.damaged.append((codes, index))
        else:
            expected.records.append((index, plain(element)))
    return expected


def members(value: Any) -> Members:
    """Return the members of an object; of anything else, none."""
    return value if isinstance(value, Members) else Members()


def plain(value: Any) -> Any:
    """Return the value as it is handed over: the last of like names wins, a lone surrogate is U+FFFD."""
    match value:
        case Members():
            return {plain(name): plain(inner) for name, inner in value}
        case list():
            return [plain(inner) for inner in value]
        case str():
            return _LONE_SURROGATE.sub("\ufffd", value)
    return value


def _wrong_with(element: Any, max_depth: int) -> frozenset[str]:
    if not isinstance(element, Members):
        return frozenset(["not_a_record"])
    codes = {"record_too_deep"} if _depth(element) > max_depth else set()
    return frozenset(codes | ({"number_overflow"} if _overflows(element) else set()))


def _inner(value: Any) -> list[Any]:
    if isinstance(value, Members):
        return [inner for _, inner in value]
    return value if isinstance(value, list) else []


def _depth(value: Any) -> int:
    return 1 + max(map(_depth, _inner(value)), default=0) if isinstance(value, list) else 0


def _overflows(value: Any) -> bool:
    return any(map(_overflows, _inner(value))) or (isinstance(value, float) and isinf(value))


def _refused(name: str) -> Any:
    raise ValueError(name)
