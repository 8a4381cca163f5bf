"""What an error of botocore, aiohttp or the socket means.

It is sorted into one of four causes; each adapter says which of our errors a cause is for it. A code that nobody has
listed counts as unavailable: it is tried again, until redrive ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointProviderError,
    NoCredentialsError,
    ParamValidationError,
)
from botocore.parsers import ResponseParserError

from trailstream.model.errors import TrailstreamError

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
        *("ProvisionedThroughputExceededException", "TransactionConflictException", "ReplicatedWriteConflictException"),
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
        "RegionDisabledException",  # STS is not activated there
        *("KmsInvalidKeyUsage", "KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException"),
    ),
    Cause.MISSING: (
        *("NoSuchKey", "NoSuchVersion", "NoSuchBucket"),
        "MethodNotAllowed",  # GetObject of a version that is a delete marker
        *("NotFound", "NotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
        "ResourceNotFoundException",
    ),
    Cause.INVALID: (
        *("KeyTooLongError", "InvalidBucketName", "InvalidURI"),
        *("InvalidParameter", "InvalidParameterException", "InvalidParameterValue", "InvalidParameterValueException"),
        *("ParameterValueInvalid", "ValidationError", "ValidationException", "InvalidMessageContents"),
        *("EndpointDisabled", "EndpointDisabledException"),
        *("MalformedPolicyDocument", "PackedPolicyTooLarge"),
        *("PlatformApplicationDisabled", "PlatformApplicationDisabledException"),
        *("BatchRequestTooLong", "BatchRequestTooLongException"),
        *("TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequestException"),
        *("EmptyBatchRequest", "EmptyBatchRequestException"),
        *("BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinctException"),
        *("InvalidBatchEntryId", "InvalidBatchEntryIdException"),
        # The ledger reads the first of these itself: another holder was there before.
        *("ConditionalCheckFailedException", "ItemCollectionSizeLimitExceededException"),
    ),
}

CAUSES: Mapping[str, Cause] = {code: cause for cause, codes in _CODES.items() for code in codes}
"""By error code, as S3, SQS, SNS, DynamoDB and STS write them: in whole answers and in the entries of a batch."""

_CAUSES_BY_STATUS = {401: Cause.DENIED, 403: Cause.DENIED, 404: Cause.MISSING}


_NO_CREDENTIALS = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given"

NO_REMEDIES: Mapping[Cause, str] = {}


def code_of(error: ClientError) -> str:
    """Return the service's own name for the error, or nothing where it gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def cause_of(error: BaseException) -> Cause:
    """Sort one of ``VENDOR_ERRORS`` by its code, else by its HTTP status, else as unavailable."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return CAUSES.get(code_of(error)) or _CAUSES_BY_STATUS.get(status, Cause.UNAVAILABLE)
    if isinstance(error, ParamValidationError | EndpointProviderError):
        return Cause.INVALID
    return Cause.UNAVAILABLE


@contextmanager
def translated(
    what: str, errors: Mapping[Cause, type[TrailstreamError]], remedies: Mapping[Cause, str] = NO_REMEDIES
) -> Iterator[None]:
    """Turn a vendor's error into ours, by its cause; ``what`` names what the call was about."""
    try:
        yield
    except VENDOR_ERRORS as error:
        cause = cause_of(error)
        remedy = f" ({remedies[cause]})" if cause in remedies else ""
        raise errors[cause](f"{what}: {detail_of(error)}{remedy}") from error


def detail_of(error: BaseException) -> str:
    """Say what happened in one string, with a remedy where botocore has none; its messages carry no secrets."""
    remedy = f" ({_NO_CREDENTIALS})" if isinstance(error, NoCredentialsError) else ""
    return f"{type(error).__name__}: {error}{remedy}"
