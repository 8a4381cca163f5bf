"""A proxy before the local endpoint that writes down which calls pass, and on what."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from endpoint import REGION, Endpoint
from intercept import Forward, intercepted
from templates.stacks import ACCOUNT

_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]+/([a-z0-9]+)/aws4_request")


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """One kind of call: ``sqs:ReceiveMessage`` on the ARN of what it is about, which is empty for nothing."""

    operation: str
    resource: str


@dataclass(frozen=True, slots=True)
class Recorder:
    """Which calls passed, and with what status they were answered."""

    url: str
    calls: Mapping[Call, set[int]]

    @property
    def operations(self) -> set[str]:
        """The names of what was called."""
        return {call.operation for call in self.calls}


@asynccontextmanager
async def recorded(endpoint: Endpoint) -> AsyncIterator[Recorder]:
    """Forward what comes in, unchanged, and write it down."""
    calls: dict[Call, set[int]] = {}

    async def answer(request: web.Request, body: bytes, forward: Forward) -> web.Response:
        response = await forward(request, body)
        calls.setdefault(_call(request, body), set()).add(response.status)
        return response

    async with intercepted(endpoint.url, answer) as url:
        yield Recorder(url, calls)


def _call(request: web.Request, body: bytes) -> Call:
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


def _table(parameters: dict[str, Any]) -> str:
    """Return the one table that a call is about, a batch or a transaction too."""
    if "TransactItems" in parameters:
        (parameters,) = parameters["TransactItems"][0].values()
    return str(next(iter(parameters.get("RequestItems", ())), None) or parameters["TableName"])


def _arn(service: str, parameters: dict[str, Any]) -> str:
    if service == "sts":
        return str(parameters.get("RoleArn", ""))
    if service == "sns":
        return str(parameters["TopicArn"])
    if service == "dynamodb":
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{_table(parameters)}"
    if service == "sqs":
        name = parameters.get("QueueName") or parameters["QueueUrl"].rpartition("/")[2]
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    return ""


def _s3_call(request: web.Request) -> Call:
    """Clients of an endpoint of their own put the bucket into the path."""
    bucket, _, key = request.path.removeprefix("/").partition("/")
    if request.method == "GET" and key:
        operation = "GetObject of a version" if "versionId" in request.query else "GetObject"
    elif request.method == "GET" and request.query.get("list-type") == "2":
        operation = "ListObjectsV2"
    else:
        operation = f"{request.method} {request.raw_path}"
    return Call(f"s3:{operation}", f"arn:aws:s3:::{bucket}")
