"""What the worker and the Lambda door are both made of."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from trailstream import __version__
from trailstream.adapters.assumed_role import Role
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.bootstrap.breakers import make_breaker
from trailstream.bootstrap.ledger import make_ledger
from trailstream.bootstrap.logs import make_logs_client
from trailstream.bootstrap.quarantine import make_quarantine
from trailstream.config import Settings
from trailstream.model.facts import Emit
from trailstream.model.limits import CHUNK_BYTES
from trailstream.model.principal import Principal
from trailstream.pipeline.allow_list import AllowList
from trailstream.pipeline.aside import Aside
from trailstream.pipeline.breaker import OBJECT_STORE, Breaker, sink_dependency
from trailstream.pipeline.courier import Courier, CourierSettings
from trailstream.pipeline.detections import Detections
from trailstream.pipeline.examiner import Examiner
from trailstream.pipeline.fair_share import FairShare
from trailstream.pipeline.handler import Handler
from trailstream.pipeline.ports import Sink
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.retry_policy import RetryPolicy
from trailstream.pipeline.storms import Storms
from trailstream.pipeline.window_ends import WindowEnds
from trailstream.rules.loading import LoadedRules
from trailstream.telemetry.fanout import Fanout, Listener

SEND_BACKOFF = Backoff(first_seconds=0.5, longest_seconds=20)
"""Between two calls to a sink that takes nothing."""

OWN_PRINCIPAL_SECONDS = 5
"""Nothing depends on the answer but a metric."""

SPARE_CONNECTIONS = 8
"""For heartbeats, deletes and polls, beside one for each delivery."""


@dataclass(frozen=True, slots=True)
class Core:
    """The flow from a delivery to its outcome, and what of it the doors have to look after."""

    handler: Handler
    couriers: Sequence[Courier]
    breakers: Sequence[Breaker]
    window_ends: WindowEnds

    def end_storms(self, *, for_good: bool = False) -> None:
        """See :meth:`trailstream.pipeline.storms.Storms.end`."""
        for courier in self.couriers:
            courier.end_storms(for_good=for_good)


@asynccontextmanager
async def open_core(
    settings: Settings,
    *,
    aws: AwsClients,
    sinks: Sequence[Sink],
    detections: Callable[[], AbstractContextManager[Detections]],
    emit: Emit,
    policy: RetryPolicy,
    own: Principal | None,
    slots: int,
    progress: Callable[[], None] = lambda: None,
) -> AsyncIterator[Core]:
    """Make the core over S3, with its couriers at work while the block runs."""
    # For a message, a store that is still down is one receive the less: it is tried with one.
    store_breaker = make_breaker(OBJECT_STORE, emit=emit, trial_messages=1)
    breakers = [store_breaker]
    aside = None
    if settings.quarantine.stores:
        quarantine = await make_quarantine(settings.quarantine, aws)
        aside = Aside(quarantine=quarantine, emit=emit, clock=time.time)
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(make_ledger(settings.ledger, aws))
        couriers = []
        for sink in sinks:
            breaker = make_breaker(sink_dependency(sink.name), emit=emit)
            courier = Courier(
                sink=sink,
                ledger=ledger,
                aside=aside,
                storms=Storms(budget=settings.alerts.budget, period_seconds=settings.alerts.period_seconds),
                breaker=breaker,
                settings=_courier_settings(settings),
                emit=emit,
                clock=time.time,
                chance=random.random,
            )
            breakers.append(breaker)
            couriers.append(courier)
            await stack.enter_async_context(courier.at_work())
        examiner = Examiner(
            store=S3ObjectStore(client=await make_logs_client(settings.logs, aws), chunk_bytes=CHUNK_BYTES),
            store_breaker=store_breaker,
            couriers=couriers,
            allowed=AllowList(buckets=settings.logs.buckets, accounts=settings.logs.accounts),
            share=FairShare(max(1, slots // 2)),
            limits=settings.reader.limits,
            reader=settings.reader.choice,
            own=own,
            emit=emit,
            clock=time.time,
            progress=progress,
        )
        handler = Handler(
            examiner=examiner, aside=aside, detections=detections, policy=policy, emit=emit, clock=time.time
        )
        core = Core(
            handler,
            couriers,
            breakers,
            WindowEnds(
                detections=detections,
                couriers=couriers,
                end_storms=lambda: core.end_storms(),  # noqa: PLW0108 - there is no core yet
                emit=emit,
            ),
        )
        yield core


async def own_principal(aws: AwsClients, log: FilteringBoundLogger, *, roles: Collection[Role]) -> Principal | None:
    """Ask STS who we are, beside who we are in the roles that we assume.

    Whoever has credentials may ask that; where STS cannot be reached, nobody knows.
    """
    try:
        async with asyncio.timeout(OWN_PRINCIPAL_SECONDS):
            identity = await (await aws.sts()).get_caller_identity()
            return Principal(identity["Arn"], frozenset(role.session_arn for role in roles))
    except Exception as error:  # noqa: BLE001 - an endpoint that is no STS answers anything, and only a metric needs it
        log.warning("who we are is not known, so our own calls are not told from others'", detail=repr(error))
        return None


def _courier_settings(settings: Settings) -> CourierSettings:
    return CourierSettings(
        claim_seconds=settings.ledger.claim_seconds,
        remember_seconds=settings.ledger.window_days * 86_400,
        patience_seconds=settings.alerts.patience_seconds,
        backoff=SEND_BACKOFF,
        when_ledger_down=settings.ledger.when_down,
    )


def make_emit(log: FilteringBoundLogger, *listeners: Listener) -> Fanout:
    """Tell every listener of every fact; one that breaks is told of once."""

    def on_failure(listener: Listener, error: Exception) -> None:
        log.error("a telemetry listener failed", listener=repr(listener), exc_info=error)

    return Fanout(*listeners, on_failure=on_failure)


def log_start(log: FilteringBoundLogger, loaded: LoadedRules, **facts: str) -> None:
    """Say what was loaded and what was not."""
    for problem in loaded.problems:
        log.error("rule is broken and was skipped", problem=str(problem))
    for note in loaded.notes:
        log.info("note on a rule file", note=str(note))
    log.info(
        "started",
        version=__version__,
        rules=len(loaded.rules) + len(loaded.correlations),
        notes=len(loaded.notes),
        **facts,
    )
