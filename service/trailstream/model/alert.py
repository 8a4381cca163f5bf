"""Outbound values: what a rule says of itself, a match, and the alert that a sink receives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from trailstream.model.record import Record
from trailstream.model.shaping import PLAIN, Shaping
from trailstream.model.window import Told


class Severity(IntEnum):
    """One scale for every rule language; ordered, so that a sink can ask for "high and above"."""

    INFORMATIONAL = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The name as rules and alerts write it: ``medium``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What every rule says of itself, whatever its language."""

    id: str
    title: str
    severity: Severity
    language: str
    path: str
    """The file it was read from, relative to the rules directory."""
    description: str = ""
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    shaping: Shaping = PLAIN


class Match(NamedTuple):
    """A rule that matched, and the whole record. There are as many as matches, and a tuple is the cheapest to make."""

    rule: RuleInfo
    record: Record
    raw: bytes | None
    """The record's own bytes, verbatim, where the reader kept them."""
    record_index: int


@dataclass(frozen=True, slots=True)
class Alert:
    """What a sink receives. Its id is the same whenever the same rule meets the same record."""

    id: str
    rule: RuleInfo
    record_id: str
    record_json: bytes
    """The whole record: its own bytes where the reader kept them."""
    object: str | None = None
    """``s3://bucket/key`` or a local path. None where the record came in the message itself, and, here and below, where
    the alert stands for many."""
    record_index: int = 0
    account: str | None = None
    region: str | None = None
    event_id: str | None = None
    event_time: str | None = None
    event_source: str | None = None
    event_name: str | None = None
    error_code: str | None = None
    actor: str | None = None
    source_ip: str | None = None
    shared_event_id: str | None = None
    title: str | None = None
    """Made for this alert. None, here and below: what its rule says."""
    severity: Severity | None = None
    description: str | None = None
    reference: str | None = None
    runbook: str = ""
    destinations: tuple[str, ...] | None = None
    """Names of the sinks that it goes to. None: all of them."""
    context: Mapping[str, Any] | None = None
    """What the rule adds."""
    dedup: str | None = None
    """The key by which later matches joined it."""
    told: Told | None = None
    """The window that it stands for, where it stands for more than its record."""

    @property
    def headline(self) -> str:
        """Its own title, else its rule's."""
        return self.rule.title if self.title is None else self.title

    @property
    def level(self) -> Severity:
        """Its own severity, else its rule's."""
        return self.rule.severity if self.severity is None else self.severity


def alert_id(rule_id: str, of_record: str) -> str:
    """Return the alert's id: 32 hex digits of SHA-256, so that it fits every deduplication id there is."""
    return hashlib.sha256(f"{rule_id}\n{of_record}".encode("utf-8", "replace")).hexdigest()[:32]
