"""What is relied on in any quarantine: held by the fake and by every real one alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from endpoint import Endpoint, free_port
from fakes import FakeQuarantine
from trailstream.adapters.aws import AwsClients
from trailstream.bootstrap.quarantine import make_quarantine
from trailstream.config.stores import (
    FileQuarantineSettings,
    QuarantineSettings,
    S3QuarantineSettings,
    SqsQuarantineSettings,
)
from trailstream.model.errors import QuarantineUnavailableError
from trailstream.pipeline.ports import Quarantine, SetAside

ENTRY = SetAside(
    kind="delivery",
    message_id="6a5f3c1e-0000-4000-8000-000000000001",
    code="corrupt_gzip",
    detail="the checksum of member 1 does not agree",
    body='{"Records": [], "note": "körper\n\t\N{CRAB}"}',
    receive_count=3,
    at=1_700_000_000.25,
)


@dataclass
class Kit:
    quarantine: Quarantine
    count: Callable[[], Awaitable[int]]
    """How many entries its store holds."""
    broken: Quarantine
    """One of the same kind whose store is not there."""


@pytest.fixture(params=["fake", "file", "s3", "sqs", "sqs fifo"])
async def kit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kit]:
    match request.param.split():
        case ["fake"]:
            fake = FakeQuarantine()

            async def in_memory() -> int:
                return len(fake.entries)

            yield Kit(fake, in_memory, FakeQuarantine(failure=QuarantineUnavailableError("down")))
        case ["file"]:
            (tmp_path / "occupied").write_text("a file where a directory should be")
            async with AwsClients(region=None, endpoint_url=None, connections=1) as aws:
                yield Kit(
                    await make_quarantine(in_directory(tmp_path / "made" / "here"), aws),
                    files_in(tmp_path / "made" / "here"),
                    await make_quarantine(in_directory(tmp_path / "occupied"), aws),
                )
        case kind:
            endpoint: Endpoint = request.getfixturevalue("endpoint")
            down = Endpoint(f"http://127.0.0.1:{free_port()}")
            async with endpoint.clients() as aws, impatient(down) as nobody:
                settings = await (at_s3(aws) if kind == ["s3"] else at_sqs(aws, suffix=".fifo" if kind[1:] else ""))
                yield Kit(
                    await make_quarantine(settings, aws),
                    held_by(settings, aws),
                    await make_quarantine(settings, nobody),
                )


def impatient(endpoint: Endpoint) -> AwsClients:
    return AwsClients(region="us-east-1", endpoint_url=endpoint.url, connections=2, attempts=1)


def in_directory(directory: Path) -> QuarantineSettings:
    return QuarantineSettings(file=FileQuarantineSettings(directory=directory))


def files_in(directory: Path) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return len(list(directory.iterdir()))  # noqa: ASYNC240 - a directory of a test

    return count


def held_by(settings: QuarantineSettings, aws: AwsClients) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        if settings.s3 is not None:
            return (await (await aws.s3()).list_objects_v2(Bucket=settings.s3.bucket, Prefix="here/"))["KeyCount"]
        assert settings.sqs is not None
        answer = await (await aws.sqs()).get_queue_attributes(
            QueueUrl=settings.sqs.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    return count


async def at_s3(aws: AwsClients) -> QuarantineSettings:
    await (await aws.s3()).create_bucket(Bucket="set-aside")
    return QuarantineSettings(s3=S3QuarantineSettings(bucket="set-aside", prefix="here/"))


async def at_sqs(aws: AwsClients, *, suffix: str) -> QuarantineSettings:
    made = await (await aws.sqs()).create_queue(
        QueueName=f"set-aside{suffix}", Attributes={"FifoQueue": "true"} if suffix else {}
    )
    return QuarantineSettings(sqs=SqsQuarantineSettings(url=made["QueueUrl"]))


async def test_an_entry_comes_back_as_it_was_kept(kit: Kit) -> None:
    await kit.quarantine.put(ENTRY)
    assert await kit.quarantine.reasons([ENTRY.message_id]) == {ENTRY.message_id: ENTRY}


async def test_reading_takes_nothing_away(kit: Kit) -> None:
    await kit.quarantine.put(ENTRY)
    for _ in range(3):
        assert set(await kit.quarantine.reasons([ENTRY.message_id])) == {ENTRY.message_id}


async def test_a_message_that_nobody_set_aside_has_no_reason(kit: Kit) -> None:
    assert await kit.quarantine.reasons(["unheard-of"]) == {}
    await kit.quarantine.put(ENTRY)
    assert set(await kit.quarantine.reasons(["unheard-of", ENTRY.message_id])) == {ENTRY.message_id}
    assert await kit.quarantine.reasons([]) == {}


async def test_what_was_set_aside_last_is_the_reason(kit: Kit) -> None:
    later = replace(ENTRY, code="object_missing", receive_count=4, at=ENTRY.at + 60)
    await kit.quarantine.put(ENTRY)
    await kit.quarantine.put(later)
    assert await kit.quarantine.reasons([ENTRY.message_id]) == {ENTRY.message_id: later}


async def test_every_alert_of_a_message_is_kept_and_none_of_them_is_the_reason_of_the_message(kit: Kit) -> None:
    alerts = [
        replace(ENTRY, kind="alert", code="alert_refused", body="{}", about=f"{alert} {sink}")
        for alert in ("alert-1", "alert-2")
        for sink in ("sns", "stdout")
    ]
    for alert in alerts:
        await kit.quarantine.put(alert)
    assert await kit.count() == 4
    assert await kit.quarantine.reasons([ENTRY.message_id]) == {}
    await kit.quarantine.put(ENTRY)
    assert await kit.quarantine.reasons([ENTRY.message_id]) == {ENTRY.message_id: ENTRY}
    assert await kit.count() == 5


async def test_any_message_id_and_any_text_is_kept(kit: Kit) -> None:
    hostile = ["../../etc/passwd", "a/b", "", ".", "x" * 4000, "\x00\n", "é\N{CRAB}", "a b?c#d&e", "lone \ud800"]
    entries = [replace(ENTRY, message_id=each, body=each, detail=each) for each in hostile]
    for entry in entries:
        await kit.quarantine.put(entry)
    assert await kit.quarantine.reasons(hostile) == {entry.message_id: entry for entry in entries}


async def test_as_many_as_are_asked_for_are_found(kit: Kit) -> None:
    entries = {str(number): replace(ENTRY, message_id=str(number)) for number in range(25)}
    for entry in entries.values():
        await kit.quarantine.put(entry)
    assert await kit.quarantine.reasons(list(entries)) == entries


async def test_a_store_that_fails_is_unavailable_and_nothing_else(kit: Kit) -> None:
    with pytest.raises(QuarantineUnavailableError):
        await kit.broken.put(ENTRY)
    with pytest.raises(QuarantineUnavailableError):
        await kit.broken.reasons([ENTRY.message_id])
