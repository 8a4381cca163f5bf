"""Where filter patterns stand in the files that people have, and what the nearest names are.

Read are CloudFormation templates (``AWS::Logs::MetricFilter``), Terraform's JSON (configuration, state and plan), the
answer of ``aws logs describe-metric-filters``, lists and mappings of names and patterns, and whatever else keeps a
pattern under one of its keys. A text that merely reads like a pattern, such as a description, is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from trailstream.rules.documents import At
from trailstream.rules.languages.deployments import (
    FILTER_PATTERN_KEYS,
    SAID,
    Defaults,
    UnsaidError,
    attributes_of,
    defaults_of,
    deployed,
    enclosing,
    ends_in_lists,
    is_deposed,
    is_elsewhere,
    is_function,
    is_name,
    is_of_resource,
    is_rule,
    name_of,
    said,
)
from trailstream.rules.languages.filter_pattern.grammar import is_filter
from trailstream.rules.languages.record_fields import RECORD_FIELDS, is_record

_ON_CALLS = (RECORD_FIELDS - {"resources"}) | {"detail"}
"""Keys of records and of patterns of records; templates have resources too."""

_RESOURCE = "aws_cloudwatch_log_metric_filter"
"""Terraform's type of what holds a pattern."""

SUBSCRIPTIONS = frozenset(
    ["AWS::Logs::SubscriptionFilter", "aws_cloudwatch_log_subscription_filter", "subscriptionFilters", "CloudWatchLogs"]
)
"""What holds patterns that say which logs are forwarded, not what is worth an alarm."""


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern in a document."""

    text: str | None
    """None where the document does not say it: it is put together when a template is deployed."""
    at: At
    """Where it stands."""
    owner: dict[str, Any]
    """The mapping around it."""
    name: str
    """The nearest name; empty where there is none."""
    is_quoted: bool = True
    """False where YAML took the braces of the pattern for its own."""
    is_passed_over: bool = False
    """Whether it is like a pattern where nothing says that it is one."""


def patterns(document: Any) -> Iterator[Found]:
    """Yield every pattern of a document, in its order, and what is passed over."""
    return _within(*deployed(document), defaults_of(document))


def says_filters(document: Any) -> bool:
    """Say whether a document holds a pattern that nothing but a filter can be."""
    return any(
        found.at[-1:] != ("pattern",)
        or "metric_transformation" in found.owner
        or (found.text is not None and is_filter(found.text))
        for found in patterns(document)
        if not found.is_passed_over
    )


def _within(value: Any, at: At, defaults: Defaults) -> Iterator[Found]:
    match value:
        case dict() if not (is_deposed(value) or is_record(value) or _forwards(value)):
            owner, at = attributes_of(value, at, _RESOURCE, "pattern")
            for key, inner in owner.items():
                yield from _entry(owner, key, inner, (*at, key), defaults)
        case [str(name), str(text)] if is_filter(text) and not is_filter(name):
            yield Found(text, (*at, 1), {}, name)
        case list():
            for position, inner in enumerate(value):
                if isinstance(inner, str) and is_filter(inner):
                    yield Found(inner, (*at, position), {}, enclosing(at))
                else:
                    yield from _within(inner, (*at, position), defaults)


def _entry(owner: dict[str, Any], key: str, value: Any, at: At, defaults: Defaults) -> Iterator[Found]:
    if is_name(at) and not isinstance(value, str):
        yield from _within(value, at, defaults)
    elif key in FILTER_PATTERN_KEYS:
        if key != "pattern" or isinstance(value, str):
            yield from _under_key(owner, value, at, defaults)
    elif key in SUBSCRIPTIONS or is_elsewhere(owner, key, value):
        return
    elif isinstance(value, str) and is_filter(value):
        yield Found(value, at, {}, key, is_passed_over=not _names_it(owner, key, at))
    elif _is_said(key, value):
        yield from (replace(found, is_passed_over=True) for found in _within(value, at, defaults))
    else:
        yield from _within(value, at, defaults)


def _names_it(owner: dict[str, Any], key: str, at: At) -> bool:
    """Say whether a key is the name of the filter that stands there, and not of what somebody says of another thing.

    A field of records is a name only among others: alone it is that of a failed event pattern.
    """
    if key in SAID or is_of_resource(at) or is_rule(owner):
        return False
    return key not in _ON_CALLS or any(
        isinstance(other, str) and is_filter(other) for name, other in owner.items() if name not in _ON_CALLS | SAID
    )


def _is_said(key: str, value: Any) -> bool:
    """Say whether a value is one that such a key has in a rule, a record or an event pattern."""
    if key in _ON_CALLS:
        return ends_in_lists(value)
    return key in SAID and isinstance(value, list) and (key == "tests" or all(isinstance(one, str) for one in value))


def _under_key(owner: dict[str, Any], value: Any, at: At, defaults: Defaults) -> Iterator[Found]:
    name = name_of(owner, at)
    if isinstance(value, str) or is_function(value):
        yield Found(_text(value, defaults), at, owner, name)
    elif isinstance(value, dict) and value and all(inner is None for inner in value.values()):
        yield Found(None, at, owner, name, is_quoted=False)


def _text(value: Any, defaults: Defaults) -> str | None:
    try:
        text = said(value, defaults)
    except UnsaidError:
        return None
    return text if isinstance(text, str) else None


def _forwards(value: dict[str, Any]) -> bool:
    return any(isinstance(kind, str) and kind in SUBSCRIPTIONS for kind in (value.get("Type"), value.get("type")))
