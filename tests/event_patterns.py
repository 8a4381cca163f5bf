"""Event patterns for tests: whether an event matches one."""

from __future__ import annotations

from typing import Any

from trailstream.model.record import Record
from trailstream.rules.evaluator import evaluator
from trailstream.rules.languages.event_pattern.pattern import compile_pattern


def matches(pattern: Any, event: Record) -> bool:
    """Say whether an event matches a pattern, as ``aws events test-event-pattern`` does.

    Raises :class:`RuleSyntaxError` where AWS refuses the pattern.
    """
    return evaluator(compile_pattern(pattern))(event)
