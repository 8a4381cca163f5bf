"""What SNS and SQS have in common as sinks, held for both by a double that keeps AWS's limits."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from samples import RULE, an_alert
from trailstream.adapters.alert_batches import attributes_of
from trailstream.adapters.sinks.sns import SnsSink
from trailstream.adapters.sinks.sqs import SqsSink
from trailstream.model.errors import AlertRefusedError, SinkUnavailableError
from trailstream.model.limits import KIB

if TYPE_CHECKING:
    from types_aiobotocore_sns import SNSClient

    from trailstream.adapters.lean_clients import LeanSqs
    from trailstream.model.alert import Alert
    from trailstream.pipeline.ports import Sink

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alerts"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/alerts"

Entry = dict[str, Any]
Answer = dict[str, Any]


def accept(entries: list[Entry]) -> Answer:
    return {"Successful": [{"Id": entry["Id"], "MessageId": "m"} for entry in entries]}


class StrictService:
    """PublishBatch and SendMessageBatch with the limits of AWS's API references, which local stand-ins do not keep."""

    def __init__(self, answer: Callable[[list[Entry]], Answer] = accept) -> None:
        self.answer = answer
        self.batches: list[list[Entry]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[Entry]) -> Answer:  # noqa: N803 - the API's names
        assert all(re.fullmatch(r"[!-~][ -~]{0,98}", entry["Subject"]) for entry in PublishBatchRequestEntries)
        return await self._take(PublishBatchRequestEntries, "Message", fifo=TopicArn.endswith(".fifo"))

    async def send_message_batch(self, *, QueueUrl: str, Entries: list[Entry]) -> Answer:  # noqa: N803 - the API's names
        assert not any("Subject" in entry for entry in Entries)
        return await self._take(Entries, "MessageBody", fifo=QueueUrl.endswith(".fifo"))

    async def _take(self, entries: list[Entry], body: str, *, fifo: bool) -> Answer:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        check_limits(entries, body, fifo=fifo)
        self.batches.append(entries)
        return self.answer(entries)

    @property
    def entries(self) -> list[Entry]:
        return [entry for batch in self.batches for entry in batch]

    @property
    def bodies(self) -> list[str]:
        return [entry.get("Message") or entry["MessageBody"] for entry in self.entries]


def check_limits(entries: list[Entry], body: str, *, fifo: bool) -> None:
    assert 1 <= len(entries) <= 10
    assert len({entry["Id"] for entry in entries}) == len(entries)
    assert sum(size_of(entry, body) for entry in entries) <= 256 * KIB
    for entry in entries:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", entry["Id"])
        texts = [entry[body], *(value["StringValue"] for value in entry["MessageAttributes"].values())]
        assert all(re.fullmatch(r"[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+", text) for text in texts)
        assert len(entry["MessageAttributes"]) <= 10
        assert ("MessageDeduplicationId" in entry) == ("MessageGroupId" in entry) == fifo
        assert all(
            re.fullmatch(r"[!-~]{1,128}", entry.get(name, "x")) for name in ("MessageDeduplicationId", "MessageGroupId")
        )


def size_of(entry: Entry, body: str) -> int:
    attributes = sum(
        len((name + value["DataType"] + value["StringValue"]).encode())
        for name, value in entry["MessageAttributes"].items()
    )
    return len(entry[body].encode()) + attributes


KINDS = ["sns text", "sns json", "sqs"]


def sink_over(service: StrictService, kind: str, *, fifo: bool = False) -> Sink:
    suffix = ".fifo" if fifo else ""
    if kind == "sqs":
        return SqsSink(client=cast("LeanSqs", service), queue_url=QUEUE + suffix)
    return SnsSink(
        client=cast("SNSClient", service),
        topic_arn=TOPIC + suffix,
        body_format="text" if kind == "sns text" else "json",
    )


every_kind = pytest.mark.parametrize("kind", KINDS)
every_service = pytest.mark.parametrize("kind", ["sns json", "sqs"])


def a_record_of(size: int) -> bytes:
    return b'{"a":"' + b"x" * (size - 8) + b'"}'


def client_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "SendMessageBatch")


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.one_of(st.integers(8, 4 * KIB), st.integers(60 * KIB, 300 * KIB)), max_size=24),
    kind=st.sampled_from(KINDS),
    fifo=st.booleans(),
)
async def test_alerts_of_any_size_go_out_inside_the_limits_each_once_and_in_order(
    sizes: list[int], kind: str, *, fifo: bool
) -> None:
    service = StrictService()
    alerts = [an_alert(number, record_json=a_record_of(size)) for number, size in enumerate(sizes)]
    assert list(await sink_over(service, kind, fifo=fifo).send(alerts)) == [None] * len(alerts)
    assert all(alert.id in body for alert, body in zip(alerts, service.bodies, strict=True))
    assert service.most_at_once <= 1, "or a FIFO topic would mix them up"


@given(text=st.text(min_size=1, max_size=400), kind=st.sampled_from(KINDS), fifo=st.booleans())
async def test_whatever_a_log_says_makes_a_message_that_is_taken(text: str, kind: str, *, fifo: bool) -> None:
    alert = an_alert(
        account=text, region=text, event_name=text, actor=text, object=text, rule=replace(RULE, id=text, title=text)
    )
    assert list(await sink_over(StrictService(), kind, fifo=fifo).send([alert])) == [None]


@every_kind
async def test_a_record_is_left_out_exactly_when_the_message_would_not_fit(kind: str) -> None:
    async def is_whole(size: int) -> bool:
        service = StrictService()
        await sink_over(service, kind).send([an_alert(record_json=a_record_of(size))])
        return "xxxxxxxx" in service.bodies[0]

    whole, shortened = 200 * KIB, 256 * KIB
    assert await is_whole(whole)
    while shortened - whole > 1:
        middle = (whole + shortened) // 2
        whole, shortened = (middle, shortened) if await is_whole(middle) else (whole, middle)
    assert shortened > 254 * KIB
    assert not await is_whole(shortened)


@every_service
async def test_a_shortened_alert_is_marked_and_says_where_its_record_is(kind: str) -> None:
    service = StrictService()
    await sink_over(service, kind).send([an_alert(5, record_json=a_record_of(300 * KIB))])
    body = json.loads(service.bodies[0])
    assert (body["shortened"], body["record"], body["record_index"]) == (True, None, 5)


@every_service
async def test_full_batches_are_packed_so_that_few_calls_are_made(kind: str) -> None:
    service = StrictService()
    await sink_over(service, kind).send([an_alert(number) for number in range(35)])
    assert [len(batch) for batch in service.batches] == [10, 10, 10, 5]


@every_service
@pytest.mark.parametrize(
    ("code", "sender_fault", "error"),
    [
        ("InvalidParameter", True, AlertRefusedError),
        ("ParameterValueInvalid", True, AlertRefusedError),
        ("NewlyInvented", True, AlertRefusedError),
        ("NewlyInvented", False, SinkUnavailableError),
        ("InternalError", False, SinkUnavailableError),
        ("Throttling", True, SinkUnavailableError),
        ("KMSThrottling", True, SinkUnavailableError),
        ("KMSAccessDenied", True, SinkUnavailableError),
        ("KMSDisabled", True, SinkUnavailableError),
        ("AuthorizationError", True, SinkUnavailableError),
        ("InvalidMessageContents", True, AlertRefusedError),
        ("RequestThrottled", True, SinkUnavailableError),
        ("KmsThrottled", True, SinkUnavailableError),
    ],
)
async def test_a_failed_entry_costs_its_own_alert_only_and_its_code_says_whether_to_try_again(
    code: str, sender_fault: bool, error: type[Exception], kind: str
) -> None:
    def all_but_the_second(entries: list[Entry]) -> Answer:
        failed = {"Id": "1", "Code": code, "Message": "because", "SenderFault": sender_fault}
        return accept([entry for entry in entries if entry["Id"] != "1"]) | {"Failed": [failed]}

    sink = sink_over(StrictService(all_but_the_second), kind)
    results = await sink.send([an_alert(number) for number in range(3)])
    assert [type(result) for result in results] == [type(None), error, type(None)]
    assert str(results[1]) == f"{code}: because"


@every_service
async def test_an_entry_that_the_answer_does_not_mention_is_for_a_later_try(kind: str) -> None:
    sink = sink_over(StrictService(lambda entries: accept(entries[:1])), kind)
    results = await sink.send([an_alert(1), an_alert(2)])
    assert [type(result) for result in results] == [type(None), SinkUnavailableError]


@every_service
@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="u"),
        client_error("Throttling"),
        client_error("AuthorizationError", 403),
        client_error("KMSDisabled"),
        client_error("NotFound", 404),
        client_error("QueueDoesNotExist"),
    ],
    ids=str,
)
async def test_a_failed_call_is_the_result_of_each_alert_that_it_carried(error: Exception, kind: str) -> None:
    def fail(_entries: list[Entry]) -> Answer:
        raise error

    service = StrictService(fail)
    results = await sink_over(service, kind).send([an_alert(number) for number in range(12)])
    assert [type(result) for result in results] == [SinkUnavailableError] * 12
    assert len(service.batches) == 2


@every_service
@pytest.mark.parametrize("code", ["InvalidParameter", "BatchRequestTooLong"])
async def test_an_alert_for_which_the_whole_call_is_refused_does_not_take_its_neighbours_with_it(
    code: str, kind: str
) -> None:
    def refuse_the_eighth(entries: list[Entry]) -> Answer:
        if any(entry["Id"] == "7" for entry in entries):
            raise client_error(code)
        return accept(entries)

    results = await sink_over(StrictService(refuse_the_eighth), kind).send([an_alert(number) for number in range(10)])
    assert [position for position, result in enumerate(results) if result is not None] == [7]
    assert isinstance(results[7], AlertRefusedError)


@every_service
async def test_a_bug_is_not_taken_for_a_failure_of_the_sink(kind: str) -> None:
    def bug(_entries: list[Entry]) -> Answer:
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        await sink_over(StrictService(bug), kind).send([an_alert()])


@every_service
async def test_a_fifo_sink_drops_repeats_by_the_alert_id_and_keeps_an_accounts_order(kind: str) -> None:
    service = StrictService()
    await sink_over(service, kind, fifo=True).send([an_alert(), an_alert(1, account=None)])
    first, second = service.entries
    assert (first["MessageDeduplicationId"], first["MessageGroupId"]) == (an_alert().id, "123456789012")
    assert second["MessageGroupId"] == "sns-topic-created"


def test_attributes_are_those_that_readers_filter_by_and_none_is_empty() -> None:
    def values_of(alert: Alert) -> dict[str, str]:
        return {name: value["StringValue"] for name, value in attributes_of(alert).items()}

    whole = {"account": "123456789012", "region": "eu-west-1", "severity": "high", "rule": "sns-topic-created"}
    assert values_of(an_alert()) == whole
    assert values_of(an_alert(account=None, region="")) == {"severity": "high", "rule": "sns-topic-created"}
