"""What ``trailstream scan`` reads buckets with: the worker's own reader, and a listing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.adapters.s3_listing import S3Listing
from trailstream.bootstrap.logs import make_logs_client
from trailstream.config import Settings
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
