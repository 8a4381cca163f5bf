"""Conditions that a record must meet for code to go some way: joined, with what says nothing left out."""

from __future__ import annotations

from trailstream.rules.condition import AllOf, AnyOf, Condition, all_of, one_of

ALWAYS: Condition = AllOf(())
"""Any record may."""
NEVER: Condition = AnyOf(())
"""No record does."""

MAX_PARTS = 200
"""A larger condition says nothing: it would cost more than it saves."""


def both(*parts: Condition) -> Condition:
    """Return what holds where all parts hold."""
    kept = list(dict.fromkeys(part for part in parts if part != ALWAYS))
    if NEVER in kept:
        return NEVER
    return _bounded(all_of(kept)) if kept else ALWAYS


def either(*parts: Condition) -> Condition:
    """Return what holds where one of the parts holds."""
    kept = list(dict.fromkeys(part for part in parts if part != NEVER))
    if ALWAYS in kept:
        return ALWAYS
    absorbed = [part for part in kept if not (isinstance(part, AllOf) and any(other in part.parts for other in kept))]
    return _bounded(one_of(absorbed)) if absorbed else NEVER


def _bounded(condition: Condition) -> Condition:
    return condition if _size(condition) <= MAX_PARTS else ALWAYS


def _size(condition: Condition) -> int:
    match condition:
        case AllOf(parts) | AnyOf(parts):
            return 1 + sum(map(_size, parts))
    return 1
