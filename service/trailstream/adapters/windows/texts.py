"""Groups, windows and values as the stores of windows write them: JSON, small and readable by whoever looks inside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from trailstream.model.window import Group, Window


def text_of_window(window: Window) -> str:
    """Return the window as one JSON object."""
    return orjson.dumps(asdict(window)).decode()


def window_of_text(text: str) -> Window:
    """Read what :func:`text_of_window` has written."""
    fields: dict[str, Any] = orjson.loads(text)
    return Window(**fields | {"record_ids": tuple(fields["record_ids"])})


def text_of_values(values: tuple[str | None, ...]) -> str:
    """Return the values as a JSON array."""
    return orjson.dumps(values).decode()


def values_of_text(text: str) -> tuple[str, ...]:
    """Read what :func:`text_of_values` has written of values that are all there."""
    return tuple(orjson.loads(text))


def text_of_group(group: Group) -> str:
    """Return the group as a JSON array: its rule, then its values."""
    return text_of_values((group.rule_id, *group.values))


def group_of_text(text: str) -> Group:
    """Read what :func:`text_of_group` has written."""
    rule_id, *values = orjson.loads(text)
    return Group(rule_id, tuple(values))
