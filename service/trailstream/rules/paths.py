"""Paths through a record: what lies at the end of one, through objects and every element of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from trailstream.model.record import Record
from trailstream.rules.predicate import Holds

Path: TypeAlias = tuple[str, ...]


def is_leaf(value: Any) -> bool:
    """Say whether a value is neither an object nor an array."""
    return not isinstance(value, (dict, list))


def reaches(value: Any, path: Path, holds: Holds) -> bool:
    """Say whether the predicate holds for a value at the path below this one."""
    # Not recursive: a record may be nested deeper than Python's stack has room for.
    pending = [(value, path)]
    while pending:
        value, path = pending.pop()
        if isinstance(value, list):
            if not path and holds(value):
                return True
            for element in value:
                if isinstance(element, (list, dict)):
                    pending.append((element, path))
                elif not path and holds(element):
                    return True
        elif not path:
            if holds(value):
                return True
        elif isinstance(value, dict):
            pending.extend(_steps(value, path))
    return False


def values_in_order(record: Record, path: Path) -> Iterator[Any]:
    """Yield the values at the path as they follow one another in the record: of an array its elements, and no null."""
    pending: list[tuple[Any, Path]] = [(record, path)]
    while pending:
        value, path = pending.pop()
        if isinstance(value, list):
            pending.extend((element, path) for element in reversed(value))
        elif not path:
            if value is not None:
                yield value
        elif isinstance(value, dict):
            pending.extend(reversed([*_steps(value, path)]))


def scalars_at(record: Record, path: Path) -> list[Any]:
    """Return the values at the path that are neither objects nor arrays, nor null: those that can be counted."""
    return [value for value in values_in_order(record, path) if is_leaf(value)]


def _steps(value: Record, path: Path) -> Iterator[tuple[Any, Path]]:
    """Yield what the first name of the path leads to; then what its joins with the next names do, dots in the key."""
    for end in range(1, len(path) + 1):
        name = path[0] if end == 1 else ".".join(path[:end])
        if name in value:
            yield value[name], path[end:]
