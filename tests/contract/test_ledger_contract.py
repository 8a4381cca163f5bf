"""What the core relies on in any ledger: held by the fake, by SQLite and by DynamoDB alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from endpoint import Endpoint
from fakes import FakeLedger
from ledger_table import create_ledger_table
from trailstream.adapters.ledgers.dynamodb import DynamoDbLedger
from trailstream.adapters.ledgers.sqlite import SqliteLedger
from trailstream.pipeline.ports import Claim, Ledger

NOW = 1_700_000_000.25
OURS, SENT = Claim("ours"), Claim("sent")


@dataclass
class Kit:
    ledgers: Sequence[Ledger]
    """The same ledger, opened by several processes."""

    async def claim(
        self, *alert_ids: str, by: int = 0, sink: str = "sns", now: float = NOW, until: float = NOW + 60
    ) -> list[Claim]:
        """Claim alerts as one of the holders, each through a ledger of its own."""
        return list(await self.of(by).claim(sink, alert_ids, holder=f"holder-{by}", now=now, until=until))

    async def record_sent(self, *alert_ids: str, by: int = 0, sink: str = "sns", until: float = NOW + 3600) -> None:
        await self.of(by).record_sent(sink, alert_ids, now=NOW, until=until)

    async def release(self, *alert_ids: str, by: int = 0, sink: str = "sns") -> None:
        await self.of(by).release(sink, alert_ids, holder=f"holder-{by}")

    def of(self, holder: int) -> Ledger:
        return self.ledgers[holder % len(self.ledgers)]


@pytest.fixture(params=["fake", "sqlite", "dynamodb"])
async def kit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kit]:
    async with AsyncExitStack() as stack:
        match request.param:
            case "fake":
                yield Kit([FakeLedger()])
            case "sqlite":
                path = tmp_path / "ledger.sqlite"
                yield Kit([await stack.enter_async_context(SqliteLedger(path)) for _ in range(4)])
            case "dynamodb":
                endpoint: Endpoint = request.getfixturevalue("endpoint")
                aws = await stack.enter_async_context(endpoint.clients())
                table = await create_ledger_table(aws)
                yield Kit([DynamoDbLedger(client=await aws.dynamodb(), table=table) for _ in range(4)])


async def test_what_nobody_has_seen_is_ours(kit: Kit) -> None:
    assert await kit.claim("a", "b") == [OURS, OURS]


async def test_what_another_is_sending_is_taken_until_its_claim_ends(kit: Kit) -> None:
    await kit.claim("a", until=NOW + 7.5)
    assert await kit.claim("a", by=1, until=NOW + 99) == [Claim("taken", NOW + 7.5)]
    assert await kit.claim("a", by=1, now=NOW + 7.25, until=NOW + 99) == [Claim("taken", NOW + 7.5)]


async def test_a_claim_that_was_refused_changes_nothing(kit: Kit) -> None:
    await kit.claim("a", until=NOW + 7.5)
    await kit.claim("a", by=1, until=NOW + 99)
    assert await kit.claim("a", by=2) == [Claim("taken", NOW + 7.5)]


async def test_a_claim_has_expired_at_its_end_and_is_taken_over(kit: Kit) -> None:
    await kit.claim("a", until=NOW + 7.5)
    assert await kit.claim("a", by=1, now=NOW + 7.5, until=NOW + 20) == [OURS]
    assert await kit.claim("a", by=0, now=NOW + 8, until=NOW + 99) == [Claim("taken", NOW + 20)]


async def test_what_we_have_claimed_is_ours_again_until_the_new_time(kit: Kit) -> None:
    await kit.claim("a", until=NOW + 5)
    assert await kit.claim("a", now=NOW + 3, until=NOW + 30) == [OURS]
    assert await kit.claim("a", by=1, now=NOW + 10) == [Claim("taken", NOW + 30)]


async def test_what_was_sent_suppresses_whoever_asks(kit: Kit) -> None:
    await kit.claim("a")
    await kit.record_sent("a")
    for holder in range(3):
        assert await kit.claim("a", by=holder, now=NOW + 3599) == [SENT]


async def test_what_was_sent_is_noted_whoever_held_it_or_nobody(kit: Kit) -> None:
    await kit.claim("a", by=1)
    await kit.record_sent("a", "never claimed", by=0)
    assert await kit.claim("a", "never claimed", by=1) == [SENT, SENT]


async def test_what_is_to_be_remembered_no_longer_is_claimed_like_something_new(kit: Kit) -> None:
    await kit.record_sent("a", until=NOW + 10)
    assert await kit.claim("a", now=NOW + 9.75) == [SENT]
    assert await kit.claim("a", by=1, now=NOW + 10, until=NOW + 40) == [OURS]
    assert await kit.claim("a", by=0, now=NOW + 10) == [Claim("taken", NOW + 40)]


async def test_the_time_is_the_callers_and_not_the_stores(kit: Kit) -> None:
    for now in (1.5, 9_999_999_999.5):
        await kit.claim("a", now=now, until=now + 1)
        assert await kit.claim("a", by=1, now=now, until=now + 1) == [Claim("taken", now + 1)]
        await kit.claim("a", now=now + 1, until=now + 1)


async def test_what_is_given_up_is_free_at_once(kit: Kit) -> None:
    await kit.claim("a", "b")
    await kit.release("a", "unknown")
    assert await kit.claim("a", "b", by=1) == [OURS, Claim("taken", NOW + 60)]


async def test_only_ones_own_claims_are_given_up(kit: Kit) -> None:
    await kit.claim("a", by=1)
    await kit.record_sent("b")
    await kit.release("a", "b", by=0)
    assert await kit.claim("a", "b", by=2) == [Claim("taken", NOW + 60), SENT]


async def test_what_was_taken_over_is_not_given_up_by_the_one_that_lost_it(kit: Kit) -> None:
    await kit.claim("a", by=0, until=NOW + 1)
    await kit.claim("a", by=1, now=NOW + 2)
    await kit.release("a", by=0)
    assert await kit.claim("a", by=2, now=NOW + 3) == [Claim("taken", NOW + 60)]


async def test_sinks_are_apart(kit: Kit) -> None:
    await kit.record_sent("a", sink="sns")
    await kit.claim("b", sink="sns")
    assert await kit.claim("a", "b", by=1, sink="stdout") == [OURS, OURS]
    await kit.release("b", by=1, sink="stdout")
    assert await kit.claim("a", "b", by=2, sink="sns") == [SENT, Claim("taken", NOW + 60)]


async def test_many_alerts_are_answered_in_their_order(kit: Kit) -> None:
    alerts = [f"{number:032x}" for number in range(250)]
    await kit.claim(*alerts[::5], by=1)
    await kit.record_sent(*alerts[::7])
    wanted = [SENT if n % 7 == 0 else Claim("taken", NOW + 60) if n % 5 == 0 else OURS for n in range(250)]
    assert await kit.claim(*alerts) == wanted
    await kit.release(*alerts)
    assert Counter(claim.state for claim in await kit.claim(*alerts, by=1)) == {"ours": 214, "sent": 36}


async def test_of_many_that_want_an_alert_at_the_same_moment_one_gets_it(kit: Kit) -> None:
    alerts = [f"{number:032x}" for number in range(10)]
    answers = await asyncio.gather(*(kit.claim(*alerts, by=holder) for holder in range(12)))
    for claims in zip(*answers, strict=True):
        assert Counter(claim.state for claim in claims) == {"ours": 1, "taken": 11}


async def test_of_many_that_want_an_expired_alert_at_the_same_moment_one_gets_it(kit: Kit) -> None:
    await kit.claim("a", by=99, until=NOW)
    answers = await asyncio.gather(*(kit.claim("a", by=holder) for holder in range(12)))
    assert Counter(claim.state for (claim,) in answers) == {"ours": 1, "taken": 11}


@pytest.mark.parametrize(
    "alert_id", ["'); DROP TABLE alerts; --", "ключ \N{CRAB}", "a#b", " ", "\x00", "%s ? :now", "x" * 1024, "1e3"]
)
async def test_an_id_may_be_any_text(kit: Kit, alert_id: str) -> None:
    assert await kit.claim(alert_id, "other") == [OURS, OURS]
    assert await kit.claim(alert_id, by=1) == [Claim("taken", NOW + 60)]
    await kit.record_sent(alert_id)
    assert await kit.claim(alert_id, "other", by=1) == [SENT, Claim("taken", NOW + 60)]


async def test_ids_that_look_alike_are_different_alerts(kit: Kit) -> None:
    await kit.record_sent("1000")
    assert await kit.claim("1e3", "1000.0", "1000 ", "001000") == [OURS] * 4


async def test_asking_for_nothing_is_no_error(kit: Kit) -> None:
    assert await kit.claim() == []
    await kit.record_sent()
    await kit.release()
