"""The EventBridge event that would have carried a record: where each of its fields is found in the record.

A pattern on the whole event is rewritten to conditions on the record when it is compiled, so that gates are derived
from it like from any other. Field by field, from the user guide, "AWS service events delivered via AWS CloudTrail":
``source`` is ``aws.`` and the service, ``detail-type`` says the eventType, ``detail`` is the record, ``version`` is
``0`` and ``resources`` is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from trailstream.rules.condition import LEAF, AllOf, AnyOf, Condition, Field, Not, Path, all_of, one_of
from trailstream.rules.languages.event_pattern.branches import Branch, Wanted
from trailstream.rules.languages.event_pattern.pattern import field_condition
from trailstream.rules.languages.event_pattern.texts import one_of_texts
from trailstream.rules.predicate import Predicate

ENVELOPE = frozenset(["source", "detail-type", "detail", "account", "region", "time", "id", "version"])
"""Names that only the whole event has at its top; ``resources`` is a field of records too."""

DETAIL_TYPES = {
    "AwsApiCall": "AWS API Call via CloudTrail",
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
    "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
    "AwsConsoleAction": "AWS Console Action via CloudTrail",
    "AwsCloudTrailInsight": "AWS Insight via CloudTrail",
    "AwsVpceEvent": "AWS Network Activity Event via CloudTrail",
}
"""detail-type by eventType."""

_ALSO_WRITTEN = {"AWS Console Signin via CloudTrail": "AWS Console Sign In via CloudTrail"}
"""The user guide's spelling of what events really say."""

_SUFFIX = ".amazonaws.com"


def is_whole_event(pattern: dict[str, Any]) -> bool:
    """Say whether a pattern is written on the whole event, and not on the bare record."""
    alternatives = pattern.get("$or")
    inner = alternatives if isinstance(alternatives, list) else []
    return not ENVELOPE.isdisjoint(name.split(".")[0] for name in pattern) or any(
        isinstance(one, dict) and is_whole_event(one) for one in inner
    )


def other_detail_types(branches: Iterable[Branch]) -> list[str]:
    """Return what a pattern asks ``detail-type`` to be, where that is nothing that a record could become."""
    asked: list[str] = []
    for branch in branches:
        texts = branch[("detail-type",)].written if ("detail-type",) in branch else ()
        if not texts or not all(isinstance(text, str) and not any(_event_types(text)) for text in texts):
            return []
        asked += texts
    return sorted(set(asked))


def place(path: Path, wanted: Wanted) -> Condition | tuple[Path, Wanted]:
    """Say where a path of the whole event is found in the record."""
    if path[0] == "detail" and len(path) > 1:
        return path[1:], wanted
    if len(path) == 1 and path[0] in _FIELDS:
        return _FIELDS[path[0]](wanted)
    return _constant(held=wanted.or_absent)


def _constant(*, held: bool) -> Condition:
    return AllOf(()) if held else AnyOf(())


def _version(wanted: Wanted) -> Condition:
    return _constant(held=wanted.predicate is not None and wanted.predicate.holds("0"))


def source_of(event_source: str) -> str:
    """Return the event's source for a record's eventSource: ``aws.iam`` for ``iam.amazonaws.com``."""
    return "aws." + event_source.removesuffix(_SUFFIX)


def _sources_of(source: str) -> Iterable[str]:
    service = source.removeprefix("aws.")
    return (service, service + _SUFFIX) if service != source else ()


_INSIGHT_SOURCE = "aws.cloudtrail"
"""Insights events carry no eventSource; CloudTrail itself sends them."""


def _source(wanted: Wanted) -> Condition:
    asked = _translated(wanted, source_of, _sources_of)
    insight = Field(("eventType",), one_of_texts(frozenset(["AwsCloudTrailInsight"])))
    has_source = Field(("eventSource",), LEAF)
    parts: list[Condition] = []
    if asked.predicate is not None:
        parts.append(Field(("eventSource",), asked.predicate))
    if wanted.predicate is not None and wanted.predicate.holds(_INSIGHT_SOURCE):
        parts.append(all_of([insight, Not(has_source)]))
    if wanted.or_absent:
        parts.append(all_of([Not(has_source), Not(insight)]))
    return one_of(parts)


def _detail_type(wanted: Wanted) -> Condition:
    return field_condition(("eventType",), _translated(wanted, DETAIL_TYPES.get, _event_types))


def _event_types(detail_type: str) -> Iterable[str]:
    said = _ALSO_WRITTEN.get(detail_type, detail_type)
    return (event_type for event_type, name in DETAIL_TYPES.items() if name == said)


def _translated(wanted: Wanted, forward: Callable[[str], str | None], back: Callable[[str], Iterable[str]]) -> Wanted:
    """Ask of a field of the record what the pattern asks of the event's field that is made from it."""
    if (asked := wanted.predicate) is None:
        return wanted
    values = asked.values
    if values is not None and not asked.folded:
        texts = frozenset(text for value in values for text in back(value))
        return Wanted(one_of_texts(texts, "" if texts else asked.name), wanted.or_absent)

    def holds(found: Any) -> bool:
        return found.__class__ is str and (made := forward(found)) is not None and asked.holds(made)

    return Wanted(Predicate(asked.name, holds), wanted.or_absent)


_TEXT = Predicate("is text", lambda found: found.__class__ is str and found != "")


def _first_of(*paths: Path) -> Callable[[Wanted], Condition]:
    """Return the condition on the first of these paths that holds text."""

    def condition(wanted: Wanted) -> Condition:
        parts: list[Condition] = []
        before: list[Condition] = []
        if (asked := wanted.predicate) is not None:
            holds = asked.holds
            text = Predicate(
                asked.name,
                lambda found: _TEXT.holds(found) and holds(found),
                asked.values,
                asked.folded,
                asked.literals,
            )
            for path in paths:
                parts.append(all_of([*before, Field(path, text)]))
                before = [*before, Not(Field(path, _TEXT))]
        if wanted.or_absent:
            parts.append(all_of(Not(Field(path, _TEXT)) for path in paths))
        return one_of(parts)

    return condition


_FIELDS: dict[str, Callable[[Wanted], Condition]] = {
    "source": _source,
    "detail-type": _detail_type,
    "region": lambda wanted: field_condition(("awsRegion",), wanted),
    "time": lambda wanted: field_condition(("eventTime",), wanted),
    "id": _first_of(("eventID",), ("eventId",)),
    "account": _first_of(("recipientAccountId",), ("userIdentity", "accountId"), ("accountId",)),
    "version": _version,
}
