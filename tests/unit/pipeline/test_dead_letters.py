from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from fake_queue import FakeClock, FakeQueue
from fakes import FakeQuarantine
from trailstream.model.errors import QueueUnavailableError
from trailstream.pipeline.dead_letters import DeadLetters, Moved, Selection
from trailstream.pipeline.peek import Peek
from trailstream.pipeline.ports import Outgoing, SetAside

NOTICE = json.dumps({"s3Bucket": "logs", "s3ObjectKey": ["AWSLogs/111122223333/CloudTrail/eu-west-1/a.json.gz"]})


def reason(message_id: str, code: str = "corrupt_gzip") -> SetAside:
    return SetAside("delivery", message_id, code, "why", NOTICE, receive_count=3, at=1.0)


@dataclass
class Desk:
    """A dead-letter queue that is looked at, and the queue that messages go back to."""

    clock: FakeClock = field(default_factory=FakeClock)
    quarantine: FakeQuarantine = field(default_factory=FakeQuarantine)
    reports: list[Moved] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dead = FakeQueue(self.clock, max_receive_count=None)
        self.source = FakeQueue(self.clock)
        self.letters = DeadLetters(queue=self.dead, quarantine=self.quarantine, wait_seconds=0)

    def fill(self, count: int, *, code: str | None = None) -> list[str]:
        ids = [self.dead.send(NOTICE) for _ in range(count)]
        if code is not None:
            self.quarantine.entries |= {("delivery", each, ""): reason(each, code) for each in ids}
        return ids

    async def redrive(
        self, *, codes: Sequence[str] = (), ids: Sequence[str] = (), limit: int | None = None, dry_run: bool = False
    ) -> list[str]:
        """Return the ids of the messages that were moved."""
        await self.letters.redrive(
            Selection(frozenset(codes), frozenset(ids)),
            inlet=self.source,
            before=self.clock.time() + 1,
            limit=limit,
            dry_run=dry_run,
            report=self.reports.append,
        )
        return [each.letter.id for each in self.reports if each.problem is None]

    @property
    def problems(self) -> dict[str, str]:
        return {each.letter.id: each.problem for each in self.reports if each.problem is not None}


async def test_each_message_is_read_once_with_its_reason_and_its_objects_and_shows_again_at_once() -> None:
    desk = Desk()
    known, unknown = desk.fill(1, code="object_missing"), desk.fill(24)
    letters = await desk.letters.read(100)
    assert [letter.id for letter in letters] == known + unknown
    assert [letter.reason.code if letter.reason else None for letter in letters] == ["object_missing"] + [None] * 24
    assert {ref.uri for letter in letters for ref in letter.objects} == {
        f"s3://logs/{json.loads(NOTICE)['s3ObjectKey'][0]}"
    }
    assert desk.dead.waiting == known + unknown


async def test_no_more_is_looked_at_than_was_asked_for() -> None:
    desk = Desk()
    desk.fill(30)
    assert len(await desk.letters.read(12)) == 12
    assert sum(desk.dead.receive_counts.values()) == 12


async def test_a_message_that_is_not_understood_names_no_objects() -> None:
    desk = Desk()
    desk.dead.send("not a notice")
    (letter,) = await desk.letters.read(1)
    assert letter.objects == ()


async def test_one_message_is_found_wherever_it_stands_and_a_strange_one_is_not() -> None:
    desk = Desk()
    ids = desk.fill(250)
    found = await desk.letters.find(ids[-1])
    assert found is not None
    assert found.id == ids[-1]
    assert await desk.letters.find("message-0") is None
    assert len(desk.dead.waiting) == 250


@pytest.mark.parametrize("failing", ["receive", "change_visibility"])
async def test_what_was_hidden_is_handed_back_when_the_queue_fails_and_else_shows_by_itself(failing: str) -> None:
    desk = Desk()
    desk.fill(15)
    desk.dead.fail(failing, QueueUnavailableError("503"))
    if failing == "receive":
        with pytest.raises(QueueUnavailableError):
            await desk.letters.read(100)
        assert len(desk.dead.waiting) == 15
    else:
        assert len(await desk.letters.read(100)) == 15
        await desk.clock.advance(121)
        assert len(desk.dead.waiting) == 15


async def test_a_look_that_is_cancelled_hands_back_what_it_hid() -> None:
    desk = Desk()
    desk.fill(5)
    async with asyncio.TaskGroup() as tasks:

        async def look() -> None:
            async with Peek(desk.dead) as peek:
                await peek.read(5)
                await asyncio.sleep(60)

        looking = tasks.create_task(look())
        await desk.clock.settle()
        assert desk.dead.waiting == []
        looking.cancel()
    assert len(desk.dead.waiting) == 5


async def test_a_poll_that_is_cancelled_is_waited_for_since_it_would_hide_what_it_brings() -> None:
    desk = Desk()
    ids = desk.fill(5)

    async def look() -> None:
        async with Peek(desk.dead, wait_seconds=5) as peek:
            await peek.read(10)

    looking = asyncio.create_task(look())
    await desk.clock.settle()
    looking.cancel()
    await desk.clock.settle()
    assert not looking.done()
    ids += desk.fill(1)
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert desk.dead.waiting == ids


async def test_what_shows_again_during_a_long_look_is_not_given_twice() -> None:
    desk = Desk()
    ids = desk.fill(3)
    async with Peek(desk.dead, hidden_seconds=10, wait_seconds=0) as peek:
        assert [held.delivery.id for held in await peek.read(10)] == ids
        await desk.clock.advance(11)
        ids += desk.fill(1)
        assert [held.delivery.id for held in await peek.read(10)] == ids[3:]
    assert desk.dead.waiting == ids


async def test_all_are_moved_as_they_are_sent_first_and_deleted_after() -> None:
    desk = Desk()
    attributes = {"MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "AAE="}}}
    await desk.dead.put([Outgoing("x", "körper\n", attributes)])
    ids = [*desk.dead.waiting, *desk.fill(24)]
    assert await desk.redrive() == ids
    assert desk.dead.deleted == ids
    assert desk.problems == {}
    first, *_ = await desk.source.receive(at_most=10, wait_seconds=0, visibility_seconds=5)
    assert (first.delivery.body, first.extras) == ("körper\n", attributes)
    assert len(desk.source.waiting) == 15


async def test_only_those_of_a_code_are_moved_and_the_others_show_again() -> None:
    desk = Desk()
    missing, denied, unknown = desk.fill(12, code="object_missing"), desk.fill(3, code="object_denied"), desk.fill(2)
    assert await desk.redrive(codes=["object_denied", "no_records"]) == denied
    assert desk.dead.waiting == missing + unknown


async def test_only_those_named_are_moved_and_the_look_ends_with_the_last_of_them() -> None:
    desk = Desk()
    ids = desk.fill(300)
    assert await desk.redrive(ids=ids[5:7]) == ids[5:7]
    assert sum(desk.dead.receive_counts.values()) <= 100
    assert len(desk.dead.waiting) == 298


async def test_no_more_are_moved_than_the_limit() -> None:
    desk = Desk()
    ids = desk.fill(250, code="object_missing")
    assert await desk.redrive(codes=["object_missing"], limit=104) == ids[:104]
    assert len(desk.dead.waiting) == 146


async def test_a_dry_run_moves_nothing() -> None:
    desk = Desk()
    ids = desk.fill(3)
    assert await desk.redrive(dry_run=True) == ids
    assert (desk.dead.waiting, desk.source.waiting) == (ids, [])


async def test_what_the_queue_did_not_take_is_neither_moved_nor_deleted() -> None:
    desk = Desk()
    ids = desk.fill(3)
    desk.source.refused_puts[ids[1]] = "InvalidMessageContents"
    assert await desk.redrive() == [ids[0], ids[2]]
    assert desk.problems == {ids[1]: "not sent: InvalidMessageContents"}
    assert desk.dead.waiting == [ids[1]]


async def test_what_could_not_be_deleted_is_said_to_be_on_both_queues() -> None:
    desk = Desk()
    ids = desk.fill(3)
    desk.dead.refused_receipts[ids[0]] = "InternalError"
    assert await desk.redrive() == ids[1:]
    assert "on both queues" in desk.problems[ids[0]]
    assert len(desk.source.waiting) == 3


async def test_a_queue_that_takes_nothing_ends_it_and_everything_stays() -> None:
    desk = Desk()
    ids = desk.fill(40)
    desk.source.fail("put", QueueUnavailableError("503"), times=100)
    assert await desk.redrive() == []
    assert len(desk.problems) == 10
    assert desk.dead.waiting == ids


async def test_what_came_after_it_began_stays_so_that_nothing_is_moved_round_for_ever() -> None:
    desk = Desk()
    old = desk.fill(2)
    await desk.clock.advance(60)
    new = desk.fill(2)
    await desk.letters.redrive(
        Selection(), inlet=desk.source, before=desk.clock.time(), limit=None, dry_run=False, report=desk.reports.append
    )
    assert [each.letter.id for each in desk.reports] == old
    assert desk.dead.waiting == new


async def test_a_message_that_is_sent_when_it_is_cancelled_is_deleted_too() -> None:
    desk = Desk()
    ids = desk.fill(30)
    redriving = asyncio.create_task(desk.redrive())
    while not desk.source.calls:  # noqa: ASYNC110 - the queue is watched from outside
        await asyncio.sleep(0)
    redriving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await redriving
    assert desk.dead.deleted == ids[:10]
    assert len(desk.source.waiting) == 10
    assert desk.dead.waiting == ids[10:]
