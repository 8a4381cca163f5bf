"""S3 as an object store: the stored bytes of one object, in chunks."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from botocore.exceptions import ClientError

from trailstream.adapters.aws_errors import VENDOR_ERRORS, Cause, cause_of, detail_of, translated
from trailstream.adapters.lean_clients import LeanS3, ObjectBody
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import (
    MissingOrDeniedError,
    ObjectDeniedError,
    ObjectMissingError,
    ObjectUnavailableError,
    TrailstreamError,
)

_ERRORS = {
    Cause.UNAVAILABLE: ObjectUnavailableError,
    Cause.DENIED: ObjectDeniedError,
    Cause.MISSING: ObjectMissingError,
    Cause.INVALID: ObjectMissingError,  # an empty or too long key, a bucket name that cannot be: nothing is there
}

NO_LISTING_SECONDS = 300.0
"""For how long it is remembered that a bucket may not be listed; then a policy may have been mended."""

MOST_BUCKETS = 1000
"""Of how many buckets that is remembered: a message may name any number of them."""

_SAYS_NOTHING = frozenset({"AccessDenied", "403", "Forbidden", ""})
"""The codes of a 403 that may stand for a missing key; the others name what is in the way."""

_BUCKET_NAME = re.compile(r"[A-Za-z0-9._-]{3,255}")
"""us-east-1 still has buckets with names that are not allowed any more."""


class S3ObjectStore:
    """Reads objects as they are stored: a ``Content-Encoding: gzip`` is metadata here, and nothing decodes it.

    The client checks the body's length and, where S3 sends one that Python computes at speed, the checksum. A bucket of
    another Region is found from S3's own answer; what a message says of the Region is not used.

    To a caller without ``s3:ListBucket`` S3 answers 403 for a missing key as for a denied one ("GetObject" in the S3
    API reference), and to one without ``s3:GetObject`` whether it is there or not. So a 403 is looked into by listing.
    """

    def __init__(self, *, client: LeanS3, chunk_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``chunk_bytes`` is the largest chunk; a chunk is what has arrived by then. ``clock`` gives seconds."""
        self._client = client
        self._chunk_bytes = chunk_bytes
        self._clock = clock
        self._not_listed_until: dict[str, float] = {}

    @asynccontextmanager
    async def open(self, ref: ObjectRef) -> AsyncIterator[AsyncIterator[bytes]]:
        """See :class:`trailstream.pipeline.ports.ObjectStore`. Leaving early drops the connection, not drains it."""
        # Both become part of a URL, and a message may say what it likes. Without a key it would be a list of objects.
        if not _BUCKET_NAME.fullmatch(ref.bucket) or not ref.key:
            raise ObjectMissingError(f"{ref.uri}: no bucket's name, or no key")
        body = await self._get(ref)
        try:
            yield self._chunks(ref, body)
        finally:
            body.close()

    async def _get(self, ref: ObjectRef) -> ObjectBody:
        with translated(ref.uri, _ERRORS):
            try:
                return await self._client.get_object(ref.bucket, ref.key, ref.version_id)
            except ClientError as error:
                if not _may_mean_missing(error):
                    raise
                refused = error
        kind, why = await self._look(ref)
        raise kind(f"{ref.uri}: {detail_of(refused)}; {why}") from refused

    async def _look(self, ref: ObjectRef) -> tuple[type[TrailstreamError], str]:
        """Say what a 403 that gives no reason means, and how we know."""
        unknown = MissingOrDeniedError
        if self._clock() < self._not_listed_until.get(ref.bucket, 0.0):
            return unknown, "the bucket may not be listed either"
        try:
            is_there = await self._client.has_key(ref.bucket, ref.key)
        except VENDOR_ERRORS as error:
            if cause_of(error) is Cause.DENIED:
                self._remember_not_listed(ref.bucket)
            return unknown, f"nor may we see whether it is there: {detail_of(error)}"
        if is_there:
            return ObjectDeniedError, "the bucket lists it"
        if ref.version_id:
            return unknown, "the bucket does not list it, and may have this version of it all the same"
        return ObjectMissingError, "the bucket does not list it"

    def _remember_not_listed(self, bucket: str) -> None:
        if len(self._not_listed_until) >= MOST_BUCKETS:
            del self._not_listed_until[next(iter(self._not_listed_until))]
        self._not_listed_until[bucket] = self._clock() + NO_LISTING_SECONDS

    async def _chunks(self, ref: ObjectRef, body: ObjectBody) -> AsyncIterator[bytes]:
        with translated(ref.uri, _ERRORS):
            while chunk := await body.read(self._chunk_bytes):
                yield chunk


def _may_mean_missing(error: ClientError) -> bool:
    answer = error.response.get("Error", {})
    # "User: ... is not authorized to perform: kms:Decrypt on resource: ...": the object is there, and encrypted.
    return (
        cause_of(error) is Cause.DENIED
        and answer.get("Code", "") in _SAYS_NOTHING
        and "kms" not in answer.get("Message", "").lower()
    )
