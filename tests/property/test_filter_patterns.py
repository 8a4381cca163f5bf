"""Generated filter patterns answer as a second interpreter says, on generated records."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from filter_patterns import PATTERNS, RECORDS, holds, text_of
from trailstream.rules.evaluator import evaluator
from trailstream.rules.languages.filter_pattern.grammar import compile_pattern, is_filter


@settings(deadline=None, max_examples=500)
@given(PATTERNS, RECORDS)
def test_a_pattern_answers_as_the_guide_and_our_page_say(pattern: Any, record: dict[str, Any]) -> None:
    text = text_of(pattern)
    assert is_filter(text)
    assert evaluator(compile_pattern(text))(record) is holds(pattern, record)
