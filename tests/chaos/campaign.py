"""Many experiments, some side by side, until each fault has struck as often as it was to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from .experiment import Outcome
from .theatre import Theatre

WASTED_SEEDS = 10
"""After so many experiments in a row in which a fault did not strike, it is not tried any more: it is itself wrong."""

Stage = Callable[[Theatre, int], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the table."""

    name: str
    stage: Stage
    """Runs one experiment, from a seed."""
    strikes: int
    """How often it is to strike in a whole run."""
    quick_strikes: int = 2
    absent: str = ""
    """Why it cannot be tried on this machine."""


@dataclass(slots=True)
class Tally:
    """What a fault's experiments have shown so far."""

    fault: Fault
    strikes: int
    """How often it is to strike in this run."""
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    running: int = 0

    @property
    def struck(self) -> int:
        return sum(outcome.struck for outcome in self.outcomes)

    @property
    def is_enough(self) -> bool:
        """Whether no further experiment need be begun: it struck often enough, will have, or never will."""
        per_run = max(1.0, self.struck / len(self.outcomes)) if self.outcomes else 1.0
        return bool(self.fault.absent) or self.is_wrong or self.struck + self.running * per_run >= self.strikes

    @property
    def is_wrong(self) -> bool:
        """Whether the fault does not strike."""
        last = self.outcomes[-WASTED_SEEDS:]
        return len(last) == WASTED_SEEDS and not any(outcome.struck for outcome in last)

    @property
    def done(self) -> float:
        """The share of its strikes that were or are being made."""
        return (self.struck + self.running) / self.strikes

    @property
    def lost(self) -> int:
        return sum(len(outcome.lost) for outcome in self.outcomes)

    @property
    def repeated(self) -> int:
        return sum(outcome.repeated for outcome in self.outcomes)

    @property
    def allowed(self) -> int:
        """Repeats that lie in the promised window."""
        return sum(outcome.allowed for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        """The experiments in which a promise was broken, or something else went wrong."""
        return [outcome for outcome in self.outcomes if not outcome.holds]

    @property
    def holds(self) -> bool:
        """Whether the fault struck as often as it was to, and every promise was kept each time."""
        return bool(self.fault.absent) or (not self.failures and self.struck >= self.strikes)


async def campaign(
    theatre: Theatre,
    faults: Sequence[Fault],
    *,
    first_seed: int,
    lanes: int,
    quick: bool,
    stop_at_failure: bool = False,
    report: Callable[[Fault, Outcome], None] = lambda _fault, _outcome: None,
) -> list[Tally]:
    """Run experiments in so many lanes until every fault has struck often enough; return what they have shown."""
    tallies = [Tally(fault, fault.quick_strikes if quick else fault.strikes) for fault in faults]
    seeds = iter(range(first_seed, 1 << 62))

    async def lane() -> None:
        while wanting := [tally for tally in tallies if not tally.is_enough]:
            if stop_at_failure and any(tally.failures for tally in tallies):
                return
            tally = min(wanting, key=lambda each: each.done)
            tally.running += 1
            started = time.monotonic()
            try:
                outcome = await tally.fault.stage(theatre, next(seeds))
            finally:
                tally.running -= 1
            tally.seconds += time.monotonic() - started
            tally.outcomes.append(outcome)
            report(tally.fault, outcome)

    async with asyncio.TaskGroup() as group:
        for _ in range(lanes):
            group.create_task(lane())
    return tallies
