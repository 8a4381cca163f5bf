"""Matches that wait for a judge, some at a time: whether their rules match after all is not for a condition to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from trailstream.model.alert import Match
from trailstream.model.finding import Finding
from trailstream.model.limits import MIB
from trailstream.pipeline.ports import Judge

MOST_WAITING = 256
MOST_WAITING_BYTES = MIB
"""What of one object waits to be judged together: more costs memory and time of the budget, fewer costs calls."""

Found = Callable[[Finding], Awaitable[None]]


class Docket:
    """What of one object waits for the judge."""

    def __init__(self, judge: Judge, *, origin: str | None, found: Found) -> None:
        """Whatever matches after all is given to ``found``, in the order in which it was added."""
        self._judge = judge
        self._origin = origin
        self._found = found
        self._waiting: list[Match] = []
        self._waiting_bytes = 0

    async def add(self, match: Match) -> None:
        """Take a match. Raises what ``found`` raises, and :class:`RulesUnavailableError`."""
        self._waiting.append(match)
        self._waiting_bytes += len(match.raw or b"")
        if len(self._waiting) >= MOST_WAITING or self._waiting_bytes >= MOST_WAITING_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Have what waits judged. Raises what :meth:`add` does."""
        matches, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not matches:
            return
        verdicts = await self._judge.verdicts(matches, origin=self._origin)
        for match, remarks in zip(matches, verdicts, strict=True):
            if remarks is not None:
                await self._found(Finding(match, remarks))
