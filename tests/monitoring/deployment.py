"""A deployment of one worker: an AWS endpoint of its own that can be made to fail, and the worker as a target."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from endpoint import free_port, running_endpoint
from samples import topic_record
from stage import Stage, WorkerProcess, configuration, running_worker, set_stage

from .faulty_endpoint import Fault, FaultyEndpoint, running_faulty_endpoint
from .prometheus import Prometheus

KEY = "AWSLogs/{account}/CloudTrail/us-east-1/2026/01/02/{account}_CloudTrail_us-east-1_20260102T0305Z_{number}.json.gz"
BUSY_ACCOUNT = "111122223333"
MANY_RECEIVES = 1000
"""What fails here must not end in the dead-letter queue before it is mended."""

STRAIN = 60
"""Megabytes of JSON of an object that takes a worker some seconds."""


@dataclass(slots=True)
class Deployment:
    """A job of Prometheus, and everything behind it."""

    job: str
    prometheus: Prometheus
    directory: Path
    stage: Stage
    proxy: FaultyEndpoint
    port: int
    settings: Mapping[str, object]
    """Of the queue."""
    extra: str
    """What follows in the section of the telemetry, and further sections."""
    variables: Mapping[str, str]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[WorkerProcess]:
        """Run the worker while the block runs, and have it scraped from then on; in the end it is killed."""
        text = configuration(
            (self.stage.queue_url, self.stage.topic_arn),
            self.proxy.upstream,
            self.port,
            extra=self.extra,
            **self.settings,
        )
        config = text.replace(f'endpoint_url = "{self.proxy.upstream.url}"', f'endpoint_url = "{self.proxy.url}"')
        async with running_worker(self.directory, config, port=self.port, variables=self.variables) as worker:
            await worker.until_ready(seconds=60)
            self.prometheus.scrape(self.job, self.port)
            await self.prometheus.until_scraped(self.job)
            yield worker

    @contextmanager
    def failing(self, operation: str, status: int, code: str) -> Iterator[None]:
        """Let an operation of AWS fail while the block runs."""
        self.proxy.faults[operation] = Fault(status, code)
        try:
            yield
        finally:
            del self.proxy.faults[operation]

    async def upload(self, *records: Mapping[str, Any], account: str = BUSY_ACCOUNT) -> None:
        """Put a log object of an account."""
        await self.upload_bytes(log_of(records), account=account)

    async def upload_bytes(self, body: bytes, *, account: str = BUSY_ACCOUNT) -> None:
        """Put an object that may be anything, where a log object of an account would be."""
        await self.stage.upload(KEY.format(account=account, number=next(self._numbers)), body)

    def matching(self, count: int = 1, **fields: Any) -> Sequence[Mapping[str, Any]]:
        """Return records that the rule matches, none of which was there before."""
        return [topic_record(next(self._numbers), **fields) for _ in range(count)]


@asynccontextmanager
async def deployed(
    job: str,
    directory: Path,
    prometheus: Prometheus,
    settings: Mapping[str, object] = MappingProxyType({}),
    *,
    max_receive_count: int = MANY_RECEIVES,
    extra: str = "",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Deployment]:
    """Make everything that a worker needs; the worker is not started yet."""
    own = directory / job
    own.mkdir()
    async with AsyncExitStack() as stack:
        endpoint = stack.enter_context(running_endpoint(own))
        aws = await stack.enter_async_context(endpoint.clients())
        stage = await set_stage(aws, max_receive_count=max_receive_count)
        proxy = await stack.enter_async_context(running_faulty_endpoint(endpoint))
        stack.callback(prometheus.forget, job)
        yield Deployment(job, prometheus, own, stage, proxy, free_port(), settings, extra, variables)


def log_of(records: Sequence[object]) -> bytes:
    """Return a log object as CloudTrail writes it."""
    return gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode(), 1)


def straining_log() -> bytes:
    """Return a log object that is slow to read: another key order than CloudTrail's, and little else than tokens."""
    quiet = {"eventName": "GetTopicAttributes", "requestParameters": {"a": list(range(10)) * 1000}}
    size = len(json.dumps(quiet, separators=(",", ":")))
    return log_of([quiet] * (STRAIN * 1_000_000 // size))
