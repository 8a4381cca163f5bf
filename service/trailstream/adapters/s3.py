"""S3 as an object store: the stored bytes of one object, in chunks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trailstream.adapters.aws_errors import Cause, translated
from trailstream.adapters.lean_clients import LeanS3, ObjectBody
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import ObjectDeniedError, ObjectMissingError, ObjectUnavailableError

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

    The client checks the body's length and, where S3 sends one that Python computes at speed, the checksum. A bucket of
    another Region is found from S3's own answer; what a message says of the Region is not used.
    """

    def __init__(self, *, client: LeanS3, chunk_bytes: int) -> None:
        """``chunk_bytes`` is the largest chunk; a chunk is what has arrived by then."""
        self._client = client
        self._chunk_bytes = chunk_bytes

    @asynccontextmanager
    async def open(self, ref: ObjectRef) -> AsyncIterator[AsyncIterator[bytes]]:
        """See :class:`trailstream.pipeline.ports.ObjectStore`. Leaving early drops the connection, not drains it."""
        # Both become part of a URL, and a message may say what it likes. Without a key it would be a list of objects.
        if not _BUCKET_NAME.fullmatch(ref.bucket) or not ref.key:
            raise ObjectMissingError(f"{ref.uri}: no bucket's name, or no key")
        with translated(ref.uri, _ERRORS):
            body = await self._client.get_object(ref.bucket, ref.key, ref.version_id)
        try:
            yield self._chunks(ref, body)
        finally:
            body.close()

    async def _chunks(self, ref: ObjectRef, body: ObjectBody) -> AsyncIterator[bytes]:
        with translated(ref.uri, _ERRORS):
            while chunk := await body.read(self._chunk_bytes):
                yield chunk
