"""The sinks, opened from their settings: a new kind is a line of the table, and a section of its name there."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.sinks.sns import SnsSink, topic_region
from trailstream.adapters.sinks.sqs import SqsSink
from trailstream.adapters.sinks.stdout import StdoutSink
from trailstream.adapters.sqs import queue_region
from trailstream.config.sinks import SinksSettings, SnsSettings, SqsSettings, StdoutSettings
from trailstream.pipeline.ports import Sink

Opener = Callable[[Any, AwsClients], AbstractAsyncContextManager[Sink]]
"""Opens a sink from its section of the settings, and closes at the end of the block what is the sink's alone."""


@asynccontextmanager
async def open_sinks(settings: SinksSettings, aws: AwsClients) -> AsyncIterator[Sequence[Sink]]:
    """Open every sink that the settings name, in the order of their sections, for as long as the block runs."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(SINKS[name](each, aws)) for name, each in settings.enabled.items()]


@asynccontextmanager
async def _sns(settings: SnsSettings, aws: AwsClients) -> AsyncIterator[Sink]:
    client = await aws.sns(region=topic_region(settings.topic_arn))
    yield SnsSink(client=client, topic_arn=settings.topic_arn, body_format=settings.format)


@asynccontextmanager
async def _sqs(settings: SqsSettings, aws: AwsClients) -> AsyncIterator[Sink]:
    yield SqsSink(client=await aws.lean_sqs(region=queue_region(settings.url)), queue_url=settings.url)


@asynccontextmanager
async def _stdout(_settings: StdoutSettings, _aws: AwsClients) -> AsyncIterator[Sink]:
    yield StdoutSink(stream=sys.stdout.buffer)


SINKS: Mapping[str, Opener] = {"sns": _sns, "sqs": _sqs, "stdout": _stdout}
"""By the name of the sink, which is that of its section."""
