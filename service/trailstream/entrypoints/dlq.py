"""``trailstream dlq list|show|redrive``: what is in the dead-letter queue, why, and its way back."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from trailstream.bootstrap.dead_letters import DeadLetterDesk, open_dead_letters
from trailstream.config import ToolSettings, load_settings
from trailstream.entrypoints.dead_letter_text import REPORTS, one_line
from trailstream.model.errors import QuarantineUnavailableError, QueueUnavailableError
from trailstream.model.printable import printable
from trailstream.model.problems import ConfigurationError, Problem
from trailstream.pipeline.dead_letters import Moved, Selection

FAILED = 1


def run_dlq_list(options: argparse.Namespace) -> int:
    """Print what the dead-letter queue shows. Return 1 where it, or the quarantine, could not be read."""

    async def listed(desk: DeadLetterDesk) -> int:
        letters = await desk.letters.read(options.limit)
        REPORTS[options.format].many(letters, url=desk.url, more=len(letters) == options.limit, now=time.time())
        return 0

    return _run(options, listed)


def run_dlq_show(options: argparse.Namespace) -> int:
    """Print everything of one message. Return 1 where the queue does not show it."""

    async def shown(desk: DeadLetterDesk) -> int:
        letter = await desk.letters.find(options.message_id)
        if letter is None:
            print(f"{printable(options.message_id)}: the dead-letter queue does not show it", file=sys.stderr)
            return FAILED
        REPORTS[options.format].one(letter, url=desk.url, now=time.time())
        return 0

    return _run(options, shown)


def run_dlq_redrive(options: argparse.Namespace) -> int:
    """Move messages back to their queue. Return 1 where one that was meant is not moved."""
    selection = Selection(frozenset(options.code or ()), frozenset(options.message_id or ()))

    async def redriven(desk: DeadLetterDesk) -> int:
        if desk.inlet is None:
            what = "is not configured, so there is no queue to move messages to"
            raise ConfigurationError([Problem("queue.url", what, "set it in the file that --config names")])
        tally = _Tally("would be moved" if options.dry_run else "moved")
        try:
            await desk.letters.redrive(
                selection,
                inlet=desk.inlet,
                before=time.time(),
                limit=options.limit,
                dry_run=options.dry_run,
                report=tally.add,
            )
        finally:
            not_shown = selection.message_ids - tally.seen
            print(tally.summary(not_shown), file=sys.stderr)
        return FAILED if tally.failed or not_shown else 0

    return _run(options, redriven)


@dataclass(slots=True)
class _Tally:
    """What a redrive came to; each message is told of as it is moved."""

    verb: str
    moved: int = 0
    failed: int = 0
    seen: set[str] = field(default_factory=set)

    def add(self, result: Moved) -> None:
        self.seen.add(result.letter.id)
        if result.problem is None:
            self.moved += 1
            print(f"{self.verb}: {one_line(result.letter)}")
        else:
            self.failed += 1
            print(f"failed: {one_line(result.letter)}: {printable(result.problem)}", file=sys.stderr)

    def summary(self, not_shown: frozenset[str]) -> str:
        missing = f"; not in the dead-letter queue: {', '.join(map(printable, sorted(not_shown)))}" if not_shown else ""
        return f"{self.moved} {self.verb}, {self.failed} failed{missing}"


def _run(options: argparse.Namespace, work: Callable[[DeadLetterDesk], Awaitable[int]]) -> int:
    settings = load_settings(ToolSettings, options.config)

    async def opened() -> int:
        async with open_dead_letters(settings, queue_url=options.queue_url) as desk:
            return await work(desk)

    try:
        return asyncio.run(opened())
    except (QueueUnavailableError, QuarantineUnavailableError) as error:
        print(f"{error.code}: {printable(str(error))}", file=sys.stderr)
        return FAILED


DLQ_TOOLS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "list": run_dlq_list,
    "show": run_dlq_show,
    "redrive": run_dlq_redrive,
}
