"""Programs that run for as long as the demo does, and not an instant longer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from .errors import DemoError

READY_SECONDS = 30
LAST_LINES, LINE_CHARS = 10, 500


class Program:
    """A program that runs while the ``with`` block does. What it writes goes to a log file.

    It has a session of its own, so that a Ctrl-C reaches the demo alone, which then stops its programs in order.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str], grace_seconds: float
    ) -> None:
        """``grace_seconds`` is how long it may take to stop when asked, before it is killed."""
        self.name = name
        self._command = command
        self._log = log
        self._environment = {**os.environ, **environment}
        self._grace_seconds = grace_seconds

    def __enter__(self) -> Self:
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - the command is the demo's own
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self._environment,
                    start_new_session=True,
                )
        except OSError as error:
            raise DemoError(f"{self.name} cannot be started: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(self._grace_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def check(self) -> None:
        """Raise :class:`DemoError` where the program has ended, with the end of its log."""
        if (code := self._process.poll()) is not None:
            raise self.failure(f"ended by itself with exit code {code}")

    def failure(self, what: str) -> DemoError:
        """Return an error that says what is wrong with the program and shows the end of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
        return DemoError(
            "\n".join([f"{self.name} {what}; its last lines:", *(line[:LINE_CHARS] for line in lines[-LAST_LINES:])])
        )

    async def until_ready(self, url: str) -> None:
        """Wait until the URL answers 200. Raises :class:`DemoError` where the program ends first or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        answer = "no answer"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while time.monotonic() < deadline:
                self.check()
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(url) as response:
                        answer = f"{response.status} {(await response.text()).strip()[:500]}"
                        if response.ok:
                            return
                await asyncio.sleep(0.05)
        raise self.failure(f"was not ready within {READY_SECONDS} s ({url}: {answer})")


def free_port() -> int:
    """Return a port of the loopback address on which nobody listens at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
