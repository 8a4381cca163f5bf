"""What can go wrong, and what it means for the delivery it happened to.

The branch an error hangs on decides the delivery's fate; nothing else does::

    TrailstreamError
    ├── RetryableError            the same delivery may succeed later          -> Retry
    │   ├── ObjectUnavailableError    S3, or STS for a role, throttled, failed, or cut the body
    │   ├── ObjectDeniedError         S3 said 403: a policy can be mended while the message waits
    │   ├── MissingOrDeniedError      S3 said 403, and will not say whether the key is there
    │   ├── RoleDeniedError           STS does not let us assume the role that reads the bucket
    │   ├── SinkUnavailableError      the sink throttled, failed, or did not answer
    │   ├── QueueUnavailableError     the queue throttled, failed, or did not answer
    │   ├── LedgerUnavailableError    the alert ledger throttled, failed, or did not answer
    │   ├── AlertClaimedError         another delivery is sending the same alert at this moment
    │   ├── RulesUnavailableError     the process that rules of code run in cannot be had
    │   ├── WindowsUnavailableError   the store of what is counted throttled, failed, or did not answer
    │   ├── QuarantineUnavailableError  the quarantine throttled, failed, or did not answer
    │   ├── HeldTooLongError          SQS keeps no message hidden for more than 12 hours
    │   ├── OutOfTimeError            the time that the entrance allows is used up
    │   └── UnexpectedError           a bug of ours, met while a delivery was handled
    ├── PermanentError            it will fail the same way next time          -> Reject
    │   ├── NotUnderstoodError        an envelope that nobody here knows
    │   ├── NotAllowedError           a bucket or an account that is not on the allow-list
    │   ├── ObjectMissingError        S3 said 404
    │   ├── AlertRefusedError         the sink will never take this alert
    │   ├── RuleFailedError           a rule raised on a record: a bug of ours, or a record beyond its means
    │   └── DamageError               the object's bytes are not what CloudTrail writes
    │       ├── TruncatedGzipError, CorruptGzipError, TrailingDataError
    │       ├── InflatedTooLargeError, RatioTooHighError
    │       ├── MalformedJsonError, TruncatedJsonError, InvalidUtf8Error
    │       ├── NoRecordsError
    │       └── RecordDamageError     one record; reading goes on after it
    │           ├── NotARecordError, RecordTooLargeError, RecordTooDeepError
    │           └── NumberOverflowError
    └── ConfigurationError        in :mod:`.problems`: what an operator wrote  -> exit 2

Each class has a short fixed ``code``, which is a metric label and what an operator searches the runbook for, and the
``stage`` of the flow that it belongs to.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Stage = Literal["receive", "notice", "read", "decode", "match", "send", "settle"]
"""Where in the flow an error happens; a metric label."""


class TrailstreamError(Exception):
    """The root of every error that this package raises on purpose."""

    code: ClassVar[str] = "error"
    stage: ClassVar[Stage] = "match"


class RetryableError(TrailstreamError):
    """The same delivery may succeed when it is tried again."""

    code = "retryable"


class ObjectUnavailableError(RetryableError):
    """The object store throttled, failed, timed out or cut the body short; or who gives us the right to read it did."""

    code = "object_unavailable"
    stage = "read"


class ObjectDeniedError(RetryableError):
    """The object store refused access to an object that is there, or said that a key or a credential is in the way."""

    code = "object_denied"
    stage = "read"


class MissingOrDeniedError(RetryableError):
    """The object store refused access and we may not list: S3 answers 403 for a missing key then too."""

    code = "missing_or_denied"
    stage = "read"


class RoleDeniedError(RetryableError):
    """The role that a bucket is read with may not be assumed, by its policy or by ours; or it does not exist."""

    code = "role_denied"
    stage = "read"


class SinkUnavailableError(RetryableError):
    """The sink throttled, failed or did not answer."""

    code = "sink_unavailable"
    stage = "send"


class QueueUnavailableError(RetryableError):
    """The queue throttled, failed or did not answer."""

    code = "queue_unavailable"
    stage = "receive"


class LedgerUnavailableError(RetryableError):
    """The alert ledger throttled, failed or did not answer."""

    code = "ledger_unavailable"
    stage = "send"


class AlertClaimedError(RetryableError):
    """Another delivery is sending the same alert; whether it was accepted is known when that claim has ended."""

    code = "alert_claimed"
    stage = "send"

    def __init__(self, detail: str, *, until: float) -> None:
        """``until`` is when the claim ends, in Unix seconds."""
        super().__init__(detail)
        self.until = until


class RulesUnavailableError(RetryableError):
    """The process that rules of code run in could not be started, or was lost again and again."""

    code = "rules_unavailable"
    stage = "match"


class WindowsUnavailableError(RetryableError):
    """The store of sightings and windows throttled, failed or did not answer."""

    code = "windows_unavailable"
    stage = "match"


class QuarantineUnavailableError(RetryableError):
    """The quarantine throttled, failed or did not answer."""

    code = "quarantine_unavailable"
    stage = "settle"


class HeldTooLongError(RetryableError):
    """The delivery was held for as long as SQS keeps a message hidden: 12 hours after its receive it shows again."""

    code = "held_too_long"
    stage = "settle"


class OutOfTimeError(RetryableError):
    """The entrance allows no more time for this delivery (a Lambda invocation about to end)."""

    code = "out_of_time"


class UnexpectedError(RetryableError):
    """Something was raised that nobody here raises on purpose; it names a bug, and stays on the queue with it."""

    code = "unexpected"


class PermanentError(TrailstreamError):
    """It will fail the same way next time."""

    code = "permanent"


class NotUnderstoodError(PermanentError):
    """A message that is none of the envelopes that tell of a log object."""

    code = "not_understood"
    stage = "notice"


class NotAllowedError(PermanentError):
    """The message names a bucket or an account that is not among those that the operator allows."""

    code = "not_allowed"
    stage = "notice"


class ObjectMissingError(PermanentError):
    """The object, or that version of it, does not exist."""

    code = "object_missing"
    stage = "read"


class AlertRefusedError(PermanentError):
    """The sink will never take this alert: it is not valid to it."""

    code = "alert_refused"
    stage = "send"


class RuleFailedError(PermanentError):
    """A rule raised while it was evaluated, so nobody knows whether it matches: the object is kept."""

    code = "rule_failed"
    stage = "match"


class DamageError(PermanentError):
    """The object is not a CloudTrail log object, or not a whole one. Reading ends where it is raised."""

    code = "damaged"
    stage = "decode"

    def __init__(self, detail: str) -> None:
        """Detail says what and where."""
        super().__init__(detail)
        self.detail = detail
        self.record_index: int | None = None
        """The position of the first bad record, from 0; None where it is not known."""


class TruncatedGzipError(DamageError):
    """The gzip stream ends before its trailer."""

    code = "truncated_gzip"


class CorruptGzipError(DamageError):
    """The gzip stream is malformed, or its checksum or length does not agree."""

    code = "corrupt_gzip"


class TrailingDataError(DamageError):
    """Bytes follow the gzip stream that are no further member."""

    code = "trailing_data"


class InflatedTooLargeError(DamageError):
    """The object inflates to more than ``max_inflated_bytes``."""

    code = "inflated_too_large"


class RatioTooHighError(DamageError):
    """The object inflates to more than ``max_inflation_ratio`` times its size: a gzip bomb."""

    code = "ratio_too_high"


class MalformedJsonError(DamageError):
    """A JSON syntax error."""

    code = "malformed_json"


class TruncatedJsonError(DamageError):
    """The JSON text ends before the document does."""

    code = "truncated_json"


class InvalidUtf8Error(DamageError):
    """The text is not UTF-8."""

    code = "invalid_utf8"


class NoRecordsError(DamageError):
    """The document holds no ``Records`` array."""

    code = "no_records"


class RecordDamageError(DamageError):
    """One record is valid JSON but unusable. It is noted and reading goes on; the object fails at its end."""

    code = "record_damaged"


class NotARecordError(RecordDamageError):
    """An element of ``Records`` is not an object."""

    code = "not_a_record"


class RecordTooLargeError(RecordDamageError):
    """A record is longer than ``max_record_bytes``."""

    code = "record_too_large"


class RecordTooDeepError(RecordDamageError):
    """A record is nested deeper than ``max_depth``."""

    code = "record_too_deep"


class NumberOverflowError(RecordDamageError):
    """A number in a record is too large for a double."""

    code = "number_overflow"
