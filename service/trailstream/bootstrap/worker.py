"""The worker, made from its settings."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.sqs import SqsQueue, queue_region
from trailstream.bootstrap.core import SPARE_CONNECTIONS, log_start, make_emit, make_handler, make_sinks
from trailstream.bootstrap.failpoints import armed
from trailstream.bootstrap.rules import load_rules, usable_ruleset
from trailstream.config import QueueSettings, WorkerSettings
from trailstream.pipeline.consumer import Consumer, ConsumerSettings
from trailstream.pipeline.retry import Backoff
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
    loaded = load_rules(settings.rules.directory)
    ruleset = usable_ruleset(loaded, skip_broken=settings.rules.skip_broken)
    registry = CollectorRegistry()
    health = Health()
    async with AwsClients(
        region=settings.aws.region,
        endpoint_url=settings.aws.endpoint_url,
        connections=settings.queue.slots + SPARE_CONNECTIONS,
    ) as aws:
        sinks = await make_sinks(settings.sinks, aws)
        metrics = Metrics(
            registry,
            accounts=settings.telemetry.accounts,
            max_other_accounts=settings.telemetry.max_other_accounts,
            rules=[rule.info for rule in ruleset.rules],
            sinks=[sink.name for sink in sinks],
            broken_rules=len(loaded.problems),
        )
        emit, progress = armed(
            make_emit(log, metrics.observe, LogFacts(log).observe, health.observe),
            health.progress,
            endpoint_url=settings.aws.endpoint_url,
        )
        queue = SqsQueue(
            client=await aws.lean_sqs(region=queue_region(settings.queue.url)), queue_url=settings.queue.url
        )
        handler = await make_handler(
            settings,
            aws=aws,
            sinks=sinks,
            ruleset=ruleset,
            emit=emit,
            backoff=Backoff(settings.queue.retry_first_seconds, settings.queue.retry_longest_seconds),
            progress=progress,
        )
        consumer = Consumer(queue=queue, handle=handler.handle, settings=_consumer_settings(settings.queue), emit=emit)
        async with TelemetryServer(
            registry=registry, health=health, host=settings.telemetry.host, port=settings.telemetry.port
        ) as server:
            health.rules_loaded(len(ruleset.rules))
            log_start(log, loaded, metrics_url=server.url, queue=settings.queue.url)
            yield Worker(
                queue=queue,
                consumer=consumer,
                allow_no_redrive=settings.queue.allow_no_redrive,
                describe_backoff=POLL_BACKOFF,
                emit=emit,
            )
            log.info("stopped")


def _consumer_settings(settings: QueueSettings) -> ConsumerSettings:
    return ConsumerSettings(
        slots=settings.slots,
        poll_wait_seconds=settings.poll_wait_seconds,
        visibility_seconds=settings.visibility_seconds,
        reject_visibility_seconds=settings.reject_visibility_seconds,
        shutdown_grace_seconds=settings.shutdown_grace_seconds,
        poll_backoff=POLL_BACKOFF,
    )
