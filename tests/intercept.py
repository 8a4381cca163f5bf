"""Calls on their way to the local AWS endpoint, through a function that may look at them, change or answer them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

MAX_BODY_BYTES = 1 << 20

_OF_ONE_CONNECTION = frozenset({"connection", "content-length", "expect", "keep-alive", "transfer-encoding"})
"""Headers that end at each hop (RFC 9110, 7.6.1 and 10.1.1), and the length, which is counted again."""

_NOT_ADDED = ("Accept", "Content-Type", "User-Agent")
"""Headers that this client would add where the caller sent none."""

Forward = Callable[[web.Request, bytes], Awaitable[web.Response]]
"""Sends a request on with this body, and returns the endpoint's answer."""

Interceptor = Callable[[web.Request, bytes, Forward], Awaitable[web.Response]]
"""Answers a request with this body."""


@asynccontextmanager
async def intercepted(upstream: str, answer: Interceptor) -> AsyncIterator[str]:
    """Serve on a free loopback port while the block runs, and give the URL.

    What is forwarded keeps its path and its end-to-end headers as they were sent, the host among them: they are signed.
    """
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=_NOT_ADDED) as session:

        async def forward(request: web.Request, body: bytes) -> web.Response:
            url = URL(upstream + request.raw_path, encoded=True)
            headers = _end_to_end(request.headers)
            async with session.request(request.method, url, data=body, headers=headers, allow_redirects=False) as given:
                return web.Response(status=given.status, headers=_end_to_end(given.headers), body=await given.read())

        async def handle(request: web.Request) -> web.Response:
            return await answer(request, await request.read(), forward)

        # An application, and no bare server: it asks for the body of a PUT that waits to be asked (100-continue).
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def _end_to_end(headers: CIMultiDictProxy[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _OF_ONE_CONNECTION]
