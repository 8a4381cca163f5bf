"""Baseline: the worker's own S3 and SQS adapters, asked for the same requests, and nothing done with the answers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.adapters.sqs import SqsQueue
from trailstream.bootstrap.core import SPARE_CONNECTIONS
from trailstream.decode.notices import read_notice
from trailstream.model.limits import CHUNK_BYTES
from trailstream.pipeline.ports import Held

CONSUMERS = 3
"""Of ten objects each: about as many at a time as the worker holds."""


async def main(endpoint_url: str, queue_url: str) -> None:
    connections = 10 * CONSUMERS + SPARE_CONNECTIONS
    async with AwsClients(region="us-east-1", endpoint_url=endpoint_url, connections=connections) as aws:
        queue = SqsQueue(client=await aws.lean_sqs(), queue_url=queue_url)
        store = S3ObjectStore(client=await aws.lean_s3(), chunk_bytes=CHUNK_BYTES)
        await asyncio.gather(*(_consume(queue, store) for _ in range(CONSUMERS)))


async def _consume(queue: SqsQueue, store: S3ObjectStore) -> None:
    while True:
        messages: Sequence[Held] = await queue.receive(at_most=10, wait_seconds=20, visibility_seconds=60)
        await asyncio.gather(*(_read(store, held) for held in messages))
        await queue.delete([held.receipt for held in messages])


async def _read(store: S3ObjectStore, held: Held) -> None:
    for ref in read_notice(held.delivery.body).objects:
        async with store.open(ref) as chunks:
            async for _ in chunks:
                pass


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
