"""What should arrive, counted the plainest way there is: read every object whole, look at every record, ask every rule.

Nothing here is shared with the service. Each example rule stands here once more, in Python.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping

from .api_calls import JsonObject
from .generator import LogObject
from .inbox import Letter

Expected = frozenset[tuple[str, str]]
"""Pairs of a rule's id and a record's eventID."""

WEAKENING = {
    "DeleteDetector",
    "DisassociateFromAdministratorAccount",
    "DisassociateMembers",
    "StopMonitoringMembers",
    "CreateIPSet",
    "CreateFilter",
}
BLINDING = {"StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors", "DeleteEventDataStore"}
KEYS = {"CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile"}
ATTACK_TOOLS = ("pacu", "scoutsuite", "trufflehog", "kali", "parrot", "pentoo")


def expected_alerts(objects: Iterable[LogObject]) -> Expected:
    """Return which rule matches which record in these objects. A record that is delivered twice counts once."""
    return frozenset(
        (rule, record["eventID"])
        for each in objects
        for record in json.loads(gzip.decompress(each.body))["Records"]
        for rule, holds in CONDITIONS.items()
        if holds(record)
    )


def differences(expected: Expected, letters: Iterable[Letter]) -> list[str]:
    """Return what is wrong with what arrived: alerts that are missing, unforeseen, or under several ids."""
    arrived: dict[tuple[str, str], set[str]] = {}
    for letter in letters:
        arrived.setdefault((letter.rule, letter.event_id), set()).add(letter.alert_id)
    missing = [f"missing: rule {rule}, event {event}" for rule, event in sorted(expected - arrived.keys())]
    unforeseen = [f"unforeseen: rule {rule}, event {event}" for rule, event in sorted(arrived.keys() - expected)]
    changing = [
        f"one match with several alert ids: rule {rule}, event {event}: {', '.join(sorted(ids))}"
        for (rule, event), ids in sorted(arrived.items())
        if len(ids) > 1
    ]
    return missing + unforeseen + changing


def _signed_in(record: JsonObject) -> bool:
    return record["eventName"] == "ConsoleLogin" and (record["responseElements"] or {}).get("ConsoleLogin") == "Success"


def _root_signed_in(record: JsonObject) -> bool:
    return (
        _signed_in(record)
        and record["eventSource"] == "signin.amazonaws.com"
        and record["eventType"] == "AwsConsoleSignIn"
        and record["userIdentity"]["type"] == "Root"
    )


def _signed_in_without_mfa(record: JsonObject) -> bool:
    return (
        _signed_in(record)
        and record["eventSource"] == "signin.amazonaws.com"
        and record["userIdentity"]["type"] in {"IAMUser", "Root"}
        and record.get("additionalEventData", {}).get("MFAUsed") == "No"
    )


def _guardduty_weakened(record: JsonObject) -> bool:
    switched_off = record["eventName"] == "UpdateDetector" and record["requestParameters"].get("enable") is False
    return record["eventSource"] == "guardduty.amazonaws.com" and (record["eventName"] in WEAKENING or switched_off)


def _opened_to_the_world(record: JsonObject) -> bool:
    if (record["eventSource"], record["eventName"]) != ("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress"):
        return False
    permissions = record["requestParameters"]["ipPermissions"]["items"]
    return any(
        address.get("cidrIp") == "0.0.0.0/0" or address.get("cidrIpv6") == "::/0"
        for permission in permissions
        for ranges in (permission.get("ipRanges", {}), permission.get("ipv6Ranges", {}))
        for address in ranges.get("items", [])
    )


def _instance_role_denied(record: JsonObject) -> bool:
    return (
        record["userIdentity"]["type"] == "AssumedRole"
        and "/i-" in record["userIdentity"]["arn"]
        and record.get("errorCode", "").startswith(("AccessDenied", "Client.UnauthorizedOperation"))
        and not record["sourceIPAddress"].endswith(".amazonaws.com")
    )


CONDITIONS: Mapping[str, Callable[[JsonObject], bool]] = {
    "sns-topic-created": lambda r: r["eventSource"] == "sns.amazonaws.com" and r["eventName"] == "CreateTopic",
    "bucket-made-public": lambda r: (
        r["eventSource"] == "s3.amazonaws.com"
        and r["eventName"] in {"DeleteBucketPublicAccessBlock", "DeleteAccountPublicAccessBlock"}
    ),
    "console-login-by-root": _root_signed_in,
    "console-login-without-mfa": _signed_in_without_mfa,
    "guardduty-weakened": _guardduty_weakened,
    "iam-user-got-keys": lambda r: (
        r["eventSource"] == "iam.amazonaws.com" and r["eventName"] in KEYS and "errorCode" not in r
    ),
    "kms-key-to-be-deleted": lambda r: (
        r["eventSource"] == "kms.amazonaws.com" and r["eventName"] in {"DisableKey", "ScheduleKeyDeletion"}
    ),
    "security-group-opened-to-the-world": _opened_to_the_world,
    "trail-stopped-or-changed": lambda r: (
        r["eventSource"] == "cloudtrail.amazonaws.com" and r["eventName"] in BLINDING and "errorCode" not in r
    ),
    "3f0c9d3e-7a56-4e0c-9a6f-8f1a2f4b7c11": _instance_role_denied,
    "8a6b0f2c-55c9-4d41-b7de-0a7c3c1d9e42": lambda r: any(tool in r["userAgent"].lower() for tool in ATTACK_TOOLS),
}
"""Each example rule by its id. Records of the generator have what these ask for without looking."""
