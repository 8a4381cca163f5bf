"""The queues as CloudWatch sees them, from outside, and what its metrics are there to tell: one drama."""

from __future__ import annotations

import time
from pathlib import Path

from aiohttp import web

from intercept import Forward, intercepted
from stage import Stage

from .deployment import deployed
from .drama import Drama
from .prometheus import Prometheus

ALERTS_JOB = ""
"""What SQS knows is not known by deployment."""

OTHERS = ("TrailstreamAbsent",)
"""Where nothing is scraped yet, or any more, it names no deployment either."""


class QueueExporter:
    """Tells of the queues what an exporter of CloudWatch's metrics tells, under the names that it gives them.

    SQS says how many messages wait, and not since when: that is counted from the last time that there were none.
    """

    def __init__(self, stage: Stage) -> None:
        self._queues = {"trailstream-log-objects": stage.queue_url, "trailstream-dead-letters": stage.dead_letter_url}
        self._empty_at = dict.fromkeys(self._queues, time.monotonic())
        self._stage = stage

    async def answer(self, _: web.Request, __: bytes, ___: Forward) -> web.Response:
        """Answer a scrape."""
        return web.Response(text="".join([await self._told(name) for name in self._queues]))

    async def _told(self, name: str) -> str:
        visible, in_flight = await self._stage.counts(self._queues[name])
        now = time.monotonic()
        if not visible + in_flight:
            self._empty_at[name] = now
        return (
            f'aws_sqs_approximate_age_of_oldest_message_maximum{{dimension_QueueName="{name}"}}'
            f" {now - self._empty_at[name]}\n"
            f'aws_sqs_approximate_number_of_messages_visible_maximum{{dimension_QueueName="{name}"}} {visible}\n'
        )


async def queues(directory: Path, prometheus: Prometheus) -> None:
    """Let something be given up, and then let nobody read the queue."""
    async with deployed(QUEUES.job, directory, prometheus, max_receive_count=1) as deployment:
        stage = deployment.stage
        async with intercepted(deployment.proxy.url, QueueExporter(stage).answer) as url:
            prometheus.scrape_queues(url)
            async with deployment.worker():
                prometheus.forget(QUEUES.job)
                await deployment.upload_bytes(b"junk")
                await prometheus.until_firing(ALERTS_JOB, "TrailstreamDeadLetterQueueNotEmpty")
                sqs = await stage.aws.sqs()
                await sqs.purge_queue(QueueUrl=stage.dead_letter_url)
                await prometheus.until_quiet(ALERTS_JOB, but=OTHERS)
            await deployment.upload({})
            await prometheus.until_firing(ALERTS_JOB, "TrailstreamQueueAge")
            async with deployment.worker():
                prometheus.forget(QUEUES.job)
                await prometheus.until_quiet(ALERTS_JOB, but=OTHERS)


QUEUES = Drama(
    "trailstream-queues",
    queues,
    fires=("TrailstreamDeadLetterQueueNotEmpty", "TrailstreamQueueAge"),
    entails=("TrailstreamDeadLetters", "TrailstreamParseErrors", "TrailstreamSilent"),
    seen_as=ALERTS_JOB,
)
