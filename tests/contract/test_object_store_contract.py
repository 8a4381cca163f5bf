"""What the core relies on in any object store: held by the fake and by S3 alike."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from fakes import FakeObjectStore
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import ObjectMissingError
from trailstream.pipeline.ports import ObjectStore

CHUNK_BYTES = 8 * 1024


@dataclass
class Kit:
    store: ObjectStore
    put: Callable[[str, bytes], Awaitable[ObjectRef]]
    """Store a body under a key of the one bucket there is; the ref names the version."""


@pytest.fixture(params=["fake", "s3"])
async def kit(request: pytest.FixtureRequest) -> AsyncIterator[Kit]:
    if request.param == "fake":
        fake = FakeObjectStore(chunk_bytes=CHUNK_BYTES)

        async def put_in_memory(key: str, body: bytes) -> ObjectRef:
            return fake.put("logs", key, body)

        yield Kit(fake, put_in_memory)
        return
    async with request.getfixturevalue("endpoint").clients() as aws:
        client = await aws.s3()
        await client.create_bucket(Bucket="logs")
        await client.put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})

        async def put_in_s3(key: str, body: bytes) -> ObjectRef:
            done = await client.put_object(
                Bucket="logs", Key=key, Body=body, ContentType="application/json", ContentEncoding="gzip"
            )
            return ObjectRef("logs", key, version_id=done["VersionId"], size=len(body))

        yield Kit(S3ObjectStore(client=await aws.lean_s3(), chunk_bytes=CHUNK_BYTES), put_in_s3)


async def read(store: ObjectStore, ref: ObjectRef) -> list[bytes]:
    async with store.open(ref) as chunks:
        return [chunk async for chunk in chunks]


async def test_an_object_is_given_as_it_is_stored_and_not_inflated(kit: Kit) -> None:
    body = gzip.compress(b'{"Records":[]}')
    ref = await kit.put("AWSLogs/1/CloudTrail/log.json.gz", body)
    assert b"".join(await read(kit.store, ref)) == body


async def test_no_chunk_is_larger_than_was_asked_for_and_none_is_empty(kit: Kit) -> None:
    body = bytes(range(256)) * 1024
    chunks = await read(kit.store, await kit.put("large", body))
    assert b"".join(chunks) == body
    assert min(map(len, chunks)) > 0
    assert max(map(len, chunks)) <= CHUNK_BYTES


async def test_an_empty_object_has_no_chunks(kit: Kit) -> None:
    assert await read(kit.store, await kit.put("folder/", b"")) == []


async def test_a_ref_with_a_version_reads_that_version_and_without_one_the_latest(kit: Kit) -> None:
    first = await kit.put("key", b"first")
    await kit.put("key", b"second")
    assert await read(kit.store, first) == [b"first"]
    assert await read(kit.store, replace(first, version_id=None)) == [b"second"]


@pytest.mark.parametrize(
    "key",
    [
        "a b+c%20d",
        "ключ/日本語/🦀.json.gz",
        "a//b/../c/./d",
        "question?mark=1#hash&amp;",
        "quote'\"<>`{|}^\\",
        "line\nbreak\ttab",
        "x" * 1024,
    ],
)
async def test_any_key_is_read_under_its_own_name(kit: Kit, key: str) -> None:
    assert await read(kit.store, await kit.put(key, key.encode())) == [key.encode()]


async def test_a_missing_key_bucket_or_version_is_an_object_missing_error(kit: Kit) -> None:
    ref = await kit.put("key", b"body")
    for missing in (
        replace(ref, key="other", version_id=None),
        replace(ref, bucket="elsewhere", version_id=None),
        replace(ref, version_id="no-such-version"),
    ):
        with pytest.raises(ObjectMissingError):
            await read(kit.store, missing)


async def test_a_reader_may_leave_early_and_read_on_elsewhere(kit: Kit) -> None:
    ref = await kit.put("large", b"x" * 1024 * 1024)
    for _ in range(20):
        async with kit.store.open(ref) as chunks:
            assert await anext(chunks)
    assert sum(map(len, await read(kit.store, ref))) == 1024 * 1024


async def test_what_the_caller_raises_while_reading_reaches_the_caller_as_it_is(kit: Kit) -> None:
    ref = await kit.put("key", b"body")
    with pytest.raises(TimeoutError, match="the caller's own"):
        async with kit.store.open(ref):
            raise TimeoutError("the caller's own")
