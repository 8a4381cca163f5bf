"""Where filter patterns stand in the files that people have, and what the nearest names are.

Read are CloudFormation templates (``AWS::Logs::MetricFilter``), Terraform's JSON (configuration, state and plan), the
answer of ``aws logs describe-metric-filters``, lists and mappings of names and patterns, and whatever else keeps a
pattern under one of :data:`PATTERN_KEYS`. A text that merely reads like a pattern, such as a description, is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trailstream.rules.documents import At
from trailstream.rules.languages.deployments import (
    ELSEWHERE,
    Defaults,
    UnsaidError,
    attributes_of,
    defaults_of,
    deployed,
    enclosing,
    is_deposed,
    is_function,
    name_of,
    said,
)
from trailstream.rules.languages.filter_pattern.grammar import is_filter

PATTERN_KEYS = frozenset(["filter_pattern", "filterPattern", "FilterPattern", "pattern"])
"""Keys whose value is a pattern. ``pattern`` is so common that it alone does not make a file one of filter patterns."""

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


def patterns(document: Any) -> Iterator[Found]:
    """Yield every pattern of a document, in its order."""
    return _within(*deployed(document), defaults_of(document))


def says_filters(document: Any) -> bool:
    """Say whether a document holds a pattern that nothing but a filter can be."""
    return any(
        found.at[-1:] != ("pattern",)
        or "metric_transformation" in found.owner
        or (found.text is not None and is_filter(found.text))
        for found in patterns(document)
    )


def _within(value: Any, at: At, defaults: Defaults) -> Iterator[Found]:
    match value:
        case dict() if not (is_deposed(value) or _forwards(value)):
            owner, at = attributes_of(value, at, _RESOURCE, "pattern")
            are_filters = _names_filters(owner)
            for key, inner in owner.items():
                if are_filters and isinstance(inner, str) and key not in ELSEWHERE:
                    yield Found(inner, (*at, key), {}, key)
                else:
                    yield from _entry(owner, key, inner, (*at, key), defaults)
        case [str(name), str(text)] if is_filter(text) and not is_filter(name):
            yield Found(text, (*at, 1), {}, name)
        case list():
            for position, inner in enumerate(value):
                if isinstance(inner, str) and is_filter(inner):
                    yield Found(inner, (*at, position), {}, enclosing(at))
                else:
                    yield from _within(inner, (*at, position), defaults)


def _names_filters(value: dict[str, Any]) -> bool:
    """Say whether a mapping is one of names and patterns, each a text or more, and not what is said of one thing."""
    return PATTERN_KEYS.isdisjoint(value) and all(
        key in ELSEWHERE or isinstance(inner, dict | list) or (isinstance(inner, str) and is_filter(inner))
        for key, inner in value.items()
    )


def _entry(owner: dict[str, Any], key: str, value: Any, at: At, defaults: Defaults) -> Iterator[Found]:
    if key in PATTERN_KEYS:
        if key != "pattern" or isinstance(value, str):
            yield from _under_key(owner, value, at, defaults)
    elif key not in SUBSCRIPTIONS | ELSEWHERE:
        yield from _within(value, at, defaults)


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
