"""Rule files as text -> plain values, with the line of every key and element.

YAML is read by its events, which bounds what hostile text can cost (aliases are counted, depth is limited), keeps the
lines, and lets scalars mean what the author wrote: of YAML 1.1's surprises none is kept. Unquoted, only ``true`` and
``false`` are booleans (``yes``, ``No`` and ``on`` are text), only plain decimal numbers are numbers (``0123``, ``0x1F``
and ``12:30`` are text: account ids and times), and dates are text. The short form of a CloudFormation function is
read as the long one: ``!Ref Name`` is ``{"Ref": "Name"}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from trailstream.rules.rule import RuleSyntaxError

At: TypeAlias = tuple[str | int, ...]

MAX_DEPTH = 64
"""Rules nest a handful of levels."""
MAX_VALUES = 100_000
"""Values in one file, aliases counted each time that they are used."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a rule file."""

    value: Any
    lines: dict[At, int] = field(default_factory=dict)
    """The line, from 1, of the value at each path of keys and positions."""
    decimals: dict[At, str] = field(default_factory=dict)
    """How each decimal is written that is not quoted: 1.10 is the number 1.1, and as a text it is none."""

    def line_of(self, at: At) -> int:
        """Return the line of the value at this path, or of the nearest thing around it."""
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)


class DocumentError(RuleSyntaxError):
    """The text is not YAML or JSON that a rule may be written in."""

    def __init__(self, what: str, *, line: int, remedy: str = "") -> None:
        """``line`` is counted from 1."""
        super().__init__(what, remedy=remedy)
        self.line = line


def documents(text: str, *, is_json: bool) -> list[Document]:
    """Read every document of the text; JSON has exactly one. Raises :class:`DocumentError`.

    A key that stands twice is refused in YAML; in JSON the last one counts, as EventBridge documents for patterns.
    """
    if not is_json:
        return _YamlReader(text).documents()
    value = _read_json(text)
    try:
        # JSON is YAML as far as its keys and lines go; where PyYAML thinks otherwise, only the lines are lost.
        read = _YamlReader(text, unique_keys=False).documents()[0]
    except (DocumentError, IndexError):
        return [Document(value)]
    return [Document(value, read.lines, read.decimals)]


def _read_json(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DocumentError(f"not valid JSON: {error.msg}", line=error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"not valid JSON: {error}", line=1) from None
    if _depth(value) > MAX_DEPTH:
        raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", line=1)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [below for one in level for below in _children(one)]
    return deepest


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?\Z")
_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_TRUE = frozenset(["true", "True", "TRUE"])
_FALSE = frozenset(["false", "False", "FALSE"])
_STRING_TAG = "tag:yaml.org,2002:str"
_FUNCTIONS = {"!Ref": "Ref"} | {
    f"!{name}": f"Fn::{name}"
    for name in ("Base64", "FindInMap", "GetAtt", "If", "ImportValue", "Join", "Select", "Split", "Sub", "Transform")
}
"""CloudFormation's functions, by their tags."""


def plain_scalar(text: str) -> Any:
    """Return what an unquoted YAML scalar means here."""
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INTEGER.match(text) and len(text) <= 300:  # noqa: PLR2004 -- longer ones cost Python quadratic time
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


class _YamlReader:
    """Builds documents from PyYAML's events; the value of an anchor is kept as its events' result."""

    def __init__(self, text: str, *, unique_keys: bool = True) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._events = yaml.parse(text, Loader=loader)
        self._lines: dict[At, int] = {}
        self._decimals: dict[At, str] = {}
        self._anchors: dict[str, Any] = {}
        self._values = 0
        self._unique_keys = unique_keys

    def documents(self) -> list[Document]:
        try:
            return list(self._documents())
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise DocumentError(f"not valid YAML: {error.problem or error.context}", line=line) from None
        except (yaml.YAMLError, ValueError) as error:
            raise DocumentError(f"not valid YAML: {error}", line=1) from None

    def _documents(self) -> Iterator[Document]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._lines, self._decimals, self._anchors = {}, {}, {}
                yield Document(self._value(next(self._events), ()), self._lines, self._decimals)

    def _value(self, event: yaml.Event, at: At) -> Any:
        line = _line(event)
        if len(at) > MAX_DEPTH:
            raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", line=line)
        self._count(1, line)
        self._lines[at] = line
        value: Any
        match event:
            case yaml.AliasEvent():
                return self._alias(event.anchor or "", line)
            case yaml.MappingStartEvent():
                value = self._mapping(at, line)
            case yaml.SequenceStartEvent():
                value = self._sequence(at)
            case yaml.ScalarEvent():
                value = _scalar(event)
                if isinstance(value, float):
                    self._decimals[at] = event.value
            case _:
                raise DocumentError("not the shape of a YAML document", line=line)
        if event.tag in _FUNCTIONS:
            value = {_FUNCTIONS[event.tag]: value}
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _count(self, values: int, line: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise DocumentError(f"holds more than {MAX_VALUES} values, aliases counted", line=line)

    def _alias(self, anchor: str, line: int) -> Any:
        if anchor not in self._anchors:
            raise DocumentError(f"the alias *{anchor} refers to nothing before it", line=line)
        value = self._anchors[anchor]
        self._count(_size(value, MAX_VALUES), line)
        return value

    def _mapping(self, at: At, line: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key_line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise DocumentError("a key must be plain text", line=line)
            key = event.value
            if key == "<<" and event.implicit[0]:
                raise DocumentError("merge keys (<<) are not read", line=key_line, remedy="write the keys out")
            if key in value and self._unique_keys:
                raise DocumentError(f'the key "{key}" stands twice in one mapping', line=key_line, remedy="keep one")
            value[key] = self._value(next(self._events), (*at, key))
            self._lines[(*at, key)] = key_line
        return value

    def _sequence(self, at: At) -> list[Any]:
        value: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value.append(self._value(event, (*at, len(value))))
        return value


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _scalar(event: yaml.ScalarEvent) -> Any:
    if event.tag == _STRING_TAG or not event.implicit[0]:
        return event.value
    return plain_scalar(event.value)


def _size(value: Any, at_most: int) -> int:
    """Count the values in a value, at most so many: shared parts count as often as they appear."""
    count, level = 0, [value]
    while level and count <= at_most:
        count += len(level)
        level = [below for one in level for below in _children(one)]
    return count
