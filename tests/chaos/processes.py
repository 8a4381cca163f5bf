"""Two ways to start a worker process: execute the program, as its user does, or fork it in the nursery."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from endpoint import ROOT, wiped_environment

PROGRAM = Path(sys.executable).with_name("trailstream")


class Process(Protocol):
    """A running process, and its exit code once it has ended."""

    pid: int

    @property
    def returncode(self) -> int | None:
        """Negative where a signal ended it, None as long as it runs."""
        ...

    def send_signal(self, number: int, /) -> None:
        """Send it a signal."""
        ...

    async def wait(self) -> int:
        """Wait for its end."""
        ...


class Start(Protocol):
    """Starts ``trailstream`` with these arguments and exactly this environment; what it logs is added to a file."""

    async def __call__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process: ...


async def execute(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    """See :class:`Start`; this is what a user's shell does."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            PROGRAM, *arguments, env=environment, stderr=output, stdin=asyncio.subprocess.DEVNULL
        )


class Forked:
    """A process that the nursery has forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    def send_signal(self, number: int, /) -> None:
        os.kill(self.pid, number)

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def end(self, code: int) -> None:
        """Note that it has ended."""
        self._ended.set_result(code)


class Nursery:
    """The process that forks, seen from here."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._requests, self._answers = process.stdin, process.stdout
        self._awaited: deque[asyncio.Future[Forked]] = deque()
        self._running: dict[int, Forked] = {}

    async def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
        """See :class:`Start`."""
        request = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        started: asyncio.Future[Forked] = asyncio.get_running_loop().create_future()
        self._awaited.append(started)
        self._requests.write(f"{json.dumps(request)}\n".encode())
        return await started

    async def listen(self) -> None:
        """Hear what has started and ended, for as long as the nursery runs."""
        async for line in self._answers:
            match json.loads(line):
                case {"started": pid}:
                    self._running[pid] = Forked(pid)
                    self._awaited.popleft().set_result(self._running[pid])
                case {"ended": pid, "code": code}:
                    self._running.pop(pid).end(code)


@asynccontextmanager
async def running_nursery(package: Path | None = None) -> AsyncIterator[Start]:
    """Give a way to start workers of the installed package, or of the one in a directory, while the block runs."""
    paths = [str(package or ""), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chaos.nursery"),
        env=wiped_environment() | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    nursery = Nursery(process)
    listening = asyncio.create_task(nursery.listen())
    try:
        yield nursery.start
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        listening.cancel()
