"""Where experiments take place: one local endpoint for all of them, and a folder and an account for each."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from endpoint import Endpoint, running_endpoint
from trailstream.adapters.aws import AwsClients

from .account import Account, furnish
from .experiment import Experiment, Outcome
from .processes import Start, execute, running_nursery
from .proxy import FaultProxy, running_proxy
from .trails import FEW_OBJECTS, Trail, trail_of
from .workers import LedgerKind, Setup

Drive = Callable[[Experiment], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Theatre:
    """The endpoint, clients of it, and room on the disk."""

    directory: Path
    endpoint: Endpoint
    aws: AwsClients
    proxy: FaultProxy | None = None
    """Between worker and endpoint, for those faults that need it."""
    start: Start = execute
    """How workers are started."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def stage(
        self,
        drive: Drive,
        seed: int,
        *,
        fifo: bool = False,
        ledger: LedgerKind = "sqlite",
        small_objects: int = FEW_OBJECTS,
    ) -> Outcome:
        """Run one experiment; what it wrote is kept only where it shows that something is wrong."""
        name = self.fresh_name()
        account = await furnish(self.aws, name, fifo=fifo, table=ledger == "dynamodb")
        outcome = await self.experiment(trail_of(seed, small_objects), seed, account, ledger=ledger).run(drive)
        self.clear(name, outcome)
        return outcome

    def experiment(self, trail: Trail, seed: int, account: Account, *, ledger: LedgerKind = "sqlite") -> Experiment:
        """Prepare an experiment on this account."""
        directory = self.directory / account.name
        directory.mkdir()
        setup = Setup(directory, self.endpoint.url, ledger=ledger, start=self.start)
        return Experiment.of(seed, account, setup, trail)

    def clear(self, name: str, outcome: Outcome) -> None:
        """Remove what an experiment wrote, unless somebody will want to look at it."""
        if outcome.holds:
            shutil.rmtree(self.directory / name)

    def fresh_name(self) -> str:
        """Return a name that is part of no other."""
        return f"run-{next(self._numbers):05}"

    @asynccontextmanager
    async def of_package(self, package: Path) -> AsyncIterator[Theatre]:
        """Give the same theatre with workers of the ``trailstream`` in this directory."""
        async with running_nursery(package) as start:
            yield replace(self, start=start)


@asynccontextmanager
async def open_theatre(directory: Path) -> AsyncIterator[Theatre]:
    """Start the endpoint; end it when the block ends."""
    with running_endpoint(directory) as endpoint:
        async with (
            endpoint.clients() as aws,
            running_proxy(directory, endpoint) as proxy,
            running_nursery() as start,
        ):
            yield Theatre(directory, endpoint, aws, proxy, start)
