"""What is in the dead-letter queue and why, and its way back to the queue that it came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from trailstream.decode.notices import read_notice
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import NotUnderstoodError, QueueUnavailableError
from trailstream.pipeline.peek import BATCH, Peek, to_its_end
from trailstream.pipeline.ports import Held, Inlet, Outgoing, Quarantine, Queue, SetAside

WINDOW = 100
"""How many messages are looked at before their reasons are asked for."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the dead-letter queue, with what is known of it."""

    held: Held
    reason: SetAside | None

    @property
    def id(self) -> str:
        """The message's id, which it has had since it was sent."""
        return self.held.delivery.id

    @property
    def objects(self) -> tuple[ObjectRef, ...]:
        """The log objects that it names, as far as it is understood."""
        try:
            return read_notice(self.held.delivery.body).objects
        except NotUnderstoodError:
            return ()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are to be moved: those of these codes or with these ids, or all where neither is named."""

    codes: frozenset[str] = frozenset()
    message_ids: frozenset[str] = frozenset()

    def takes(self, letter: DeadLetter) -> bool:
        """Say whether this one is to be moved."""
        if not self.codes and not self.message_ids:
            return True
        return letter.id in self.message_ids or (letter.reason is not None and letter.reason.code in self.codes)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one message that was to be moved."""

    letter: DeadLetter
    problem: str | None
    """None where it is on its queue and nowhere else."""


class DeadLetters:
    """Reads a dead-letter queue without taking anything, and moves what it is told to."""

    def __init__(self, *, queue: Queue, quarantine: Quarantine, wait_seconds: int = 1) -> None:
        """``queue`` gives the extras of what it receives; ``wait_seconds`` is what an empty answer of it takes."""
        self._queue = queue
        self._quarantine = quarantine
        self._wait_seconds = wait_seconds

    async def read(self, at_most: int) -> list[DeadLetter]:
        """Return what the queue shows, and why it is there. As many as were asked for: there may be more.

        Raises :class:`QueueUnavailableError` and :class:`QuarantineUnavailableError`.
        """
        async with self._peek() as peek:
            return await self._explained(await peek.read(at_most))

    async def find(self, message_id: str) -> DeadLetter | None:
        """Return one message, or None where the queue does not show it. Raises what :meth:`read` does."""
        async with self._peek() as peek:
            while window := await peek.read(WINDOW):
                for held in window:
                    if held.delivery.id == message_id:
                        return (await self._explained([held]))[0]
        return None

    async def redrive(
        self,
        selection: Selection,
        *,
        inlet: Inlet,
        before: float,
        limit: int | None,
        dry_run: bool,
        report: Callable[[Moved], None],
    ) -> None:
        """Move messages to ``inlet``, ``limit`` at the most, and report each; on a dry run only report them.

        A message is deleted here after it is there, so that a crash in between leaves two and never none. What was sent
        after ``before`` (Unix seconds) stays, or what fails again would be moved round for ever. After a batch of which
        nothing could be moved no other is tried. Raises what :meth:`read` does.
        """
        left = limit if limit is not None else math.inf
        if not selection.codes:
            left = min(left, len(selection.message_ids) or math.inf)
        async with self._peek() as peek:
            while left and (window := await peek.read(WINDOW)):
                letters = (
                    await self._explained(window) if selection.codes else [DeadLetter(held, None) for held in window]
                )
                chosen = [each for each in letters if _sent_before(each, before) and selection.takes(each)]
                chosen = chosen[: int(min(left, WINDOW))]
                left -= len(chosen)
                for start in range(0, len(chosen), BATCH):
                    batch = chosen[start : start + BATCH]
                    if dry_run:
                        _report_all([Moved(letter, None) for letter in batch], report)
                    elif not await to_its_end(self._move(batch, inlet, peek, report)):
                        return

    async def _move(
        self, letters: Sequence[DeadLetter], inlet: Inlet, peek: Peek, report: Callable[[Moved], None]
    ) -> int:
        """Send, then delete what was sent; return how many are moved."""
        refusals = await _results(
            inlet.put([Outgoing(each.id, each.held.delivery.body, each.held.extras) for each in letters]), len(letters)
        )
        results = [Moved(letter, f"not sent: {why}") for letter, why in zip(letters, refusals, strict=True) if why]
        sent = [letter for letter, why in zip(letters, refusals, strict=True) if not why]
        kept = await _results(self._queue.delete([letter.held.receipt for letter in sent]), len(sent))
        moved = [letter for letter, why in zip(sent, kept, strict=True) if not why]
        peek.forget(letter.id for letter in moved)
        results += [
            Moved(letter, f"sent, and not deleted: {why}; it is on both queues" if why else None)
            for letter, why in zip(sent, kept, strict=True)
        ]
        _report_all(results, report)
        return len(moved)

    async def _explained(self, messages: Sequence[Held]) -> list[DeadLetter]:
        reasons = await self._quarantine.reasons([held.delivery.id for held in messages])
        return [DeadLetter(held, reasons.get(held.delivery.id)) for held in messages]

    def _peek(self) -> Peek:
        return Peek(self._queue, wait_seconds=self._wait_seconds)


def _sent_before(letter: DeadLetter, before: float) -> bool:
    sent_at = letter.held.delivery.sent_at
    return sent_at is None or sent_at < before


def _report_all(results: Sequence[Moved], report: Callable[[Moved], None]) -> None:
    for each in results:
        report(each)


async def _results(call: Coroutine[Any, Any, Sequence[str | None]], count: int) -> Sequence[str | None]:
    """Return what a batch call says of each of its entries; where it failed as a whole, that, of each."""
    try:
        return await call
    except QueueUnavailableError as error:
        return [str(error)] * count
