"""Files of filter patterns: rules of our own form, bare patterns, and what people have for CloudWatch already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trailstream.model.alert import RuleInfo
from trailstream.rules.condition import AllOf, AnyOf, Condition, Not, Selected
from trailstream.rules.documents import At
from trailstream.rules.languages import own_form
from trailstream.rules.languages.deployments import Naming
from trailstream.rules.languages.filter_pattern.grammar import AWS_MAX_CHARACTERS, compile_pattern, is_filter
from trailstream.rules.languages.filter_pattern.sources import Found, patterns, says_filters
from trailstream.rules.languages.language import Compiled, RuleFile
from trailstream.rules.languages.record_fields import RECORD_FIELDS
from trailstream.rules.rule import NotEvaluatedError, Rule, RuleSyntaxError

NAME = "filter-pattern"

BODY = "filter_pattern"
"""The key of the pattern in a rule of our own form."""


def claims(file: RuleFile) -> bool:
    """Claim a bare pattern, and a file with a pattern that is for metric filters, by itself or by its key."""
    return any(
        _is_bare(document.value) or _is_own(document.value) or says_filters(document.value)
        for document in file.documents
    )


def reads_text(text: str) -> bool:
    """Claim a text that is a pattern as it stands, which is neither JSON nor, as a rule, YAML."""
    return is_filter(text)


def _is_bare(value: Any) -> bool:
    return isinstance(value, str) and is_filter(value)


def _is_own(value: Any) -> bool:
    return isinstance(value, dict) and BODY in value and "id" in value


def compile_file(file: RuleFile) -> Compiled:
    """Compile every pattern of the file. Of several, those that are not for JSON logs are notes."""
    result = Compiled()
    naming = Naming(NAME, file.path, {})
    for document in file.documents:
        value = document.value
        if _is_bare(value):
            info = RuleInfo(file.path, file.path, own_form.DEFAULT_SEVERITY, NAME, file.path)
            _add_one(info, value, (), result)
        elif _is_own(value):
            _add_own(value, file.path, result)
        else:
            for found in patterns(value):
                _add_found(found, naming, result)
    return result


def _add_own(value: dict[str, Any], path: str, result: Compiled) -> None:
    problems: list[RuleSyntaxError] = []
    info = own_form.info_of(value, BODY, NAME, path, problems)
    one = Compiled(problems=problems)
    if isinstance(value[BODY], str):
        _add_one(info, value[BODY], (BODY,), one)
    else:
        problems.append(RuleSyntaxError(f'"{BODY}" must be text', at=(BODY,), remedy="put it in quotes"))
    result.problems.extend(problems)
    if not problems:
        result.rules.extend(one.rules)
        result.notes.extend(one.notes)


def _add_one(info: RuleInfo, text: str, at: At, result: Compiled) -> None:
    """Add the rule of a file that is nothing else: what is not for us is a fault of it."""
    try:
        _add(info, text, at, result)
    except NotEvaluatedError as reason:
        result.problems.append(RuleSyntaxError(str(reason), at=at))


def _add(info: RuleInfo, text: str, at: At, result: Compiled) -> None:
    try:
        condition = compile_pattern(text, at)
    except RuleSyntaxError as error:
        result.problems.append(error)
        return
    result.rules.append(Rule(info, condition))
    result.notes.extend(f"{_named(info)}{note}" for note in _notes(text, condition))


def _named(info: RuleInfo) -> str:
    return "" if info.id == info.path else f"{info.id.removeprefix(f'{info.path}#')}: "


def _notes(text: str, condition: Condition) -> Iterator[str]:
    if len(text) > AWS_MAX_CHARACTERS:
        yield f"AWS takes patterns of at most {AWS_MAX_CHARACTERS} characters, and this one has {len(text)}"
    for name in sorted(set(_first_names(condition)) - RECORD_FIELDS):
        yield f'may never match: no record that we know has "{name}" at its top'


def _first_names(condition: Condition) -> Iterator[str]:
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _first_names(part)
        case Not(part):
            yield from _first_names(part)
        case Selected():
            yield from condition.path[:1]


def _add_found(found: Found, naming: Naming, result: Compiled) -> None:
    name = found.name or naming.path
    if found.is_passed_over:
        result.notes.append(
            f"{name}: not evaluated: nothing says that it is a pattern; if it is, write {{{BODY}: ...}}"
        )
        return
    if not found.is_quoted:
        result.problems.append(RuleSyntaxError("a filter pattern must be text", at=found.at, remedy="put it in quotes"))
        return
    if found.text is None:
        result.notes.append(f"{name}: not evaluated: its pattern is not said before its template is deployed")
        return
    info = naming.info_of(found.owner, found.name, found.at[:-1], found.text, result.problems)
    if info is None:
        return
    try:
        _add(info, found.text, found.at, result)
    except NotEvaluatedError as reason:
        result.notes.append(f"{name}: not evaluated: {reason}")
