"""Correlations on one event after another: which event completes a window, as the worker would find it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from trailstream.bootstrap.rules import detections_of
from trailstream.model.alert import Alert, Match
from trailstream.model.counting import SightingsDropped
from trailstream.model.facts import Fact
from trailstream.model.record import record_id, text_at
from trailstream.rules.loading import LoadedRules

UNTIMED = "no eventTime as CloudTrail writes it (2024-05-01T10:00:00Z), so it is in no window"


def completed(loaded: LoadedRules, matches: Sequence[Sequence[Match]]) -> tuple[list[list[str]], list[str]]:
    """Return the correlations that alert at each event, given what the rules matched of it; and what was not counted.

    A window that only its end decides on (fewer than, an average) is that of its last event. Events that say no
    ``eventID`` are each an event, alike or not.
    """
    ids = {correlation.info.id for correlation in loaded.correlations}
    apart = [[_apart(match, number) for match in of_event] for number, of_event in enumerate(matches, 1)]
    return asyncio.run(_completed(loaded, apart, ids))


def _apart(match: Match, number: int) -> Match:
    """Return a match that is no repeat of another one's: by an id where its record has none."""
    if text_at(match.record, "eventID") or text_at(match.record, "eventId"):
        return match
    return match._replace(record=match.record | {"eventID": f"event {number}"}, raw=None)


async def _completed(
    loaded: LoadedRules, matches: Sequence[Sequence[Match]], ids: set[str]
) -> tuple[list[list[str]], list[str]]:
    alerts: list[Alert] = []
    dropped: list[str] = []

    def hear(fact: Fact) -> None:
        if isinstance(fact, SightingsDropped):
            dropped.append(f"{fact.rule_id}: {UNTIMED if fact.cause == 'untimed' else fact.cause}")

    async def send(alert: Alert) -> None:
        if alert.rule.id in ids:
            alerts.append(alert)

    detections = detections_of(loaded, skip_broken=False, emit=hear)
    found: list[list[str]] = []
    for of_event in matches:
        async with detections.findings(origin=None, key_account=None, send=send) as findings:
            for match in of_event:
                await findings.add(match)
        found.append([alert.rule.id for alert in alerts])
        alerts.clear()
    await detections.judge_windows(send=send, input_ended=True)
    events = {record_id(match.record): number for number, of_event in enumerate(matches) for match in of_event}
    for alert in alerts:
        last = alert.told.window.record_ids[-1] if alert.told is not None else alert.record_id
        found[events[last]].append(alert.rule.id)
    return found, dropped
