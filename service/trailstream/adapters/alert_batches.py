"""Alerts to a topic of SNS or a queue of SQS, which take them alike: in batches, every entry's result looked at."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from trailstream.adapters.aws_errors import CAUSES, VENDOR_ERRORS, Cause, cause_of, detail_of
from trailstream.adapters.batches import FIFO_SUFFIX, MAX_BATCH_BYTES, Entry, bytes_of, packed
from trailstream.model.alert import Alert
from trailstream.model.errors import AlertRefusedError, SinkUnavailableError, TrailstreamError
from trailstream.model.printable import printable

MAX_ATTRIBUTE_CHARS = 256
MAX_GROUP_ID_CHARS = 128

_ERRORS: Mapping[Cause, type[TrailstreamError]] = {
    Cause.UNAVAILABLE: SinkUnavailableError,
    Cause.DENIED: SinkUnavailableError,  # a policy or a key can be mended while the delivery waits
    Cause.MISSING: SinkUnavailableError,  # so can a topic or a queue that is gone
    Cause.INVALID: AlertRefusedError,
}

Call: TypeAlias = Callable[[Sequence[Entry]], Awaitable[Mapping[str, Any]]]
"""Sends one batch and returns the answer, with its ``Successful`` and ``Failed`` entries."""


class Write(Protocol):
    """Writes an alert as the fields of its entry that only this service has."""

    def __call__(self, alert: Alert, *, shortened: bool) -> Mapping[str, str]:
        """Return the message and what goes with it; ``shortened`` where the whole record does not fit."""
        ...


async def send_alerts(
    alerts: Sequence[Alert], *, to: str, write: Write, call: Call
) -> Sequence[TrailstreamError | None]:
    """Send alerts in as few calls as they fit into; return one result per alert, as a sink does.

    ``to`` is the topic's ARN or the queue's URL, and says whether it is FIFO: for the order of that, one call is made
    after the other.
    """
    fifo = to.endswith(FIFO_SUFFIX)
    results: list[TrailstreamError | None] = []
    for batch in packed(_entry(str(i), alert, write, fifo=fifo) for i, alert in enumerate(alerts)):
        results += await _results(batch, to, call)
    return results


def attributes_of(alert: Alert) -> dict[str, dict[str, str]]:
    """Return what can be filtered by; neither service takes an attribute without a value, so none is sent empty."""
    values = {
        "account": alert.account,
        "region": alert.region,
        "severity": alert.level.label,
        "rule": alert.rule.id,
    }
    return {
        name: {"DataType": "String", "StringValue": printable(value)[:MAX_ATTRIBUTE_CHARS]}
        for name, value in values.items()
        if value
    }


def _entry(identity: str, alert: Alert, write: Write, *, fifo: bool) -> Entry:
    entry = {"Id": identity, "MessageAttributes": attributes_of(alert), **write(alert, shortened=False)}
    if fifo:
        entry["MessageDeduplicationId"] = alert.id
        entry["MessageGroupId"] = _group_of(alert)
    if bytes_of(entry) > MAX_BATCH_BYTES:
        entry |= write(alert, shortened=True)
    return entry


def _group_of(alert: Alert) -> str:
    """Return the FIFO message group: alerts of one account stay in order, accounts do not wait for each other."""
    return re.sub(r"[^!-~]", "_", alert.account or alert.rule.id)[:MAX_GROUP_ID_CHARS]


async def _results(batch: Sequence[Entry], to: str, call: Call) -> list[TrailstreamError | None]:
    """Send one batch; return one result per entry, in order."""
    try:
        answer = await call(batch)
    except VENDOR_ERRORS as error:
        cause = cause_of(error)
        if cause is Cause.INVALID and len(batch) > 1:  # one entry that is refused must not take the others with it
            middle = len(batch) // 2
            return [*await _results(batch[:middle], to, call), *await _results(batch[middle:], to, call)]
        return [_ERRORS[cause](f"{to}: {detail_of(error)}") for _ in batch]
    confirmed = {entry["Id"] for entry in answer.get("Successful", [])}
    failed = {entry["Id"]: entry for entry in answer.get("Failed", [])}
    return [None if entry["Id"] in confirmed else _entry_error(failed.get(entry["Id"])) for entry in batch]


def _entry_error(failed: Mapping[str, Any] | None) -> TrailstreamError:
    if failed is None:
        return SinkUnavailableError("the answer does not mention this entry")
    code = failed.get("Code", "")
    unlisted = Cause.INVALID if failed.get("SenderFault") else Cause.UNAVAILABLE
    return _ERRORS[CAUSES.get(code, unlisted)](f"{code}: {failed.get('Message', '')}")
