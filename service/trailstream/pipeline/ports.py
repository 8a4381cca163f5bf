"""What the core asks of the outside. An adapter implements one of these; the core never learns which."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from trailstream.model.alert import Alert, Match
from trailstream.model.delivery import Delivery, ObjectRef
from trailstream.model.errors import TrailstreamError
from trailstream.model.finding import Remarks
from trailstream.model.window import Group, Sighting, Window


class ObjectStore(Protocol):
    """Where log objects are read from."""

    def open(self, ref: ObjectRef) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Give the object's bytes as they are stored, in chunks, nothing decoded behind our back.

        Entering and iterating raise :class:`ObjectMissingError`, :class:`ObjectDeniedError`,
        :class:`MissingOrDeniedError`, :class:`RoleDeniedError` or :class:`ObjectUnavailableError`; no vendor error
        passes.
        """
        ...


class Judge(Protocol):
    """What decides whether a rule matches that is more than its condition."""

    async def verdicts(self, matches: Sequence[Match], *, origin: str | None) -> Sequence[Remarks | None]:
        """Say of each match, in order, what its rule says of it: None where it does not match after all.

        What a rule does wrong is not raised, and costs no other rule its verdicts. Raises
        :class:`RulesUnavailableError` where nobody can be asked now.
        """
        ...


class Sink(Protocol):
    """Where alerts go."""

    name: str
    """A fixed word: it is a metric label."""

    async def send(self, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
        """Send the alerts; return one result per alert, in order: None where it was accepted.

        Raises nothing of the vendor's: a failed call is a :class:`SinkUnavailableError` (try again) or an
        :class:`AlertRefusedError` (never) for each alert that it carried.
        """
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What a ledger says of one alert that somebody wants to send."""

    state: Literal["ours", "sent", "taken"]
    """``ours``: send it. ``sent``: it was accepted before, so this is a repeat. ``taken``: another holder is at it."""
    until: float = 0.0
    """Unix seconds at which the other holder's claim ends, where it is taken."""


class Ledger(Protocol):
    """Which alerts a sink has accepted, and who is sending which at this moment.

    Only ``sent`` suppresses an alert. Times are Unix seconds and the caller's: an expired claim is one whose end is at
    or before ``now``, compared in the same atomic step that takes it over. A failure of the store raises
    :class:`LedgerUnavailableError`, and then nobody knows what was written.
    """

    async def claim(
        self, sink: str, alert_ids: Sequence[str], *, holder: str, now: float, until: float
    ) -> Sequence[Claim]:
        """Claim distinct alerts until that time; return one answer per id, in order.

        What the holder has claimed already is ``ours`` again, until the new time. What was sent and is to be
        remembered no longer is claimed like a new one.
        """
        ...

    async def record_sent(self, sink: str, alert_ids: Sequence[str], *, now: float, until: float) -> None:
        """Note that the sink has accepted these, whoever holds them; remember it until that time."""
        ...

    async def release(self, sink: str, alert_ids: Sequence[str], *, holder: str) -> None:
        """Give up the holder's claims on what was not sent, so that another need not wait for their end."""
        ...


@dataclass(frozen=True, slots=True)
class Visit:
    """What a piece of work brings to a group, and what it wants to know of it."""

    group: Group
    sightings: Sequence[Sighting]
    since: float
    until: float
    """Which sightings are wanted, by their event times, both included."""
    span: float
    """How long the group's windows are: those are wanted that begin at most so long before ``since``."""
    at_most: int
    """How many sightings; of more, the latest."""
    keep_until: float
    """Unix seconds: when the sightings may be forgotten."""
    judgements: Sequence[Judgement] = ()
    """When windows are to be judged in which these sightings stand."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """That a window of a group is to be judged at a time, since only then everything in it is known."""

    at: float
    """Unix seconds."""
    group: Group
    start: float
    """Of the window; event time."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a group within the span of a visit."""

    sightings: Sequence[Sighting]
    """In the order of their times."""
    windows: Sequence[Window]
    """That were told, in the order of their starts."""


class WindowStore(Protocol):
    """What was seen and what was told, by group. What a call has written is there when it returns, for everybody.

    Two callers that visit a group at the same moment may miss each other's sightings in neither order: the one that
    returns later knows both. Event times are those of records, other times the caller's Unix seconds. A failure of the
    store raises :class:`WindowsUnavailableError`, and then nobody knows what was written; writing it again is harmless.
    """

    async def visit(self, visits: Sequence[Visit], *, now: float) -> Sequence[Known]:
        """Add the sightings that are not known yet; say what is known then, in the order of the visits.

        A sighting is known if one of the same time, record, rule and values is.
        """
        ...

    async def tell(self, windows: Sequence[tuple[Group, Window]], *, keep_until: float) -> Sequence[Window]:
        """Note that these windows are told; return for each the one that stands.

        That is one of the same group that overlaps it, if there is any: of those, whoever comes first is noted. Windows
        of a group are of one length, and touching is no overlap.
        """
        ...

    async def due(self, *, now: float, at_most: int) -> Sequence[Judgement]:
        """Return judgements whose time has come, the earliest first."""
        ...

    async def judged(self, judgements: Sequence[Judgement]) -> None:
        """Forget these judgements: they were made, and what came of them was accepted."""
        ...


@dataclass(frozen=True, slots=True)
class SetAside:
    """What nobody could handle, with the reason: a rejected delivery, or an alert that a sink will not take."""

    kind: Literal["delivery", "alert"]
    message_id: str
    """Of the delivery, which is the id of its message in the dead-letter queue too; for an alert of none its own id."""
    code: str
    """The error's code, as in metrics, logs and the runbook."""
    detail: str
    """What was wrong, and where."""
    body: str
    """The message's body verbatim, or the alert as one JSON object."""
    receive_count: int
    at: float
    """Unix seconds."""
    about: str = ""
    """Which alert at which sink; a message may bring several. Empty for a delivery."""


class Quarantine(Protocol):
    """Where what was set aside is kept. A failure of the store raises :class:`QuarantineUnavailableError`."""

    async def put(self, entry: SetAside) -> None:
        """Keep it. It replaces what was kept of the same kind and message about the same, and nothing else."""
        ...

    async def reasons(self, message_ids: Sequence[str]) -> Mapping[str, SetAside]:
        """Return why the deliveries with these message ids were rejected, as far as that is kept."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """A message that we hold: invisible to others until its visibility ends."""

    delivery: Delivery
    receipt: str
    """What the queue wants to see to delete or extend it."""
    extras: Mapping[str, Any] | None = None
    """What came with the body, where it was asked for: never looked into, and sent on as it is."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is to be put on a queue."""

    id: str
    """Letters, digits and hyphens, 128 at most. A FIFO queue drops what comes again under the same within 5 minutes."""
    body: str
    extras: Mapping[str, Any] | None = None
    """See :class:`Held`."""


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What the queue says of itself, as far as we may read it."""

    max_receive_count: int | None
    """None where there is no redrive policy."""
    retention_seconds: int | None
    dead_letter_retention_seconds: int | None
    """None where there is no dead-letter queue, or it may not be read."""


class Queue(Protocol):
    """Where deliveries come from. Failures of the service raise :class:`QueueUnavailableError`."""

    async def describe(self) -> QueueFacts:
        """Read the queue's attributes, and those of its dead-letter queue."""
        ...

    async def receive(self, *, at_most: int, wait_seconds: int, visibility_seconds: int) -> Sequence[Held]:
        """Wait for messages, long-polling; ``at_most`` is 1 to 10."""
        ...

    async def delete(self, receipts: Sequence[str]) -> Sequence[str | None]:
        """Delete up to 10 messages; return one result per receipt, in order: None, or the reason it was not."""
        ...

    async def change_visibility(self, seconds_by_receipt: Mapping[str, int]) -> Mapping[str, str | None]:
        """Set when up to 10 messages become visible again; None for a receipt, or the reason it was not set."""
        ...


class Inlet(Protocol):
    """A queue that messages can be put on. Failures of the service raise :class:`QueueUnavailableError`."""

    async def put(self, messages: Sequence[Outgoing]) -> Sequence[str | None]:
        """Put up to 10 messages on the queue; return one result each, in order: None, or the reason it is not there.

        Where this raises, nobody knows which of them are there.
        """
        ...
