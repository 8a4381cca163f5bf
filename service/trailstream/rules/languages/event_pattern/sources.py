"""Where event patterns stand in the files that people have, and what the nearest names are.

Read are CloudFormation templates (``AWS::Events::Rule``, the events of SAM's functions, what CDK writes), Terraform's
JSON (configuration, state and plan), the Serverless Framework's, the answers of ``aws events list-rules`` and
``describe-rule``, and lists and mappings of names and patterns. A pattern is an object there, or its JSON as text.

Some of these could be patterns themselves, on fields of such names. An object on fields that records and events do have
is always a pattern, and holds no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trailstream.rules.documents import At, DocumentError, documents
from trailstream.rules.languages.deployments import (
    EVENT_PATTERN_KEYS,
    Defaults,
    attributes_of,
    deployed,
    enclosing,
    ends_in_lists,
    is_deposed,
    is_elsewhere,
    is_name,
    name_of,
    said,
)
from trailstream.rules.languages.event_pattern.branches import branches_of
from trailstream.rules.languages.event_pattern.tolerance import tolerate
from trailstream.rules.languages.event_pattern.whole_event import ENVELOPE
from trailstream.rules.languages.record_fields import RECORD_FIELDS, is_record
from trailstream.rules.rule import RuleSyntaxError

ARCHIVES = frozenset(["AWS::Events::Archive", "aws_cloudwatch_event_archive"])
"""What holds patterns that say which events are kept, not what is worth an alarm."""

_RESOURCE = "aws_cloudwatch_event_rule"
"""Terraform's type of what holds a pattern."""

_OF_FUNCTIONS = frozenset(["EventBridgeRule", "CloudWatchEvent"])
"""SAM's types of events, whose pattern stands under ``Pattern``."""

_SERVERLESS = {"eventBridge": "pattern", "cloudwatchEvent": "event"}
"""The Serverless Framework's events, and the key of the pattern below each."""

_WORDS = EVENT_PATTERN_KEYS | _SERVERLESS.keys() | {"pattern", "Pattern", "event"}
"""Keys of patterns, which are no names of them."""

_ENABLED_KEYS = ("enabled", "Enabled", "is_enabled")


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern in a document."""

    written: Any
    """An object, a text that may be one, or a function of CloudFormation that makes either."""
    at: At
    """Where it stands."""
    owner: dict[str, Any]
    """The mapping around it."""
    name: str
    """The nearest name; empty where there is none."""
    is_passed_over: bool = False
    """Whether it is like a pattern, in a file of patterns where nothing says that it is one."""

    @property
    def is_disabled(self) -> bool:
        """Whether the rule around the pattern is switched off."""
        states = [self.owner.get(key) for key in ("State", "state")]
        return "DISABLED" in states or any(self.owner.get(key) is False for key in _ENABLED_KEYS)

    @property
    def is_as_deployed(self) -> bool:
        """Whether nothing is left to be put in: AWS answered with it, or the file holds bare patterns."""
        return "Arn" in self.owner or (self.owner == {} and len(self.at) == 1)


def patterns(document: Any) -> Iterator[Found]:
    """Yield every pattern of a document that is not itself one, in its order, and what is passed over."""
    return _within(*deployed(document))


def _within(value: Any, at: At) -> Iterator[Found]:
    below = list(_below(value, at))
    if is_bare(value) and all(found.is_passed_over for found in below):
        yield Found(value, at, {}, enclosing(at), is_passed_over=True)
    else:
        yield from below


def _below(value: Any, at: At) -> Iterator[Found]:
    if isinstance(value, list):
        are_patterns = any(map(is_bare, value))
        for position, inner in enumerate(value):
            if are_patterns and looks_like_one(inner):
                yield Found(inner, (*at, position), {}, enclosing(at))
            else:
                yield from _within(inner, (*at, position))
    elif isinstance(value, dict) and not _is_no_rule(value):
        owner, at = attributes_of(value, at, _RESOURCE, "event_pattern")
        are_patterns = _names_patterns(owner)
        for key, inner in owner.items():
            if are_patterns and isinstance(inner, dict):
                yield Found(inner, (*at, key), {}, key)
            else:
                yield from _entry(owner, key, inner, (*at, key))


def _is_no_rule(value: dict[str, Any]) -> bool:
    return (
        is_deposed(value)
        or is_record(value)
        or not ARCHIVES.isdisjoint(map(str, (value.get("Type"), value.get("type"))))
    )


def _names_patterns(value: dict[str, Any]) -> bool:
    """Say whether a mapping is one of names and patterns, one plainly on whole events: any other may be a pattern."""
    return (
        (_WORDS | FIELDS).isdisjoint(names_of(value))
        and any(map(_is_of_events, value.values()))
        and all(map(ends_in_lists, value.values()))
    )


def _entry(owner: dict[str, Any], key: str, value: Any, at: At) -> Iterator[Found]:
    if is_name(at) and not (isinstance(value, str) or is_bare(value)):
        yield from _within(value, at)
    elif (key in EVENT_PATTERN_KEYS and _may_be_pattern(value)) or (key == "pattern" and _is_pattern(value)):
        yield Found(value, at, owner, name_of(owner, at))
    elif key == "Properties" and isinstance(value, dict) and owner.get("Type") in _OF_FUNCTIONS and "Pattern" in value:
        yield Found(value["Pattern"], (*at, "Pattern"), value, enclosing(at))
    elif key in _SERVERLESS and isinstance(value, dict) and _SERVERLESS[key] in value:
        yield Found(value[_SERVERLESS[key]], (*at, _SERVERLESS[key]), value, enclosing(at))
    elif not is_elsewhere(owner, key, value):
        yield from _within(value, at)


def _may_be_pattern(value: Any) -> bool:
    return isinstance(value, str | dict) and bool(value)


def _is_pattern(value: Any) -> bool:
    """Say whether what stands under a key that many files have is one of events, or a failed one."""
    if not isinstance(value, str):
        return looks_like_one(value)
    try:
        return value.lstrip().startswith("{") and looks_like_one(_read(value))
    except DocumentError:
        return False


def pattern_of(found: Found, defaults: Defaults) -> Any:
    """Return the pattern that is written as an object, as text or as a function.

    Raises :class:`UnsaidError` where only a deployment says it, and :class:`RuleSyntaxError` where it is no JSON.
    """
    return object_of(found.written if found.is_as_deployed else said(found.written, defaults), found.at)


def object_of(pattern: Any, at: At) -> Any:
    """Return what a pattern says that may be written as text. Raises :class:`RuleSyntaxError` where it is no JSON."""
    try:
        return _read(pattern) if isinstance(pattern, str) else pattern
    except DocumentError as error:
        raise RuleSyntaxError(f"the pattern is {error.what}", at=at) from None


def _read(text: str) -> Any:
    (document,) = documents(text, is_json=True)
    return document.value


FIELDS = RECORD_FIELDS | ENVELOPE | {"$or"}
"""Names at the top of a pattern, and never of one."""

_DOUBTFUL = frozenset(["resources", "$or"])
"""Fields that tell a pattern only where EventBridge would take it: templates have resources too."""

_ANYBODYS = frozenset(["id", "version"])
"""Names that all kinds of files have at their top (package.json): before a text they are no failed pattern."""

_OF_EVENTS = frozenset(["source", "detail-type", "detail"])


def is_bare(value: Any) -> bool:
    """Say whether a value is plainly a pattern: on fields of records or events, with lists at all ends."""
    if not (isinstance(value, dict) and ends_in_lists(value)):
        return False
    telling = FIELDS & names_of(value)
    return bool(telling) and (not telling <= _DOUBTFUL or _is_taken(value))


def looks_like_one(value: Any) -> bool:
    """Say whether a value is a pattern or a failed one, where one is looked for."""
    return isinstance(value, dict) and (ends_in_lists(value) or any(_is_field(value, name) for name in names_of(value)))


def _is_field(value: dict[str, Any], name: str) -> bool:
    return name in FIELDS and (name not in _ANYBODYS or isinstance(value.get(name), dict | list))


def _is_taken(value: dict[str, Any]) -> bool:
    try:
        branches = branches_of(tolerate(value)[0])
    except RuleSyntaxError:
        return False
    return not any("$or" in path for branch in branches for path in branch)  # else it is read as the name of a field


def _is_of_events(value: Any) -> bool:
    """Say whether a value can be nothing but a pattern on whole events."""
    if not (isinstance(value, dict) and ends_in_lists(value)):
        return False
    detail = value.get("detail")
    is_on_record = isinstance(detail, dict) and not RECORD_FIELDS.isdisjoint(names_of(detail))
    return is_on_record or len(_OF_EVENTS & value.keys()) > 1


def names_of(pattern: dict[str, Any]) -> set[str]:
    """Return the names at the top of a pattern."""
    return {name.split(".")[0] for name in pattern}
