"""The worker and the Lambda door, made from their settings."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from structlog.stdlib import BoundLogger

from trailstream import __version__
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.adapters.sinks.sns import SnsSink, topic_region
from trailstream.adapters.sinks.stdout import StdoutSink
from trailstream.adapters.sqs import SqsQueue, queue_region
from trailstream.bootstrap.rules import load_rules, usable_ruleset
from trailstream.config import QueueSettings, Settings, SinksSettings, WorkerSettings
from trailstream.model.facts import Emit
from trailstream.model.limits import KIB
from trailstream.pipeline.consumer import Consumer, ConsumerSettings
from trailstream.pipeline.handler import Handler
from trailstream.pipeline.ports import Sink
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.worker import Worker
from trailstream.rules.loading import LoadedRules
from trailstream.rules.ruleset import Ruleset
from trailstream.telemetry.emf import EmfFacts
from trailstream.telemetry.fanout import Fanout, Listener
from trailstream.telemetry.health import Health
from trailstream.telemetry.log_facts import LogFacts
from trailstream.telemetry.logs import configure_logs
from trailstream.telemetry.metrics import Metrics
from trailstream.telemetry.server import TelemetryServer

CHUNK_BYTES = 256 * KIB
"""How much of a body is asked for at a time."""

POLL_BACKOFF = Backoff(first_seconds=1, longest_seconds=30)
"""Between receive calls that fail: AWS is down, or not yet up."""

SPARE_CONNECTIONS = 8
"""For heartbeats, deletes and polls, beside one for each delivery."""


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
        sinks = await _sinks(settings.sinks, aws)
        metrics = Metrics(
            registry,
            accounts=settings.telemetry.accounts,
            max_other_accounts=settings.telemetry.max_other_accounts,
            rules=[rule.info for rule in ruleset.rules],
            sinks=[sink.name for sink in sinks],
            broken_rules=len(loaded.problems),
        )
        emit = _fanout(log, metrics.observe, LogFacts(log).observe, health.observe)
        queue = SqsQueue(
            client=await aws.lean_sqs(region=queue_region(settings.queue.url)), queue_url=settings.queue.url
        )
        handler = await _handler(
            settings,
            aws=aws,
            sinks=sinks,
            ruleset=ruleset,
            emit=emit,
            backoff=Backoff(settings.queue.retry_first_seconds, settings.queue.retry_longest_seconds),
            progress=health.progress,
        )
        consumer = Consumer(queue=queue, handle=handler.handle, settings=_consumer_settings(settings.queue), emit=emit)
        async with TelemetryServer(
            registry=registry, health=health, host=settings.telemetry.host, port=settings.telemetry.port
        ) as server:
            health.rules_loaded(len(ruleset.rules))
            _log_start(log, loaded, metrics_url=server.url, queue=settings.queue.url)
            yield Worker(
                queue=queue,
                consumer=consumer,
                allow_no_redrive=settings.queue.allow_no_redrive,
                describe_backoff=POLL_BACKOFF,
                emit=emit,
            )
            log.info("stopped")


@dataclass(frozen=True, slots=True)
class LambdaCore:
    """What the Lambda door stands on."""

    handler: Handler
    emit: Emit
    flush: Callable[[], None]


@asynccontextmanager
async def open_lambda(settings: Settings, *, function_name: str) -> AsyncIterator[LambdaCore]:
    """Make the parts of the Lambda door; metrics are written to standard output, in the embedded metric format.

    ``function_name`` is their dimension.
    """
    log = configure_logs(sys.stderr, level=settings.telemetry.log_level, form="json")
    loaded = load_rules(settings.rules.directory)
    ruleset = usable_ruleset(loaded, skip_broken=settings.rules.skip_broken)
    async with AwsClients(
        region=settings.aws.region, endpoint_url=settings.aws.endpoint_url, connections=SPARE_CONNECTIONS
    ) as aws:
        sinks = await _sinks(settings.sinks, aws)
        emf = EmfFacts(
            sys.stdout,
            namespace=settings.telemetry.emf_namespace,
            dimensions={"function": function_name},
            rules=[rule.info for rule in ruleset.rules],
            sinks=[sink.name for sink in sinks],
        )
        emit = _fanout(log, emf.observe, LogFacts(log).observe)
        # Lambda decides when a failed message shows again; the handler's wait goes unused.
        handler = await _handler(settings, aws=aws, sinks=sinks, ruleset=ruleset, emit=emit, backoff=Backoff(0, 0))
        _log_start(log, loaded)
        yield LambdaCore(handler, emit, emf.flush)


async def _sinks(settings: SinksSettings, aws: AwsClients) -> Sequence[Sink]:
    """One entry for each kind of sink; a new kind is a branch here and a section in the settings."""
    sinks: list[Sink] = []
    if settings.sns is not None:
        client = await aws.sns(region=topic_region(settings.sns.topic_arn))
        sinks.append(SnsSink(client=client, topic_arn=settings.sns.topic_arn, body_format=settings.sns.format))
    if settings.stdout is not None and settings.stdout.enabled:
        sinks.append(StdoutSink(stream=sys.stdout.buffer))
    return sinks


async def _handler(
    settings: Settings,
    *,
    aws: AwsClients,
    sinks: Sequence[Sink],
    ruleset: Ruleset,
    emit: Emit,
    backoff: Backoff,
    progress: Callable[[], None] = lambda: None,
) -> Handler:
    return Handler(
        store=S3ObjectStore(client=await aws.lean_s3(), chunk_bytes=CHUNK_BYTES),
        sinks=sinks,
        ruleset=ruleset,
        limits=settings.reader.limits,
        reader=settings.reader.choice,
        backoff=backoff,
        emit=emit,
        clock=time.time,
        progress=progress,
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


def _fanout(log: BoundLogger, *listeners: Listener) -> Fanout:
    def on_failure(listener: Listener, error: Exception) -> None:
        log.error("a telemetry listener failed", listener=repr(listener), exc_info=error)

    return Fanout(*listeners, on_failure=on_failure)


def _log_start(log: BoundLogger, loaded: LoadedRules, **facts: str) -> None:
    for problem in loaded.problems:
        log.error("rule is broken and was skipped", problem=str(problem))
    for note in loaded.notes:
        log.info("note on a rule file", note=str(note))
    log.info("started", version=__version__, rules=len(loaded.rules), notes=len(loaded.notes), **facts)
