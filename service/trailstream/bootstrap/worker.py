"""The worker, made from its settings."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from prometheus_client import CollectorRegistry

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.sqs import SqsQueue, queue_region
from trailstream.bootstrap.core import SPARE_CONNECTIONS, log_start, make_emit, open_core, own_principal
from trailstream.bootstrap.failpoints import armed
from trailstream.bootstrap.logs import roles_of
from trailstream.bootstrap.rules_in_force import open_rules, read_rules
from trailstream.bootstrap.scale_in import protected_from_scale_in
from trailstream.bootstrap.sinks import open_sinks
from trailstream.bootstrap.windows import open_windows
from trailstream.config import WorkerSettings
from trailstream.config.settings import QueueSettings
from trailstream.pipeline.background import in_background
from trailstream.pipeline.consumer import Consumer, ConsumerSettings
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.retry_policy import RetryPolicy
from trailstream.pipeline.worker import Worker
from trailstream.telemetry.health import Health
from trailstream.telemetry.log_facts import LogFacts
from trailstream.telemetry.logs import configure_logs
from trailstream.telemetry.metrics import Metrics
from trailstream.telemetry.server import TelemetryServer

POLL_BACKOFF = Backoff(first_seconds=1, longest_seconds=30)
"""Between receive calls that fail: AWS is down, or not yet up."""


@asynccontextmanager
async def open_worker(settings: WorkerSettings) -> AsyncIterator[Worker]:
    """Make a worker from its settings, with its metrics and health served while the block runs."""
    log = configure_logs(sys.stderr, level=settings.telemetry.log_level, form=settings.telemetry.log_format)
    registry = CollectorRegistry()
    health = Health()
    async with (
        AwsClients(
            region=settings.aws.region,
            endpoint_url=settings.aws.endpoint_url,
            connections=settings.queue.slots + SPARE_CONNECTIONS,
        ) as aws,
        open_sinks(settings.sinks, aws) as sinks,
    ):
        first = await read_rules(settings.rules, aws)
        metrics = Metrics(
            registry,
            accounts=settings.telemetry.accounts,
            max_other_accounts=settings.telemetry.max_other_accounts,
            rules=first.loaded.infos,
            sinks=[sink.name for sink in sinks],
            broken_rules=len(first.loaded.problems),
            rules_digest=first.digest,
            tasks=partial(_tasks_of, asyncio.get_running_loop()),
        )
        emit, progress = armed(
            make_emit(log, metrics.observe, LogFacts(log).observe, health.observe),
            health.progress,
            endpoint_url=settings.aws.endpoint_url,
        )
        queue = SqsQueue(
            client=await aws.lean_sqs(region=queue_region(settings.queue.url)), queue_url=settings.queue.url
        )
        async with (
            open_windows(settings, aws, sinks=[sink.name for sink in sinks], emit=emit, default_file=True) as windows,
            open_rules(settings.rules, first, windows, emit=emit) as (in_force, reloading),
            open_core(
                settings,
                aws=aws,
                sinks=sinks,
                detections=in_force.use,
                emit=emit,
                policy=_retry_policy(settings.queue),
                own=await own_principal(aws, log, roles=roles_of(settings.logs).values()),
                slots=settings.queue.slots,
                progress=progress,
            ) as core,
            TelemetryServer(
                registry=registry, health=health, host=settings.telemetry.host, port=settings.telemetry.port
            ) as server,
        ):
            health.rules_loaded(len(first.loaded.infos))
            log_start(log, first.loaded, metrics_url=server.url, queue=settings.queue.url, rules_digest=first.digest)
            consumer = Consumer(
                queue=queue,
                handle=core.handler.handle,
                breakers=[*core.breakers, windows.breaker],
                settings=_consumer_settings(settings.queue),
                emit=emit,
            )
            async with (
                protected_from_scale_in(
                    held_seconds=consumer.oldest_seconds,
                    grace_seconds=settings.queue.shutdown_grace_seconds,
                    emit=emit,
                ),
                core.window_ends.looked_after(),
                in_background(reloading.run(), name="rules"),
            ):
                yield Worker(
                    queue=queue,
                    consumer=consumer,
                    judged=lambda facts: core.handler.redrives_after(facts.max_receive_count),
                    end_storms=partial(core.end_storms, for_good=True),
                    reload_rules=reloading.ask,
                    allow_no_redrive=settings.queue.allow_no_redrive,
                    describe_backoff=POLL_BACKOFF,
                    emit=emit,
                )
            log.info("stopped")


def _tasks_of(loop: asyncio.AbstractEventLoop) -> int:
    return len(asyncio.all_tasks(loop))


def _retry_policy(settings: QueueSettings) -> RetryPolicy:
    return RetryPolicy(
        Backoff(settings.retry_first_seconds, settings.retry_longest_seconds),
        missing_receives=settings.retry_missing_receives,
        denied_receives=settings.retry_denied_receives,
    )


def _consumer_settings(settings: QueueSettings) -> ConsumerSettings:
    return ConsumerSettings(
        slots=settings.slots,
        poll_wait_seconds=settings.poll_wait_seconds,
        visibility_seconds=settings.visibility_seconds,
        reject_visibility_seconds=settings.reject_visibility_seconds,
        shutdown_grace_seconds=settings.shutdown_grace_seconds,
        poll_backoff=POLL_BACKOFF,
    )
