"""All settings, each with its default, its bounds and what it means: docs/configuration.md is written from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from trailstream.config.file_source import FileSource
from trailstream.config.section import Section
from trailstream.config.sinks import AlertSettings, HeardSinks, SinksSettings
from trailstream.config.stores import LedgerSettings, QuarantineSettings, WindowsSettings
from trailstream.model.limits import MIB, ReaderChoice, ReadLimits

ENV_PREFIX = "TRAILSTREAM_"

_DEFAULT_LIMITS = ReadLimits()

Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]


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
    sinks: HeardSinks
    alerts: AlertSettings = AlertSettings()
    ledger: LedgerSettings = LedgerSettings()
    windows: WindowsSettings = WindowsSettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library names its five arguments
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, and let nothing else speak."""
        return env_settings, FileSource(settings_cls, init_settings())


class WorkerSettings(Settings):
    """What the worker cannot do without."""

    queue: QueueSettings


class ToolSettings(Settings):
    """What a tool takes of the worker's settings. It alerts nobody, so it asks for no sink."""

    sinks: SinksSettings = SinksSettings()

    @field_validator("queue", mode="before")
    @classmethod
    def _is_named(cls, queue: object) -> object:
        # In an image whose environment says what else a worker's queue has, each stack says its URL.
        return None if isinstance(queue, dict) and "url" not in queue else queue
