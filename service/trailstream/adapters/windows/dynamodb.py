"""Sightings and windows as a DynamoDB table, for a fleet.

The table's key is the strings ``pk`` and ``sk``, and its TTL attribute is ``expires_at``; it is made by the operator,
since the service needs no more than to put, query and delete items::

    pk           sk
    <group key>  s#<event time>#<digest>     a sighting: time, record_id, rule_id, looked_at, seen_at
    <group key>  w#<slot>                    a window that was told, by the slot of time that it begins in
    judgements   <at>#<group key>#<start>    when a window is to be judged, with its group as JSON

Sightings are put unconditionally, since the same one is always the same item; a window in a transaction, which DynamoDB
decides within one Region: all must write to the same Region of a global table. What is read is read consistently.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import ClientError

from trailstream.adapters.aws_errors import Cause, code_of, translated
from trailstream.adapters.windows.texts import (
    group_of_text,
    text_of_group,
    text_of_values,
    text_of_window,
    values_of_text,
    window_of_text,
)
from trailstream.model.errors import WindowsUnavailableError
from trailstream.model.window import Group, Sighting, Window
from trailstream.pipeline.ports import Judgement, Known, Visit

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import TransactWriteItemTypeDef, WriteRequestTypeDef

REQUESTS_AT_ONCE = 16
"""On their way, over all callers."""
MOST_WRITES = 25
"""What DynamoDB takes in one batch."""
WRITE_TRIES = 5
"""How often what a batch leaves undone is tried again, at once and then after waits that double."""
FIRST_WAIT_SECONDS = 0.05

_JUDGEMENTS = "judgements"
_FREE = "attribute_not_exists(pk)"
_TRANSACTION_CANCELED = "TransactionCanceledException"

_ERRORS = dict.fromkeys(Cause, WindowsUnavailableError)
_REMEDIES: Mapping[Cause, str] = {
    Cause.MISSING: "make the table in this Region, with the strings `pk` and `sk` as its key, or name another",
    Cause.DENIED: "allow dynamodb:Query, BatchWriteItem, PutItem and ConditionCheckItem on the table",
    Cause.INVALID: "the table's key has to be the strings `pk` and `sk`",
}

_Item = dict[str, dict[str, str]]
_Answer = TypeVar("_Answer")


class DynamoDbWindows:
    """See :class:`trailstream.pipeline.ports.WindowStore`. Writing again what a failed call has written is harmless."""

    def __init__(self, *, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def visit(self, visits: Sequence[Visit], *, now: float) -> Sequence[Known]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        items = [item for visit in visits for item in _items_of(visit, now)]
        different = {(item["pk"]["S"], item["sk"]["S"]): item for item in items}
        await self._write_all({"PutRequest": {"Item": item}} for item in different.values())
        return await self._all(self._known(visit) for visit in visits)

    async def tell(self, windows: Sequence[tuple[Group, Window]], *, keep_until: float) -> Sequence[Window]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        return await self._all(self._tell(group, window, keep_until) for group, window in windows)

    async def due(self, *, now: float, at_most: int) -> Sequence[Judgement]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        # "$" comes right after "#": whatever begins with that time is below it.
        until = f"{_place(now)}$" if math.isfinite(now) else "~"
        found = await self._query(_JUDGEMENTS, "0", until, at_most=at_most)
        return [
            Judgement(float(item["at"]["N"]), group_of_text(item["group"]["S"]), float(item["start"]["N"]))
            for item in found
        ]

    async def judged(self, judgements: Sequence[Judgement]) -> None:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        await self._write_all(
            {"DeleteRequest": {"Key": {"pk": {"S": _JUDGEMENTS}, "sk": {"S": _judgement_key(each)}}}}
            for each in judgements
        )

    async def _known(self, visit: Visit) -> Known:
        key = visit.group.key
        sightings: list[_Item] = []
        if visit.at_most:
            first, last = f"s#{_place(visit.since)}", f"s#{_place(visit.until)}$"
            sightings = await self._query(key, first, last, at_most=visit.at_most, latest=True)
        return Known(
            [_sighting_of(item) for item in reversed(sightings)],
            await self._windows(visit.group, visit.since - visit.span, visit.until, visit.span),
        )

    async def _windows(self, group: Group, since: float, until: float, length: float) -> list[Window]:
        """Read the windows of this length that begin between two times."""
        first, last = (_slot_key(_slot(time, length)) for time in (since, until))
        found = await self._query(group.key, first, last)
        windows = (window_of_text(item["window"]["S"]) for item in found)
        return [window for window in windows if since <= window.start <= until]

    async def _tell(self, group: Group, window: Window, keep_until: float) -> Window:
        """Note the window, unless one overlaps it, which two callers at the same moment must not both find untrue.

        Time is cut into slots as long as the window. Of windows that do not overlap no two begin in one slot, and what
        overlaps begins in the same slot or beside it: those three are decided on in one transaction.
        """
        writes = _writes_of_window(self._table, group, window, keep_until)
        for _ in range(WRITE_TRIES):
            if (overlapping := await self._overlapping(group, window)) is not None:
                return overlapping
            async with self._slots:
                with self._translated():
                    try:
                        await self._client.transact_write_items(TransactItems=writes)
                    except ClientError as error:
                        if code_of(error) != _TRANSACTION_CANCELED:
                            raise
                        continue  # somebody told of one meanwhile, or is about to
            return window
        raise WindowsUnavailableError(f"table {self._table}: others tell of the same group again and again")

    async def _overlapping(self, group: Group, window: Window) -> Window | None:
        length = window.end - window.start
        told = await self._windows(group, window.start - length, window.end, length)
        return next((other for other in told if window.overlaps(other)), None)

    async def _query(
        self, pk: str, first: str, last: str, *, at_most: int | None = None, latest: bool = False
    ) -> list[_Item]:
        """Read the items between two sort keys, as many as are wanted, from either end."""
        found: list[_Item] = []
        more: dict[str, Any] = {}
        async with self._slots:
            while at_most is None or len(found) < at_most:
                limit: dict[str, Any] = {} if at_most is None else {"Limit": at_most - len(found)}
                with self._translated():
                    answer = await self._client.query(
                        TableName=self._table,
                        KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                        ExpressionAttributeValues={":pk": {"S": pk}, ":first": {"S": first}, ":last": {"S": last}},
                        ConsistentRead=True,
                        ScanIndexForward=not latest,
                        **(limit | more),
                    )
                found += cast("list[_Item]", answer["Items"])
                if "LastEvaluatedKey" not in answer:
                    break
                more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return found

    async def _write_all(self, writes: Iterable[WriteRequestTypeDef]) -> None:
        requests = list(writes)
        await self._all(
            self._write(requests[start : start + MOST_WRITES]) for start in range(0, len(requests), MOST_WRITES)
        )

    async def _write(self, requests: Sequence[WriteRequestTypeDef]) -> None:
        wait = FIRST_WAIT_SECONDS
        async with self._slots:
            for _ in range(WRITE_TRIES):
                with self._translated():
                    answer = await self._client.batch_write_item(RequestItems={self._table: requests})
                requests = cast(
                    "Sequence[WriteRequestTypeDef]", answer.get("UnprocessedItems", {}).get(self._table, ())
                )
                if not requests:
                    return
                await asyncio.sleep(wait)
                wait *= 2
        raise WindowsUnavailableError(f"table {self._table}: {len(requests)} items of a batch stay undone: throttled")

    async def _all(self, calls: Iterable[Awaitable[_Answer]]) -> list[_Answer]:
        """Make all calls; where some fail, raise what the first of them did when all have ended."""
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return cast("list[_Answer]", answers)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(f"table {self._table}", _ERRORS, _REMEDIES)


def _items_of(visit: Visit, now: float) -> Iterator[_Item]:
    expires_at = _number(math.ceil(visit.keep_until))
    for sighting in visit.sightings:
        looked_at = text_of_values(sighting.looked_at)
        what = f"{sighting.record_id}\n{sighting.rule_id}\n{looked_at}"
        yield {
            "pk": {"S": visit.group.key},
            "sk": {"S": f"s#{_place(sighting.time)}#{hashlib.sha256(what.encode()).hexdigest()[:32]}"},
            "time": _number(sighting.time),
            "record_id": {"S": sighting.record_id},
            "rule_id": {"S": sighting.rule_id},
            "looked_at": {"S": looked_at},
            "seen_at": _number(now),
            "expires_at": expires_at,
        }
    for judgement in visit.judgements:
        yield {
            "pk": {"S": _JUDGEMENTS},
            "sk": {"S": _judgement_key(judgement)},
            "at": _number(judgement.at),
            "start": _number(judgement.start),
            "group": {"S": text_of_group(judgement.group)},
        }


def _writes_of_window(
    table: str, group: Group, window: Window, keep_until: float
) -> Sequence[TransactWriteItemTypeDef]:
    length = window.end - window.start
    slot = _slot(window.start, length)

    def key(number: int) -> _Item:
        return {"pk": {"S": group.key}, "sk": {"S": _slot_key(number)}}

    def beside(number: int, condition: str, bound: float) -> TransactWriteItemTypeDef:
        return {
            "ConditionCheck": {
                "TableName": table,
                "Key": key(number),
                "ConditionExpression": f"{_FREE} OR {condition}",
                "ExpressionAttributeNames": {"#start": "start"},
                "ExpressionAttributeValues": {":bound": _number(bound)},
            }
        }

    told: _Item = {
        **key(slot),
        "start": _number(window.start),
        "window": {"S": text_of_window(window)},
        "expires_at": _number(math.ceil(keep_until)),
    }
    return [
        {"Put": {"TableName": table, "Item": told, "ConditionExpression": _FREE}},
        beside(slot - 1, "#start <= :bound", window.start - length),
        beside(slot + 1, "#start >= :bound", window.end),
    ]


def _slot(time: float, length: float) -> int:
    return math.floor(max(0.0, time) / length) if length else 0


def _slot_key(number: int) -> str:
    return f"w#{number:015d}"


def _sighting_of(item: Mapping[str, Any]) -> Sighting:
    return Sighting(
        time=float(item["time"]["N"]),
        record_id=item["record_id"]["S"],
        rule_id=item["rule_id"]["S"],
        looked_at=values_of_text(item["looked_at"]["S"]),
        seen_at=float(item["seen_at"]["N"]),
    )


def _judgement_key(judgement: Judgement) -> str:
    return f"{_place(judgement.at)}#{judgement.group.key}#{_place(judgement.start)}"


def _place(time: float) -> str:
    """Return a time from 1970 on so that the texts sort as the times do; what is earlier is 1970."""
    return f"{max(0.0, time):019.6f}"


def _number(value: float) -> dict[str, str]:
    return {"N": repr(value)}
