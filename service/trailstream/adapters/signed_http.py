"""Signed requests over one connection pool: the calls that are made for every object, without botocore's client.

For an object of a few records botocore's client takes three times the CPU that a signed request takes. Here its
credential chain and its errors are used, and nothing between them; failures are retried as its standard mode does.
Everything that is asked for once is left to botocore's own clients.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from botocore.exceptions import ClientError, NoCredentialsError
from yarl import URL

from trailstream.adapters.aws_errors import VENDOR_ERRORS, Cause, cause_of
from trailstream.adapters.sigv4 import Keys, signed_headers
from trailstream.model.limits import KIB

if TYPE_CHECKING:
    from aiobotocore.credentials import AioCredentials

LONGEST_BACKOFF_SECONDS = 20.0
"""As in botocore's standard mode, which waits a random part of a doubling second, up to this."""
LONGEST_ERROR_BYTES = 64 * KIB
KeysOf = Callable[[], Awaitable[Keys]]
"""Gives the keys to sign with, and is asked with every request: temporary ones are renewed in time."""

_AFTER_SCHEME = len("https://")
_ERROR_XML = re.compile(r"<Code>([^<]*)</Code>(?:.*?<Message>([^<]*)</Message>)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """One request before it is signed. ``operation`` is what error messages call it."""

    service: str
    operation: str
    region: str
    method: str
    url: str
    """Its path and query are encoded: they are sent as they are."""
    headers: Mapping[str, str]
    body: bytes = b""
    wait_seconds: float = 0.0
    """How long the service may wait before it begins to answer, beside the time that any answer may take."""


def keys_of(credentials: AioCredentials | None) -> KeysOf:
    """Give the keys of what botocore's chain found; they raise NoCredentialsError where it found nothing."""

    async def keys() -> Keys:
        frozen = None if credentials is None else await credentials.get_frozen_credentials()
        if frozen is None or frozen.access_key is None or frozen.secret_key is None:
            raise NoCredentialsError
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)

    return keys


class SignedHttp:
    """Signs, sends and retries.

    Raises what ``aws_errors.VENDOR_ERRORS`` lists, ClientError for an answer that says no; and what giving the keys
    raises.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        keys: KeysOf,
        attempts: int,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        on_denied: Callable[[], None] = lambda: None,
    ) -> None:
        """``session`` decodes nothing by itself; ``attempts`` is how often a request is sent in all.

        ``read_timeout_seconds`` is the longest silence of the other side. ``on_denied`` is called when a request was
        refused for what its keys may do.
        """
        self._session = session
        self._keys = keys
        self._on_denied = on_denied
        self._attempts = attempts
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds

    async def send(self, request: Request) -> aiohttp.ClientResponse:
        """Return the answer of a request, its body still to be read; the caller closes it."""
        for attempt in range(1, self._attempts):
            try:
                return await self._send(request)
            except VENDOR_ERRORS as error:
                if cause_of(error) is not Cause.UNAVAILABLE or isinstance(error, RedirectedError):
                    raise
            # Chance keeps many clients from coming back together; it guards no secret.
            await asyncio.sleep(random.random() * min(2.0 ** (attempt - 1), LONGEST_BACKOFF_SECONDS))  # noqa: S311
        return await self._send(request)

    async def _send(self, request: Request) -> aiohttp.ClientResponse:
        response = await self._session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=await self._signed_headers(request),
            data=request.body or None,
            allow_redirects=False,
            proxy=_proxy_for(request.url[: request.url.index("/", _AFTER_SCHEME)]),
            timeout=_timeout(self._connect_timeout_seconds, self._read_timeout_seconds + request.wait_seconds),
        )
        if response.status == 200:  # noqa: PLR2004 - the only success of the calls that are made here
            return response
        try:
            error = _error(request, response, await response.content.read(LONGEST_ERROR_BYTES))
        finally:
            response.close()
        if cause_of(error) is Cause.DENIED:
            self._on_denied()
        raise error

    async def _signed_headers(self, request: Request) -> dict[str, str]:
        return signed_headers(
            method=request.method,
            url=request.url,
            headers=request.headers,
            body=request.body,
            service=request.service,
            region=request.region,
            keys=await self._keys(),
            moment=datetime.now(UTC),
        )


@lru_cache(maxsize=32)
def _timeout(connect_seconds: float, read_seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds, sock_read=read_seconds)


@lru_cache(maxsize=1024)
def _proxy_for(origin: str) -> str | None:
    """Return the proxy that the environment names for an origin, ``https://host:port``, as botocore does.

    aiohttp's own ``trust_env`` looks for a .netrc in a thread with every request, which costs more than the request.
    """
    parts = urlsplit(origin)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


class RedirectedError(ClientError):
    """The bucket is in another Region; ``region`` says which."""

    region: str


def _error(request: Request, response: aiohttp.ClientResponse, body: bytes) -> ClientError:
    code, message = _reason(body.decode("utf-8", "replace"))
    answer: Any = {
        "Error": {"Code": code or str(response.status), "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": response.status},
    }
    region = response.headers.get("x-amz-bucket-region")
    if region and region != request.region:
        redirected = RedirectedError(answer, request.operation)
        redirected.region = region
        return redirected
    return ClientError(answer, request.operation)


def _reason(text: str) -> tuple[str, str]:
    if found := _ERROR_XML.search(text):
        return found[1], found[2] or ""
    try:
        document = json.loads(text)
        # "com.amazonaws.sqs#QueueDoesNotExist"
        return str(document["__type"]).rpartition("#")[2], str(document.get("message") or document.get("Message") or "")
    except (ValueError, TypeError, KeyError):
        return "", text[:200]
