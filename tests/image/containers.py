"""A worker in a container, seen from outside as the worker without one is."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from endpoint import CREDENTIALS
from stage import WorkerProcess

from .engines import Engine

STATE = "/var/lib/trailstream"
CONFIG = "/etc/trailstream/trailstream.toml"
STATE_SETTINGS = f"""
[ledger.sqlite]
path = "{STATE}/ledger.db"

[quarantine.file]
directory = "{STATE}/quarantine"
"""

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Image:
    """A built image, and the engine that has it."""

    engine: Engine
    name: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end with these arguments."""
        return self.engine.ask("run", "--rm", *self.engine.hardened, self.name, *arguments)

    @property
    def health_check(self) -> list[str]:
        """The program that it is to be asked for its health by."""
        (described,) = json.loads(self.engine.tell("image", "inspect", self.name))
        check = described.get("Healthcheck") or described["Config"]["Healthcheck"]
        kind, *program = check["Test"]
        assert kind == "CMD"
        return list(program)


@dataclass(frozen=True, slots=True)
class Container:
    """A running container of it."""

    engine: Engine
    name: str
    worker: WorkerProcess

    async def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside, as the container's user, whatever comes of it."""
        return await asyncio.to_thread(self.engine.ask, "exec", self.name, *command)

    async def signal(self, name: str) -> None:
        """Send the worker a signal that the engine would not pass on."""
        await asyncio.to_thread(self.engine.tell, "kill", "--signal", name, self.name)

    async def memory_mb(self, measure: str) -> float:
        """Return what Linux says under this name of the worker's memory, such as VmRSS."""
        status = (await self.run("cat", "/proc/1/status")).stdout
        (line,) = [line for line in status.splitlines() if line.startswith(f"{measure}:")]
        return int(line.split()[1]) * 1.024 / 1000


def fresh_name() -> str:
    """Return a name that nothing else on this machine has."""
    return f"trailstream-trial-{os.getpid()}-{next(_numbers)}"


@contextmanager
def volume(engine: Engine) -> Iterator[str]:
    """Give a volume, empty as a new one is, for as long as the block runs."""
    name = fresh_name()
    engine.tell("volume", "create", name)
    try:
        yield name
    finally:
        engine.tell("volume", "rm", "--force", name)


def worker_options(config: Path, state: str, port: int) -> Iterator[str]:
    """Yield the options that give a worker its configuration, its volume, credentials and a port."""
    yield from ("--volume", f"{config}:{CONFIG}:ro", "--volume", f"{state}:{STATE}")
    variables = {**CREDENTIALS, "TRAILSTREAM_TELEMETRY__PORT": str(port)}
    for name, value in variables.items():
        yield from ("--env", f"{name}={value}")


@asynccontextmanager
async def running_container(
    image: Image, directory: Path, config: str, *, port: int, state: str, options: tuple[str, ...] = ()
) -> AsyncIterator[Container]:
    """Start the image's own command; its log is in the directory. Nothing of it is left when the block ends."""
    name = fresh_name()
    config_path, log_path = directory / "trailstream.toml", directory / f"{name}.log"
    config_path.write_text(config)
    engine = image.engine
    described = (*engine.hardened, "--name", name, *worker_options(config_path, state, port), *options)
    # What an engine does before there is a process is none of what the image is tried for, and some copy all of it.
    await asyncio.to_thread(engine.tell, "create", *described, image.name)
    # Attached, the engine's client passes signals and the exit code on: the container is a process like any other.
    with log_path.open("wb") as log:
        attached = [*engine.command, "start", "--attach", name]
        process = subprocess.Popen(attached, stderr=log)  # noqa: ASYNC220 -- forking takes no time worth a thread
    try:
        yield Container(engine, name, WorkerProcess(process, port, log_path))
    finally:
        await asyncio.to_thread(engine.ask, "kill", name)  # without this, Podman waits before it removes
        await asyncio.to_thread(engine.ask, "rm", "--force", name)
        await asyncio.to_thread(process.wait)
