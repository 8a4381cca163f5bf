"""Files of event patterns: rules of our own form, bare patterns, and what people have for EventBridge already."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from trailstream.model.alert import RuleInfo
from trailstream.rules.documents import At
from trailstream.rules.languages import own_form
from trailstream.rules.languages.deployments import Defaults, Naming, UnsaidError, defaults_of
from trailstream.rules.languages.event_pattern.branches import Branch, branches_of
from trailstream.rules.languages.event_pattern.pattern import compile_pattern, condition_of
from trailstream.rules.languages.event_pattern.sources import (
    Found,
    is_bare,
    looks_like_one,
    names_of,
    object_of,
    pattern_of,
    patterns,
)
from trailstream.rules.languages.event_pattern.tolerance import tolerate
from trailstream.rules.languages.event_pattern.whole_event import is_whole_event, other_detail_types, place
from trailstream.rules.languages.language import Compiled, RuleFile
from trailstream.rules.languages.own_form import Problems
from trailstream.rules.languages.record_fields import RECORD_FIELDS
from trailstream.rules.rule import AsEvents, Rule, RuleSyntaxError

NAME = "event-pattern"

_VARIABLE = re.compile(r"\$\{[\w.:-]+\}")
"""What a template would put something in for."""

BODY = "pattern"
"""The key of the pattern in a rule of our own form."""


def claims(file: RuleFile) -> bool:
    """Claim a rule of our own form, what looks like a pattern or a failed one, and what holds patterns."""
    value = file.documents[0].value
    return (isinstance(value, dict) and BODY in value) or looks_like_one(value) or holds_patterns(file)


def holds_patterns(file: RuleFile) -> bool:
    """Say whether patterns stand somewhere in the file, which is not itself one."""
    value = file.documents[0].value
    is_one = isinstance(value, dict) and (BODY in value or is_bare(value))
    return not is_one and any(not found.is_passed_over for each in file.documents for found in patterns(each.value))


def compile_file(file: RuleFile) -> Compiled:
    """Compile the one rule of the file, or every pattern that stands in it."""
    if holds_patterns(file):
        return _compile_all(file)
    if len(file.documents) > 1:
        error = RuleSyntaxError("more than one document in the file", remedy="write one rule to a file")
        return Compiled(problems=[error])
    value = file.documents[0].value
    if BODY not in value:
        info = RuleInfo(file.path, file.path, own_form.DEFAULT_SEVERITY, NAME, file.path)
        return _with_pattern(info, value, (), [])
    problems: Problems = []
    info = own_form.info_of(value, BODY, NAME, file.path, problems)
    return _with_pattern(info, value[BODY], (BODY,), problems)


def _compile_all(file: RuleFile) -> Compiled:
    result = Compiled()
    naming = Naming(NAME, file.path, {})
    for document in file.documents:
        defaults = defaults_of(document.value)
        for found in patterns(document.value):
            _add_found(found, defaults, naming, result)
    return result


def _add_found(found: Found, defaults: Defaults, naming: Naming, result: Compiled) -> None:
    name = found.name or naming.path
    if found.is_passed_over:
        result.notes.append(
            f"{name}: not evaluated: nothing says that it is a pattern; if it is, write {{pattern: ...}}"
        )
        return
    if found.is_disabled:
        result.notes.append(f"{name}: not evaluated: the rule is disabled")
        return
    try:
        pattern = pattern_of(found, defaults)
    except UnsaidError:
        result.notes.append(f"{name}: not evaluated: its pattern is not said before its template is deployed")
        return
    except RuleSyntaxError as error:
        result.problems.append(error)
        return
    info = naming.info_of(found.owner, found.name, found.at[:-1], pattern, result.problems)
    if info is not None:
        one = _with_pattern(info, pattern, found.at, [])
        result.rules.extend(one.rules)
        result.problems.extend(one.problems)
        result.notes.extend(f"{name}: {note}" for note in one.notes)


def _with_pattern(info: RuleInfo, written: Any, at: At, problems: Problems) -> Compiled:
    try:
        pattern = object_of(written, at)
        read, notes = tolerate(pattern)
        branches = branches_of(read, at)
    except RuleSyntaxError as error:
        return Compiled(problems=[*problems, error])
    whole = is_whole_event(read)
    notes += _worth_knowing(read, branches, whole=whole)
    as_events = AsEvents(lambda: condition_of(branches), lambda: compile_pattern(pattern, at=at), whole=whole)
    rule = Rule(info, condition_of(branches, place if whole else None), as_events=as_events)
    return Compiled([rule] if not problems else [], problems=problems, notes=notes)


def _worth_knowing(pattern: dict[str, Any], branches: list[Branch], *, whole: bool) -> Iterator[str]:
    names = names_of(pattern)
    if whole:
        for name in (name for name in pattern if name in RECORD_FIELDS and name != "resources"):
            yield f'can never match: events have no "{name}" at their top; write it under "detail"'
        if others := other_detail_types(branches):
            yield f"can never match: no record of CloudTrail is of the detail-type {' or '.join(others)}"
    else:
        for name in sorted(names - RECORD_FIELDS - {"$or"}):
            hint = f"; if it is the name of a pattern, write {name}: {{pattern: ...}}"
            is_doubtful = is_bare(pattern.get(name))
            yield f'may never match: no record that we know has "{name}" at its top{hint if is_doubtful else ""}'
    if any("$or" in path for branch in branches for path in branch):
        yield "$or is read as the name of a field, as EventBridge does where it is no list of two objects or more"
    if variable := _VARIABLE.search(json.dumps(pattern, ensure_ascii=False)):
        yield f'may never match: "{variable[0]}" is read as this text; write what is meant by it'
