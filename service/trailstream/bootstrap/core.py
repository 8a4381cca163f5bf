"""What the worker and the Lambda door are both made of."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from structlog.typing import FilteringBoundLogger

from trailstream import __version__
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.adapters.sinks.sns import SnsSink, topic_region
from trailstream.adapters.sinks.stdout import StdoutSink
from trailstream.config import Settings, SinksSettings
from trailstream.model.facts import Emit
from trailstream.model.limits import KIB
from trailstream.pipeline.handler import Handler
from trailstream.pipeline.ports import Sink
from trailstream.pipeline.retry import Backoff
from trailstream.rules.loading import LoadedRules
from trailstream.rules.ruleset import Ruleset
from trailstream.telemetry.fanout import Fanout, Listener

CHUNK_BYTES = 256 * KIB
"""How much of a body is asked for at a time."""

SPARE_CONNECTIONS = 8
"""For heartbeats, deletes and polls, beside one for each delivery."""


async def make_sinks(settings: SinksSettings, aws: AwsClients) -> Sequence[Sink]:
    """Make the sinks that the settings name: a new kind is a branch here and a section there."""
    sinks: list[Sink] = []
    if settings.sns is not None:
        client = await aws.sns(region=topic_region(settings.sns.topic_arn))
        sinks.append(SnsSink(client=client, topic_arn=settings.sns.topic_arn, body_format=settings.sns.format))
    if settings.stdout is not None and settings.stdout.enabled:
        sinks.append(StdoutSink(stream=sys.stdout.buffer))
    return sinks


async def make_handler(
    settings: Settings,
    *,
    aws: AwsClients,
    sinks: Sequence[Sink],
    ruleset: Ruleset,
    emit: Emit,
    backoff: Backoff,
    progress: Callable[[], None] = lambda: None,
) -> Handler:
    """Make the handler over S3."""
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
    log.info("started", version=__version__, rules=len(loaded.rules), notes=len(loaded.notes), **facts)
