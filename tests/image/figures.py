"""The image in numbers: its size, how soon it is ready, and what it holds in memory."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.workload import SEED, workload

from endpoint import Endpoint, free_port, running_endpoint
from stage import Stage, configuration, set_stage

from .containers import STATE_SETTINGS, Container, Image, running_container, volume
from .engines import Engine

MEGABYTE = 1_000_000
CHUNK_BYTES = 1 << 20
IDLE_SECONDS = 3
SMALL_OBJECTS, LARGE_OBJECT_MB = 300, 48


@dataclass(frozen=True, slots=True)
class Figures:
    """What is reported, in the order in which it is shown."""

    image_mb: float
    compressed_image_mb: float
    """As a registry would keep it: gzip at its usual level."""
    base_mb: float
    """Of the image, what it is built on."""
    compressed_base_mb: float
    start_to_ready_seconds: float
    """From the start of the container's process to a worker that says that it is ready; the median."""
    idle_rss_mb: float
    loaded_peak_rss_mb: float
    """After objects of the usual sizes, and a large one among them."""

    def lines(self) -> Iterator[str]:
        """Yield them for a reader."""
        for name, value in asdict(self).items():
            yield f"{name:30} {value:8.2f}"


async def figures_of(image: Image, base: str, *, starts: int) -> Figures:
    """Measure the image. The endpoint it is measured against runs beside it, on the same processors."""
    with tempfile.TemporaryDirectory() as name, running_endpoint(Path(name)) as endpoint:
        until_ready = [await _seconds_until_ready(image, Path(name), endpoint) for _ in range(starts)]
        idle, peak = await _memory(image, Path(name), endpoint)
    return Figures(
        *(*_sizes(image.engine, image.name), *_sizes(image.engine, base)),
        start_to_ready_seconds=statistics.median(until_ready),
        idle_rss_mb=idle,
        loaded_peak_rss_mb=peak,
    )


async def _seconds_until_ready(image: Image, directory: Path, endpoint: Endpoint) -> float:
    async with _worker(image, directory, endpoint) as (container, _):
        ready = datetime.now(UTC)
        (described,) = json.loads(image.engine.tell("inspect", container.name))
        return (ready - datetime.fromisoformat(described["State"]["StartedAt"])).total_seconds()


async def _memory(image: Image, directory: Path, endpoint: Endpoint) -> tuple[float, float]:
    """Return what the worker holds when it is ready and has nothing to do, and its peak under load."""
    async with _worker(image, directory, endpoint) as (container, stage):
        await asyncio.sleep(IDLE_SECONDS)
        idle = await container.memory_mb("VmRSS")
        uploaded = 0
        for each in workload(SEED, datetime.now(UTC), small_objects=SMALL_OBJECTS, large_object_mb=LARGE_OBJECT_MB):
            await stage.upload(each.key, each.body)
            uploaded += 1

        async def all_read() -> bool:
            return await container.worker.metric("trailstream_settled_deliveries_total") >= uploaded

        await container.worker.until(all_read, seconds=120)
        return idle, await container.memory_mb("VmHWM")


@asynccontextmanager
async def _worker(image: Image, directory: Path, endpoint: Endpoint) -> AsyncIterator[tuple[Container, Stage]]:
    """Give a worker that is ready, and where it works."""
    endpoint.reset()
    port = free_port()
    async with endpoint.clients() as aws:
        stage = await set_stage(aws)
        config = configuration(stage, endpoint, port, extra=STATE_SETTINGS)
        with volume(image.engine) as state:
            async with running_container(image, directory, config, port=port, state=state) as container:
                await container.worker.until_ready()
                yield container, stage


def _sizes(engine: Engine, image: str) -> tuple[float, float]:
    """Return the size of an image's archive, and of that archive compressed."""
    plain, compressed, gzip = 0, 0, zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    with subprocess.Popen([*engine.command, "save", image], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None
        while chunk := saving.stdout.read(CHUNK_BYTES):
            plain += len(chunk)
            compressed += len(gzip.compress(chunk))
    return plain / MEGABYTE, (compressed + len(gzip.flush())) / MEGABYTE
