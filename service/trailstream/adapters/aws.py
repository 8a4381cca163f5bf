"""What the AWS adapters share: clients that are made on demand and closed together, and what a vendor's error means.

An error of botocore, aiohttp or the socket is sorted into one of four causes; each adapter says which of our errors a
cause is for it. A code that nobody has listed counts as unavailable: it is tried again, until redrive ends it.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp.http_exceptions import HttpProcessingError
from botocore.exceptions import BotoCoreError, ClientError, EndpointProviderError, ParamValidationError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_sns import SNSClient
    from types_aiobotocore_sqs import SQSClient

    from trailstream.model.errors import TrailstreamError

LONGEST_POLL_SECONDS = 20
"""SQS: the longest WaitTimeSeconds."""

VENDOR_ERRORS = (
    BotoCoreError,
    ClientError,
    ResponseParserError,  # an answer cut short or not XML; no BotoCoreError
    aiohttp.ClientError,  # a body cut short is ClientPayloadError: aiobotocore does not wrap it
    HttpProcessingError,
    OSError,  # TimeoutError included
)
"""Everything that a call over the network raises. CancelledError and programming errors are not among them."""


class Cause(Enum):
    """Why a call failed, as far as what to do next depends on it."""

    UNAVAILABLE = "unavailable"
    """Throttled, failed, timed out, cut short: the same call may succeed."""
    DENIED = "denied"
    """A policy, a key or a credential is in the way: an operator can mend it."""
    MISSING = "missing"
    """What the call is about does not exist."""
    INVALID = "invalid"
    """The request itself will never be accepted."""


_CODES: dict[Cause, tuple[str, ...]] = {
    Cause.UNAVAILABLE: (
        *("InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable", "ServiceFailure"),
        *("SlowDown", "Throttling", "ThrottlingException", "Throttled", "ThrottledException", "RequestThrottled"),
        *("RequestThrottledException", "RequestLimitExceeded", "TooManyRequestsException", "BandwidthLimitExceeded"),
        *("RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete", "TransactionInProgressException"),
        *("KMSThrottling", "KMSThrottlingException", "KmsThrottled", "OverLimit"),
        # The client's own set-up, or a moved bucket: nothing that the delivery could be blamed for.
        *("PermanentRedirect", "AuthorizationHeaderMalformed", "RequestTimeTooSkewed", "InvalidAddress"),
        *("UnsupportedOperation", "InvalidAttributeName"),
    ),
    Cause.DENIED: (
        *("AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AccountProblem", "OptInRequired"),
        *("AuthorizationError", "AuthorizationErrorException", "InvalidSecurity", "InvalidSecurityException"),
        *("InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"),
        *("ExpiredToken", "ExpiredTokenException", "InvalidToken", "MissingAuthenticationToken", "NotSignedUp"),
        "InvalidObjectState",  # archived: it can be restored
        *("KMSAccessDenied", "KMSAccessDeniedException", "KMSDisabled", "KMSDisabledException", "KMSInvalidState"),
        *("KMSInvalidStateException", "KMSNotFound", "KMSNotFoundException", "KMSOptInRequired"),
        *("KmsAccessDenied", "KmsDisabled", "KmsInvalidState", "KmsNotFound", "KmsOptInRequired"),
        *("KmsInvalidKeyUsage", "KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException"),
    ),
    Cause.MISSING: (
        *("NoSuchKey", "NoSuchVersion", "NoSuchBucket"),
        "MethodNotAllowed",  # GetObject of a version that is a delete marker
        *("NotFound", "NotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
    ),
    Cause.INVALID: (
        *("KeyTooLongError", "InvalidBucketName", "InvalidURI"),
        *("InvalidParameter", "InvalidParameterException", "InvalidParameterValue", "InvalidParameterValueException"),
        *("ParameterValueInvalid", "ValidationError", "ValidationException", "InvalidMessageContents"),
        *("EndpointDisabled", "EndpointDisabledException"),
        *("PlatformApplicationDisabled", "PlatformApplicationDisabledException"),
        *("BatchRequestTooLong", "BatchRequestTooLongException"),
        *("TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequestException"),
        *("EmptyBatchRequest", "EmptyBatchRequestException"),
        *("BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinctException"),
        *("InvalidBatchEntryId", "InvalidBatchEntryIdException"),
    ),
}

CAUSES: Mapping[str, Cause] = {code: cause for cause, codes in _CODES.items() for code in codes}
"""By error code, as S3, SQS and SNS write them: in whole answers and in the entries of a batch."""

_CAUSES_BY_STATUS = {401: Cause.DENIED, 403: Cause.DENIED, 404: Cause.MISSING}


def cause_of(error: BaseException) -> Cause:
    """Sort one of ``VENDOR_ERRORS`` by its code, else by its HTTP status, else as unavailable."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = error.response.get("Error", {}).get("Code", "")
        return CAUSES.get(code) or _CAUSES_BY_STATUS.get(status, Cause.UNAVAILABLE)
    if isinstance(error, ParamValidationError | EndpointProviderError):
        return Cause.INVALID
    return Cause.UNAVAILABLE


@contextmanager
def translated(what: str, errors: Mapping[Cause, type[TrailstreamError]]) -> Iterator[None]:
    """Turn a vendor's error into ours, by its cause; ``what`` names what the call was about."""
    try:
        yield
    except VENDOR_ERRORS as error:
        raise errors[cause_of(error)](f"{what}: {detail_of(error)}") from error


def detail_of(error: BaseException) -> str:
    """Say what happened in one string; botocore's messages carry no secrets."""
    return f"{type(error).__name__}: {error}"


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
        connect_timeout_seconds: float = 5.0,
        read_timeout_seconds: float = 30.0,
        attempts: int = 4,
    ) -> None:
        """Bound the pool of each client by ``connections``: as many as calls may go on at once."""
        self._region = region
        self._endpoint_url = endpoint_url
        self._connections = connections
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds
        self._attempts = attempts
        self._session = get_session()
        self._stack = AsyncExitStack()
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
        return cast("SNSClient", await self._client("sns", region, self._read_timeout_seconds))

    async def _client(
        self, service: Literal["s3", "sqs", "sns"], region: str | None, read_timeout_seconds: float
    ) -> object:
        key = (service, region)
        if key not in self._clients:
            creating = self._session.create_client(
                service,
                region_name=region or self._region,
                endpoint_url=self._endpoint_url,
                config=self._config(read_timeout_seconds),
            )
            self._clients[key] = await self._stack.enter_async_context(creating)
        return self._clients[key]

    def _config(self, read_timeout_seconds: float) -> AioConfig:
        # Few endpoints other than AWS's own resolve a host name for each bucket.
        style = "path" if self._endpoint_url else "auto"
        return AioConfig(
            connect_timeout=self._connect_timeout_seconds,
            read_timeout=read_timeout_seconds,
            max_pool_connections=self._connections,
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            s3={"addressing_style": style},
        )
