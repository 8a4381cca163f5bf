"""The alert ledger as a DynamoDB table, for a fleet.

The table's key is the string ``id`` alone, and its TTL attribute is ``expires_at``; it is made by the operator, since
the service needs no more than to put and to delete items. An item is one alert at one sink::

    id          <sink>#<alert id>
    until       Unix seconds: the end of the claim, or of the time for which the sent alert is remembered
    holder      who claimed it; missing once it was sent
    expires_at  when TTL may clean it away, whole Unix seconds

Each call is one conditional write for each alert, and DynamoDB evaluates a condition on the item as it is at that
moment, within one Region. A global table decides by the last writer, so all must write to the same Region of it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import ClientError

from trailstream.adapters.aws_errors import Cause, code_of, translated
from trailstream.model.errors import LedgerUnavailableError
from trailstream.pipeline.ports import Claim

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import UniversalAttributeValueTypeDef

REQUESTS_AT_ONCE = 16
"""On their way, over all callers."""

TTL_MARGIN_SECONDS = 24 * 60 * 60
"""TTL goes by AWS's clock and claims by the caller's: what only cleans up has no need to be early."""

_CLAIMABLE = "attribute_not_exists(#id) OR #until <= :now OR #holder = :holder"
_OWN = "#holder = :holder"
_CONDITION_FAILED = "ConditionalCheckFailedException"

_ERRORS = dict.fromkeys(Cause, LedgerUnavailableError)
_REMEDIES: Mapping[Cause, str] = {
    Cause.MISSING: "make the table in this Region, with the string `id` as its only key, or name another",
    Cause.DENIED: "allow dynamodb:PutItem and dynamodb:DeleteItem on the table",
    Cause.INVALID: "the table's only key has to be the string `id`",
}

_Item = dict[str, "UniversalAttributeValueTypeDef"]
_Answer = TypeVar("_Answer")


class DynamoDbLedger:
    """See :class:`trailstream.pipeline.ports.Ledger`.

    A call that fails may have written some of its alerts: what it has claimed is the same holder's again at the next.
    """

    def __init__(self, *, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def claim(
        self, sink: str, alert_ids: Sequence[str], *, holder: str, now: float, until: float
    ) -> Sequence[Claim]:
        """See :class:`trailstream.pipeline.ports.Ledger`."""

        async def claim_one(alert_id: str) -> Claim:
            try:
                await self._client.put_item(
                    TableName=self._table,
                    Item=_item(sink, alert_id, until) | {"holder": {"S": holder}},
                    ConditionExpression=_CLAIMABLE,
                    ExpressionAttributeNames={"#id": "id", "#until": "until", "#holder": "holder"},
                    ExpressionAttributeValues={":now": _number(now), ":holder": {"S": holder}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                return _claim_of_another(error)
            return Claim("ours")

        return await self._for_each(alert_ids, claim_one)

    async def record_sent(self, sink: str, alert_ids: Sequence[str], *, now: float, until: float) -> None:
        """See :class:`trailstream.pipeline.ports.Ledger`."""
        del now  # TTL removes what has expired

        async def record_one(alert_id: str) -> None:
            await self._client.put_item(TableName=self._table, Item=_item(sink, alert_id, until))

        await self._for_each(alert_ids, record_one)

    async def release(self, sink: str, alert_ids: Sequence[str], *, holder: str) -> None:
        """See :class:`trailstream.pipeline.ports.Ledger`."""

        async def release_one(alert_id: str) -> None:
            try:
                await self._client.delete_item(
                    TableName=self._table,
                    Key={"id": _key(sink, alert_id)},
                    ConditionExpression=_OWN,
                    ExpressionAttributeNames={"#holder": "holder"},
                    ExpressionAttributeValues={":holder": {"S": holder}},
                )
            except ClientError as error:
                if not _is_refused(error):
                    raise

        await self._for_each(alert_ids, release_one)

    async def _for_each(self, alert_ids: Sequence[str], call: Callable[[str], Awaitable[_Answer]]) -> Sequence[_Answer]:
        """Make one request for each alert; return the answers in order.

        After a failure no further request is begun. Those on their way are left to end: a write that succeeds is a
        repeat that never happens.
        """
        answers: dict[str, _Answer] = {}
        failures: list[LedgerUnavailableError] = []

        async def one(alert_id: str) -> None:
            async with self._slots:
                if failures:
                    return
                try:
                    with self._translated():
                        answers[alert_id] = await call(alert_id)
                except LedgerUnavailableError as error:
                    failures.append(error)

        async with asyncio.TaskGroup() as group:
            for alert_id in alert_ids:
                group.create_task(one(alert_id))
        if failures:
            raise failures[0]
        return [answers[alert_id] for alert_id in alert_ids]

    def _translated(self) -> AbstractContextManager[None]:
        return translated(f"table {self._table}", _ERRORS, _REMEDIES)


def _key(sink: str, alert_id: str) -> UniversalAttributeValueTypeDef:
    return {"S": f"{sink}#{alert_id}"}


def _item(sink: str, alert_id: str, until: float) -> _Item:
    expires_at = math.ceil(until) + TTL_MARGIN_SECONDS
    return {"id": _key(sink, alert_id), "until": _number(until), "expires_at": _number(expires_at)}


def _number(value: float) -> UniversalAttributeValueTypeDef:
    return {"N": repr(value)}


def _is_refused(error: ClientError) -> bool:
    """Whether the item did not meet the condition; any other error is not about the item."""
    return code_of(error) == _CONDITION_FAILED


def _claim_of_another(error: ClientError) -> Claim:
    """Read the item that stands in the way from the error that says so; raise any other error again."""
    if not _is_refused(error):
        raise error
    item = cast("Mapping[str, Any]", error.response)["Item"]  # ReturnValuesOnConditionCheckFailure asks for it
    return Claim("taken", float(item["until"]["N"])) if "holder" in item else Claim("sent")
