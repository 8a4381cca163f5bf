"""A proxy in front of the local AWS endpoint that answers chosen operations with an error of AWS's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import web

from endpoint import Endpoint
from intercept import Forward, intercepted


@dataclass(frozen=True, slots=True)
class Fault:
    """What an operation is answered."""

    status: int
    code: str


@dataclass(frozen=True, slots=True)
class FaultyEndpoint:
    """The running proxy."""

    upstream: Endpoint
    url: str
    faults: dict[str, Fault]
    """By operation: ``AmazonSQS.ReceiveMessage``, ``DynamoDB_20120810.PutItem``, ``SNS.PublishBatch``, ``S3.GET``."""


@asynccontextmanager
async def running_faulty_endpoint(upstream: Endpoint) -> AsyncIterator[FaultyEndpoint]:
    """Answer operations with the faults that are set for them, none at first, and others as the endpoint does."""
    faults: dict[str, Fault] = {}

    async def answer(request: web.Request, body: bytes, forward: Forward) -> web.Response:
        fault = faults.get(_operation(request, body))
        return await forward(request, body) if fault is None else _error(request, fault)

    async with intercepted(upstream.url, answer) as url:
        yield FaultyEndpoint(upstream, url, faults)


def _operation(request: web.Request, body: bytes) -> str:
    if target := request.headers.get("X-Amz-Target"):
        return target
    if request.content_type == "application/x-www-form-urlencoded":
        return f"SNS.{parse_qs(body.decode())['Action'][0]}"
    return f"S3.{request.method}"


def _error(request: web.Request, fault: Fault) -> web.Response:
    if "X-Amz-Target" in request.headers:
        text = json.dumps({"__type": fault.code, "message": "injected"})
        return web.Response(status=fault.status, text=text, content_type="application/x-amz-json-1.0")
    inner = f"<Error><Code>{fault.code}</Code><Message>injected</Message></Error>"
    return web.Response(status=fault.status, text=f"<ErrorResponse>{inner}</ErrorResponse>", content_type="text/xml")
