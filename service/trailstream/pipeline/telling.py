"""Findings and windows -> alerts, shaped as their rules want them told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trailstream.decode.json_text import encode_record
from trailstream.model.alert import Alert, Match, alert_id
from trailstream.model.finding import NO_REMARKS, Finding
from trailstream.model.limits import KIB
from trailstream.model.record import account_of, actor_of, record_id, text_at
from trailstream.model.shaping import PLAIN
from trailstream.model.times import timestamp
from trailstream.model.window import Told, Window
from trailstream.pipeline.firing import Firing
from trailstream.rules.templates import filled, title_of

LONGEST_REMARK = 4096
"""Characters of a text that a rule makes of a match."""
LARGEST_CONTEXT_BYTES = 32 * KIB
"""Of what it adds, as JSON; what is larger is told by its size."""


def alert_of_finding(finding: Finding, *, origin: str | None, key_account: str | None) -> Alert:
    """Make the alert for a match, as its rule and its remarks want it."""
    alert = _alert_of(finding.match, origin=origin, key_account=key_account)
    remarks, shaping = finding.remarks, finding.match.rule.shaping
    if remarks is NO_REMARKS and shaping is PLAIN:  # nearly all: a copy of each would be felt
        return alert
    return replace(
        alert,
        title=title_of(finding) if remarks.title is not None or shaping.title is not None else None,
        severity=remarks.severity,
        description=_bounded(remarks.description),
        reference=_bounded(remarks.reference),
        runbook=_bounded(remarks.runbook) or shaping.runbook,
        destinations=shaping.destinations if remarks.destinations is None else remarks.destinations,
        context=None if remarks.context is None else _bounded_context(remarks.context),
    )


def _alert_of(match: Match, *, origin: str | None, key_account: str | None) -> Alert:
    """Make the alert for a match as its record alone has it."""
    record = match.record
    identity = record_id(record)
    return Alert(
        id=alert_id(match.rule.id, identity),
        rule=match.rule,
        record_id=identity,
        record_json=match.raw if match.raw is not None else encode_record(record),
        object=origin,
        record_index=match.record_index,
        account=account_of(record, key_account),
        region=text_at(record, "awsRegion"),
        event_id=text_at(record, "eventID") or text_at(record, "eventId"),
        event_time=text_at(record, "eventTime"),
        event_source=text_at(record, "eventSource"),
        event_name=text_at(record, "eventName"),
        error_code=text_at(record, "errorCode"),
        actor=actor_of(record),
        source_ip=text_at(record, "sourceIPAddress"),
        shared_event_id=text_at(record, "sharedEventID"),
    )


def _bounded(text: str | None) -> str | None:
    return None if text is None else text[:LONGEST_REMARK]


def _bounded_context(context: Mapping[str, Any]) -> Mapping[str, Any]:
    size = len(encode_record(dict(context)))
    return context if size <= LARGEST_CONTEXT_BYTES else {"omitted": f"{size} bytes"}


def alert_of_firing(firing: Firing, *, origin: str | None, key_account: str | None) -> Alert:
    """Make the alert for what counting found: of a rule's own matches, or of a correlation."""
    window, finding = firing.window, firing.finding
    if finding is not None and firing.is_own:
        alert = alert_of_finding(finding, origin=origin, key_account=key_account)
        (key,) = firing.group.values
        return replace(alert, id=firing.group.alert_id(window.start), dedup=key, told=Told({}, window))
    rule, shaping = firing.correlation.info, firing.correlation.info.shaping
    places = {**firing.values, "count": window.matches, "number": window.number}
    return replace(
        _alert_at_its_end(firing, window)
        if finding is None
        else _alert_of(finding.match._replace(rule=rule), origin=origin, key_account=key_account),
        id=firing.group.alert_id(window.start),
        title=None if shaping.title is None else filled(shaping.title, places),
        runbook=shaping.runbook,
        destinations=shaping.destinations,
        told=Told(firing.values, window),
    )


def _alert_at_its_end(firing: Firing, window: Window) -> Alert:
    """Make the alert for a window that no record brought to light: what is known of it stands for the record."""
    identity = firing.group.alert_id(window.start)
    summary = {"window": {"group": firing.values, "matches": window.matches, "record_ids": list(window.record_ids)}}
    return Alert(
        id=identity,
        rule=firing.correlation.info,
        record_id=identity,
        record_json=encode_record(summary),
        event_time=timestamp(window.end),
    )
