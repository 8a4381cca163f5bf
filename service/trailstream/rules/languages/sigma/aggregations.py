"""Aggregations behind a pipe, as older rules have them, rewritten as the correlations that replaced them.

The grammar is that of the specification's version 1.0: ``selection | count(field) by group > 5`` with ``count``,
``min``, ``max``, ``avg`` or ``sum``, and ``selection | near other and not another``; ``timeframe`` is the time span.
What is before the pipe becomes a rule that does not alert for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from trailstream.rules.languages.sigma.entries import Entry
from trailstream.rules.rule import RuleSyntaxError

DEFAULT_TIMEFRAME = "1h"
"""Of an aggregation that names none: the specification leaves it to the span of the search, which has no end here."""

_AT = ("detection", "condition")
_COMPARISON = re.compile(
    r"(?P<function>[a-z]+) ?\( ?(?P<field>[^() ]*) ?\)(?: by (?P<by>[^<>=!]+))?"
    r" ?(?P<operator>>=|<=|==|!=|=|>|<) ?(?P<number>-?[0-9]+(?:\.[0-9]+)?)",
    re.IGNORECASE,
)
_OPERATORS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "=": "eq", "==": "eq", "!=": "neq"}
_TYPES: dict[str, dict[str, Any]] = {
    "count": {"type": "value_count"},
    "sum": {"type": "value_sum"},
    "avg": {"type": "value_avg"},
    "min": {"type": "value_percentile", "condition": {"percentile": 0}},
    "max": {"type": "value_percentile", "condition": {"percentile": 100}},
}
_MATCHES = "_matches"
_REMEDY = "as in `selection | count(field) by group > 5` or `selection | near other`"


def without_pipes(entry: Entry) -> Iterator[Entry]:
    """Yield the rules and correlations that a rule with an aggregation stands for; another rule as it is.

    Raises :class:`RuleSyntaxError` for an aggregation that the grammar does not know.
    """
    detection = entry.value.get("detection")
    detection = detection if isinstance(detection, dict) else {}
    written = detection.get("condition")
    conditions = written if isinstance(written, list) else [written]
    piped = [each for each in conditions if isinstance(each, str) and "|" in each]
    if not piped:
        yield entry
        return
    plain = [each for each in conditions if each not in piped]
    if plain:
        yield replace(entry, value=_with_condition(entry.value, plain))
    if "timeframe" not in detection:
        entry.note(f"its aggregation names no timeframe: taken as {DEFAULT_TIMEFRAME}")
    for position, condition in enumerate(piped):
        suffix = f"#{position + 1}" if plain or position else ""
        yield from _correlation(replace(entry, place=_AT, suffix=suffix), condition)


def _correlation(entry: Entry, condition: str) -> Iterator[Entry]:
    base, _, aggregation = (part.strip() for part in condition.partition("|"))
    text = " ".join(aggregation.split())
    if text.lower().startswith("near "):
        wanted, correlation = _near(text)
    else:
        wanted, correlation = {}, {**_comparison(text), "rules": [_MATCHES]}
    parts = {
        name: replace(entry, value=_with_condition(entry.value, one), suffix=f"{entry.suffix}#{name.lstrip('_')}")
        for name, one in {_MATCHES: base, **wanted}.items()
    }
    yield from parts.values()
    timeframe = str(entry.value["detection"].get("timeframe", DEFAULT_TIMEFRAME)).removeprefix("last ").strip()
    itself = {key: each for key, each in entry.value.items() if key not in ("detection", "logsource")}
    yield replace(entry, value={**itself, "correlation": {**correlation, "timespan": timeframe}}, parts=parts)


def _with_condition(value: dict[str, Any], condition: Any) -> dict[str, Any]:
    return {**value, "detection": {**value["detection"], "condition": condition}}


def _comparison(text: str) -> dict[str, Any]:
    found = _COMPARISON.fullmatch(text)
    known = _TYPES.get(found["function"].lower()) if found is not None else None
    if found is None or known is None:
        raise RuleSyntaxError(f'"{text}" is no aggregation', at=_AT, remedy=_REMEDY)
    field, number = found["field"], float(found["number"])
    condition = {_OPERATORS[found["operator"]]: int(number) if number.is_integer() else number}
    if not field and known is not _TYPES["count"]:
        raise RuleSyntaxError(f'{found["function"]} needs a field: "{text}"', at=_AT, remedy=_REMEDY)
    return {
        "type": known["type"] if field else "event_count",
        "condition": {**condition, **known.get("condition", {}), **({"field": field} if field else {})},
        "group-by": [each.strip() for each in (found["by"] or "").split(",") if each.strip()],
    }


def _near(text: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the detections that are wanted, each by a name of its own, and the correlation."""
    wanted: dict[str, str] = {}
    terms = [_MATCHES]
    for position, term in enumerate(re.split(r" and ", text[len("near ") :], flags=re.IGNORECASE)):
        words = term.split()
        negated = words[0].lower() == "not" if words else False
        identifier = words[negated:]
        if len(identifier) != 1:
            raise RuleSyntaxError(f'"{text}" is no aggregation', at=_AT, remedy=_REMEDY)
        name = f"_near_{position + 1}"
        wanted[name] = identifier[0]
        terms.append(f"not {name}" if negated else name)
    if any(term.startswith("not ") for term in terms):
        return wanted, {"type": "temporal", "condition": " and ".join(terms)}
    return wanted, {"type": "temporal", "rules": [_MATCHES, *wanted]}
