"""The small server of the stand-in: SQS' JSON protocol and SNS' PublishBatch, as much of them as the ways use.

``/control/polled`` answers once somebody waits for messages, ``/control/load`` begins a run, and ``/control/settled``
answers when every message of it was deleted.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote_plus

import orjson
from aiohttp import web

from .datasets import BUCKET
from .found import Found

_REDRIVE_POLICY = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:111122223333:dead", "maxReceiveCount": 3})
_ATTRIBUTES = {"VisibilityTimeout": "60", "MessageRetentionPeriod": "345600", "RedrivePolicy": _REDRIVE_POLICY}
_PUBLISHED = (
    '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Failed/>'
    "<Successful>{}</Successful></PublishBatchResult>"
    "<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></PublishBatchResponse>"
)
_MEMBER = "<member><Id>{0}</Id><MessageId>{0}</MessageId></member>"


class QueueServer:
    """A queue, a topic, and what was seen of both since the run began."""

    def __init__(self) -> None:
        self._visible: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._polls = 0
        self._polled = asyncio.Event()
        self._begin([])

    def _begin(self, keys: list[str]) -> None:
        self._left = len(keys)
        self._settled = asyncio.Event()
        self._calls: Counter[str] = Counter()
        self._visible_at: dict[str, float] = {}
        self._latencies: list[float] = []
        self._found = Found()
        self._began = self._ended = time.monotonic()

    async def call(self, request: web.Request) -> web.Response:
        """Answer an AWS client."""
        body = await request.read()
        target = request.headers.get("X-Amz-Target")
        if target is None:
            self._calls["PublishBatch"] += 1
            return web.Response(text=self._publish(parse_qs(body.decode())), content_type="text/xml")
        action = target.removeprefix("AmazonSQS.")
        self._calls[action] += 1
        answer = await self._answer(action, orjson.loads(body))
        return web.Response(body=orjson.dumps(answer), content_type="application/x-amz-json-1.0")

    async def _answer(self, action: str, request: Mapping[str, Any]) -> dict[str, Any]:
        match action:
            case "ReceiveMessage":
                return await self._receive(request["MaxNumberOfMessages"], request["WaitTimeSeconds"])
            case "DeleteMessageBatch":
                self._delete(len(request["Entries"]))
                return _all_successful(request)
            case "ChangeMessageVisibilityBatch":
                return _all_successful(request)
            case "GetQueueAttributes":
                return {"Attributes": _ATTRIBUTES}
            case "GetQueueUrl":
                return {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/111122223333/{request['QueueName']}"}
            case _:
                raise web.HTTPBadRequest(text=action)

    async def _receive(self, at_most: int, wait_seconds: float) -> dict[str, Any]:
        self._polls += 1
        self._polled.set()
        try:
            async with asyncio.timeout(wait_seconds):
                messages = [await self._visible.get()]
        except TimeoutError:
            return {}
        finally:
            self._polls -= 1
            if not self._polls:
                self._polled.clear()
        while len(messages) < at_most and not self._visible.empty():
            messages.append(self._visible.get_nowait())
        return {"Messages": messages}

    def _delete(self, count: int) -> None:
        self._left -= count
        if self._left == 0:
            self._ended = time.monotonic()
            self._settled.set()

    def _publish(self, form: Mapping[str, list[str]]) -> str:
        now = time.monotonic()
        for name, (text,) in form.items():
            if name.endswith(".Message"):
                alert = orjson.loads(text)
                self._found.add(alert["alert_id"])
                self._latencies.append(now - self._visible_at.get(alert["object"], now))
        return all_published(form)

    async def polled(self, _request: web.Request) -> web.Response:
        """Answer once somebody waits for messages."""
        await self._polled.wait()
        return web.json_response({})

    async def load(self, request: web.Request) -> web.Response:
        """Begin a run: a message for each key, visible at once or as if sent by many, so many a second on average."""
        options = await request.json()
        keys = options["keys"]
        self._begin(keys)
        self._arriving = asyncio.create_task(self._arrive(keys, options.get("per_second")))
        return web.json_response({})

    async def _arrive(self, keys: list[str], per_second: float | None) -> None:
        rng = random.Random(0)
        moment = time.monotonic()
        for number, key in enumerate(keys):
            if per_second is not None:
                moment += rng.expovariate(per_second)
                await asyncio.sleep(moment - time.monotonic())
            self._visible_at[f"s3://{BUCKET}/{key}"] = time.monotonic()
            self._visible.put_nowait(message(number, key))

    async def settled(self, _request: web.Request) -> web.Response:
        """Answer when every message was deleted, with what was seen of the run."""
        await self._settled.wait()
        return web.json_response(
            {
                "seconds": self._ended - self._began,
                "calls": self._calls,
                "latencies": self._latencies,
                "found": str(self._found),
            }
        )


def message(number: int, key: str) -> dict[str, Any]:
    """Return what SQS hands over for the notification of an object."""
    s3 = {
        "s3SchemaVersion": "1.0",
        "configurationId": "logs",
        "bucket": {
            "name": BUCKET,
            "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
            "arn": f"arn:aws:s3:::{BUCKET}",
        },
        "object": {"key": quote_plus(key, safe="/"), "size": 1024, "eTag": "d41d8cd98f00b204e9800998ecf8427e"},
    }
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2023-07-10T12:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
        "s3": s3,
    }
    body = json.dumps({"Records": [record]})
    return {
        "MessageId": f"00000000-0000-4000-8000-{number:012}",
        "ReceiptHandle": f"receipt-{number:012}-" + "A" * 180,
        "MD5OfBody": hashlib.md5(body.encode()).hexdigest(),
        "Body": body,
        "Attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(round(time.time() * 1000))},
    }


def all_published(form: Mapping[str, list[str]]) -> str:
    """Return SNS' answer to a PublishBatch of which it takes every entry."""
    members = (_MEMBER.format(value) for name, (value,) in form.items() if name.endswith(".Id"))
    return _PUBLISHED.format("".join(members))


def _all_successful(request: Mapping[str, Any]) -> dict[str, Any]:
    return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]], "Failed": []}


async def _application() -> web.Application:
    server = QueueServer()
    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_post("/", server.call)
    application.router.add_post("/control/polled", server.polled)
    application.router.add_post("/control/load", server.load)
    application.router.add_post("/control/settled", server.settled)
    return application


if __name__ == "__main__":
    # A poller that has gone away must not take messages of the next run.
    web.run_app(_application(), host="127.0.0.1", port=int(sys.argv[1]), handler_cancellation=True, print=None)
