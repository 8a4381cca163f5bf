"""microburst between worker and endpoint: one process for a whole run, with rules of their own for each experiment."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from endpoint import PROGRAM_VARIABLE, ROOT, Endpoint, free_port, wiped_environment

START_SECONDS = 30
FIRST_REQUEST_SECONDS = 30
"""It reads its service models then."""

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FaultProxy:
    """The running proxy."""

    url: str
    _session: aiohttp.ClientSession

    async def add(self, rules: Sequence[Rule]) -> Sequence[int]:
        """Add rules to those in force; return their numbers, in order."""
        return [rule["id"] for rule in await self._rules("PATCH", rules)]

    async def fired(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return how often each of these rules has struck."""
        count = {rule["id"]: rule["fired_count"] for rule in await self._rules("GET", None)}
        return [count[number] for number in numbers]

    async def remove(self, rules: Sequence[Rule]) -> None:
        """Take rules out of force; each is told by what it matches."""
        specs = [{name: rule[name] for name in ("resource", "body") if name in rule} for rule in rules]
        await self._rules("DELETE", specs)

    async def _rules(self, method: str, content: object) -> Any:
        async with self._session.request(method, f"{self.url}/_microburst/rules", json=content) as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def running_proxy(directory: Path, upstream: Endpoint) -> AsyncIterator[FaultProxy]:
    """Start the proxy, wait until it forwards, and end it."""
    program = Path(os.environ.get(PROGRAM_VARIABLE) or ROOT / ".venv-endpoint" / "bin" / "ministack")
    port = free_port()
    command = [
        str(program.with_name("microburst")),
        "--upstream",
        upstream.url,
        "--port",
        str(port),
        "--host",
        "127.0.0.1",
    ]
    with (
        (directory / "proxy.log").open("wb") as log,
        subprocess.Popen(command, env=wiped_environment(), stdout=log, stderr=log) as process,  # noqa: ASYNC220 - forking takes no time worth a thread
    ):
        try:
            async with aiohttp.ClientSession() as session:
                proxy = FaultProxy(f"http://127.0.0.1:{port}", session)
                await _until_forwarding(proxy.url, session)
                yield proxy
        finally:
            process.terminate()


async def _until_forwarding(url: str, session: aiohttp.ClientSession) -> None:
    deadline = time.monotonic() + START_SECONDS
    timeout = aiohttp.ClientTimeout(total=FIRST_REQUEST_SECONDS)
    while True:
        try:
            async with session.get(f"{url}/_microburst/health") as health:
                health.raise_for_status()
            async with session.get(f"{url}/_ministack/health", timeout=timeout) as through:
                through.raise_for_status()
        except aiohttp.ClientError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return
