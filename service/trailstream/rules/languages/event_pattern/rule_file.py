"""Rule files of our own form: a mapping with ``pattern`` and what a rule says of itself; or a bare pattern."""

from __future__ import annotations

from typing import Any

from trailstream.model.alert import RuleInfo
from trailstream.rules.languages import own_form
from trailstream.rules.languages.event_pattern.pattern import compile_pattern
from trailstream.rules.languages.event_pattern.tolerance import tolerate
from trailstream.rules.languages.event_pattern.whole_event import ENVELOPE, is_whole_event, place
from trailstream.rules.languages.language import Compiled, RuleFile
from trailstream.rules.languages.own_form import Problems
from trailstream.rules.languages.record_fields import RECORD_FIELDS
from trailstream.rules.rule import AsEvents, Rule, RuleSyntaxError

NAME = "event-pattern"

REQUIRED = (*own_form.REQUIRED, "pattern")
OPTIONAL = own_form.OPTIONAL


def claims(file: RuleFile) -> bool:
    """Claim a mapping that has ``pattern``, or a field of events or records, or lists at the ends of all branches."""
    value = file.documents[0].value
    return isinstance(value, dict) and ("pattern" in value or _names_a_field(value) or _ends_in_lists(value))


def _names_a_field(value: dict[str, Any]) -> bool:
    return not _names(value).isdisjoint(RECORD_FIELDS | ENVELOPE | {"$or"})


def _names(pattern: dict[str, Any]) -> set[str]:
    return {name.split(".")[0] for name in pattern}


def _ends_in_lists(value: Any) -> bool:
    return isinstance(value, list) or (
        isinstance(value, dict) and value != {} and all(map(_ends_in_lists, value.values()))
    )


def compile_file(file: RuleFile) -> Compiled:
    """Compile the one rule of the file."""
    if len(file.documents) > 1:
        error = RuleSyntaxError("more than one document in the file", remedy="write one rule to a file")
        return Compiled(problems=[error])
    document = file.documents[0]
    if "pattern" not in document.value:
        info = RuleInfo(file.path, file.path, own_form.DEFAULT_SEVERITY, NAME, file.path)
        return _with_pattern(info, document.value, (), [])
    problems: Problems = []
    info = own_form.info_of(document.value, "pattern", NAME, file.path, problems)
    return _with_pattern(info, document.value["pattern"], ("pattern",), problems)


def _with_pattern(info: RuleInfo, pattern: Any, at: tuple[str, ...], problems: Problems) -> Compiled:
    read, notes = tolerate(pattern)
    try:
        whole = isinstance(read, dict) and is_whole_event(read)
        condition = compile_pattern(read, place=place if whole else None, at=at)
    except RuleSyntaxError as error:
        return Compiled(problems=[*problems, error])
    notes += _misplaced(read) if whole else _unknown(read)
    as_events = AsEvents(lambda: compile_pattern(pattern, at=at), whole=whole)
    rules = [Rule(info, condition, as_events=as_events)] if not problems else []
    return Compiled(rules, problems=problems, notes=notes)


def _misplaced(pattern: dict[str, Any]) -> list[str]:
    names = (name for name in pattern if name in RECORD_FIELDS and name != "resources")
    return [f'can never match: events have no "{name}" at their top; write it under "detail"' for name in names]


def _unknown(pattern: dict[str, Any]) -> list[str]:
    names = sorted(_names(pattern) - RECORD_FIELDS - {"$or"})
    return [f'may never match: no record that we know has "{name}" at its top' for name in names]
