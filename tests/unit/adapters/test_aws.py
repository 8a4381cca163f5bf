from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import botocore.session
import pytest
from aiobotocore.response import AioReadTimeoutError
from aiohttp.http_exceptions import TransferEncodingError
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    EndpointResolutionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ResponseStreamingError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from trailstream.adapters.aws import LONGEST_POLL_SECONDS, AwsClients
from trailstream.adapters.aws_errors import CAUSES, Cause, cause_of, translated
from trailstream.model.errors import ObjectUnavailableError
from trailstream.model.problems import ConfigurationError

OPERATIONS = {
    "s3": ["GetObject", "ListObjectsV2"],
    "sqs": [
        "GetQueueAttributes",
        "GetQueueUrl",
        "ReceiveMessage",
        "DeleteMessageBatch",
        "ChangeMessageVisibilityBatch",
        "SendMessageBatch",
    ],
    "sns": ["PublishBatch"],
    "dynamodb": ["PutItem", "DeleteItem"],
    "sts": ["AssumeRole"],
}


def modelled_codes(service: str, operation: str) -> list[str]:
    model: Any = botocore.session.get_session().get_service_model(service)
    return [shape.error_code for shape in model.operation_model(operation).error_shapes]


MODELLED = [
    (service, operation, code)
    for service, operations in OPERATIONS.items()
    for operation in operations
    for code in modelled_codes(service, operation)
]


@pytest.mark.parametrize(("service", "operation", "code"), MODELLED)
def test_every_error_that_aws_models_for_a_call_we_make_has_its_branch(service: str, operation: str, code: str) -> None:
    assert code in CAUSES, f"{service} {operation} may answer {code}: list it in adapters/aws.py"


def client_error(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        ("NoSuchKey", 404, Cause.MISSING),
        ("NoSuchVersion", 404, Cause.MISSING),
        ("NoSuchBucket", 404, Cause.MISSING),
        ("MethodNotAllowed", 405, Cause.MISSING),
        ("AccessDenied", 403, Cause.DENIED),
        ("ExpiredToken", 400, Cause.DENIED),
        ("KMS.DisabledException", 400, Cause.DENIED),
        ("SlowDown", 503, Cause.UNAVAILABLE),
        ("InternalError", 500, Cause.UNAVAILABLE),
        ("RequestTimeTooSkewed", 403, Cause.UNAVAILABLE),
        ("AWS.SimpleQueueService.NonExistentQueue", 400, Cause.MISSING),
        ("ThrottlingException", 400, Cause.UNAVAILABLE),
        ("KMSThrottling", 400, Cause.UNAVAILABLE),
        ("KMSAccessDenied", 400, Cause.DENIED),
        ("InvalidParameter", 400, Cause.INVALID),
        ("BatchRequestTooLong", 400, Cause.INVALID),
        ("AuthorizationError", 403, Cause.DENIED),
        ("403", 403, Cause.DENIED),
        ("404", 404, Cause.MISSING),
        ("NewlyInvented", 400, Cause.UNAVAILABLE),
        ("", 502, Cause.UNAVAILABLE),
    ],
)
def test_an_answer_is_sorted_by_its_code_and_an_unknown_code_by_its_status(
    code: str, status: int, cause: Cause
) -> None:
    assert cause_of(client_error(code, status)) is cause


EVERY_CAUSE = dict.fromkeys(Cause, ObjectUnavailableError)

RAISED = [
    (aiohttp.ClientPayloadError("cut"), Cause.UNAVAILABLE),
    (aiohttp.ClientOSError(104, "reset"), Cause.UNAVAILABLE),
    (aiohttp.ServerDisconnectedError(), Cause.UNAVAILABLE),
    (TransferEncodingError("bad chunk"), Cause.UNAVAILABLE),
    (AioReadTimeoutError(endpoint_url="u", error="stalled"), Cause.UNAVAILABLE),
    (ConnectTimeoutError(endpoint_url="u"), Cause.UNAVAILABLE),
    (ConnectionClosedError(endpoint_url="u"), Cause.UNAVAILABLE),
    (EndpointConnectionError(endpoint_url="u"), Cause.UNAVAILABLE),
    (SSLError(endpoint_url="u", error=Exception("certificate")), Cause.UNAVAILABLE),
    (HTTPClientError(error="other"), Cause.UNAVAILABLE),
    (FlexibleChecksumError(error_msg="differs"), Cause.UNAVAILABLE),
    (IncompleteReadError(actual_bytes=1, expected_bytes=2), Cause.UNAVAILABLE),
    (ResponseStreamingError(error="cut"), Cause.UNAVAILABLE),
    (ResponseParserError("not XML"), Cause.UNAVAILABLE),
    (NoCredentialsError(), Cause.UNAVAILABLE),
    (ConnectionResetError(104, "reset"), Cause.UNAVAILABLE),
    (TimeoutError("slow"), Cause.UNAVAILABLE),
    (ParamValidationError(report="empty key"), Cause.INVALID),
    (EndpointResolutionError(msg="bucket"), Cause.INVALID),
]


@pytest.mark.parametrize(("error", "cause"), RAISED, ids=lambda value: type(value).__name__)
def test_whatever_a_call_raises_becomes_an_error_of_ours(error: Exception, cause: Cause) -> None:
    assert cause_of(error) is cause
    with pytest.raises(ObjectUnavailableError, match=r"^s3://b/k: ") as caught, translated("s3://b/k", EVERY_CAUSE):
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyError("a bug"), ValueError("a bug"), RuntimeError()])
def test_cancellation_and_bugs_pass_through(error: BaseException) -> None:
    with pytest.raises(type(error)), translated("it", EVERY_CAUSE):
        raise error


def test_what_went_on_without_credentials_says_where_they_come_from() -> None:
    what = r"Unable to locate credentials \(set AWS_PROFILE, or "
    with pytest.raises(ObjectUnavailableError, match=what), translated("s3://b/k", EVERY_CAUSE):
        raise NoCredentialsError


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [("AWS_PROFILE", "nope", r"The config profile \(nope\)"), ("AWS_ACCESS_KEY_ID", "x", "Partial credentials found")],
)
@pytest.mark.parametrize("ask", [AwsClients.lean_s3, AwsClients.lean_sqs, AwsClients.sns, AwsClients.dynamodb])
async def test_what_is_wrong_with_what_is_written_for_aws_s_tools_is_a_problem_with_the_configuration(
    ask: Callable[[AwsClients], Awaitable[object]],
    variable: str,
    value: str,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    async with AwsClients(region="eu-west-1", endpoint_url=None, connections=1) as aws:
        with pytest.raises(ConfigurationError, match=f"AWS credentials: {what}"):
            await ask(aws)


async def test_a_queue_client_waits_longer_for_an_answer_than_the_longest_poll() -> None:
    async with AwsClients(region="eu-west-1", endpoint_url=None, connections=7, read_timeout_seconds=5) as aws:
        config: Any = (await aws.sqs()).meta.config
        assert config.read_timeout > LONGEST_POLL_SECONDS
        assert config.max_pool_connections == 7


async def test_a_client_is_made_once_for_each_region() -> None:
    async with AwsClients(region="eu-west-1", endpoint_url=None, connections=1) as aws:
        assert await aws.sns() is await aws.sns()
        elsewhere = await aws.sns(region="us-west-2")
        assert elsewhere.meta.region_name == "us-west-2"
        assert (await aws.sns()).meta.region_name == "eu-west-1"
