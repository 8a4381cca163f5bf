"""Baseline: the plain asyncio loop that one would write: aiobotocore, gunzip, orjson, the tutorial's condition.

It holds about as many objects at a time as the worker, and deletes messages ten at a time. It has no limits, retries
nothing but what botocore does, and forgets what it fails at.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from typing import Any
from urllib.parse import unquote_plus

import orjson
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from .tutorial import matches_tutorial, tutorial_alert_id

CONSUMERS = 3
"""Of ten objects each."""


async def main(endpoint_url: str, queue_url: str) -> None:
    session = get_session()
    config = AioConfig(max_pool_connections=40, s3={"addressing_style": "path"})
    async with (
        session.create_client("sqs", region_name="us-east-1", endpoint_url=endpoint_url, config=config) as sqs,
        session.create_client("s3", region_name="us-east-1", endpoint_url=endpoint_url, config=config) as s3,
    ):
        await asyncio.gather(*(_consume(sqs, s3, queue_url) for _ in range(CONSUMERS)))


async def _consume(sqs: Any, s3: Any, queue_url: str) -> None:
    while True:
        answer = await sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
        messages = answer.get("Messages", [])
        if not messages:
            continue
        await asyncio.gather(*(_process(s3, json.loads(message["Body"])) for message in messages))
        sys.stdout.flush()
        entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
        await sqs.delete_message_batch(QueueUrl=queue_url, Entries=entries)


async def _process(s3: Any, notification: dict[str, Any]) -> None:
    for entry in notification["Records"]:
        place = entry["s3"]
        response = await s3.get_object(Bucket=place["bucket"]["name"], Key=unquote_plus(place["object"]["key"]))
        async with response["Body"] as body:
            log = orjson.loads(gzip.decompress(await body.read()))
        for record in filter(matches_tutorial, log["Records"]):
            sys.stdout.write(json.dumps({"alert_id": tutorial_alert_id(record)}) + "\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
