"""The rules in force, and what becomes of what they find: matches -> alerts, an object at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

from trailstream.model.alert import Alert, Match
from trailstream.model.finding import Finding
from trailstream.pipeline.counting import Counting
from trailstream.pipeline.docket import Docket
from trailstream.pipeline.held_back import HeldBack
from trailstream.pipeline.ports import Judge
from trailstream.pipeline.telling import alert_of_finding, alert_of_firing
from trailstream.rules.ruleset import Ruleset

MOST_WAITING_FINDINGS = 200
"""What of one object waits to be counted together."""

Send = Callable[[Alert], Awaitable[None]]
Notice = Callable[[Match], None]


class Detections:
    """One set of rules. A delivery is handled from its start to its end with the set that it began with."""

    def __init__(self, ruleset: Ruleset, counting: Counting | None = None, judge: Judge | None = None) -> None:
        """Take ``counting`` where rules count over time, and ``judge`` where rules are code.

        Without a judge such rules match nothing.
        """
        self.ruleset = ruleset
        self._counting = counting
        self._judge = judge

    def judged_by(self, judge: Judge | None) -> Detections:
        """Return the same rules with this judge."""
        return Detections(self.ruleset, self._counting, judge)

    @asynccontextmanager
    async def findings(
        self, *, origin: str | None, key_account: str | None, send: Send, noticed: Notice = lambda _match: None
    ) -> AsyncIterator[Findings]:
        """Take the matches of one object while the block runs; leaving it sends what was held back.

        ``noticed`` is told of each match once it is certain. What was held back is sent also where the block is left by
        an error, unless it was counting, judging or sending that failed.
        """
        findings = Findings(
            origin=origin,
            key_account=key_account,
            send=send,
            noticed=noticed,
            counting=self._counting,
            judged=self.ruleset.judged,
            judge=self._judge,
        )
        try:
            yield findings
        except Exception:
            if not findings.outside.failed:
                await findings.finish()
            raise
        await findings.finish()

    async def judge_windows(self, *, send: Send, input_ended: bool = False) -> None:
        """Send the alerts of windows that could not be judged before they had ended, and now can.

        ``send`` returns when the alert was accepted. ``input_ended`` says that nothing will be added to any window:
        then all of them are judged. Raises what ``send`` does, and :class:`WindowsUnavailableError`.
        """
        if self._counting is None or not self._counting.waits_for_ends:
            return
        async with aclosing(self._counting.judge(input_ended=input_ended)) as firings:
            async for firing in firings:
                await send(alert_of_firing(firing, origin=None, key_account=None))


class _Outside:
    """Notes whether a block has failed that was entered with it, one after the other or one in another."""

    failed = False

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        self.failed = self.failed or kind is not None


class Findings:
    """What the rules found in one object, or in one record that came in a message, on its way to alerts."""

    def __init__(
        self,
        *,
        origin: str | None,
        key_account: str | None,
        send: Send,
        noticed: Notice,
        counting: Counting | None,
        judged: frozenset[str],
        judge: Judge | None,
    ) -> None:
        self._origin = origin
        self._key_account = key_account
        self._send = send
        self._noticed = noticed
        self._counting = counting
        self._judged = judged
        self._docket = None if judge is None else Docket(judge, origin=origin, found=self._certain)
        self._waiting: HeldBack[Finding] = HeldBack(MOST_WAITING_FINDINGS)
        self.outside = _Outside()
        """Counting, judging and sending."""

    async def add(self, match: Match) -> None:
        """Take a match.

        Raises what ``send`` raises, :class:`WindowsUnavailableError` and :class:`RulesUnavailableError`.
        """
        if match.rule.id not in self._judged:
            await self._certain(Finding(match))
        elif self._docket is not None:
            with self.outside:
                await self._docket.add(match)

    async def finish(self) -> None:
        """Judge, count and send what was held back. Raises what :meth:`add` raises."""
        if self._docket is not None:
            with self.outside:
                await self._docket.flush()
        await self._count()

    async def _certain(self, finding: Finding) -> None:
        self._noticed(finding.match)
        counting, rule_id = self._counting, finding.match.rule.id
        if counting is None or rule_id not in counting.looked_at:
            await self._alert(finding)
            return
        counted = counting.can_count(finding)
        if rule_id in counting.alone or not (counted or rule_id in counting.silent):
            await self._alert(finding)
        if counted and self._waiting.add(finding, len(finding.match.raw or b"")):
            await self._count()

    async def _count(self) -> None:
        """Count what was held back, and send what comes of it."""
        findings = self._waiting.take()
        if not findings or self._counting is None:
            return
        with self.outside:
            for firing in await self._counting.take(findings):
                await self._send(alert_of_firing(firing, origin=self._origin, key_account=self._key_account))

    async def _alert(self, finding: Finding) -> None:
        alert = alert_of_finding(finding, origin=self._origin, key_account=self._key_account)
        with self.outside:
            await self._send(alert)
