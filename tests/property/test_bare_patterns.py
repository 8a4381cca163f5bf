"""A file that is an event pattern is read as that pattern, whatever its fields are called."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generated_rules import FIELDS, NAMES, PATTERNS, RECORDS
from trailstream.rules.explanation import explain
from trailstream.rules.languages.event_pattern.pattern import compile_pattern
from trailstream.rules.languages.event_pattern.whole_event import ENVELOPE
from trailstream.rules.languages.record_fields import RECORD_FIELDS
from trailstream.rules.loading import load
from trailstream.rules.rule import RuleSyntaxError

CARRIERS = (
    *("EventPattern", "eventPattern", "event_pattern", "Pattern", "event", "eventBridge", "cloudwatchEvent"),
    *("Properties", "Type", "Rules", "rules", "name", "values", "planned_values", "patterns", "deposed"),
    *("FilterPattern", "filterPattern", "filter_pattern", "metric_transformation", "description", "tests"),
)
OTHER_NAMES = st.sampled_from(NAMES) | st.text("\N{LATIN SMALL LETTER SHARP S}xy. -_", min_size=1, max_size=4)
ANY_NAMES = st.sampled_from((*CARRIERS, *sorted(RECORD_FIELDS | ENVELOPE), "pattern")) | OTHER_NAMES
BELOW = st.recursive(
    FIELDS | PATTERNS, lambda inner: st.dictionaries(ANY_NAMES, inner, min_size=1, max_size=3), max_leaves=4
)
ON_KNOWN_FIELDS = st.builds(
    lambda known, others: others | known,
    st.dictionaries(st.sampled_from(sorted(RECORD_FIELDS | ENVELOPE)), BELOW, min_size=1, max_size=2),
    st.dictionaries(ANY_NAMES.filter(lambda name: name != "pattern"), BELOW, max_size=2),
)
ON_ANY_FIELDS = st.dictionaries(OTHER_NAMES, FIELDS | PATTERNS, min_size=1, max_size=3)


def is_that_pattern(pattern: Any, record: dict[str, Any]) -> None:
    try:
        expected = explain(compile_pattern(pattern), record)
    except RuleSyntaxError:
        assume(False)
    for path, text in (("a.json", json.dumps(pattern)), ("a.yaml", yaml.safe_dump(pattern, sort_keys=False))):
        loaded = load([(path, text)])
        assert not loaded.problems
        (rule,) = loaded.rules
        assert rule.info.id == path
        assert rule.as_events is not None
        assert explain(rule.as_events.compile(), record) == expected


@settings(deadline=None)
@given(ON_KNOWN_FIELDS, RECORDS)
def test_a_pattern_on_fields_that_records_or_events_have_is_that_pattern(pattern: Any, record: dict[str, Any]) -> None:
    is_that_pattern(pattern, record)


@settings(deadline=None)
@given(ON_ANY_FIELDS, RECORDS)
def test_a_pattern_on_other_fields_is_that_pattern_too(pattern: Any, record: dict[str, Any]) -> None:
    is_that_pattern(pattern, record)
