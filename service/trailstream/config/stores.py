"""The settings of what is kept: which alerts were sent, what rules count, and why something was set aside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from trailstream.config.section import Section


class SqliteLedgerSettings(Section):
    """The ledger as a file, shared by the workers of one machine."""

    path: Path
    """The file, made where it is missing; relative to the configuration file. On a local disk, not a network share."""


class DynamoDbLedgerSettings(Section):
    """The ledger as a DynamoDB table, shared by workers and functions wherever they run."""

    table: str = Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")
    """The table's name. Its key is the string ``id`` alone; TTL on ``expires_at`` keeps it small."""
    region: str | None = None
    """The table's Region. Unset: that of ``aws.region``."""


class LedgerSettings(Section):
    """Where it is remembered which alerts were sent. Without a store a repeat is sent again, under the same id."""

    sqlite: SqliteLedgerSettings | None = None
    dynamodb: DynamoDbLedgerSettings | None = None
    window_days: int = Field(default=14, ge=1, le=365)
    """For how long a sent alert suppresses its repeats. SQS keeps no message longer than 14 days."""
    claim_seconds: int = Field(default=60, ge=2)
    """How soon an alert is anybody's again when the process that was sending it is lost."""
    when_down: Literal["delay", "repeat"] = "delay"
    """While the store is down, ``delay`` holds alerts back on the queue; ``repeat`` sends them, perhaps again."""

    @model_validator(mode="after")
    def _one_store(self) -> LedgerSettings:
        if self.sqlite is not None and self.dynamodb is not None:
            raise ValueError("sqlite and dynamodb are both configured, and what was sent is remembered in one place")
        return self


class SqliteWindowsSettings(Section):
    """The windows as a file, shared by the workers of one machine."""

    path: Path
    """The file, made when it is needed; relative to the configuration file. On a local disk, not a network share."""


class DynamoDbWindowsSettings(Section):
    """The windows as a DynamoDB table, shared by workers and functions wherever they run."""

    table: str = Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")
    """The table's name. Its key is the strings ``pk`` and ``sk``; TTL on ``expires_at`` keeps it small."""
    region: str | None = None
    """The table's Region. Unset: that of ``aws.region``."""


class WindowsSettings(Section):
    """Where it is kept what rules count over time: for correlations, thresholds and deduplication."""

    sqlite: SqliteWindowsSettings | None = None
    dynamodb: DynamoDbWindowsSettings | None = None
    lateness_hours: float = Field(default=24, ge=0, le=8760)
    """For how long beyond its timespan a match is kept, so that what arrives late is still counted with it."""
    settle_seconds: float = Field(default=900, ge=0, le=86400)
    """How long after its end a window is judged that must be complete: fewer than, exactly, an average, *not*."""

    @model_validator(mode="after")
    def _one_store(self) -> WindowsSettings:
        if self.sqlite is not None and self.dynamodb is not None:
            raise ValueError("sqlite and dynamodb are both configured, and what is counted is kept in one place")
        return self


class FileQuarantineSettings(Section):
    """The quarantine as a directory, for one machine."""

    directory: Path
    """The directory, made where it is missing; relative to the configuration file. One JSON file for each entry."""


class S3QuarantineSettings(Section):
    """The quarantine as objects in a bucket."""

    bucket: str = Field(pattern=r"^[A-Za-z0-9._-]{3,255}$")
    """The bucket. Not the one that the logs are in, or its notifications come back to us."""
    prefix: str = Field(default="quarantine/", max_length=512)
    """What the objects' keys begin with."""


class SqsQuarantineSettings(Section):
    """The quarantine as messages on a queue."""

    url: str = Field(pattern=r"^https?://")
    """A queue of its own, standard or FIFO; what it keeps is gone after its retention."""


class QuarantineSettings(Section):
    """Where the reason is kept for which a delivery or an alert was set aside. Without one: in logs and metrics."""

    file: FileQuarantineSettings | None = None
    s3: S3QuarantineSettings | None = None
    sqs: SqsQuarantineSettings | None = None

    @model_validator(mode="after")
    def _one_store(self) -> QuarantineSettings:
        if len([store for store in (self.file, self.s3, self.sqs) if store is not None]) > 1:
            raise ValueError("more than one quarantine is configured, and a reason is kept in one place")
        return self

    @property
    def is_kept(self) -> bool:
        """Whether there is one."""
        return (self.file or self.s3 or self.sqs) is not None
