from __future__ import annotations

from typing import Any, Self, cast

import pytest
from botocore.exceptions import FlexibleChecksumError
from botocore.parsers import ResponseParserError

from trailstream.adapters.lean_clients import LeanS3, LeanSqs, ObjectBody
from trailstream.adapters.signed_http import RedirectedError, Request, SignedHttp

ENDPOINTS = {
    None: ("eu-west-1", "https://s3.eu-west-1.amazonaws.com"),
    "us-gov-west-1": ("us-gov-west-1", "https://s3.us-gov-west-1.amazonaws.com"),
}


async def endpoint_of(region: str | None) -> tuple[str, str]:
    return ENDPOINTS[region]


class Http:
    """Keeps what was asked for; answers with what it is given, or raises it."""

    def __init__(self, *answers: object) -> None:
        self.requests: list[Request] = []
        self._answers = list(answers)

    async def send(self, request: Request) -> object:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Response:
    def __init__(self, body: bytes = b"", **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.content = self
        self._body = body

    async def read(self, size: int) -> bytes:
        piece, self._body = self._body[:size], self._body[size:]
        return piece


def s3_over(http: Http, *, path_style: bool = False, **endpoint: Any) -> LeanS3:
    return LeanS3(
        http=cast("SignedHttp", http),
        endpoint_of=endpoint.get("of", endpoint_of),
        path_style=path_style,
        owners=endpoint.get("owners", {}),
        http_by_bucket=endpoint.get("http_by_bucket", {}),
    )


@pytest.mark.parametrize(
    ("bucket", "key", "version", "url"),
    [
        ("logs", "a b+c/é~", None, "https://logs.s3.eu-west-1.amazonaws.com/a%20b%2Bc/%C3%A9~"),
        ("logs", "a/../b//c", None, "https://logs.s3.eu-west-1.amazonaws.com/a/../b//c"),
        ("my.logs", "k", None, "https://s3.eu-west-1.amazonaws.com/my.logs/k"),
        ("logs", "k?x=1#y", "v/1+2=", "https://logs.s3.eu-west-1.amazonaws.com/k%3Fx%3D1%23y?versionId=v%2F1%2B2%3D"),
    ],
)
async def test_an_object_is_asked_for_under_its_own_name(bucket: str, key: str, version: str | None, url: str) -> None:
    http = Http(Response())
    await s3_over(http).get_object(bucket, key, version)
    assert http.requests[0].url == url


async def test_an_endpoint_that_is_not_aws_s_gets_the_bucket_in_the_path() -> None:
    async def of(_: str | None) -> tuple[str, str]:
        return "us-east-1", "http://storage.example:9000"

    http = Http(Response())
    await s3_over(http, of=of).get_object("logs", "k")
    assert http.requests[0].url == "http://storage.example:9000/logs/k"


async def test_s3_is_told_who_must_own_a_bucket_where_that_is_known() -> None:
    http = Http(Response(), Response())
    s3 = s3_over(http, owners={"logs": "111122223333"})
    await s3.get_object("logs", "k")
    await s3.get_object("other", "k")
    owners = [request.headers.get("x-amz-expected-bucket-owner") for request in http.requests]
    assert owners == ["111122223333", None]


async def test_a_bucket_with_a_role_is_read_and_listed_by_the_role_and_no_other_is() -> None:
    own, role = Http(Response()), Http(Response(), Answer(b"<ListBucketResult/>"))
    s3 = s3_over(own, http_by_bucket={"logs-of-a": role})
    await s3.get_object("logs-of-a", "k")
    await s3.has_key("logs-of-a", "k")
    await s3.get_object("logs", "k")
    assert [request.operation for request in role.requests] == ["GetObject", "ListObjectsV2"]
    assert [request.url for request in own.requests] == ["https://logs.s3.eu-west-1.amazonaws.com/k"]


async def test_a_bucket_of_another_region_is_found_once_and_remembered() -> None:
    moved = RedirectedError({"Error": {"Code": "PermanentRedirect"}}, "GetObject")
    moved.region = "us-gov-west-1"
    http = Http(moved, Response(), Response())
    s3 = s3_over(http)
    await s3.get_object("logs", "one")
    await s3.get_object("logs", "two")
    assert [request.region for request in http.requests] == ["eu-west-1", "us-gov-west-1", "us-gov-west-1"]


async def read(response: Response) -> bytes:
    body, whole = ObjectBody(cast("Any", response)), b""
    while piece := await body.read(3):
        whole += piece
    return whole


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_amz_checksum_crc32": "DUoRhQ=="},
        {"x_amz_checksum_crc32": "anything-2"},
        {"x_amz_checksum_sha256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="},
        {"x_amz_checksum_crc64nvme": "not computed here"},
    ],
)
async def test_a_body_is_given_where_its_checksum_agrees_or_is_not_ours_to_compute(headers: dict[str, str]) -> None:
    assert await read(Response(b"hello world", **headers)) == b"hello world"


@pytest.mark.parametrize("name", ["x_amz_checksum_crc32", "x_amz_checksum_sha1", "x_amz_checksum_sha256"])
async def test_a_body_that_does_not_agree_with_its_checksum_is_an_error(name: str) -> None:
    with pytest.raises(FlexibleChecksumError):
        await read(Response(b"hello world", **{name: "AAAAAA=="}))


class Answer:
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read(self) -> bytes:
        return self._body


@pytest.mark.parametrize("body", [b"<html>the proxy's own page</html>", b'{"Messages":[', b""])
async def test_an_answer_that_is_no_json_is_an_error_of_the_service(body: bytes) -> None:
    sqs = LeanSqs(http=cast("SignedHttp", Http(Answer(body))), endpoint="https://sqs.example", region="eu-west-1")
    with pytest.raises(ResponseParserError):
        await sqs.receive_message(QueueUrl="https://sqs.example/1/q")
