"""An alert as text: one JSON line for programs, a short letter for people.

Whatever comes from a log is data here. It cannot begin a line of its own, steer a terminal, or make a message that a
queue refuses. The record stands in both forms as its own bytes; three things differ, none of which changes the JSON
value: line breaks between tokens are gone, and characters that act on a terminal or that SQS refuses are written as
JSON escapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from trailstream.model.alert import Alert
from trailstream.model.printable import MAX_CHARACTERS, printable
from trailstream.model.times import timestamp
from trailstream.model.window import Told

_ACTIVE = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]"  # DEL and the C1 controls, CSI among them
    rb"|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]"  # bidirectional marks, line and paragraph separators
    rb"|\xef\xbf[\xbe\xbf]"  # U+FFFE and U+FFFF: SQS refuses a message that holds one
)
"""In valid UTF-8 these bytes are whole characters, and in JSON they stand inside strings only."""


def alert_json(alert: Alert) -> bytes:
    """Return the alert as one JSON object on one line, without a line end; the record is its last key.

    ``record_json`` is one valid JSON value in UTF-8, as both readers promise: it is not parsed again.
    """
    return b'%b,"record":%b}' % (_dumps(_fields(alert))[:-1], _one_line(alert.record_json))


def shortened_alert_json(alert: Alert) -> bytes:
    """Return the alert without its record and with long values cut: at most some 120 KB, whatever the alert holds.

    ``shortened`` is true and ``record`` is null; ``object`` and ``record_index`` say where the record is.
    """
    fields = {name: _cut(value) for name, value in _fields(alert).items() if name not in _RULE_TEXTS}
    return _dumps(fields | {"shortened": True, "record_bytes": len(alert.record_json), "record": None})


def alert_text(alert: Alert) -> str:
    """Return the alert as a letter: what happened, one fact a line, a blank line, and the whole record as JSON."""
    return f"{_letter(alert)}\n{_one_line(alert.record_json).decode()}\n"


def shortened_alert_text(alert: Alert) -> str:
    """Return the letter with the record's place instead of the record: at most some 70 KB."""
    return (
        f"{_letter(alert)}\nThis alert was shortened: its record of {len(alert.record_json)} bytes does not fit into a "
        f"message. It is record {alert.record_index} (counted from 0) of {printable(alert.object or 'the message')}.\n"
    )


_RULE_TEXTS = {"description", "tags", "references", "context"}
"""Whoever has the rule's id has these, or can have them: the first to go."""


def _fields(alert: Alert) -> dict[str, Any]:
    rule = alert.rule
    return {
        "alert_id": alert.id,
        "rule_id": rule.id,
        "rule_title": rule.title,
        "title": alert.headline,
        "severity": alert.level.label,
        "event_id": alert.event_id,
        "event_time": alert.event_time,
        "account": alert.account,
        "region": alert.region,
        "event_source": alert.event_source,
        "event_name": alert.event_name,
        "error_code": alert.error_code,
        "actor": alert.actor,
        "source_ip": alert.source_ip,
        "shared_event_id": alert.shared_event_id,
        "object": alert.object,
        "record_index": alert.record_index,
        "record_id": alert.record_id,
        "language": rule.language,
        "description": rule.description if alert.description is None else alert.description,
        "tags": rule.tags,
        "references": rule.references if alert.reference is None else (alert.reference, *rule.references),
        "runbook": alert.runbook or None,
        "dedup": alert.dedup,
        "window": None if alert.told is None else _window(alert.told),
        "context": alert.context,
    }


def _window(told: Told) -> dict[str, Any]:
    window = told.window
    return {
        "from": timestamp(window.start),
        "to": timestamp(window.end),
        "matches": window.matches,
        "number": window.number,
        "group": told.group,
        "record_ids": window.record_ids,
    }


def _letter(alert: Alert) -> str:
    lines = (f"{name + ':':<17}{printable(value)}\n" for name, value in _facts(alert) if value)
    return f"[{alert.level.label}] {printable(alert.headline)}\n\n{''.join(lines)}"


def _facts(alert: Alert) -> Iterator[tuple[str, str | None]]:
    yield "Rule", alert.rule.id
    yield "Event", " ".join(part for part in (alert.event_source, alert.event_name) if part)
    yield "Error", alert.error_code
    yield "Account", alert.account
    yield "Region", alert.region
    yield "Time", alert.event_time
    yield "Actor", alert.actor
    yield "Source IP", alert.source_ip
    yield "Event id", alert.event_id
    yield "Shared event id", alert.shared_event_id
    yield "Object", alert.object
    yield "Record", str(alert.record_index) if alert.object else None
    yield from _window_facts(alert.told)
    yield "Key", alert.dedup
    yield "Context", json.dumps(alert.context, ensure_ascii=False, default=str) if alert.context else None
    yield "Runbook", alert.runbook
    yield "Alert id", alert.id


def _window_facts(told: Told | None) -> Iterator[tuple[str, str]]:
    if told is not None:
        window = told.window
        yield "Matches", f"{window.matches} from {timestamp(window.start)} to {timestamp(window.end)}"
        yield "In common", ", ".join(f"{name}={value}" for name, value in told.group.items())


def _one_line(record_json: bytes) -> bytes:
    # JSON has no raw line break inside a string, and a token ends at punctuation: between tokens none is needed.
    return _inert(record_json.translate(None, b"\r\n"))


def _inert(text: bytes) -> bytes:
    if text.isascii() and b"\x7f" not in text:  # nearly all records are, and saying so costs next to nothing
        return text
    return _ACTIVE.sub(_escaped, text)


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


def _dumps(value: dict[str, Any]) -> bytes:
    try:
        encoded = orjson.dumps(value)
    except orjson.JSONEncodeError:  # a lone surrogate: a file name that is not UTF-8
        encoded = json.dumps(value, separators=(",", ":")).encode()
    return _inert(encoded)


def _cut(value: Any) -> Any:
    return value[:MAX_CHARACTERS] if isinstance(value, str) else value
