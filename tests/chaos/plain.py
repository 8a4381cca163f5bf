"""Which alerts must arrive, found the plainest way there is. Nothing here is shared with the service.

An alert's id is the first 32 hex digits of the SHA-256 of the rule's id, a line break and the record's id: its
``eventID``, else its ``eventId``, else ``sha256:`` and the SHA-256 of the record as JSON, keys sorted and no spaces.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .trails import MALLORY, LogObject

CONDITIONS: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "topic-created": lambda r: r["eventSource"] == "sns.amazonaws.com" and r["eventName"] == "CreateTopic",
    "key-made": lambda r: r["eventSource"] == "iam.amazonaws.com" and r["eventName"] == "CreateAccessKey",
    "by-mallory": lambda r: r["userIdentity"]["arn"] == MALLORY,
}


Place = tuple[str, str]
"""A rule's id and an object's key."""


def expected_alerts(objects: Iterable[LogObject]) -> Mapping[str, frozenset[Place]]:
    """Return the ids of the alerts that these objects are worth, and where each could be found.

    A record that is delivered twice counts once.
    """
    places: defaultdict[str, set[Place]] = defaultdict(set)
    for each in objects:
        for record in json.loads(gzip.decompress(each.body))["Records"]:
            for rule, holds in CONDITIONS.items():
                if holds(record):
                    places[alert_id(rule, record)].add((rule, each.key))
    return {alert: frozenset(found) for alert, found in places.items()}


def alert_id(rule_id: str, record: dict[str, Any]) -> str:
    """Return the id of the alert for this rule and record."""
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    of_record = record.get("eventID") or record.get("eventId") or f"sha256:{hashlib.sha256(canonical).hexdigest()}"
    return hashlib.sha256(f"{rule_id}\n{of_record}".encode()).hexdigest()[:32]
