"""Records as they flow from a reader to the rules, and what identifies one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Protocol

Record = dict[str, Any]
"""One CloudTrail record, parsed whole."""


class Batch(Protocol):
    """Some consecutive usable records of one object.

    ``indexes`` and ``heads`` are parallel. A head holds only the fields that the loaded rules' gates name; absent is
    ``msgspec.UNSET``, which is not null. What is asked for by position costs something, so it is asked for candidates
    only.
    """

    @property
    def indexes(self) -> Sequence[int]: ...  # noqa: D102 -- said above

    @property
    def heads(self) -> Sequence[Any]: ...  # noqa: D102 -- said above

    def raw(self, position: int) -> bytes | None:
        """Return the record's own bytes, or None where the reader that took it does not keep them."""
        ...

    def value(self, position: int) -> Record:
        """Return the record at this position of the batch, parsed whole."""
        ...


def canonical_json(record: Record) -> bytes:
    """Sorted keys, no spaces, UTF-8: the same bytes for the same value, whichever reader parsed it."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def record_id(record: Record) -> str:
    """Return what tells this record from every other: eventID, else eventId, else a digest of its canonical JSON.

    ``AwsAggregatedEvent`` records say ``eventId``; some re-serialised records say neither. ``sharedEventID`` is no
    identity: two accounts' records of one act share it and each is worth its own alert.
    """
    for name in ("eventID", "eventId"):
        value = record.get(name)
        if isinstance(value, str) and value:
            return value
    return "sha256:" + hashlib.sha256(canonical_json(record)).hexdigest()


def text_at(record: Record, *path: str) -> str | None:
    """Return the string at this path, or None where anything on the way is absent or of another type."""
    value: Any = record
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value if isinstance(value, str) and value else None


def account_of(record: Record, fallback: str | None = None) -> str | None:
    """Return the account a record belongs to: recipientAccountId, else the actor's, else what the key says."""
    return (
        text_at(record, "recipientAccountId")
        or text_at(record, "userIdentity", "accountId")
        or text_at(record, "accountId")
        or fallback
    )


def actor_of(record: Record) -> str | None:
    """Return who did it, by the most telling name the record has: ARN, user name, principal, service, account."""
    for path in (
        ("userIdentity", "arn"),
        ("userIdentity", "userName"),
        ("userIdentity", "principalId"),
        ("userIdentity", "invokedBy"),
        ("userIdentity", "accountId"),
    ):
        if found := text_at(record, *path):
            return found
    return None
