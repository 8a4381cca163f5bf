"""Texts with places: ``{eventName} by {userIdentity.arn}``. Data, not code: a place is a path, and nothing else."""

from __future__ import annotations

import re
from typing import Any

from trailstream.model.finding import Finding
from trailstream.model.record import Record
from trailstream.rules.paths import values_in_order
from trailstream.rules.predicate import json_text

NOTHING = "-"
"""Stands where the record has no value."""

LONGEST_VALUE = 256
LONGEST_TEXT = 1024
"""Characters: what somebody wrote into a record fills no message."""

_PLACE = re.compile(r"\{([A-Za-z0-9_.:/-]+)\}")


def filled(template: str, record: Record) -> str:
    """Return the text with the record's values in its places; the first one where an array holds several."""
    return _PLACE.sub(lambda place: _value_at(record, place[1]), template)[:LONGEST_TEXT]


def title_of(finding: Finding) -> str:
    """Return what the alert of this finding is called."""
    rule, remarks = finding.match.rule, finding.remarks
    if remarks.title is not None:
        return remarks.title[:LONGEST_TEXT]
    return rule.title if rule.shaping.title is None else filled(rule.shaping.title, finding.match.record)


def dedup_key(finding: Finding) -> str:
    """Return by what matches of a rule are taken together: the key that it says, else their title, as Panther does."""
    shaping, remarks = finding.match.rule.shaping, finding.remarks
    if remarks.dedup is not None:
        return remarks.dedup or finding.match.rule.title
    return title_of(finding) if shaping.dedup is None else filled(shaping.dedup, finding.match.record)


def text_of(value: Any) -> str:
    """Return a value of a record as text: a string as it is, anything else as JSON writes it."""
    return value if isinstance(value, str) else json_text(value)


def _value_at(record: Record, name: str) -> str:
    value = next(values_in_order(record, tuple(name.split("."))), None)
    return NOTHING if value is None else text_of(value)[:LONGEST_VALUE]
