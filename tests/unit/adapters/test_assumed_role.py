from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from trailstream.adapters.assumed_role import (
    DOUBT_SECONDS,
    FAILURE_SECONDS,
    RENEW_SECONDS,
    SESSION_NAME,
    AssumedRole,
    Role,
)
from trailstream.model.errors import ObjectUnavailableError, RoleDeniedError, TrailstreamError

ROLE = Role("arn:aws:iam::444455556666:role/logs/read-logs", "trailstream-1f6c")
HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Sts:
    """Gives sessions; or fails, or answers only when it is let go on."""

    def __init__(self, clock: Clock) -> None:
        self.asked: list[dict[str, Any]] = []
        self.failure: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.session_seconds = HOUR
        self._clock = clock

    async def assume_role(self, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure
        return {
            "Credentials": {
                "AccessKeyId": f"ASIA{len(self.asked)}",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": datetime.fromtimestamp(self._clock() + self.session_seconds, UTC),
            }
        }


class Desk:
    def __init__(self, role: Role = ROLE) -> None:
        self.clock = Clock()
        self.sts = Sts(self.clock)
        self.role = AssumedRole(role, sts=cast("Any", self.sts), clock=self.clock)

    async def key(self) -> str:
        return (await self.role.keys()).access_key


def answer(code: str, status: int) -> ClientError:
    document: Any = {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(document, "AssumeRole")


DOWN = EndpointConnectionError(endpoint_url="https://sts.eu-west-1.amazonaws.com")
DENIED = answer("AccessDenied", 403)


@pytest.mark.parametrize(
    ("external_id", "more"), [("trailstream-1f6c", {"ExternalId": "trailstream-1f6c"}), (None, {})]
)
async def test_a_role_is_assumed_once_it_is_needed_in_a_session_of_a_fixed_name(
    external_id: str | None, more: dict[str, str]
) -> None:
    desk = Desk(Role(ROLE.arn, external_id))
    assert desk.sts.asked == []
    assert await desk.key() == await desk.key() == "ASIA1"
    assert desk.sts.asked == [{"RoleArn": ROLE.arn, "RoleSessionName": SESSION_NAME, **more}]


def test_the_session_is_called_in_cloudtrail_as_we_say() -> None:
    assert ROLE.session_arn == "arn:aws:sts::444455556666:assumed-role/read-logs/trailstream"


async def test_a_session_is_renewed_before_it_ends() -> None:
    desk = Desk()
    await desk.key()
    desk.clock.now += HOUR - RENEW_SECONDS - 1
    assert await desk.key() == "ASIA1"
    desk.clock.now += 1
    assert await desk.key() == "ASIA2"


async def test_many_that_need_a_role_at_once_assume_it_with_one_call() -> None:
    desk = Desk()
    desk.sts.go_on.clear()
    waiting = [asyncio.create_task(desk.key()) for _ in range(20)]
    await asyncio.sleep(0)
    desk.sts.go_on.set()
    assert await asyncio.gather(*waiting) == ["ASIA1"] * 20
    assert len(desk.sts.asked) == 1


async def test_nobody_waits_for_a_renewal_while_the_keys_are_good() -> None:
    desk = Desk()
    await desk.key()
    desk.clock.now += HOUR - RENEW_SECONDS + 1
    desk.sts.go_on.clear()
    renewing = asyncio.create_task(desk.key())
    await asyncio.sleep(0)
    assert await desk.key() == "ASIA1"
    desk.sts.go_on.set()
    assert await renewing == "ASIA2"


async def test_a_denied_request_is_reason_to_assume_the_role_anew_since_the_session_may_be_revoked() -> None:
    desk = Desk()
    await desk.key()
    desk.clock.now += DOUBT_SECONDS
    desk.role.denied()
    assert await desk.key() == "ASIA2"


async def test_denied_requests_assume_a_role_no_oftener_than_once_a_minute() -> None:
    desk = Desk()
    for _ in range(60):
        await desk.key()
        desk.role.denied()
        desk.clock.now += 1
    assert len(desk.sts.asked) == 1


async def test_keys_that_are_in_doubt_are_used_while_sts_gives_no_others() -> None:
    desk = Desk()
    await desk.key()
    desk.clock.now += DOUBT_SECONDS
    desk.sts.failure = DOWN
    desk.role.denied()
    assert await desk.key() == "ASIA1"


async def test_who_is_cancelled_while_it_assumes_a_role_leaves_that_to_the_next() -> None:
    desk = Desk()
    desk.sts.go_on.clear()
    first, second = asyncio.create_task(desk.key()), asyncio.create_task(desk.key())
    await asyncio.sleep(0)
    first.cancel()
    desk.sts.go_on.set()
    assert await second == "ASIA2"
    assert first.cancelled()


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (DENIED, RoleDeniedError),
        (answer("ValidationError", 400), RoleDeniedError),
        (answer("RegionDisabledException", 403), RoleDeniedError),
        (answer("ExpiredTokenException", 400), RoleDeniedError),
        (answer("Throttling", 400), ObjectUnavailableError),
        (answer("InternalFailure", 500), ObjectUnavailableError),
        (DOWN, ObjectUnavailableError),
    ],
)
async def test_a_role_that_may_not_be_assumed_is_told_from_sts_being_down(
    failure: Exception, kind: type[TrailstreamError]
) -> None:
    desk = Desk()
    desk.sts.failure = failure
    with pytest.raises(kind, match=rf"role {ROLE.arn}: .*{type(failure).__name__}"):
        await desk.key()


async def test_a_failure_answers_for_all_that_wait_and_for_some_seconds_and_then_sts_is_asked_again() -> None:
    desk = Desk()
    desk.sts.failure = DENIED
    outcomes = await asyncio.gather(*(desk.key() for _ in range(20)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RoleDeniedError] * 20
    assert len(desk.sts.asked) == 1
    desk.sts.failure = None
    desk.clock.now += FAILURE_SECONDS
    assert await desk.key() == "ASIA2"


async def test_keys_are_good_to_their_end_while_sts_is_down_and_it_is_not_asked_for_each_request() -> None:
    desk = Desk()
    await desk.key()
    desk.sts.failure = DOWN
    desk.clock.now += HOUR - FAILURE_SECONDS / 2
    assert [await desk.key() for _ in range(20)] == ["ASIA1"] * 20
    assert len(desk.sts.asked) == 2
    desk.clock.now += FAILURE_SECONDS
    with pytest.raises(ObjectUnavailableError, match="EndpointConnectionError"):
        await desk.key()


async def test_a_clock_that_was_set_back_does_not_keep_us_from_asking() -> None:
    desk = Desk()
    desk.sts.failure = DENIED
    with pytest.raises(RoleDeniedError):
        await desk.key()
    desk.sts.failure = None
    desk.clock.now -= HOUR
    assert await desk.key() == "ASIA2"


async def test_a_session_that_has_ended_when_it_is_given_is_not_used() -> None:
    desk = Desk()
    desk.sts.session_seconds = -1.0
    with pytest.raises(ObjectUnavailableError, match="the clock may be wrong"):
        await desk.key()
