"""A queue, a bucket and a topic in one process, faster than the worker, that keeps books of what it gave and was given.

Messages arrive at a rate that can be changed while it runs; the bench's queue server answers the rest.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping

import orjson
from aiohttp import web

from bench.queue_server import QueueServer, all_published, message

from .objects import alert_of, body_of, key_of, number_of

TICK_SECONDS = 0.02


class EndlessSource(QueueServer):
    """Objects that follow each other without end, and the alerts that came back."""

    def __init__(self) -> None:
        super().__init__()
        self._rate = 0.0
        self._made = 0
        self._deleted = 0
        self._alerts: Counter[str] = Counter()

    async def get_object(self, request: web.Request) -> web.Response:
        """Answer S3's GetObject."""
        headers = {"Content-Encoding": "gzip", "ETag": '"0"', "Content-Type": "application/json"}
        return web.Response(body=body_of(number_of(request.path)), headers=headers)

    async def steer(self, request: web.Request) -> web.Response:
        """Set how many messages arrive a second from now on, and let some arrive at once; say how things stand."""
        order = await request.json()
        self._rate = order.get("per_second", self._rate)
        for _ in range(order.get("at_once", 0)):
            self._send_one()
        return web.json_response(
            {
                "made": self._made,
                "deleted": self._deleted,
                "waiting": self._visible.qsize(),
                "at": time.monotonic(),
            }
        )

    async def judge(self, _request: web.Request) -> web.Response:
        """Compare the alerts that came with those that the objects so far are worth."""
        due = {alert for number in range(self._made) if (alert := alert_of(number)) is not None}
        return web.json_response(
            {
                "due": len(due),
                "lost": len(due - self._alerts.keys()),
                "unforeseen": len(self._alerts.keys() - due),
                "repeated": self._alerts.total() - len(self._alerts),
            }
        )

    async def arrive(self) -> None:
        """Let messages arrive for as long as the server runs."""
        due = 0.0
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            due += (now - last) * self._rate
            last = now
            while due >= 1:
                self._send_one()
                due -= 1

    def _send_one(self) -> None:
        self._visible.put_nowait(message(self._made, key_of(self._made)))
        self._made += 1

    def _delete(self, count: int) -> None:
        self._deleted += count

    def _publish(self, form: Mapping[str, list[str]]) -> str:
        texts = (text for name, (text,) in form.items() if name.endswith(".Message"))
        self._alerts.update(orjson.loads(text)["alert_id"] for text in texts)
        return all_published(form)


async def _application() -> web.Application:
    source = EndlessSource()
    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_post("/", source.call)
    application.router.add_post("/control/steer", source.steer)
    application.router.add_post("/control/judge", source.judge)
    application.router.add_get("/{path:.*}", source.get_object)
    application.cleanup_ctx.append(lambda _application: _arriving(source))
    return application


async def _arriving(source: EndlessSource) -> AsyncIterator[None]:
    task = asyncio.create_task(source.arrive())
    yield
    task.cancel()


if __name__ == "__main__":
    web.run_app(_application(), host="127.0.0.1", port=int(sys.argv[1]), print=None)
