"""The report of a scan: one HTML file that needs nothing else, with everything that it shows in it.

What comes from a log stands in it as JSON and is put on the page as text. The page's policy lets it run this script and
no other, and reach no network.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from trailstream import __version__
from trailstream.entrypoints.scan.report.kept import Kept, Row
from trailstream.entrypoints.scan.report.rows import About, row_of
from trailstream.entrypoints.scan.summary import Summary
from trailstream.model.alert import Alert
from trailstream.model.limits import MIB
from trailstream.model.times import timestamp

__all__ = ["Report"]

MOST_ALERTS = 10_000
MOST_BYTES = 50 * MIB
"""What a browser opens without a wait that anybody would notice."""
MOST_FAILURES = 200
"""Of the inputs that could not be read; the page says how many there were."""

_SCRIPTS = ("text.js", "filters.js", "timeline.js", "facets.js", "record.js", "alerts.js", "page.js")
_PLACES = ("<!-- policy -->", "/* style */", "<!-- data -->", "/* script */")


class Report:
    """Keeps what the page will show, in bounded memory: of too many alerts the most severe, and of those the first."""

    def __init__(self, *, most_alerts: int = MOST_ALERTS, most_bytes: int = MOST_BYTES) -> None:
        self._kept = Kept(most_alerts=most_alerts, most_bytes=most_bytes)
        self._about = About()

    def add(self, alert: Alert) -> None:
        """Take an alert."""
        if self._kept.has_room_for(alert.level):
            text = json.dumps(row_of(alert, self._about), separators=(",", ":"))
            self._kept.add(Row(alert.level, alert.rule.id, text))
        else:
            self._kept.leave_out(alert.rule.id)

    def write(self, path: Path, summary: Summary, inputs: Sequence[str]) -> None:
        """Write the page. Raises :class:`OSError`."""
        with path.open("w", encoding="utf-8") as file:
            file.writelines(_page(self._data(_facts(summary, inputs, self._kept.left_out))))

    def _data(self, facts: dict[str, Any]) -> Iterator[str]:
        yield _inert(f'{{"facts":{json.dumps(facts)},"about":{json.dumps(self._about.texts)},"alerts":[')
        for number, row in enumerate(self._kept.rows()):
            yield _inert(f"{',' if number else ''}\n{row}")
        yield "\n]}"


def _facts(summary: Summary, inputs: Sequence[str], left_out: dict[str, int]) -> dict[str, Any]:
    told = summary.document()
    counts = ("objects", "records", "bytes_inflated", "alerts", "skipped", "seconds", "interrupted", "since", "until")
    return {name: told[name] for name in (*counts, "by_severity")} | {
        "version": __version__,
        "written": timestamp(time.time()),
        "inputs": list(inputs),
        "failed": summary.failed[:MOST_FAILURES],
        "failures": len(summary.failed),
        "left_out": [{"rule": summary.rules[each].title, "alerts": count} for each, count in left_out.items()],
    }


def _page(data: Iterator[str]) -> Iterator[str]:
    style = _resource("page.css")
    script = "\n".join(['"use strict";', *map(_resource, _SCRIPTS)])
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    text = _resource("page.html")
    for place, content in zip(_PLACES, (policy, style, None, script), strict=True):
        before, _, text = text.partition(place)
        yield before
        if content is None:
            yield from data
        else:
            yield content
    yield text


def _resource(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _inert(text: str) -> str:
    # In JSON it stands within strings only. Without one, no text ends the element that it is in, or begins another.
    return text.replace("<", r"\u003c")
