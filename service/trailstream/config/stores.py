"""The settings of what is kept: which alerts were sent, what rules count, and why something was set aside."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from trailstream.config.section import Section, parts_of


class StoreSettings(Section):
    """A section of which each part is a store: one of them may be configured, or none."""

    in_one_place: ClassVar[str]
    """What a second store would divide, for who configures two."""

    @property
    def stores(self) -> list[str]:
        """The names of those that are configured."""
        return [name for name in parts_of(type(self)) if getattr(self, name) is not None]

    @model_validator(mode="after")
    def _one_store(self) -> Self:
        if len(self.stores) > 1:
            raise ValueError(f"{' and '.join(self.stores)} are configured, and {self.in_one_place} in one place")
        return self


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


class LedgerSettings(StoreSettings):
    """Where it is remembered which alerts were sent. Without a store a repeat is sent again, under the same id."""

    in_one_place = "what was sent is remembered"

    sqlite: SqliteLedgerSettings | None = None
    dynamodb: DynamoDbLedgerSettings | None = None
    window_days: int = Field(default=14, ge=1, le=365)
    """For how long a sent alert suppresses its repeats. SQS keeps no message longer than 14 days."""
    claim_seconds: int = Field(default=60, ge=2)
    """How soon an alert is anybody's again when the process that was sending it is lost."""
    when_down: Literal["delay", "repeat"] = "delay"
    """While the store is down, ``delay`` holds alerts back on the queue; ``repeat`` sends them, perhaps again."""


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


class WindowsSettings(StoreSettings):
    """Where it is kept what rules count over time: for correlations, thresholds and deduplication."""

    in_one_place = "what is counted is kept"

    sqlite: SqliteWindowsSettings | None = None
    dynamodb: DynamoDbWindowsSettings | None = None
    lateness_hours: float = Field(default=24, ge=0, le=8760)
    """For how long beyond its timespan a match is kept, so that what arrives late is still counted with it."""
    settle_seconds: float = Field(default=900, ge=0, le=86400)
    """How long after its end a window is judged that must be complete: fewer than, exactly, an average, *not*."""


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


class QuarantineSettings(StoreSettings):
    """Where the reason is kept for which a delivery or an alert was set aside. Without one: in logs and metrics."""

    in_one_place = "a reason is kept"

    file: FileQuarantineSettings | None = None
    s3: S3QuarantineSettings | None = None
    sqs: SqsQuarantineSettings | None = None
