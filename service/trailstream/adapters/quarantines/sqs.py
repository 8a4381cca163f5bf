"""The quarantine as messages on a queue of its own: one for each entry, JSON."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from trailstream.adapters.quarantines.entries import entry_json, entry_name, read_entry, reasons_among
from trailstream.model.errors import QuarantineUnavailableError, QueueUnavailableError
from trailstream.model.limits import KIB
from trailstream.pipeline.peek import Peek
from trailstream.pipeline.ports import Inlet, Outgoing, Queue, SetAside

MAX_BODY_BYTES = 192 * KIB
MAX_DETAIL_BYTES = 32 * KIB
"""Of an entry's JSON: with the rest of it they stay below 256 KiB, which queues take unless they were told not to."""

MOST_MESSAGES = 1000
"""So many are looked at for reasons; SQS can only be read from one end."""

HIDDEN_SECONDS = 30
"""For how long a message of the quarantine stays hidden if whoever looks at it is killed."""


class SqsQuarantine:
    """Keeps entries on a queue; see :class:`trailstream.pipeline.ports.Quarantine`.

    A long body is shortened and says so: the message itself is in the dead-letter queue. Nothing is ever replaced or
    deleted here; of several reasons for a message the latest counts, and the queue's retention ends them all.
    """

    def __init__(self, *, queue: Queue, inlet: Inlet, wait_seconds: int = 1) -> None:
        """Take the same queue twice, to read from and to put on; ``wait_seconds`` is what an empty answer takes."""
        self._queue = queue
        self._inlet = inlet
        self._wait_seconds = wait_seconds

    async def put(self, entry: SetAside) -> None:
        """See :class:`trailstream.pipeline.ports.Quarantine`."""
        name = f"{entry_name(entry)}-{entry.receive_count}"
        with _translated():
            (refusal,) = await self._inlet.put([Outgoing(name, entry_json(_shortened(entry)))])
        if refusal is not None:
            raise QuarantineUnavailableError(f"the quarantine's queue did not take the reason: {refusal}")

    async def reasons(self, message_ids: Sequence[str]) -> Mapping[str, SetAside]:
        """See :class:`trailstream.pipeline.ports.Quarantine`. Looks at 1,000 messages, and takes none."""
        with _translated():
            async with Peek(self._queue, hidden_seconds=HIDDEN_SECONDS, wait_seconds=self._wait_seconds) as peek:
                messages = await peek.read(MOST_MESSAGES)
        return reasons_among((read_entry(message.delivery.body) for message in messages), message_ids)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except QueueUnavailableError as error:
        raise QuarantineUnavailableError(str(error)) from error


def _shortened(entry: SetAside) -> SetAside:
    return replace(entry, body=_fitting(entry.body, MAX_BODY_BYTES), detail=_fitting(entry.detail, MAX_DETAIL_BYTES))


def _fitting(text: str, most_bytes: int) -> str:
    """Return the text, or as much of its beginning as its JSON has room for, with a note of what is missing."""
    beginning = text[:most_bytes]  # each character takes a byte or more
    if len(text) == len(beginning) and len(json.dumps(text)) <= most_bytes:
        return text
    kept = bisect_right(range(len(beginning)), most_bytes, key=lambda length: len(json.dumps(beginning[:length]))) - 1
    return f"{beginning[:kept]}\n[{len(text) - kept} more characters are not kept here]"
