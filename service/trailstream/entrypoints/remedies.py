"""What an operator does about each error code: the runbook in one table, which docs/dead-letters.md repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Remedy(NamedTuple):
    """What a code says of a message in the dead-letter queue."""

    meaning: str
    what_to_do: str


_READ_IT_YOURSELF = "Fetch the object and look at it; `trailstream scan` alerts what can be read of it."
_LATER = "Mend what the detail names, then redrive."
_REPORT_IT = "Keep the object and report it: `trailstream scan` shows the same error. Redrive after an update."

REMEDIES: Mapping[str, Remedy] = {
    "not_understood": Remedy(
        "The message is none of the envelopes that tell of a log object.",
        "Find out who sends it, and stop them. Redrive only after an update that understands it.",
    ),
    "not_allowed": Remedy(
        "The message names a bucket or an account that logs.buckets or logs.accounts does not allow.",
        "Find out who sends it: it may be forged. If the logs are yours, add them to the settings; then redrive.",
    ),
    "object_missing": Remedy(
        "The object, or that version of it, does not exist.",
        "Find the lifecycle rule or the person that deletes logs: it may be a covered track. Restore it; redrive.",
    ),
    "object_denied": Remedy(
        "The object is there, and we may not read it.",
        "Allow s3:GetObject (s3:GetObjectVersion for a version) and kms:Decrypt, in the bucket's policy too; redrive.",
    ),
    "missing_or_denied": Remedy(
        "S3 said 403, and without s3:ListBucket it says so of a missing object too.",
        "Allow s3:ListBucket on the bucket, so that the next attempt tells which it is; then redrive.",
    ),
    "role_denied": Remedy(
        "The role that logs.buckets names for the bucket may not be assumed. Nobody has asked for the object yet.",
        "Let the role trust ours, with the external id; let ours sts:AssumeRole it; compare both ARNs. Then redrive.",
    ),
    "object_unavailable": Remedy(
        "S3, or STS for a role, throttled, failed or cut the object short until the receives were used up.", _LATER
    ),
    "sink_unavailable": Remedy(
        "A sink throttled, failed, denied us or did not answer until the receives were used up.", _LATER
    ),
    "queue_unavailable": Remedy("The queue throttled, failed or did not answer.", _LATER),
    "ledger_unavailable": Remedy("The alert ledger throttled, failed or did not answer.", _LATER),
    "rules_unavailable": Remedy(
        "The process that rules of Python code run in could not be started, or was lost again and again.",
        "Give the worker memory for it (rules.python.memory_bytes), mend what the detail names, then redrive.",
    ),
    "windows_unavailable": Remedy(
        "The store of what is counted over time throttled, failed or did not answer.", _LATER
    ),
    "quarantine_unavailable": Remedy("The quarantine throttled, failed or did not answer.", _LATER),
    "alert_claimed": Remedy(
        "Another delivery was sending the same alert each time.",
        "Redrive: a claim ends by itself, and what was sent is not sent again.",
    ),
    "alert_refused": Remedy(
        "A sink will never take an alert of this delivery as it is.",
        "Scan the object to see the alert, and act on it. With a quarantine it would be kept there, and the rest done.",
    ),
    "held_too_long": Remedy(
        "The delivery took longer than the 12 hours for which SQS keeps a message hidden.",
        "Find out what is slow, the sink or an enormous object; scan the object by hand, or redrive.",
    ),
    "out_of_time": Remedy(
        "The Lambda invocation ended before the delivery did.",
        "Give the function more time or smaller batches, or use the worker; then redrive.",
    ),
    "unexpected": Remedy("A bug of ours, met while the delivery was handled.", _REPORT_IT),
    "rule_failed": Remedy(
        "A rule raised an error on a record, so nobody knows whether it matches.",
        "Mend the rule that the detail names, deploy it, then redrive.",
    ),
    "truncated_gzip": Remedy(
        "The gzip stream ends before its trailer: what is missing was not read.", _READ_IT_YOURSELF
    ),
    "corrupt_gzip": Remedy("The gzip stream is malformed, or its checksum does not agree.", _READ_IT_YOURSELF),
    "trailing_data": Remedy("Bytes follow the gzip stream that belong to nothing.", _READ_IT_YOURSELF),
    "inflated_too_large": Remedy(
        "The object inflates to more than reader.max_inflated_bytes.",
        "If CloudTrail wrote it, raise that limit and redrive; if not, somebody wants to exhaust you.",
    ),
    "ratio_too_high": Remedy(
        "The object inflates to more than reader.max_inflation_ratio times its size: a gzip bomb.",
        "Find out who wrote it. CloudTrail's own logs inflate to some twenty times their size.",
    ),
    "malformed_json": Remedy("The object is not JSON.", _READ_IT_YOURSELF),
    "truncated_json": Remedy("The JSON ends before the document does.", _READ_IT_YOURSELF),
    "invalid_utf8": Remedy("The object's text is not UTF-8.", _READ_IT_YOURSELF),
    "no_records": Remedy(
        "The document has no Records: it is no CloudTrail log.",
        "Narrow the bucket's notification to the prefix of the logs, or move what is not a log elsewhere.",
    ),
    "not_a_record": Remedy("An element of Records is no object. The others were read.", _READ_IT_YOURSELF),
    "record_too_large": Remedy(
        "A record is longer than reader.max_record_bytes. The others were read.",
        "If CloudTrail wrote it, raise that limit and redrive.",
    ),
    "record_too_deep": Remedy(
        "A record is nested deeper than reader.max_depth. The others were read.",
        "If CloudTrail wrote it, raise that limit and redrive.",
    ),
    "number_overflow": Remedy("A number in a record fits no double. The others were read.", _READ_IT_YOURSELF),
    "damaged": Remedy("The object is no whole CloudTrail log.", _READ_IT_YOURSELF),
    "record_damaged": Remedy("A record is unusable. The others were read.", _READ_IT_YOURSELF),
    "retryable": Remedy("It failed each time until the receives were used up.", _LATER),
    "permanent": Remedy("It would fail the same way each time.", _REPORT_IT),
}
"""By error code."""

NO_REASON = Remedy(
    "No reason is kept: the worker was killed, or took the message before a quarantine was configured.",
    "Search the worker's log for the message id; where it says nothing against it, redrive.",
)
"""For a message whose code is not known."""


def remedy_for(code: str | None) -> Remedy:
    """Return what to do about a code, or about not having one that we know."""
    return REMEDIES.get(code or "", NO_REASON)
