"""``/metrics``, ``/healthz`` and ``/readyz`` over HTTP, and nothing else."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from trailstream.model.problems import ConfigurationError, Problem
from trailstream.telemetry.harmless import harmless
from trailstream.telemetry.health import Ailment, Health

READING = ("GET", "HEAD")

MAX_ACCEPT_CHARACTERS = 1024
"""A scraper's Accept header is about 200 characters."""


class TelemetryServer:
    """Serves while the ``async with`` block runs. Entering raises :class:`ConfigurationError` where it cannot bind."""

    def __init__(self, *, registry: CollectorRegistry, health: Health, host: str, port: int) -> None:
        """Port 0 takes a free one; :attr:`port` says which."""
        self._registry = registry
        self._health = health
        self._host = host
        self._wanted_port = port
        self._rendering = asyncio.Lock()
        self._pages = {"/metrics": self._metrics, "/healthz": self._healthz, "/readyz": self._readyz}
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        server = web.Server(
            self._answer,
            request_factory=partial(_Request, loop=asyncio.get_running_loop()),
            access_log=None,
            keepalive_timeout=75.0,
            logger=_server_logger(),
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._wanted_port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigurationError([self._cannot_bind(error)]) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def port(self) -> int:
        """The port that is listened on; only inside the block."""
        assert self._runner is not None, "the server was not entered"
        return int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        """Where to find ``/metrics``, for people; only inside the block."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}/metrics"

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        page = self._pages.get(request.path)
        if page is None:
            return web.Response(status=404, text="not found\n")
        if request.method not in READING:
            return web.Response(status=405, text="method not allowed\n", headers={"Allow": ", ".join(READING)})
        return await page(request)

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        encode, content_type = _encoder(request.headers.get("Accept", "")[:MAX_ACCEPT_CHARACTERS])
        # Thousands of series take tens of milliseconds to write: not on the loop, and one scrape at a time.
        async with self._rendering:
            body = await asyncio.to_thread(encode, self._registry)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _healthz(self, _: web.BaseRequest) -> web.Response:
        return _verdict(self._health.not_alive())

    async def _readyz(self, _: web.BaseRequest) -> web.Response:
        return _verdict(self._health.not_ready())

    def _cannot_bind(self, error: OSError) -> Problem:
        remedies = {
            errno.EADDRINUSE: "choose another port, or stop what listens there",
            errno.EACCES: "choose a port above 1023",
        }
        remedy = remedies.get(error.errno or 0, "choose an address of this machine, such as 127.0.0.1 or 0.0.0.0")
        return Problem(
            f"{self._host}:{self._wanted_port}", f"cannot serve metrics and health: {error.strerror}", remedy
        )


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    try:
        return choose_encoder(accept)
    except TypeError:  # prometheus_client compares a version such as "x.y" with numbers.
        return choose_encoder("")


def _verdict(ailments: list[Ailment]) -> web.Response:
    status = "ok" if not ailments else "failing"
    reasons = [{"part": ailment.part, "detail": harmless(ailment.detail)} for ailment in ailments]
    return web.Response(
        body=orjson.dumps({"status": status, "reasons": reasons}, option=orjson.OPT_APPEND_NEWLINE),
        status=503 if ailments else 200,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


class _Request(web.BaseRequest):
    """A request whose answer discloses no versions, that to what is no HTTP included."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers["Server"] = "trailstream"


def _server_logger() -> logging.Logger:
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    # Who can reach the port can send what is not HTTP: that is answered with 400 and not worth a traceback each.
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
