"""An alert as a row of the page's data."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from trailstream.adapters.alert_text import alert_json
from trailstream.model.alert import Alert
from trailstream.model.limits import KIB

MOST_RECORD_BYTES = 256 * KIB
"""CloudTrail writes no longer records."""

_SAID_BY_RULES = ("rule_id", "language", "description", "tags", "references")


class About:
    """What many alerts say alike, once."""

    def __init__(self) -> None:
        self.texts: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}

    def number_of(self, said: dict[str, Any]) -> int:
        """Return where in ``texts`` this stands."""
        number = self._numbers.setdefault(json.dumps(said), len(self.texts))
        if number == len(self.texts):
            self.texts.append(said)
        return number


def row_of(alert: Alert, about: About) -> dict[str, Any]:
    """Return what the page shows of an alert: what programs are told, and the record's own text.

    Its text, for in a browser a long number of JSON is another one.
    """
    fields = json.loads(alert_json(replace(alert, record_json=b"null")))
    said = {name: fields.pop(name) for name in _SAID_BY_RULES}
    row = {name: value for name, value in fields.items() if value is not None}
    row["about"] = about.number_of(said)
    if len(alert.record_json) > MOST_RECORD_BYTES:
        row["record_bytes"] = len(alert.record_json)
    else:
        row["record"] = alert.record_json.decode("utf-8", "replace")
    return row
