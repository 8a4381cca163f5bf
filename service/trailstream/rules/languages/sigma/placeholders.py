"""Placeholders (``|expand: '%name%'``), filled with the lists that the operator keeps beside the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import Any, TypeAlias

from sigma.conditions import ConditionAND
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.types import Placeholder, SigmaExpansion, SigmaRegularExpression, SigmaString, SigmaType

from trailstream.rules.languages.sigma import PLACEHOLDERS
from trailstream.rules.languages.sigma.entries import Entry
from trailstream.rules.languages.sigma.parsing import POLICY
from trailstream.rules.rule import RuleSyntaxError

Lists: TypeAlias = dict[str, list[str]]

MAX_FILLED = 10_000
"""Values that one value may become: two placeholders in it multiply."""


def lists_of(entry: Entry) -> Lists:
    """Read a document that says what placeholders stand for; what is wrong is reported."""
    written = entry.value[PLACEHOLDERS]
    if not isinstance(written, dict):
        entry.refuse(RuleSyntaxError("placeholders are names with a list each", at=(PLACEHOLDERS,), remedy=_REMEDY))
        return {}
    found: Lists = {}
    for name, values in written.items():
        texts = texts_of(values)
        if texts:
            found[name.strip("%")] = texts
        else:
            what = f'"{name}" must be a list of texts or numbers, and not empty'
            entry.refuse(RuleSyntaxError(what, at=(PLACEHOLDERS, name), remedy=_REMEDY))
    entry.note(f"lists for {len(found)} placeholders: {', '.join(found)}")
    return found


_REMEDY = "placeholders: {Trusted_Accounts: ['111122223333']}"


def texts_of(values: Any) -> list[str]:
    """Return what a placeholder stands for; nothing where that is no list of texts and numbers."""
    listed = values if isinstance(values, list) else [values]
    sound = all(isinstance(each, (str, int, float)) and not isinstance(each, bool) for each in listed)
    return [str(each) for each in listed] if sound else []


def fill(rule: SigmaRule, lists: Mapping[str, list[str]]) -> None:
    """Fill the placeholders that there are lists for. Raises :class:`RuleSyntaxError` where that is too much."""
    for item in items_of(rule):
        if any(map(_names, item.value)):
            item.value = [filled for value in item.value for filled in _filled(value, lists, item)]


def unfilled(rule: SigmaRule) -> list[str]:
    """Return the names of the placeholders that are left."""
    return sorted({name for item in items_of(rule) for value in item.value for name in _names(value)})


def items_of(rule: SigmaRule) -> Iterator[SigmaDetectionItem]:
    """Yield every detection item of a rule."""
    pending: list[SigmaDetection | SigmaDetectionItem] = [*rule.detection.detections.values()]
    while pending:
        one = pending.pop()
        if isinstance(one, SigmaDetection):
            pending.extend(one.detection_items)
        else:
            yield one


def _names(value: SigmaType) -> set[str]:
    if isinstance(value, SigmaExpansion):
        return {name for each in value.values for name in _names(each)}
    text = value.regexp if isinstance(value, SigmaRegularExpression) else value
    if not isinstance(text, SigmaString):
        return set()
    return {part.name for part in text.s if isinstance(part, Placeholder)}


def _filled(value: SigmaType, lists: Mapping[str, list[str]], item: SigmaDetectionItem) -> list[SigmaType]:
    if _names(value).isdisjoint(lists):
        return [value]
    found = list(_alternatives(value, lists))
    # A placeholder stands for one of its values, also where all values of a list are wanted.
    return [SigmaExpansion(found)] if item.value_linking is ConditionAND else found


def _alternatives(value: SigmaType, lists: Mapping[str, list[str]]) -> Iterator[SigmaType]:
    match value:
        case SigmaExpansion():
            for each in value.values:
                yield from _alternatives(each, lists)
        case SigmaRegularExpression():
            for text in _texts(value.regexp, lists):
                yield SigmaRegularExpression(str(text), value.flags, POLICY)
        case SigmaString():
            yield from _texts(value, lists)
        case _:
            yield value


def _texts(value: SigmaString, lists: Mapping[str, list[str]]) -> Iterator[SigmaString]:
    choices = [_choices(part, lists) for part in value.s]
    if prod(map(len, choices)) > MAX_FILLED:
        raise RuleSyntaxError(f"its placeholders stand for more than {MAX_FILLED} values", at=("detection",))
    for chosen in product(*choices):
        text = type(value)()
        text.s = _joined(part for parts in chosen for part in parts)
        yield text


def _choices(part: Any, lists: Mapping[str, list[str]]) -> list[list[Any]]:
    if isinstance(part, Placeholder) and part.name in lists:
        return [SigmaString(text).s for text in lists[part.name]]
    return [[part]]


def _joined(parts: Iterable[Any]) -> list[Any]:
    joined: list[Any] = []
    for part in parts:
        if joined and isinstance(part, str) and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined
