"""The S3 adapter over real sockets: against the local endpoint, and against answers that go wrong."""

from __future__ import annotations

import asyncio
import base64
import gzip
import random
import re
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from endpoint import REGION, free_port
from raw_http import RESET, STALL, Part, answering, head, s3_error
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import NO_LISTING_SECONDS, S3ObjectStore
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import (
    MissingOrDeniedError,
    ObjectDeniedError,
    ObjectMissingError,
    ObjectUnavailableError,
    TrailstreamError,
)

REF = ObjectRef("logs", "AWSLogs/1/CloudTrail/log.json.gz")
BODY = gzip.compress(random.Random(1).randbytes(10_000))
MIB = 1024 * 1024
READ_TIMEOUT_SECONDS = 0.3


@asynccontextmanager
async def store_at(
    url: str, *, attempts: int = 1, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[S3ObjectStore]:
    clients = AwsClients(
        region=REGION, endpoint_url=url, connections=4, read_timeout_seconds=READ_TIMEOUT_SECONDS, attempts=attempts
    )
    async with clients as aws:
        yield S3ObjectStore(client=await aws.lean_s3(), chunk_bytes=64 * 1024, clock=clock)


async def read(store: S3ObjectStore, ref: ObjectRef = REF) -> bytes:
    async with store.open(ref) as chunks:
        return b"".join([chunk async for chunk in chunks])


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (s3_error("404 Not Found", "NoSuchKey"), ObjectMissingError),
        (s3_error("404 Not Found", "NoSuchBucket"), ObjectMissingError),
        (s3_error("405 Method Not Allowed", "MethodNotAllowed"), ObjectMissingError),
        ([head("404 Not Found", Content_Length=0)], ObjectMissingError),
        (s3_error("403 Forbidden", "AccessDenied"), MissingOrDeniedError),
        ([head("403 Forbidden", Content_Length=0)], MissingOrDeniedError),
        (s3_error("403 Forbidden", "InvalidObjectState"), ObjectDeniedError),
        (s3_error("403 Forbidden", "SignatureDoesNotMatch"), ObjectDeniedError),
        (s3_error("400 Bad Request", "ExpiredToken"), ObjectDeniedError),
        (s3_error("503 Slow Down", "SlowDown"), ObjectUnavailableError),
        (s3_error("500 Internal Server Error", "InternalError"), ObjectUnavailableError),
        (s3_error("301 Moved Permanently", "PermanentRedirect"), ObjectUnavailableError),
        ([head("502 Bad Gateway", Content_Length=5), b"<html"], ObjectUnavailableError),
        ([head("200 OK", Content_Length=len(BODY)), BODY[:100], RESET], ObjectUnavailableError),
        ([head("200 OK", Content_Length=len(BODY)), RESET], ObjectUnavailableError),
        ([head("200 OK", Content_Length=len(BODY)), BODY[:100], STALL], ObjectUnavailableError),
        ([head("200 OK", Transfer_Encoding="chunked"), b"5\r\nabc", RESET], ObjectUnavailableError),
        ([head("200 OK", Transfer_Encoding="chunked"), b"no length\r\n"], ObjectUnavailableError),
        ([RESET], ObjectUnavailableError),
        ([STALL], ObjectUnavailableError),
        ([b"this is not HTTP\r\n\r\n"], ObjectUnavailableError),
        (
            [head("200 OK", Content_Length=len(BODY), x_amz_checksum_crc32=crc32(b"another")), BODY],
            ObjectUnavailableError,
        ),
    ],
)
async def test_every_way_to_fail_is_one_of_our_errors(answer: list[Part], kind: type[TrailstreamError]) -> None:
    async with answering(answer) as server, store_at(server.url) as store:
        with pytest.raises(kind, match="s3://logs/"):
            await read(store)


DENIED = s3_error("403 Forbidden", "AccessDenied")
UNAVAILABLE = s3_error("503 Slow Down", "SlowDown")


def listing(*keys: str) -> list[Part]:
    contents = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
    body = f"<ListBucketResult><Prefix>p</Prefix>{contents}</ListBucketResult>".encode()
    return [head("200 OK", Content_Type="application/xml", Content_Length=len(body)), body]


@pytest.mark.parametrize(
    ("listed", "ref", "kind"),
    [
        (listing(REF.key), REF, ObjectDeniedError),
        (listing(), REF, ObjectMissingError),
        (listing(REF.key + ".sha256"), REF, ObjectMissingError),
        (listing("%C3%A9+%2B%26/x"), ObjectRef("logs", "é +&/x"), ObjectDeniedError),
        (listing(REF.key), replace(REF, version_id="v1"), ObjectDeniedError),
        (listing(), replace(REF, version_id="v1"), MissingOrDeniedError),
        (s3_error("404 Not Found", "NoSuchBucket"), REF, MissingOrDeniedError),
        (DENIED, REF, MissingOrDeniedError),
        (UNAVAILABLE, REF, MissingOrDeniedError),
        ([RESET], REF, MissingOrDeniedError),
    ],
)
async def test_a_refusal_is_told_from_a_missing_object_by_a_look_at_the_list(
    listed: list[Part], ref: ObjectRef, kind: type[TrailstreamError]
) -> None:
    async with answering(DENIED, listed) as server, store_at(server.url) as store:
        with pytest.raises(kind, match="AccessDenied"):
            await read(store, ref)
        assert re.match(rb"GET /logs/\?encoding-type=url&list-type=2&max-keys=1&prefix=\S+ ", server.requests[1])


async def test_a_key_that_may_not_be_used_is_a_refusal_and_no_question_whether_the_object_is_there() -> None:
    message = "User: arn:aws:iam::1:role/r is not authorized to perform: kms:Decrypt on the resource"
    async with (
        answering(s3_error("403 Forbidden", "AccessDenied", message)) as server,
        store_at(server.url) as store,
    ):
        with pytest.raises(ObjectDeniedError, match="kms:Decrypt"):
            await read(store)
        assert len(server.requests) == 1


async def test_that_a_bucket_may_not_be_listed_is_remembered_for_some_minutes() -> None:
    now = [0.0]
    async with answering(DENIED) as server, store_at(server.url, clock=lambda: now[0]) as store:
        for at, requests in ((0.0, 2), (1.0, 3), (NO_LISTING_SECONDS - 1, 4), (NO_LISTING_SECONDS, 6)):
            now[0] = at
            with pytest.raises(MissingOrDeniedError):
                await read(store)
            assert len(server.requests) == requests


async def test_a_list_that_could_not_be_had_for_once_is_asked_for_again() -> None:
    async with answering(DENIED, UNAVAILABLE, DENIED, listing()) as server, store_at(server.url) as store:
        for kind in (MissingOrDeniedError, ObjectMissingError):
            with pytest.raises(kind):
                await read(store)
        assert len(server.requests) == 4


async def test_an_endpoint_that_is_down_is_unavailable() -> None:
    async with store_at(f"http://127.0.0.1:{free_port()}") as store:
        with pytest.raises(ObjectUnavailableError):
            await read(store)


async def test_a_throttled_request_is_tried_again_before_anybody_hears_of_it() -> None:
    whole: list[Part] = [head("200 OK", Content_Length=len(BODY), x_amz_checksum_crc32=crc32(BODY)), BODY]
    async with (
        answering(s3_error("503 Slow Down", "SlowDown"), whole) as server,
        store_at(server.url, attempts=2) as store,
    ):
        assert await read(store) == BODY
        assert len(server.requests) == 2


async def test_a_body_that_says_it_is_gzip_is_not_inflated_and_its_connection_is_used_again() -> None:
    whole: list[Part] = [head("200 OK", Content_Length=len(BODY), Content_Encoding="gzip"), BODY]
    async with answering(whole) as server, store_at(server.url) as store:
        for _ in range(5):
            assert await read(store) == BODY
        assert (len(server.requests), server.connections) == (5, 1)


async def test_leaving_early_does_not_read_the_rest() -> None:
    whole: list[Part] = [head("200 OK", Content_Length=50 * MIB), *([b"x" * MIB] * 50)]
    async with answering(whole) as server, store_at(server.url) as store:
        async with store.open(REF) as chunks:
            assert await anext(chunks)
        await asyncio.sleep(0.1)
        assert server.bytes_sent < 20 * MIB


async def test_a_slow_reader_is_not_taken_for_a_stalled_server() -> None:
    whole: list[Part] = [head("200 OK", Content_Length=4 * MIB), *([b"x" * MIB] * 4)]
    async with answering(whole) as server, store_at(server.url) as store, store.open(REF) as chunks:
        taken = len(await anext(chunks))
        await asyncio.sleep(2.5 * READ_TIMEOUT_SECONDS)
        assert taken + sum([len(chunk) async for chunk in chunks]) == 4 * MIB


async def test_a_bucket_of_another_region_is_read_there() -> None:
    elsewhere: list[Part] = [
        head("301 Moved Permanently", Content_Length=0, x_amz_bucket_region="eu-central-1"),
    ]
    whole: list[Part] = [head("200 OK", Content_Length=len(BODY)), BODY]
    async with answering(elsewhere, whole) as server, store_at(server.url) as store:
        for _ in range(2):
            assert await read(store) == BODY
    signed_for = [re.findall(rb"/([a-z0-9-]+)/s3/aws4_request", request)[0] for request in server.requests]
    assert signed_for == [REGION.encode(), b"eu-central-1", b"eu-central-1"]


async def test_a_cancelled_read_ends_at_once_and_the_store_goes_on() -> None:
    stalled: list[Part] = [head("200 OK", Content_Length=len(BODY)), BODY[:10], STALL]
    whole: list[Part] = [head("200 OK", Content_Length=len(BODY)), BODY]
    async with answering(stalled, whole) as server, store_at(server.url) as store:
        reading = asyncio.create_task(read(store))
        while not server.bytes_sent:  # noqa: ASYNC110 - the server is watched from outside
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await read(store) == BODY


@pytest.mark.parametrize(
    "bucket",
    [
        "",
        "a",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/theirs",
        "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/theirs",
        "../elsewhere",
        "host.example/",
        "bücher",
        "x" * 256,
    ],
)
async def test_what_is_no_bucket_name_is_asked_of_nobody(bucket: str) -> None:
    async with answering(s3_error("200 OK", "")) as server, store_at(server.url) as store:
        with pytest.raises(ObjectMissingError):
            await read(store, ObjectRef(bucket, "key"))
        assert server.requests == []


async def test_a_key_that_cannot_be_is_missing() -> None:
    async with answering(s3_error("400 Bad Request", "KeyTooLongError")) as server, store_at(server.url) as store:
        for key in ("", "x" * 1025):
            with pytest.raises(ObjectMissingError):
                await read(store, ObjectRef("logs", key))


async def test_a_deleted_version_is_missing(aws: AwsClients) -> None:
    client = await aws.s3()
    await client.create_bucket(Bucket="logs")
    await client.put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})
    await client.put_object(Bucket="logs", Key="key", Body=b"body")
    marker = (await client.delete_object(Bucket="logs", Key="key"))["VersionId"]
    store = S3ObjectStore(client=await aws.lean_s3(), chunk_bytes=1024)
    for version in (None, marker):
        with pytest.raises(ObjectMissingError):
            await read(store, ObjectRef("logs", "key", version_id=version))
