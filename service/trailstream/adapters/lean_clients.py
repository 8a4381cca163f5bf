"""S3's GetObject and the calls on a queue over :class:`SignedHttp`: what is called for every object, and little more.

Errors are those of botocore's clients; so are the parameters and answers of SQS.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote, unquote_plus, urlsplit

import aiohttp
import orjson
from botocore.exceptions import FlexibleChecksumError
from botocore.parsers import ResponseParserError

from trailstream.adapters.signed_http import RedirectedError, Request, SignedHttp

EndpointOf = Callable[[str | None], Awaitable[tuple[str, str]]]
"""A Region, or None for the client's own -> its name and the URL of the service's endpoint there."""


_LISTED_KEY = re.compile(rb"<Key>([^<]*)</Key>")


class LeanS3:
    """Gets objects, and looks for keys. A bucket in another Region is found by S3's redirect, and remembered."""

    def __init__(
        self,
        *,
        http: SignedHttp,
        endpoint_of: EndpointOf,
        path_style: bool,
        owners: Mapping[str, str],
        http_by_bucket: Mapping[str, SignedHttp],
    ) -> None:
        """``path_style`` puts the bucket into the path, for endpoints that do not resolve a name for each bucket.

        ``owners`` are the accounts that own buckets: S3 refuses with 403 what belongs to another, for a bucket's name
        is anybody's once it was deleted. ``http_by_bucket`` signs as somebody else for the buckets that it names.
        """
        self._http = http
        self._http_by_bucket = http_by_bucket
        self._endpoint_of = endpoint_of
        self._path_style = path_style
        self._owners = owners
        self._regions: dict[str, str] = {}

    async def get_object(self, bucket: str, key: str, version_id: str | None = None) -> ObjectBody:
        """Return the object's body, still to be read and to be closed. Raises what SignedHttp does."""
        query = f"?versionId={quote(version_id, safe='')}" if version_id else ""
        path = f"{quote(key, safe='/~')}{query}"
        return ObjectBody(await self._get("GetObject", bucket, path, {"x-amz-checksum-mode": "ENABLED"}))

    async def has_key(self, bucket: str, key: str) -> bool:
        """Say whether the bucket lists the key, which takes ``s3:ListBucket``. Raises what SignedHttp does."""
        # Of the keys that begin with this one it is the first. Encoded keys stand in the XML as they are.
        query = f"?encoding-type=url&list-type=2&max-keys=1&prefix={quote(key, safe='~')}"
        async with await self._get("ListObjectsV2", bucket, query, {}) as response:
            listed = _LISTED_KEY.search(await response.read())
        return listed is not None and unquote_plus(listed[1].decode("ascii", "replace")) == key

    async def list_objects(self, bucket: str, *, prefix: str, start_after: str) -> str:
        """Return a page of ListObjectsV2 as it is, its keys encoded: what sorts behind ``start_after``."""
        after = f"&start-after={quote(start_after, safe='~')}" if start_after else ""
        query = f"?encoding-type=url&list-type=2&prefix={quote(prefix, safe='~')}{after}"
        async with await self._get("ListObjectsV2", bucket, query, {}) as response:
            return (await response.read()).decode("utf-8", "replace")

    async def _get(
        self, operation: str, bucket: str, rest_of_url: str, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        try:
            return await self._send(operation, bucket, rest_of_url, headers)
        except RedirectedError as redirected:
            self._regions[bucket] = redirected.region
            return await self._send(operation, bucket, rest_of_url, headers)

    async def _send(
        self, operation: str, bucket: str, rest_of_url: str, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        if owner := self._owners.get(bucket):
            headers = {**headers, "x-amz-expected-bucket-owner": owner}
        region, endpoint = await self._endpoint_of(self._regions.get(bucket))
        url = self._base_url(endpoint, bucket) + rest_of_url
        http = self._http_by_bucket.get(bucket, self._http)
        return await http.send(
            Request(service="s3", operation=operation, region=region, method="GET", url=url, headers=headers)
        )

    def _base_url(self, endpoint: str, bucket: str) -> str:
        scheme, host, *_ = urlsplit(endpoint)
        # A certificate for *.s3.amazonaws.com covers no name with a further dot in it, and an endpoint that is not
        # AWS's (AWS_ENDPOINT_URL_S3 may name one) seldom has a host name for each bucket.
        in_path = self._path_style or "." in bucket or ".amazonaws." not in host
        return f"{scheme}://{host}/{bucket}/" if in_path else f"{scheme}://{bucket}.{host}/"


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


_CHECKSUMS: dict[str, Callable[[], _Digest]] = {
    "x-amz-checksum-crc32": _Crc32,
    "x-amz-checksum-sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "x-amz-checksum-sha256": hashlib.sha256,
}
"""Those that Python can compute at speed. S3 sends the one that the object was stored with, if any."""


class ObjectBody:
    """A body that is checked against the checksum that S3 sent with it, once it was read to its end."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._expected = ""
        self._digest: _Digest | None = None
        for name, digest in _CHECKSUMS.items():
            value = response.headers.get(name)
            if value and "-" not in value:  # "...-3" is the checksum of the checksums of three parts
                self._expected, self._digest = value, digest()

    async def read(self, size: int) -> bytes:
        """Return the next bytes, at most so many; none at the end. Raises FlexibleChecksumError there."""
        data = await self._response.content.read(size)
        if self._digest is not None:
            self._digest.update(data)
            if not data and (found := base64.b64encode(self._digest.digest()).decode()) != self._expected:
                raise FlexibleChecksumError(error_msg=f"expected checksum {self._expected}, found {found}")
        return data

    def close(self) -> None:
        """Drop the connection, unless the body was read to its end."""
        self._response.close()


class LeanSqs:
    """The calls on one queue that are made here, in SQS's JSON protocol."""

    def __init__(self, *, http: SignedHttp, endpoint: str, region: str) -> None:
        self._http = http
        self._endpoint = endpoint
        self._region = region

    async def receive_message(self, **parameters: Any) -> dict[str, Any]:
        """See SQS's ReceiveMessage."""
        return await self._call("ReceiveMessage", parameters)

    async def delete_message_batch(self, **parameters: Any) -> dict[str, Any]:
        """See SQS's DeleteMessageBatch."""
        return await self._call("DeleteMessageBatch", parameters)

    async def send_message_batch(self, **parameters: Any) -> dict[str, Any]:
        """See SQS's SendMessageBatch; binary values are base64, as they are received here."""
        return await self._call("SendMessageBatch", parameters)

    async def change_message_visibility_batch(self, **parameters: Any) -> dict[str, Any]:
        """See SQS's ChangeMessageVisibilityBatch."""
        return await self._call("ChangeMessageVisibilityBatch", parameters)

    async def get_queue_attributes(self, **parameters: Any) -> dict[str, Any]:
        """See SQS's GetQueueAttributes."""
        return await self._call("GetQueueAttributes", parameters)

    async def get_queue_url(self, **parameters: Any) -> dict[str, Any]:
        """See SQS's GetQueueUrl."""
        return await self._call("GetQueueUrl", parameters)

    async def _call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        request = Request(
            service="sqs",
            operation=operation,
            region=self._region,
            method="POST",
            url=self._endpoint.rstrip("/") + "/",
            headers={"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{operation}"},
            body=orjson.dumps(parameters),
            wait_seconds=parameters.get("WaitTimeSeconds", 0),
        )
        async with await self._http.send(request) as response:
            answer = await response.read()
        try:
            document: dict[str, Any] = orjson.loads(answer)
        except orjson.JSONDecodeError as error:
            raise ResponseParserError(f"{operation} was answered with something else than JSON: {error}") from error
        return document
