"""An HTTP server that answers with exactly the bytes it is given: for bodies cut, stalled and corrupted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

RESET = object()
"""In an answer: reset the connection here."""
STALL = object()
"""In an answer: say nothing more, and keep the connection."""

Part = bytes | object


@dataclass
class RawServer:
    answers: list[list[Part]]
    """One for each request; the last is given again and again."""
    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    """The head of each request."""
    bytes_sent: int = 0
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                if not await self._answer(writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter) -> bool:
        for part in self.answers[min(len(self.requests), len(self.answers)) - 1]:
            if part is RESET:
                return False
            if part is STALL:
                await asyncio.sleep(60)
            assert isinstance(part, bytes)
            writer.write(part)
            await writer.drain()
            self.bytes_sent += len(part)
        return True


@asynccontextmanager
async def answering(*answers: list[Part]) -> AsyncIterator[RawServer]:
    raw = RawServer(list(answers))
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(raw.serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    raw.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield raw
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn


def head(status: str, **headers: str | int) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def s3_error(status: str, code: str, message: str = "m") -> list[Part]:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return [head(status, Content_Type="application/xml", Content_Length=len(body)), body]
