"""Fields that share arrays answer as event-ruler's own search does, written again here as it is there: step by step.

An event is flattened to fields, each with the arrays that it stands in (``Event``); the fields of a rule, in the order
of their names, are tried on them one after the other, where the arrays agree (``ACFinder``, ``NameState``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from event_patterns import matches

Arrays = dict[tuple[Any, ...], int]

NAMES = ("a", "b", "c")
SCALARS = st.sampled_from(["x", "y", None])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=14,
)
EVENTS = st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=3)
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(".".join)
ALTERNATIVES = st.sampled_from(["x", "y", None, {"exists": True}, {"exists": False}, {"anything-but": "x"}])
RULES = st.dictionaries(PATHS, st.lists(ALTERNATIVES, min_size=1, max_size=2), min_size=1, max_size=4)


def fields(value: Any, name: str = "", arrays: Arrays | None = None, at: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Yield name, value and arrays of everything in an event that is neither an object nor an array."""
    arrays = arrays or {}
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from fields(inner, f"{name}.{key}" if name else key, arrays, (*at, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            inside = {**arrays, at: position} if isinstance(inner, (dict, list)) else arrays
            yield from fields(inner, name, inside, (*at, position))
    else:
        yield name, value, arrays


def agree(chosen: Arrays, arrays: Arrays) -> bool:
    return all(chosen.get(array, position) == position for array, position in arrays.items())


def passes(value: Any, alternative: Any) -> bool:
    if not isinstance(alternative, dict):
        return bool(value == alternative)
    return value != "x" if "anything-but" in alternative else alternative == {"exists": True}


def found(rule: list[tuple[str, list[Any]]], event: list[Any], chosen: Arrays) -> bool:
    """Say whether the rest of a rule is found in an event, where these elements are chosen."""
    if not rule:
        return True
    (name, alternatives), *rest = rule
    there = [(value, arrays) for at, value, arrays in event if at == name and agree(chosen, arrays)]
    if not there and {"exists": False} in alternatives and found(rest, event, chosen):
        return True
    return any(
        found(rest, event, {**chosen, **arrays})
        for value, arrays in there
        if any(passes(value, alternative) for alternative in alternatives)
    )


@settings(deadline=None, max_examples=1500)
@given(RULES, EVENTS)
def test_fields_that_share_arrays_are_found_as_event_ruler_finds_them(rule: dict[str, Any], event: Any) -> None:
    assert matches(rule, event) is found(sorted(rule.items()), list(fields(event)), {})
