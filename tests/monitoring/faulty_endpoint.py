"""A proxy in front of the local AWS endpoint that answers chosen operations with an error of AWS's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from yarl import URL

from endpoint import Endpoint

MAX_BODY_BYTES = 1 << 20

_BETWEEN_TWO_HOSTS = {"Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Transfer-Encoding"}
"""Headers that belong to one connection (RFC 9110, 7.6.1), and the length, which is counted again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What an operation is answered."""

    status: int
    code: str


@dataclass(slots=True)
class FaultyEndpoint:
    """The running proxy."""

    upstream: Endpoint
    session: aiohttp.ClientSession
    url: str = ""
    faults: dict[str, Fault] = field(default_factory=dict)
    """By operation: ``AmazonSQS.ReceiveMessage``, ``DynamoDB_20120810.PutItem``, ``SNS.PublishBatch``, ``S3.GET``."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, with the fault that is set for its operation, or as the endpoint does."""
        body = await request.read()
        fault = self.faults.get(_operation(request, body))
        return await self._forwarded(request, body) if fault is None else _error(request, fault)

    async def _forwarded(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name not in _BETWEEN_TWO_HOSTS}
        url = URL(self.upstream.url + request.raw_path, encoded=True)
        async with self.session.request(request.method, url, data=body, headers=headers) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name not in _BETWEEN_TWO_HOSTS]
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


@asynccontextmanager
async def running_faulty_endpoint(upstream: Endpoint) -> AsyncIterator[FaultyEndpoint]:
    """Serve on a free loopback port while the block runs, without faults at first."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        proxy = FaultyEndpoint(upstream, session)
        # An application, and no bare server: it asks for the body of a PUT that waits to be asked (100-continue).
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", proxy.answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield proxy
        finally:
            await runner.cleanup()


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
