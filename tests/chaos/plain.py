"""Which alerts must arrive, found the plainest way there is. Nothing here is shared with the service.

An alert's id is the first 32 hex digits of the SHA-256 of the rule's id, a line break and the record's id: its
``eventID``, else its ``eventId``, else ``sha256:`` and the SHA-256 of the record as JSON, keys sorted and no spaces.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .trails import COUNTED, COUNTED_FROM, MALLORY, LogObject

CONDITIONS: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "topic-created": lambda r: r["eventSource"] == "sns.amazonaws.com" and r["eventName"] == "CreateTopic",
    "key-made": lambda r: r["eventSource"] == "iam.amazonaws.com" and r["eventName"] == "CreateAccessKey",
    "by-mallory": lambda r: r["userIdentity"]["arn"] == MALLORY,
}


Place = tuple[str, str]
"""A rule's id and an object's key."""


def expected_alerts(objects: Iterable[LogObject]) -> Mapping[str, frozenset[Place]]:
    """Return the ids of the alerts that these objects are worth, and where each could be found.

    A record that is delivered twice counts once. What is counted is known by its rule and team instead of an id: its
    window begins at the earliest record known when enough are, which hangs on the order in which the objects are read.
    """
    places: defaultdict[str, set[Place]] = defaultdict(set)
    counts = expected_counts(objects)
    for key, record in _records(objects):
        for rule, holds in CONDITIONS.items():
            if holds(record):
                places[alert_id(rule, record)].add((rule, key))
        if CONDITIONS["topic-created"](record) and counts[team := counted_as(record)] >= COUNTED_FROM:
            places[team].add((COUNTED, key))
    return {alert: frozenset(found) for alert, found in places.items()}


def expected_counts(objects: Iterable[LogObject]) -> Mapping[str, int]:
    """Return how many different records there are of each team that are counted."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for _, record in _records(objects):
        if CONDITIONS["topic-created"](record):
            found[counted_as(record)].add(record_id(record))
    return {team: len(ids) for team, ids in found.items()}


def counted_as(record: dict[str, Any]) -> str:
    """Return by what a counted record is known."""
    return f"{COUNTED} of {record['requestParameters']['team']}"


def alert_id(rule_id: str, record: dict[str, Any]) -> str:
    """Return the id of the alert for this rule and record."""
    return hashlib.sha256(f"{rule_id}\n{record_id(record)}".encode()).hexdigest()[:32]


def record_id(record: dict[str, Any]) -> str:
    """Return what tells a record from others."""
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return record.get("eventID") or record.get("eventId") or f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def _records(objects: Iterable[LogObject]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in objects:
        for record in json.loads(gzip.decompress(each.body))["Records"]:
            yield each.key, record
