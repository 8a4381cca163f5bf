"""The names that records have at their top: a rule on another may never match, and its author is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trailstream.model.record import Record

RECORD_FIELDS = frozenset(
    [
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
        "requestParameters",
        "responseElements",
        "additionalEventData",
        "requestID",
        "eventID",
        "eventType",
        "apiVersion",
        "managementEvent",
        "readOnly",
        "resources",
        "recipientAccountId",
        "serviceEventDetails",
        "sharedEventID",
        "vpcEndpointId",
        "vpcEndpointAccountId",
        "eventCategory",
        "addendum",
        "sessionCredentialFromConsole",
        "edgeDeviceDetails",
        "tlsDetails",
        "insightDetails",
        "eventContext",
        "inScopeOf",
        "invokedByDelegate",
        "accountId",
        "eventId",
    ]
)
"""The top-level fields of records, from the user guide, "CloudTrail record contents", and of aggregated events."""

IDENTITY_FIELDS = frozenset(
    ["type", "principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy", "identityProvider"]
)
"""Fields of ``userIdentity`` that hold one value."""


def _spellings(names: Iterable[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(name.lower(), []).append(name)
    return found


AS_WRITTEN = _spellings(RECORD_FIELDS)
IDENTITY_AS_WRITTEN = _spellings(IDENTITY_FIELDS)
"""Names as CloudTrail writes them, by their lower case: code may write them in any, and CloudTrail in several."""


def is_record(value: dict[str, Any]) -> bool:
    """Say whether a mapping in a file of anything is a record of a call."""
    source = value.get("eventSource")
    return isinstance(source, str) and source.endswith(".amazonaws.com")


def as_cloudtrail_names_them(record: Record) -> Record:
    """Return a record whose fields are called as CloudTrail calls them, whatever the case in which they were."""
    named = _named(record, AS_WRITTEN)
    identity = named.get("userIdentity")
    if isinstance(identity, dict):
        named["userIdentity"] = _named(identity, IDENTITY_AS_WRITTEN)
    return named


def _named(fields: Record, as_written: Mapping[str, Sequence[str]]) -> Record:
    def name_of(name: str) -> str:
        names = as_written.get(name.lower(), [name])
        return name if name in names else names[0]

    return {name_of(name): value for name, value in fields.items()}
