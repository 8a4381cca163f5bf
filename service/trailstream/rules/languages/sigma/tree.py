"""pySigma's condition tree -> a condition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import (
    SigmaCasedString,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaString,
    SigmaType,
    SpecialChars,
)

from trailstream.rules.agreement import Agree, one_contains, one_ends_with, one_equals, one_starts_with
from trailstream.rules.condition import (
    Condition,
    Field,
    Keyword,
    Not,
    Path,
    SameValue,
    absent,
    all_of,
    one_of,
)
from trailstream.rules.languages.sigma.values import any_of_values, plain_text, predicate_of, text_of, wildcard
from trailstream.rules.predicate import IS_NULL, PRESENT, any_of, fold
from trailstream.rules.rule import NotEvaluatedError, RuleSyntaxError

_ARRAY = re.compile(r"(?<=.)(?:\[(?:\*|[0-9]+)?\]|\{\})\Z")


def condition_of(node: Any) -> Condition:
    """Translate a node of a postprocessed tree; raises as the values in it do.

    What a processing pipeline dropped asks nothing: not of an *and*, nor of an *or*, nor of a *not*.
    """
    if _is_dropped(node):
        raise NotEvaluatedError("nothing is left of its condition")
    return _condition(node)


def _condition(node: Any) -> Condition:
    match node:
        case ConditionAND():
            return all_of(map(_condition, _left(node.args)))
        case ConditionOR():
            return _alternatives(_left(node.args))
        case ConditionNOT():
            return Not(_condition(node.args[0]))
        case ConditionFieldEqualsValueExpression():
            return _field(node.field, node.value)
        case ConditionValueExpression():
            return _keyword(node.value)
        case _:
            raise RuleSyntaxError("the condition is empty", at=("detection", "condition"))


def _left(nodes: Sequence[Any]) -> list[Any]:
    return [node for node in nodes if not _is_dropped(node)]


def _is_dropped(node: Any) -> bool:
    return node is None or (isinstance(node, ConditionAND | ConditionOR | ConditionNOT) and not _left(node.args))


def _alternatives(nodes: Sequence[Any]) -> Condition:
    """Join with *or*, the plain values of one field as one set."""
    plain: dict[str, list[SigmaType]] = {}
    others = []
    for node in nodes:
        if isinstance(node, ConditionFieldEqualsValueExpression) and plain_text(node.value) is not None:
            plain.setdefault(node.field, []).append(node.value)
        else:
            others.append(_condition(node))
    fields = [Field(path_of(name), any_of_values(values)) for name, values in plain.items()]
    return one_of([*fields, *others])


def path_of(name: str) -> Path:
    """Return the path that a field's name writes; it runs through arrays anyway, marked as such, by a position too."""
    return tuple(_ARRAY.sub("", part) for part in name.split("."))


def _field(name: str, value: SigmaType) -> Condition:
    path = path_of(name)
    match value:
        case SigmaNull():
            return one_of([absent(path), Field(path, IS_NULL)])
        case SigmaExists():
            return Field(path, PRESENT) if value else absent(path)
        case SigmaFieldReference():
            return SameValue(path, path_of(value.field), _folded_text, _agreement(value))
        case SigmaExpansion():
            return one_of(_field(name, one) for one in value.values)
        case _:
            return Field(path, predicate_of(value))


def _agreement(value: SigmaFieldReference) -> Agree:
    match value.starts_with, value.ends_with:
        case True, True:
            return one_contains
        case True, False:
            return one_starts_with
        case False, True:
            return one_ends_with
        case _:
            return one_equals


def _folded_text(value: Any) -> str | None:
    text = text_of(value)
    return None if text is None else fold(text)


def _keyword(value: SigmaType) -> Condition:
    """Return the condition that some value of the record contains this one."""
    match value:
        case SigmaExpansion():
            return one_of(_keyword(one) for one in value.values)
        case SigmaString():
            text = plain_text(value)
            parts = [text] if text is not None else value.s
            anywhere = [SpecialChars.WILDCARD_MULTI, *parts, SpecialChars.WILDCARD_MULTI]
            predicate_of(value)  # raises for what cannot be evaluated
            return Keyword(wildcard(_merged(anywhere), cased=isinstance(value, SigmaCasedString)))
        case SigmaNull() | SigmaExists() | SigmaFieldReference():
            raise RuleSyntaxError(f"{type(value).__name__} needs a field", at=("detection",))
        case _:
            text = plain_text(value)
            if text is None:
                return Keyword(any_of([predicate_of(value)]))
            return Keyword(wildcard([SpecialChars.WILDCARD_MULTI, text, SpecialChars.WILDCARD_MULTI], cased=False))


def _merged(parts: Sequence[Any]) -> list[Any]:
    """Drop a wildcard that follows another: ``**`` means what ``*`` does."""
    return [
        part
        for position, part in enumerate(parts)
        if not (position and part is SpecialChars.WILDCARD_MULTI and parts[position - 1] is part)
    ]
