"""The names that records have at their top: a rule on another may never match, and its author is told."""

from __future__ import annotations

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
