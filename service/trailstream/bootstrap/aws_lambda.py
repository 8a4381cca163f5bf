"""The Lambda door's core, made from its settings."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trailstream.adapters.aws import AwsClients
from trailstream.bootstrap.core import SPARE_CONNECTIONS, Core, log_start, make_emit, open_core
from trailstream.bootstrap.rules_in_force import open_rules, read_rules
from trailstream.bootstrap.sinks import open_sinks
from trailstream.bootstrap.windows import open_windows
from trailstream.config import Settings
from trailstream.model.facts import Emit
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.retry_policy import RetryPolicy
from trailstream.telemetry.emf import EmfFacts
from trailstream.telemetry.log_facts import LogFacts
from trailstream.telemetry.logs import configure_logs

UNLIMITED_SLOTS = 20_000
"""One event brings 10,000 messages at most, and each account may have half of the slots: nobody waits for a turn."""


@dataclass(frozen=True, slots=True)
class LambdaCore:
    """What the Lambda door stands on."""

    core: Core
    emit: Emit
    flush: Callable[[], None]


@asynccontextmanager
async def open_lambda(settings: Settings, *, function_name: str) -> AsyncIterator[LambdaCore]:
    """Make the parts of the Lambda door; metrics are written to standard output, in the embedded metric format.

    ``function_name`` is their dimension.
    """
    log = configure_logs(sys.stderr, level=settings.telemetry.log_level, form="json")
    async with (
        AwsClients(
            region=settings.aws.region, endpoint_url=settings.aws.endpoint_url, connections=SPARE_CONNECTIONS
        ) as aws,
        open_sinks(settings.sinks, aws) as sinks,
    ):
        first = await read_rules(settings.rules, aws)
        emf = EmfFacts(
            sys.stdout,
            namespace=settings.telemetry.emf_namespace,
            function_name=function_name,
            rules=first.loaded.infos,
            sinks=[sink.name for sink in sinks],
        )
        emit = make_emit(log, emf.observe, LogFacts(log).observe)
        # Lambda decides when a failed message shows again; the handler's wait goes unused.
        policy = RetryPolicy(Backoff(0, 0))
        async with (
            open_windows(settings, aws, sinks=[sink.name for sink in sinks], emit=emit, default_file=False) as windows,
            # A sandbox lives for hours at the most: its rules are those of its start.
            open_rules(settings.rules, first, windows, emit=emit) as (in_force, _),
            open_core(
                settings,
                aws=aws,
                sinks=sinks,
                detections=in_force.use,
                emit=emit,
                policy=policy,
                own=None,
                slots=UNLIMITED_SLOTS,
            ) as core,
        ):
            log_start(log, first.loaded, rules_digest=first.digest)
            yield LambdaCore(core, emit, emf.flush)
