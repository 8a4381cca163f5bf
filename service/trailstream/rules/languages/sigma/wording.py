"""What pySigma would misread, written as it reads it; and what would cost it too much, refused.

The reader of rule files keeps ``yes`` and ``no`` as the texts that they are. A number is text where a modifier is for
text, and a text that writes a number is one where a modifier is for numbers. Of older rules, ``AND`` is ``and``; and
``timeframe`` stands beside the detections and is none.
"""

from __future__ import annotations

import json
import re
from typing import Any

from trailstream.rules.documents import At, plain_scalar
from trailstream.rules.languages.sigma.values import MAX_EXACT
from trailstream.rules.rule import RuleSyntaxError

MAX_CONDITION_CHARACTERS = 4096
MAX_CONDITION_DEPTH = 20
"""Parentheses within parentheses, and *not* before *not*."""

MAX_SELECTED = 20_000
"""Detections that the selectors of a rule (``1 of x*``) look through, all together."""
MAX_DASHED = 10_000
"""Values that ``windash`` makes of those of a rule."""

_BOOLEANS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
_OPERATORS = frozenset(["and", "or", "not", "of", "all", "any", "them"])
_SELECTOR = re.compile(r"\bof\b")
_TOKEN = re.compile(r"[\w*-]+")
_NOT_DETECTIONS = frozenset(["condition", "timeframe"])
_SYNONYMS = {"utf16le": "wide"}
"""Modifiers of the specification that pySigma knows by another name."""
_FOR_TEXT = frozenset(
    ["base64", "base64offset", "cased", "contains", "endswith", "expand", "re", "startswith", "windash", "wide"]
)
_FOR_NUMBERS = frozenset(["gt", "gte", "lt", "lte", "minute", "hour", "day", "week", "month", "year"])
_DASH = re.compile(r"\B[-/]\b")
_DASHES, _DASHES_EXPANDED = 5, 3
"""What ``windash`` makes of a dash, and of how many in one value."""


def boolean(value: Any) -> Any:
    """Return the boolean that a text writes, as YAML 1.1 has it; what is none is returned as it is."""
    return _BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value


def reworded(value: dict[str, Any], section: str) -> dict[str, Any]:
    """Return a rule or a filter as pySigma reads it; its detections are in the section.

    Raises :class:`RuleSyntaxError` for a condition that is too much to parse.
    """
    detections = value.get(section)
    if not isinstance(detections, dict):
        return value
    named = {name: _definition(each) for name, each in detections.items() if name not in _NOT_DETECTIONS}
    if _dashed(named) > MAX_DASHED:
        raise RuleSyntaxError(f"windash makes more than {MAX_DASHED} values of its own", at=(section,))
    if "condition" in detections:
        at = (section, "condition")
        named["condition"] = condition = _conditions(detections["condition"], frozenset(named), at)
        selectors = sum(
            len(_SELECTOR.findall(one)) for one in (condition if isinstance(condition, list) else [condition])
        )
        if selectors * len(named) > MAX_SELECTED:
            raise RuleSyntaxError("its selectors look through too many detections", at=at)
    return {**value, section: named}


def _definition(definition: Any) -> Any:
    if isinstance(definition, dict):
        return {_key(key): _values(key, each) for key, each in definition.items()}
    return [_definition(each) for each in definition] if isinstance(definition, list) else definition


def _key(key: str) -> str:
    field, *modifiers = key.split("|")
    return "|".join((field, *(_SYNONYMS.get(modifier, modifier) for modifier in modifiers)))


def _values(key: str, value: Any) -> Any:
    modifiers = frozenset(key.split("|")[1:])
    if isinstance(value, list):
        return [_values(key, each) for each in value]
    if "exists" in modifiers:
        return boolean(value)
    if isinstance(value, (int, float)) and (modifiers & _FOR_TEXT or _is_inexact(value, modifiers)):
        return json.dumps(value)
    if isinstance(value, str) and modifiers & _FOR_NUMBERS:
        number = plain_scalar(value)
        return number if isinstance(number, (int, float)) and not isinstance(number, bool) else value
    return value


def _is_inexact(value: float, modifiers: frozenset[str]) -> bool:
    """Say whether pySigma, which sees to it that a number is one by way of floats, would make another of it."""
    return isinstance(value, int) and abs(value) > MAX_EXACT and not modifiers & _FOR_NUMBERS


def _dashed(named: dict[str, Any]) -> int:
    """Count what ``windash`` makes of all values."""
    count = 0
    pending: list[Any] = [*named.values()]
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, dict):
            pending.extend(one.values())
            for key, values in one.items():
                if "windash" in key:
                    count += sum(map(_dashed_forms, values if isinstance(values, list) else [values]))
    return count


def _dashed_forms(value: Any) -> int:
    return _DASHES ** min(len(_DASH.findall(value)), _DASHES_EXPANDED) if isinstance(value, str) else 1


def _conditions(condition: Any, names: frozenset[str], at: At) -> Any:
    if isinstance(condition, list):
        return [_conditions(each, names, at) for each in condition]
    if not isinstance(condition, str):
        raise RuleSyntaxError("a condition must be text", at=at)
    bounded(condition, at)
    return _TOKEN.sub(lambda found: _operator(found[0], names), condition)


def _operator(token: str, names: frozenset[str]) -> str:
    return token.lower() if token.lower() in _OPERATORS and token not in names else token


def bounded(condition: str, at: At) -> None:
    """Raise :class:`RuleSyntaxError` for a condition that is too much to parse."""
    if len(condition) > MAX_CONDITION_CHARACTERS or _nesting(condition) > MAX_CONDITION_DEPTH:
        raise RuleSyntaxError("the condition is too long or nested too deep", at=at)


def _nesting(condition: str) -> int:
    depth = negations = deepest = 0
    for token in re.findall(r"[()]|[^\s()]+", condition):
        negations = negations + 1 if token.lower() == "not" else 0
        depth += (token == "(") - (token == ")")  # noqa: S105 -- a token of a condition
        deepest = max(deepest, depth + negations)
    return deepest
