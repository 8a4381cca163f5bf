"""For information: the same requests with no client at all, unsigned, over one aiohttp session."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
import orjson

CONSUMERS = 3
"""Of ten objects each: about as many at a time as the worker holds."""


async def main(endpoint_url: str, queue_url: str) -> None:
    async with aiohttp.ClientSession(endpoint_url, auto_decompress=False) as session:
        await asyncio.gather(*(_consume(session, queue_url) for _ in range(CONSUMERS)))


async def _consume(session: aiohttp.ClientSession, queue_url: str) -> None:
    while True:
        answer = await _ask(session, "ReceiveMessage", QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
        messages = answer.get("Messages", [])
        await asyncio.gather(*(_read(session, orjson.loads(message["Body"])) for message in messages))
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            await _ask(session, "DeleteMessageBatch", QueueUrl=queue_url, Entries=entries)


async def _ask(session: aiohttp.ClientSession, action: str, **request: object) -> Any:
    headers = {"X-Amz-Target": f"AmazonSQS.{action}"}
    async with session.post("/", data=orjson.dumps(request), headers=headers) as answer:
        return orjson.loads(await answer.read())


async def _read(session: aiohttp.ClientSession, notification: dict[str, Any]) -> None:
    for entry in notification["Records"]:
        place = entry["s3"]
        async with session.get(f"/{place['bucket']['name']}/{place['object']['key']}") as answer:
            await answer.read()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
