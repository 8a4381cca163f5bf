"""Every setting with its default, its bounds and what it means: docs/configuration.md is written from here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from trailstream.model.limits import MIB, ReaderChoice, ReadLimits

ENV_PREFIX = "TRAILSTREAM_"

_DEFAULT_LIMITS = ReadLimits()

Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]


class Section(BaseModel):
    """A table of the file: nothing unknown, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AwsSettings(Section):
    """How AWS is reached."""

    region: str | None = None
    """The Region of the queue and the topic. Unset: what botocore finds (AWS_REGION, the profile, the container)."""
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")
    """Another endpoint than AWS's, for all services: a local stand-in, or a VPC endpoint."""


class QueueSettings(Section):
    """The SQS queue that tells of new objects, and how its messages are kept while they are worked on."""

    url: str = Field(pattern=r"^https?://")
    """The queue's URL."""
    slots: int = Field(default=32, ge=1, le=1000)
    """Deliveries worked on at a time; no more messages are taken than there are free slots."""
    poll_wait_seconds: int = Field(default=20, ge=0, le=20)
    """How long one receive call waits for a message; SQS allows 20 at most."""
    visibility_seconds: int = Field(default=60, ge=2, le=14400)
    """For how long a held message is hidden from others at a time; extended at every third of it until settled."""
    retry_first_seconds: float = Field(default=5, ge=0)
    """How soon a failed delivery shows again after its first receive; doubled with each further receive."""
    retry_longest_seconds: float = Field(default=900, ge=0, le=43200)
    """The longest such wait."""
    retry_missing_receives: int = Field(default=1, ge=1)
    """At which receive a missing object is given up. S3 is strongly consistent: it was deleted, or never was."""
    retry_denied_receives: int = Field(default=10, ge=1)
    """At which receive a denied object or role is given up. A policy can be mended meanwhile: ten take half an hour."""
    reject_visibility_seconds: int = Field(default=5, ge=0, le=43200)
    """How soon a rejected message shows again, so that redrive moves it to the dead-letter queue."""
    shutdown_grace_seconds: float = Field(default=25, ge=0)
    """How long what was begun may take after SIGTERM. Keep it under the container's stop timeout."""
    allow_no_redrive: bool = False
    """Start although the queue has no redrive policy. What nobody can read then loops until its retention ends."""


class BucketSettings(Section):
    """A bucket that logs are read from. Its account alone may be written as a text in its place."""

    account: Account
    """The account that owns the bucket. S3 checks it with each request."""
    role_arn: str | None = Field(default=None, pattern=r"^arn:[^:]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$")
    """A role to read it with, assumed in sessions named ``trailstream``. Unset: our own identity reads it."""
    external_id: str | None = Field(default=None, min_length=2, max_length=1224, pattern=r"^[A-Za-z0-9_+=,.@:/-]+$")
    """What the role's trust policy asks for as ``sts:ExternalId``, where it does."""

    @model_validator(mode="before")
    @classmethod
    def _account_alone(cls, value: Any) -> Any:
        return value if isinstance(value, dict | cls) else {"account": value}

    @model_validator(mode="after")
    def _external_id_of_a_role(self) -> BucketSettings:
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("external_id is for assuming a role, and no role_arn is given")
        return self


class LogsSettings(Section):
    """Which logs are meant to be read. Whoever can write to the queue can name any object."""

    buckets: dict[str, BucketSettings] = Field(default_factory=dict)
    """Buckets that logs are read from, each with the account that owns it or a table of it. Empty: any bucket."""
    accounts: tuple[Account, ...] = ()
    """Accounts whose logs are read, by the object's key. Empty: any account."""


class PythonRulesSettings(Section):
    """Rules that are Python code: whether they are run, and what they may take. They have one process of their own."""

    run: Literal["never", "from-directory", "always"] = "from-directory"
    """Whether they are run: never, only where the rules are a directory on disk, or wherever they come from."""
    batch_seconds: float = Field(default=5, gt=0, le=600)
    """How long one batch may take. The rule that took most of a longer one is not run again."""
    load_seconds: float = Field(default=30, gt=0, le=600)
    """How long importing all of them may take."""
    memory_bytes: int = Field(default=1024 * MIB, ge=128 * MIB)
    """How much memory their process may map. Beyond that they see a MemoryError."""
    max_failures: int = Field(default=100, ge=1)
    """A rule that raises so often within a period is not run again."""
    failure_period_seconds: float = Field(default=3600, ge=1)
    """How long that period is; the traceback of a rule is logged once in it."""


S3Prefix = Annotated[str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")]


class RulesSettings(Section):
    """Where the rules are."""

    directory: S3Prefix | Path = Path("rules")
    """The directory of rule files, read with everything below it; relative to the configuration file. Or a prefix of
    keys in S3, ``s3://bucket/prefix/``."""
    reload_seconds: float = Field(default=10, ge=0, le=86400)
    """How often it is looked whether rules have changed; the worker then goes on with the new ones, if they are usable.
    0: only at SIGHUP."""
    skip_broken: bool = False
    """Start although rules are broken, without them. They are logged and counted."""
    python: PythonRulesSettings = PythonRulesSettings()


class ReaderSettings(Section):
    """What reading one object may take. Every limit holds before the value that breaks it is complete."""

    choice: ReaderChoice = "auto"
    """``auto`` takes the fast reader where the layout allows; ``ijson`` reads everything incrementally."""
    max_inflated_bytes: int = Field(default=_DEFAULT_LIMITS.max_inflated_bytes, ge=1)
    """An object that inflates to more is refused."""
    max_inflation_ratio: int = Field(default=_DEFAULT_LIMITS.max_inflation_ratio, ge=1)
    """An object of over 64 MiB that inflates to more than this many times its size is refused."""
    max_record_bytes: int = Field(default=_DEFAULT_LIMITS.max_record_bytes, ge=1024)
    """A longer record is refused."""
    max_depth: int = Field(default=_DEFAULT_LIMITS.max_depth, ge=1, le=250)
    """A record that is nested deeper is refused."""

    @property
    def limits(self) -> ReadLimits:
        """The limits as the readers take them."""
        return ReadLimits(
            max_inflated_bytes=self.max_inflated_bytes,
            max_inflation_ratio=self.max_inflation_ratio,
            max_record_bytes=self.max_record_bytes,
            max_depth=self.max_depth,
        )


class SnsSettings(Section):
    """Alerts as SNS notifications."""

    topic_arn: str = Field(pattern=r"^arn:[^:]+:sns:[^:]+:\d{12}:.+$")
    """The topic, standard or FIFO."""
    format: Literal["text", "json"] = "text"
    """``text`` is for people (email, chat); ``json`` is the alert as one JSON object, for programs."""


class SqsSettings(Section):
    """Alerts as messages on a queue, for programs."""

    url: str = Field(pattern=r"^https?://")
    """A queue of its own, standard or FIFO. Each message is an alert as one JSON object."""


class StdoutSettings(Section):
    """Alerts as JSON lines on standard output."""

    enabled: bool = True
    """Whether to write them."""


class SinksSettings(Section):
    """Where alerts go. A delivery is done only when every sink has accepted every alert."""

    sns: SnsSettings | None = None
    sqs: SqsSettings | None = None
    stdout: StdoutSettings | None = None

    @model_validator(mode="after")
    def _somebody_listens(self) -> SinksSettings:
        if not (self.sns or self.sqs or (self.stdout and self.stdout.enabled)):
            raise ValueError("no sink is configured, so no alert would reach anybody")
        return self


class AlertSettings(Section):
    """How alerts are sent, to whichever sink."""

    patience_seconds: float = Field(default=900, ge=0, le=36000)
    """How long a sink that takes nothing is tried before a delivery is handed back, which costs it one receive."""
    budget: int = Field(default=100, ge=1)
    """Alerts of its own that a rule has in a period, at each sink of each worker; a storm alert counts the rest."""
    period_seconds: float = Field(default=300, ge=1, le=3600)
    """How long that period is, from the rule's first alert on; the storm alert is sent at its end."""


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


class TelemetrySettings(Section):
    """How trailstream shows what it does."""

    host: str = "127.0.0.1"
    """The address that ``/metrics``, ``/healthz`` and ``/readyz`` are served on."""
    port: int = Field(default=9464, ge=0, le=65535)
    """Their port; 0 takes a free one and logs it."""
    log_format: Literal["json", "console"] = "json"
    """``json`` for machines, ``console`` for a terminal."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """``debug`` adds a line for each object."""
    accounts: tuple[Account, ...] = ()
    """Accounts that always have their own metric series, from the start on."""
    max_other_accounts: int = Field(default=100, ge=0)
    """How many further accounts get series of their own before the rest share ``other``."""
    emf_namespace: str = Field(default="trailstream", min_length=1, max_length=255)
    """The CloudWatch namespace of the metrics that the Lambda function writes."""


class Settings(BaseSettings):
    """Everything that can be set, for whichever door."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__", use_attribute_docstrings=True
    )

    aws: AwsSettings = AwsSettings()
    queue: QueueSettings | None = None
    logs: LogsSettings = LogsSettings()
    rules: RulesSettings = RulesSettings()
    reader: ReaderSettings = ReaderSettings()
    sinks: SinksSettings
    alerts: AlertSettings = AlertSettings()
    ledger: LedgerSettings = LedgerSettings()
    windows: WindowsSettings = WindowsSettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library names its five arguments
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, and let nothing else speak."""
        return env_settings, init_settings


class WorkerSettings(Settings):
    """What the worker cannot do without."""

    queue: QueueSettings


class ScanSettings(Settings):
    """What a scan takes of the worker's settings. It alerts nobody, so it asks for no sink."""

    sinks: SinksSettings = SinksSettings(stdout=StdoutSettings())
