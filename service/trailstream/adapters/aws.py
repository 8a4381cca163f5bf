"""Clients of AWS, made on demand and closed together."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import NoRegionError, PartialCredentialsError, ProfileNotFound
from botocore.httpsession import get_cert_path

from trailstream.adapters.assumed_role import AssumedRole, Role
from trailstream.adapters.lean_clients import LeanS3, LeanSqs
from trailstream.adapters.signed_http import SignedHttp, keys_of
from trailstream.model.problems import ConfigurationError, Problem

if TYPE_CHECKING:
    from types import TracebackType

    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_sns import SNSClient
    from types_aiobotocore_sqs import SQSClient
    from types_aiobotocore_sts import STSClient

CONNECT_TIMEOUT_SECONDS = 5.0
LONGEST_POLL_SECONDS = 20
"""SQS: the longest WaitTimeSeconds."""
LONGEST_PUBLISH_SECONDS = 10
"""SNS answers within a second; what takes this long hangs on a dead connection, and is better asked on another."""
LONGEST_ASSUMING_SECONDS = 5
"""STS answers within a second; what waits for a role is better told soon that it cannot be had."""
LONGEST_ITEM_SECONDS = 5
"""DynamoDB answers for one item within milliseconds; what takes this long is better asked again."""


class AwsClients:
    """Clients for one Region and endpoint, made when first asked for, closed when the context ends.

    Credentials come from botocore's own chain: environment, files, container and instance roles. A Region of None is
    left to that chain too. botocore retries throttling, failures and timeouts itself, ``attempts`` in all per call.
    """

    def __init__(
        self,
        *,
        region: str | None,
        endpoint_url: str | None,
        connections: int,
        read_timeout_seconds: float = 30.0,
        attempts: int = 4,
    ) -> None:
        """Bound the pool of each client by ``connections``: as many as calls may go on at once."""
        self._region = region
        self._endpoint_url = endpoint_url
        self._connections = connections
        self._read_timeout_seconds = read_timeout_seconds
        self._attempts = attempts
        self._session = get_session()
        self._stack = AsyncExitStack()
        self._requests: aiohttp.ClientSession | None = None
        self._signed: dict[Role | None, SignedHttp] = {}
        self._clients: dict[tuple[str, str | None], Any] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clients.clear()
        await self._stack.aclose()

    async def s3(self) -> S3Client:
        """Return the S3 client. It follows a bucket to its own Region as botocore does."""
        return cast("S3Client", await self._client("s3", None, self._read_timeout_seconds))

    async def sqs(self, *, region: str | None = None) -> SQSClient:
        """Return the SQS client; it waits out the longest poll before a read counts as timed out.

        A request goes to the client's Region whatever the queue's URL says, so give the queue's own.
        """
        return cast("SQSClient", await self._client("sqs", region, LONGEST_POLL_SECONDS + self._read_timeout_seconds))

    async def sns(self, *, region: str | None = None) -> SNSClient:
        """Return the SNS client; give the topic's own Region."""
        seconds = min(LONGEST_PUBLISH_SECONDS, self._read_timeout_seconds)
        return cast("SNSClient", await self._client("sns", region, seconds))

    async def dynamodb(self, *, region: str | None = None) -> DynamoDBClient:
        """Return the DynamoDB client; give the table's own Region."""
        seconds = min(LONGEST_ITEM_SECONDS, self._read_timeout_seconds)
        return cast("DynamoDBClient", await self._client("dynamodb", region, seconds))

    async def sts(self) -> STSClient:
        """Return the STS client."""
        seconds = min(LONGEST_ASSUMING_SECONDS, self._read_timeout_seconds)
        return cast("STSClient", await self._client("sts", None, seconds))

    async def lean_s3(
        self, *, owners: Mapping[str, str] = MappingProxyType({}), roles: Mapping[str, Role] = MappingProxyType({})
    ) -> LeanS3:
        """Return a client that only gets objects, at a third of the cost; see :mod:`.lean_clients`.

        ``owners`` and ``roles`` are by bucket; a role is assumed when its bucket is first read.
        """
        return LeanS3(
            http=await self._signed_http(),
            endpoint_of=self._s3_endpoint,
            path_style=bool(self._endpoint_url),
            owners=owners,
            http_by_bucket={bucket: await self._signed_http(role) for bucket, role in roles.items()},
        )

    async def lean_sqs(self, *, region: str | None = None) -> LeanSqs:
        """Return a client with the calls that are made on a queue, at less than half of the cost."""
        meta = (await self.sqs(region=region)).meta
        return LeanSqs(http=await self._signed_http(), endpoint=meta.endpoint_url, region=meta.region_name)

    async def _s3_endpoint(self, region: str | None) -> tuple[str, str]:
        # botocore knows each partition's endpoints, and what the environment wants of them (FIPS, dual stack).
        meta = (await self._client("s3", region, self._read_timeout_seconds)).meta
        return meta.region_name, meta.endpoint_url

    async def _signed_http(self, role: Role | None = None) -> SignedHttp:
        if role not in self._signed:
            with _usable_configuration():
                self._signed[role] = await self._signing(role)
        return self._signed[role]

    async def _signing(self, role: Role | None) -> SignedHttp:
        sign = partial(
            SignedHttp,
            session=await self._shared_requests(),
            attempts=self._attempts,
            connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS,
            read_timeout_seconds=self._read_timeout_seconds,
        )
        if role is None:
            return sign(keys=keys_of(await self._session.get_credentials()))
        assumed = AssumedRole(role, sts=await self.sts())
        return sign(keys=assumed.keys, on_denied=assumed.denied)

    async def _shared_requests(self) -> aiohttp.ClientSession:
        """Return the one pool of connections: who signs is a matter of each request."""
        if self._requests is None:
            authorities = self._session.get_config_variable("ca_bundle") or get_cert_path(True)
            tls = ssl.create_default_context(cafile=authorities)
            connector = aiohttp.TCPConnector(limit=self._connections, ssl=tls)
            self._requests = await self._stack.enter_async_context(
                aiohttp.ClientSession(connector=connector, auto_decompress=False)
            )
        return self._requests

    async def _client(
        self, service: Literal["dynamodb", "s3", "sqs", "sns", "sts"], region: str | None, read_timeout_seconds: float
    ) -> Any:
        key = (service, region)
        if key not in self._clients:
            creating = self._session.create_client(
                service,
                region_name=region or self._region,
                endpoint_url=self._endpoint_url,
                config=self._config(read_timeout_seconds),
            )
            with _usable_configuration():
                self._clients[key] = await self._stack.enter_async_context(creating)
        return self._clients[key]

    def _config(self, read_timeout_seconds: float) -> AioConfig:
        # Few endpoints other than AWS's own resolve a host name for each bucket.
        style = "path" if self._endpoint_url else "auto"
        return AioConfig(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=read_timeout_seconds,
            max_pool_connections=self._connections,
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            s3={"addressing_style": style},
        )


@contextmanager
def _usable_configuration() -> Iterator[None]:
    """Turn what botocore finds wrong with what an operator wrote for AWS's tools into :class:`ConfigurationError`."""
    try:
        yield
    except NoRegionError as error:
        problem = Problem("aws.region", "no Region is known", "set it, or AWS_REGION")
        raise ConfigurationError([problem]) from error
    except (ProfileNotFound, PartialCredentialsError) as error:
        problem = Problem("AWS credentials", str(error), "correct the environment, or AWS's configuration files")
        raise ConfigurationError([problem]) from error
