"""What ``trailstream scan`` reads buckets with: the worker's own reader, and a listing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.adapters.s3_listing import S3Listing
from trailstream.bootstrap.logs import make_logs_client
from trailstream.config import Settings, ToolSettings, load_settings
from trailstream.model.limits import CHUNK_BYTES


@dataclass(frozen=True, slots=True)
class Buckets:
    """The objects of S3."""

    store: S3ObjectStore
    listing: S3Listing


@asynccontextmanager
async def open_buckets(settings: Settings, *, concurrency: int) -> AsyncIterator[Buckets]:
    """Open S3 for ``concurrency`` objects at a time and a listing, as the settings have it for the worker."""
    async with AwsClients(
        region=settings.aws.region, endpoint_url=settings.aws.endpoint_url, connections=concurrency + 1
    ) as aws:
        client = await make_logs_client(settings.logs, aws)
        yield Buckets(S3ObjectStore(client=client, chunk_bytes=CHUNK_BYTES), S3Listing(client=client))


def scan_settings(path: Path | None, *, region: str | None, endpoint_url: str | None) -> Settings:
    """Return the worker's settings, as far as a scan wants them; what is given beside the path wins.

    Raises :class:`ConfigurationError`.
    """
    settings = load_settings(ToolSettings, path)
    given = {"region": region, "endpoint_url": endpoint_url}
    aws = settings.aws.model_copy(update={name: value for name, value in given.items() if value is not None})
    return settings.model_copy(update={"aws": aws})
