"""S3 as an object store: the stored bytes of one object, in chunks."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from trailstream.adapters.aws import Cause, translated
from trailstream.model.errors import ObjectDeniedError, ObjectMissingError, ObjectUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import GetObjectRequestTypeDef

    from trailstream.model.delivery import ObjectRef

_ERRORS = {
    Cause.UNAVAILABLE: ObjectUnavailableError,
    Cause.DENIED: ObjectDeniedError,
    Cause.MISSING: ObjectMissingError,
    Cause.INVALID: ObjectMissingError,  # an empty or too long key, a bucket name that cannot be: nothing is there
}

_BUCKET_NAME = re.compile(r"[A-Za-z0-9._-]{3,255}")
"""us-east-1 still has buckets with names that are not allowed any more."""


class S3ObjectStore:
    """Reads objects as they are stored: a ``Content-Encoding: gzip`` is metadata here, and nothing decodes it.

    botocore checks the body's length and, where S3 sends one that it can compute, the checksum. A bucket of another
    Region is found as botocore finds it, from S3's own answer; what a message says of the Region is not used.
    """

    def __init__(self, *, client: S3Client, chunk_bytes: int) -> None:
        """``chunk_bytes`` is the largest chunk; a chunk is what has arrived by then."""
        self._client = client
        self._chunk_bytes = chunk_bytes

    @asynccontextmanager
    async def open(self, ref: ObjectRef) -> AsyncIterator[AsyncIterator[bytes]]:
        """See :class:`trailstream.pipeline.ports.ObjectStore`. Leaving early drops the connection, not drains it."""
        request = _request(ref)
        with translated(ref.uri, _ERRORS):
            response = await self._client.get_object(**request)
        body = response["Body"]
        try:
            yield self._chunks(ref, body)
        finally:
            body.close()

    async def _chunks(self, ref: ObjectRef, body: StreamingBody) -> AsyncIterator[bytes]:
        while True:
            with translated(ref.uri, _ERRORS):
                chunk = await body.read(self._chunk_bytes)
            if not chunk:
                return
            yield chunk


def _request(ref: ObjectRef) -> GetObjectRequestTypeDef:
    # botocore takes an ARN for a bucket and sends the request elsewhere; a message may say what it likes.
    if not _BUCKET_NAME.fullmatch(ref.bucket):
        raise ObjectMissingError(f"{ref.uri}: not a bucket name")
    request: GetObjectRequestTypeDef = {"Bucket": ref.bucket, "Key": ref.key}
    if ref.version_id:
        request["VersionId"] = ref.version_id
    return request
