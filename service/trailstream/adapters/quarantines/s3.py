"""The quarantine as objects in a bucket: one for each entry, JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from trailstream.adapters.aws_errors import Cause, translated
from trailstream.adapters.quarantines.entries import entry_json, entry_name, read_entry, reason_name, reasons_among
from trailstream.model.errors import QuarantineUnavailableError
from trailstream.pipeline.ports import SetAside

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

CONCURRENT_READS = 8

_ERRORS = dict.fromkeys(Cause, QuarantineUnavailableError)


class S3Quarantine:
    """Keeps entries in a bucket; see :class:`trailstream.pipeline.ports.Quarantine`.

    It needs ``s3:PutObject``; to give reasons also ``s3:GetObject`` and, since S3 otherwise answers 403 for an entry
    that is not there, ``s3:ListBucket``.
    """

    def __init__(self, *, client: S3Client, bucket: str, prefix: str) -> None:
        """``prefix`` is what the keys begin with, a slash at its end included."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    async def put(self, entry: SetAside) -> None:
        """See :class:`trailstream.pipeline.ports.Quarantine`."""
        key = self._key(entry_name(entry))
        with translated(self._uri(key), _ERRORS):
            await self._client.put_object(
                Bucket=self._bucket, Key=key, Body=entry_json(entry).encode("ascii"), ContentType="application/json"
            )

    async def reasons(self, message_ids: Sequence[str]) -> Mapping[str, SetAside]:
        """See :class:`trailstream.pipeline.ports.Quarantine`."""
        slots = asyncio.Semaphore(CONCURRENT_READS)

        async def read(key: str) -> SetAside | None:
            async with slots:
                return await self._read(key)

        keys = [self._key(reason_name(message_id)) for message_id in message_ids]
        return reasons_among(await asyncio.gather(*map(read, keys)), message_ids)

    async def _read(self, key: str) -> SetAside | None:
        with translated(self._uri(key), _ERRORS):
            try:
                answer = await self._client.get_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.NoSuchKey:
                return None
            async with answer["Body"] as body:
                return read_entry(await body.read())

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}.json"

    def _uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"
