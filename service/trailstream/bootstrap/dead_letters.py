"""The dead-letter queue's desk, made from the same settings as the worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.sqs import SqsQueue, queue_region
from trailstream.adapters.sqs_inlet import SqsInlet
from trailstream.bootstrap.quarantine import make_quarantine
from trailstream.config import Settings
from trailstream.config.settings import QueueSettings
from trailstream.model.problems import ConfigurationError, Problem
from trailstream.pipeline.dead_letters import DeadLetters
from trailstream.pipeline.ports import Inlet

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class DeadLetterDesk:
    """What `trailstream dlq` works with."""

    url: str
    """The dead-letter queue's."""
    letters: DeadLetters
    inlet: Inlet | None
    """Where messages are moved back to; None where no queue is configured."""


@asynccontextmanager
async def open_dead_letters(settings: Settings, *, queue_url: str | None) -> AsyncIterator[DeadLetterDesk]:
    """Find the dead-letter queue, at ``queue_url`` or from the queue's redrive policy, and open it and the quarantine.

    Raises :class:`ConfigurationError` where there is none, and :class:`QueueUnavailableError`.
    """
    async with AwsClients(
        region=settings.aws.region, endpoint_url=settings.aws.endpoint_url, connections=CONNECTIONS
    ) as aws:
        url = queue_url or await _dead_letter_url(settings.queue, aws)
        client = await aws.lean_sqs(region=queue_region(url))
        letters = DeadLetters(
            queue=SqsQueue(client=client, queue_url=url, with_extras=True),
            quarantine=await make_quarantine(settings.quarantine, aws),
        )
        yield DeadLetterDesk(url, letters, await _inlet(settings.queue, aws) if settings.queue else None)


async def _dead_letter_url(settings: QueueSettings | None, aws: AwsClients) -> str:
    if settings is None:
        problem = Problem("queue.url", "is not configured, so there is no dead-letter queue to find", _NAME_IT)
        raise ConfigurationError([problem])
    client = await aws.lean_sqs(region=queue_region(settings.url))
    url = await SqsQueue(client=client, queue_url=settings.url).dead_letter_url()
    if url is None:
        raise ConfigurationError([Problem("queue.url", "the queue has no redrive policy", _NAME_IT)])
    return url


async def _inlet(settings: QueueSettings, aws: AwsClients) -> Inlet:
    return SqsInlet(client=await aws.lean_sqs(region=queue_region(settings.url)), queue_url=settings.url)


_NAME_IT = "name the dead-letter queue with --queue-url"
