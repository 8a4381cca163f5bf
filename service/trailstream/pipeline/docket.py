"""Matches that wait for a judge, some at a time: whether their rules match after all is not for a condition to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from trailstream.model.alert import Match
from trailstream.model.finding import Finding
from trailstream.pipeline.held_back import HeldBack
from trailstream.pipeline.ports import Judge

MOST_WAITING = 256
"""Matches of one object that wait to be judged together: more cost time of the budget, fewer cost calls."""

Found = Callable[[Finding], Awaitable[None]]


class Docket:
    """What of one object waits for the judge."""

    def __init__(self, judge: Judge, *, origin: str | None, found: Found) -> None:
        """Whatever matches after all is given to ``found``, in the order in which it was added."""
        self._judge = judge
        self._origin = origin
        self._found = found
        self._waiting: HeldBack[Match] = HeldBack(MOST_WAITING)

    async def add(self, match: Match) -> None:
        """Take a match. Raises what ``found`` raises, and :class:`RulesUnavailableError`."""
        if self._waiting.add(match, len(match.raw or b"")):
            await self.flush()

    async def flush(self) -> None:
        """Have what waits judged. Raises what :meth:`add` does."""
        if not (matches := self._waiting.take()):
            return
        verdicts = await self._judge.verdicts(matches, origin=self._origin)
        for match, remarks in zip(matches, verdicts, strict=True):
            if remarks is not None:
                await self._found(Finding(match, remarks))
