"""The rules in force, and what becomes of what they find: matches -> alerts, an object at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from trailstream.decode.json_text import encode_record
from trailstream.model.alert import Alert, Match, alert_of
from trailstream.model.finding import Finding
from trailstream.rules.ruleset import Ruleset

Send = Callable[[Alert], Awaitable[None]]


class Detections:
    """One set of rules. A delivery is handled from its start to its end with the set that it began with."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset

    @asynccontextmanager
    async def findings(self, *, origin: str | None, key_account: str | None, send: Send) -> AsyncIterator[Findings]:
        """Take the matches of one object while the block runs; leaving it sends what was held back."""
        yield Findings(origin=origin, key_account=key_account, send=send)

    async def judge_windows(self, *, send: Send, input_ended: bool = False) -> None:
        """Send the alerts of windows that could not be judged before they had ended, and now can.

        ``input_ended`` says that nothing will be added to any: then all of them are judged. Raises what ``send`` does.
        """


class Findings:
    """What the rules found in one object, or in one record that came in a message, on its way to alerts."""

    def __init__(self, *, origin: str | None, key_account: str | None, send: Send) -> None:
        self._origin = origin
        self._key_account = key_account
        self._send = send

    async def add(self, match: Match) -> None:
        """Take a match. Raises what ``send`` raises."""
        await self._found(Finding(match))

    async def _found(self, finding: Finding) -> None:
        await self._send(
            alert_of(finding.match, origin=self._origin, key_account=self._key_account, encode=encode_record)
        )
