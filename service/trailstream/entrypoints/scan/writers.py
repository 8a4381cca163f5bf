"""How alerts are written while a scan finds them: for programs, for people, or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable

from trailstream.adapters.alert_text import alert_json
from trailstream.model.alert import Alert
from trailstream.model.printable import printable

Write = Callable[[Alert], None]


def json_lines() -> Write:
    """Write each as a JSON object on a line of its own."""

    def write(alert: Alert) -> None:
        sys.stdout.buffer.write(alert_json(alert) + b"\n")

    return write


def table() -> Write:
    """Write each as a row."""
    layout = "{:<20} {:<13} {:<12} {:<15} {:<38} {:<44} {}"
    print(layout.format("TIME", "SEVERITY", "ACCOUNT", "REGION", "EVENT", "RULE", "ACTOR"))

    def write(alert: Alert) -> None:
        event = f"{(alert.event_source or '-').removesuffix('.amazonaws.com')}:{alert.event_name or '-'}"
        columns = (alert.event_time, alert.level.label, alert.account, alert.region, event, alert.headline)
        print(layout.format(*(printable(column or "-") for column in columns), printable(alert.actor or "-")))

    return write


def nothing() -> Write:
    """Write none: only what they come to is asked for."""
    return lambda _alert: None
