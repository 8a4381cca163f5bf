"""Where filter patterns stand in the files that people have, and what the nearest names are.

Read are CloudFormation templates (``AWS::Logs::MetricFilter``), Terraform's JSON (configuration, state and plan), the
answer of ``aws logs describe-metric-filters``, lists and mappings of names and patterns, and whatever else keeps a
pattern under one of :data:`PATTERN_KEYS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trailstream.rules.documents import At
from trailstream.rules.languages.filter_pattern.grammar import is_filter

PATTERN_KEYS = frozenset(["filter_pattern", "filterPattern", "FilterPattern", "pattern"])
"""Keys whose value is a pattern. ``pattern`` is so common that it alone does not make a file one of filter patterns."""

NAME_KEYS = ("filterName", "FilterName", "filter_name", "name", "Name")

SUBSCRIPTIONS = frozenset(
    ["AWS::Logs::SubscriptionFilter", "aws_cloudwatch_log_subscription_filter", "subscriptionFilters", "CloudWatchLogs"]
)
"""What holds patterns that say which logs are forwarded, not what is worth an alarm."""

ELSEWHERE = frozenset(["Parameters", "variable", "requestParameters"])
"""What a template is told, which counts where it is used; and what a record in a rule's tests says of its own call."""

_CONTAINERS = frozenset(["Properties", "values", "attributes", "instances", "resources", "metricFilters", "after"])
"""Keys that name the shape of a file, and not what is in it."""


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
    return _within(document, (), _defaults(document))


def says_filters(document: Any) -> bool:
    """Say whether a document holds a pattern that nothing but a filter can be."""
    return any(
        found.at[-1:] != ("pattern",) or (found.text is not None and is_filter(found.text))
        for found in patterns(document)
    )


def _within(value: Any, at: At, defaults: dict[str, str]) -> Iterator[Found]:
    if isinstance(value, dict):
        if not _forwards(value):
            for key, inner in value.items():
                yield from _entry(value, key, inner, (*at, key), defaults)
    elif isinstance(value, list):
        match value:
            case [str(name), str(text)] if is_filter(text) and not is_filter(name):
                yield Found(text, (*at, 1), {}, name)
            case _:
                for position, inner in enumerate(value):
                    if isinstance(inner, str) and is_filter(inner):
                        yield Found(inner, (*at, position), {}, _enclosing(at))
                    else:
                        yield from _within(inner, (*at, position), defaults)


def _entry(owner: dict[str, Any], key: str, value: Any, at: At, defaults: dict[str, str]) -> Iterator[Found]:
    if key in PATTERN_KEYS:
        if key != "pattern" or isinstance(value, str):
            yield from _under_key(owner, value, at, defaults)
    elif isinstance(value, str) and is_filter(value):
        yield Found(value, at, {}, key)
    elif key not in SUBSCRIPTIONS | ELSEWHERE:
        yield from _within(value, at, defaults)


def _under_key(owner: dict[str, Any], value: Any, at: At, defaults: dict[str, str]) -> Iterator[Found]:
    name = next((owner[key] for key in NAME_KEYS if _is_name(owner.get(key))), "") or _enclosing(at[:-1])
    match value:
        case str():
            text = defaults.get(value, value)
            # "${...}" is a parameter or a variable, of CloudFormation or of Terraform.
            yield Found(None if "${" in text else text, at, owner, name)
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), *_]}:
            yield Found(None if "${" in text else text, at, owner, name)
        case {"Fn::Join": [str(glue), [*parts]]} | [str(glue), [*parts]]:
            whole = all(isinstance(part, str) for part in parts)
            yield Found(glue.join(parts) if whole else None, at, owner, name)
        case {"Ref": str(parameter)}:
            yield Found(defaults.get(parameter), at, owner, name)
        case {"Fn::If": _} | {"Fn::FindInMap": _} | {"Fn::ImportValue": _} | {"Fn::GetAtt": _}:
            yield Found(None, at, owner, name)
        case dict() if value and all(inner is None for inner in value.values()):
            yield Found(None, at, owner, name, is_quoted=False)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != "" and "${" not in value


def _enclosing(at: At) -> str:
    """Return the nearest key around a place that is a name."""
    return next((key for key in reversed(at) if isinstance(key, str) and key not in _CONTAINERS), "")


def _forwards(value: dict[str, Any]) -> bool:
    return any(isinstance(kind, str) and kind in SUBSCRIPTIONS for kind in (value.get("Type"), value.get("type")))


def _defaults(document: Any) -> dict[str, str]:
    """Return the defaults of a template's parameters: what stands for them where nobody says otherwise."""
    parameters = document.get("Parameters") if isinstance(document, dict) else None
    if not isinstance(parameters, dict):
        return {}
    return {
        name: parameter["Default"]
        for name, parameter in parameters.items()
        if isinstance(parameter, dict) and isinstance(parameter.get("Default"), str)
    }
