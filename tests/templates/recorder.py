"""A proxy before the local endpoint that writes down which calls pass, and on what."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

from endpoint import REGION, Endpoint
from templates.stacks import ACCOUNT

_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]+/([a-z0-9]+)/aws4_request")
_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """One kind of call: ``sqs:ReceiveMessage`` on the ARN of what it is about, which is empty for nothing."""

    operation: str
    resource: str


@dataclass(slots=True)
class Recorder:
    """Which calls passed, and with what status they were answered."""

    url: str
    calls: dict[Call, set[int]] = field(default_factory=dict)

    @property
    def operations(self) -> set[str]:
        """The names of what was called."""
        return {call.operation for call in self.calls}


@asynccontextmanager
async def recorded(endpoint: Endpoint) -> AsyncIterator[Recorder]:
    """Forward what comes in, unchanged: the host too, since it is signed."""
    recorder = Recorder("")
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def forward(request: web.BaseRequest) -> web.Response:
            body = await request.read()
            async with session.request(
                request.method,
                endpoint.url + request.raw_path,
                data=body,
                headers=_end_to_end(request.headers),
                skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
                allow_redirects=False,
            ) as answer:
                recorder.calls.setdefault(_call(request, body), set()).add(answer.status)
                return web.Response(status=answer.status, headers=_end_to_end(answer.headers), body=await answer.read())

        runner = web.ServerRunner(web.Server(forward, access_log=None))
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield recorder
        finally:
            await runner.cleanup()


def _end_to_end(headers: Any) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP]


def _call(request: web.BaseRequest, body: bytes) -> Call:
    signed = _SIGNED_FOR.search(request.headers.get("Authorization", ""))
    assert signed, f"not signed: {request.method} {request.raw_path}"
    service = signed[1]
    if service == "s3":
        return _s3_call(request)
    if target := request.headers.get("X-Amz-Target"):
        parameters = json.loads(body)
        return Call(f"{service}:{target.rpartition('.')[2]}", _arn(service, parameters))
    parameters = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return Call(f"{service}:{parameters['Action']}", _arn(service, parameters))


def _arn(service: str, parameters: dict[str, Any]) -> str:
    if service == "sns":
        return str(parameters["TopicArn"])
    if service == "dynamodb":
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{parameters['TableName']}"
    if service == "sqs":
        name = parameters.get("QueueName") or parameters["QueueUrl"].rpartition("/")[2]
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    return ""


def _s3_call(request: web.BaseRequest) -> Call:
    """Clients of an endpoint of their own put the bucket into the path."""
    bucket, _, key = request.path.removeprefix("/").partition("/")
    if request.method == "GET" and key:
        operation = "GetObject of a version" if "versionId" in request.query else "GetObject"
    elif request.method == "GET" and request.query.get("list-type") == "2":
        operation = "ListObjectsV2"
    else:
        operation = f"{request.method} {request.raw_path}"
    return Call(f"s3:{operation}", f"arn:aws:s3:::{bucket}")
