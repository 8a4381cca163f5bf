"""How the DynamoDB ledger meets a table that is not as it should be, and a service that is not up to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest

from endpoint import REGION, free_port
from ledger_table import TABLE, create_ledger_table
from raw_http import RESET, Part, RawServer, answering, head
from trailstream.adapters.aws import LONGEST_ITEM_SECONDS, AwsClients
from trailstream.adapters.ledgers.dynamodb import TTL_MARGIN_SECONDS, DynamoDbLedger
from trailstream.bootstrap.ledger import make_ledger
from trailstream.config.stores import DynamoDbLedgerSettings, LedgerSettings
from trailstream.model.errors import LedgerUnavailableError
from trailstream.pipeline.ports import Claim

JSON = "application/x-amz-json-1.0"
NOW = 1_700_000_000.25


async def ledger_of(aws: AwsClients, table: str = TABLE) -> DynamoDbLedger:
    return DynamoDbLedger(client=await aws.dynamodb(), table=table)


async def claim(ledger: DynamoDbLedger, *alert_ids: str) -> list[Claim]:
    return list(await ledger.claim("sns", alert_ids, holder="we", now=NOW, until=NOW + 60))


async def test_a_missing_table_is_named_with_what_to_make(aws: AwsClients) -> None:
    with pytest.raises(LedgerUnavailableError, match=rf"{TABLE}.*make the table in this Region.*`id`"):
        await claim(await ledger_of(aws), "a")


KeyType = Literal["S", "N"]
KeyRole = Literal["HASH", "RANGE"]


@pytest.mark.parametrize(
    "keys", [[("alert", "S", "HASH")], [("id", "S", "HASH"), ("sink", "S", "RANGE")], [("id", "N", "HASH")]]
)
async def test_a_table_with_another_key_is_refused_with_the_key_that_it_needs(
    aws: AwsClients, keys: list[tuple[str, KeyType, KeyRole]]
) -> None:
    client = await aws.dynamodb()
    await client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": role} for name, _, role in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(LedgerUnavailableError, match="the table's only key has to be the string `id`"):
        await claim(await ledger_of(aws), "a")


async def test_ttl_may_clean_an_item_away_only_a_day_after_it_has_lost_its_meaning(aws: AwsClients) -> None:
    ledger = await ledger_of(aws, await create_ledger_table(aws))
    await claim(ledger, "claimed")
    await ledger.record_sent("sns", ["sent"], now=NOW, until=NOW + 3600)
    items = (await (await aws.dynamodb()).scan(TableName=TABLE))["Items"]
    assert {item["id"]["S"]: int(item["expires_at"]["N"]) for item in items} == {
        "sns#claimed": 1_700_000_061 + TTL_MARGIN_SECONDS,
        "sns#sent": 1_700_003_601 + TTL_MARGIN_SECONDS,
    }


async def test_what_a_failed_call_has_claimed_is_ours_at_the_next(aws: AwsClients) -> None:
    ledger = await ledger_of(aws, await create_ledger_table(aws))
    alerts = ["a", "x" * 3000, "b"]  # a key of over 2 KiB is refused
    with pytest.raises(LedgerUnavailableError):
        await claim(ledger, *alerts)
    assert await claim(ledger, "a", "b") == [Claim("ours")] * 2


def refusal(code: str, status: str = "400 Bad Request") -> list[Part]:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "m"}).encode()
    return [head(status, Content_Type=JSON, Content_Length=len(body), Connection="close"), body, RESET]


@asynccontextmanager
async def ledger_behind(*answers: list[Part], attempts: int = 1) -> AsyncIterator[tuple[DynamoDbLedger, RawServer]]:
    async with (
        answering(*answers) as server,
        AwsClients(region=REGION, endpoint_url=server.url, connections=20, attempts=attempts) as aws,
    ):
        yield await ledger_of(aws), server


@pytest.mark.parametrize(
    "answer",
    [
        refusal("ProvisionedThroughputExceededException"),
        refusal("ThrottlingException"),
        refusal("RequestLimitExceeded"),
        refusal("InternalServerError", "500 Internal Server Error"),
        [head("503 Service Unavailable", Content_Length=0), RESET],
        [head("200 OK", Content_Length=100), b'{"cut', RESET],
        [RESET],
    ],
)
async def test_a_service_that_throttles_fails_or_breaks_off_is_for_a_later_try(answer: list[Part]) -> None:
    async with ledger_behind(answer) as (ledger, _):
        with pytest.raises(LedgerUnavailableError, match=f"table {TABLE}: "):
            await claim(ledger, "a", "b")
        with pytest.raises(LedgerUnavailableError):
            await ledger.record_sent("sns", ["a"], now=NOW, until=NOW + 60)
        with pytest.raises(LedgerUnavailableError):
            await ledger.release("sns", ["a"], holder="we")


async def test_a_throttled_request_is_made_again_before_the_call_fails() -> None:
    done: list[Part] = [head("200 OK", Content_Type=JSON, Content_Length=2), b"{}"]
    async with ledger_behind(refusal("ThrottlingException"), done, attempts=2) as (ledger, server):
        assert await claim(ledger, "a") == [Claim("ours")]
        assert len(server.requests) == 2


async def test_after_a_failure_no_further_request_is_begun() -> None:
    async with ledger_behind(refusal("ThrottlingException")) as (ledger, server):
        with pytest.raises(LedgerUnavailableError):
            await claim(ledger, *map(str, range(250)))
        assert len(server.requests) <= 32


async def test_a_denial_says_which_permissions_are_missing() -> None:
    async with ledger_behind(refusal("AccessDeniedException")) as (ledger, _):
        with pytest.raises(LedgerUnavailableError, match="dynamodb:PutItem and dynamodb:DeleteItem"):
            await claim(ledger, "a")


async def test_what_is_down_is_for_a_later_try() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with AwsClients(region=REGION, endpoint_url=url, connections=1, attempts=1) as aws:
        with pytest.raises(LedgerUnavailableError):
            await claim(await ledger_of(aws), "a")


async def test_an_answer_is_waited_for_no_longer_than_dynamodb_takes() -> None:
    async with AwsClients(region=REGION, endpoint_url=None, connections=1) as aws:
        config: Any = (await aws.dynamodb()).meta.config
        assert config.read_timeout == LONGEST_ITEM_SECONDS


@pytest.mark.parametrize(("region", "asked"), [(None, REGION), ("us-west-2", "us-west-2")])
async def test_a_table_is_asked_in_its_own_region_or_else_in_the_one_that_is_set_for_all(
    region: str | None, asked: str
) -> None:
    settings = LedgerSettings(dynamodb=DynamoDbLedgerSettings(table=TABLE, region=region))
    async with (
        answering([head("200 OK", Content_Type=JSON, Content_Length=2), b"{}"]) as server,
        AwsClients(region=REGION, endpoint_url=server.url, connections=1) as aws,
        make_ledger(settings, aws) as ledger,
    ):
        assert await ledger.claim("sns", ["a"], holder="we", now=NOW, until=NOW + 60) == [Claim("ours")]
    assert f"/{asked}/dynamodb/aws4_request" in server.requests[0].decode()
