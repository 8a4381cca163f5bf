"""One experiment: a seed's trail, a worker that is hurt while it works it off, and what then arrived."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from .account import Account
from .plain import Place, expected_alerts, expected_counts
from .trails import COUNTED_FROM, Trail
from .workers import Setup, Worker

PUBLISH_BATCH = 10
"""Alerts in one call to the topic: what may be repeated where nobody can know whether a call was accepted."""

LONGEST_SECONDS = 180
LOOK_EVERY_SECONDS = 0.1
ON_THE_WAY_SECONDS = 0.2
"""What a killed worker had sent may take so long to be in the inbox."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one experiment has shown."""

    seed: int
    struck: int
    """How often it was hurt with an alert due that had not arrived."""
    lost: tuple[str, ...]
    repeated: int
    """Arrivals of alerts that had arrived before."""
    allowed: int
    """How many of those lie in the window that is promised for what was done to it."""
    trouble: str = ""
    """What else went wrong."""

    @property
    def breaks_a_promise(self) -> bool:
        """Whether an alert was lost, or repeated where it must not be."""
        return bool(self.lost) or self.repeated > self.allowed

    @property
    def holds(self) -> bool:
        """Whether everything went as it should."""
        return not self.breaks_a_promise and not self.trouble

    def __str__(self) -> str:
        text = f"seed {self.seed}, struck {self.struck} times: {len(self.lost)} lost, {self.repeated} repeated"
        return f"{text} of which {self.allowed} allowed{'; ' if self.trouble else ''}{self.trouble}"


@dataclass(slots=True)
class Experiment:
    """The state of one; a fault drives it."""

    seed: int
    account: Account
    setup: Setup
    trail: Trail
    rng: random.Random
    expected: Mapping[str, frozenset[Place]]
    counts: Mapping[str, int]
    """How many records there are of what is counted."""
    arrivals: Counter[str] = field(default_factory=Counter)
    told_of: set[Place] = field(default_factory=set)
    """By storm alerts: whoever looks there finds every match of that rule."""
    struck: int = 0
    may_repeat: int = 0
    """How many repeats the faults so far excuse."""
    trouble: list[str] = field(default_factory=list)
    _workers: list[Worker] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int, account: Account, setup: Setup, trail: Trail) -> Experiment:
        """Prepare one."""
        rng = random.Random(seed)
        setup = replace(setup, slots=rng.choice([1, 2, 4, 32]))
        return cls(seed, account, setup, trail, rng, expected_alerts(trail.objects), expected_counts(trail.objects))

    async def run(self, fault: Callable[[Experiment], Awaitable[None]]) -> Outcome:
        """Deliver the trail, let the fault happen, and see what arrived when the queue was empty or time was up."""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await self.account.deliver(self.trail)
                await fault(self)
        except TimeoutError:
            self.trouble.append(f"not worked off within {LONGEST_SECONDS} s")
        finally:
            for worker in self._workers:
                await worker.kill()
        await self.look_into_the_inbox()
        return self._outcome()

    async def start(self, *, failpoint: str = "", endpoint_url: str = "") -> Worker:
        """Start a worker, which may reach the endpoint another way; it does not outlive the experiment."""
        setup = replace(self.setup, endpoint_url=endpoint_url) if endpoint_url else self.setup
        name = f"worker-{len(self._workers)}"
        worker = await Worker.start(setup, self.account, name, failpoint=failpoint)
        self._workers.append(worker)
        return worker

    async def until_over(self, *workers: Worker) -> bool:
        """Wait until the queue is empty, and say so, or until one of the workers has ended."""
        while not any(worker.is_over for worker in workers):
            if await self.account.is_worked_off():
                return True
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        return False

    async def finish(self, *workers: Worker) -> None:
        """Wait until everything is worked off by these, or else by a new one, and stop them: none may fail."""
        if not workers:
            if await self.account.is_worked_off():
                return
            workers = (await self.start(),)
        if not await self.until_over(*workers):
            over = [worker.log_path.name for worker in workers if worker.is_over]
            self.trouble.append(f"ended by itself: {', '.join(over)}")
        for worker in workers:
            await self.stop(worker)

    async def stop(self, worker: Worker) -> None:
        """End it with grace, which must succeed."""
        if (code := await worker.stop()) != 0:
            self.trouble.append(f"exit code {code}: {worker.log_path.name}")

    async def strike(self, *, excuses: int) -> bool:
        """Note that it was hurt; say whether that counts: an alert was due that has not arrived.

        ``excuses`` is how many repeats are promised at the most for what was done.
        """
        await asyncio.sleep(ON_THE_WAY_SECONDS)
        await self.look_into_the_inbox()
        self.may_repeat += excuses
        counts = bool(self._missing())
        self.struck += counts
        return counts

    async def look_into_the_inbox(self) -> None:
        """Take what has arrived since."""
        for letter in await self.account.arrived():
            if letter.storm_of:
                self.told_of |= letter.storm_of
            else:
                self.arrivals[letter.alert_id] += 1
                if letter.counted and not COUNTED_FROM <= letter.counted <= self.counts[letter.alert_id]:
                    self.trouble.append(f"{letter.alert_id}: told of {letter.counted} records")

    def _missing(self) -> list[str]:
        """Return what nobody was told of so far."""
        return [
            alert
            for alert, places in self.expected.items()
            if alert not in self.arrivals and self.told_of.isdisjoint(places)
        ]

    def _outcome(self) -> Outcome:
        if unforeseen := self.arrivals.keys() - self.expected:
            self.trouble.append(f"alerts that nothing was to cause: {', '.join(sorted(unforeseen)[:3])}")
        repeated = self.arrivals.total() - len(self.arrivals)
        lost = tuple(sorted(self._missing()))
        allowed = min(repeated, self.may_repeat)
        return Outcome(self.seed, self.struck, lost, repeated, allowed, "; ".join(self.trouble))
