from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from samples import RULE, an_alert
from trailstream.adapters.sinks.sns import SnsSink, attributes_of, subject_of, topic_region
from trailstream.model.errors import AlertRefusedError, SinkUnavailableError
from trailstream.model.limits import KIB

if TYPE_CHECKING:
    from types_aiobotocore_sns import SNSClient

    from trailstream.model.alert import Alert

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alerts"

Entry = dict[str, Any]
Answer = dict[str, Any]


def accept(entries: list[Entry]) -> Answer:
    return {"Successful": [{"Id": entry["Id"], "MessageId": "m"} for entry in entries]}


class StrictSns:
    """PublishBatch with the limits of AWS's API reference, which local stand-ins do not keep."""

    def __init__(self, answer: Callable[[list[Entry]], Answer] = accept) -> None:
        self.answer = answer
        self.batches: list[list[Entry]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[Entry]) -> Answer:  # noqa: N803 - the API's names
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        check_limits(PublishBatchRequestEntries, fifo=TopicArn.endswith(".fifo"))
        self.batches.append(PublishBatchRequestEntries)
        return self.answer(PublishBatchRequestEntries)

    @property
    def entries(self) -> list[Entry]:
        return [entry for batch in self.batches for entry in batch]


def check_limits(entries: list[Entry], *, fifo: bool) -> None:
    assert 1 <= len(entries) <= 10
    assert len({entry["Id"] for entry in entries}) == len(entries)
    assert sum(map(size_of, entries)) <= 256 * KIB
    for entry in entries:
        assert entry["Message"]
        assert re.fullmatch(r"[!-~][ -~]{0,98}", entry["Subject"])
        assert all(value["StringValue"] for value in entry["MessageAttributes"].values())
        assert ("MessageDeduplicationId" in entry) == fifo
        assert re.fullmatch(r"[!-~]{1,128}", entry.get("MessageGroupId", "group"))


def size_of(entry: Entry) -> int:
    attributes = sum(
        len((name + value["DataType"] + value["StringValue"]).encode())
        for name, value in entry["MessageAttributes"].items()
    )
    return len(entry["Message"].encode()) + attributes


def sink_over(sns: StrictSns, *, topic: str = TOPIC, body: Literal["text", "json"] = "text") -> SnsSink:
    return SnsSink(client=cast("SNSClient", sns), topic_arn=topic, body_format=body)


def a_record_of(size: int) -> bytes:
    return b'{"a":"' + b"x" * (size - 8) + b'"}'


def client_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PublishBatch")


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.one_of(st.integers(8, 4 * KIB), st.integers(8, 300 * KIB)), max_size=24),
    body=st.sampled_from(["text", "json"]),
    fifo=st.booleans(),
)
async def test_alerts_of_any_size_go_out_inside_the_limits_each_once_and_in_order(
    sizes: list[int], body: Literal["text", "json"], *, fifo: bool
) -> None:
    sns = StrictSns()
    alerts = [an_alert(number, record_json=a_record_of(size)) for number, size in enumerate(sizes)]
    results = await sink_over(sns, topic=TOPIC + (".fifo" if fifo else ""), body=body).send(alerts)
    assert list(results) == [None] * len(alerts)
    assert [int(entry["Id"]) for entry in sns.entries] == list(range(len(alerts)))
    assert all(alert.id in entry["Message"] for alert, entry in zip(alerts, sns.entries, strict=True))


@pytest.mark.parametrize("body", ["text", "json"])
async def test_a_record_is_left_out_exactly_when_the_message_would_not_fit(body: Literal["text", "json"]) -> None:
    async def is_whole(size: int) -> bool:
        sns = StrictSns()
        await sink_over(sns, body=body).send([an_alert(record_json=a_record_of(size))])
        return "xxxxxxxx" in sns.entries[0]["Message"]

    whole, shortened = 200 * KIB, 256 * KIB
    assert await is_whole(whole)
    while shortened - whole > 1:
        middle = (whole + shortened) // 2
        whole, shortened = (middle, shortened) if await is_whole(middle) else (whole, middle)
    assert shortened > 254 * KIB
    assert not await is_whole(shortened)


async def test_a_shortened_alert_is_marked_and_says_where_its_record_is() -> None:
    sns = StrictSns()
    await sink_over(sns, body="json").send([an_alert(5, record_json=a_record_of(300 * KIB))])
    body = json.loads(sns.entries[0]["Message"])
    assert (body["shortened"], body["record"], body["record_index"]) == (True, None, 5)


async def test_full_batches_are_packed_so_that_few_calls_are_made() -> None:
    sns = StrictSns()
    await sink_over(sns).send([an_alert(number) for number in range(35)])
    assert [len(batch) for batch in sns.batches] == [10, 10, 10, 5]


async def test_no_more_than_four_batches_are_on_their_way_at_once() -> None:
    sns = StrictSns()
    sink = sink_over(sns)
    await asyncio.gather(*(sink.send([an_alert(number) for number in range(50)]) for _ in range(3)))
    assert sns.most_at_once == 4
    assert len(sns.entries) == 150


@pytest.mark.parametrize(
    ("code", "sender_fault", "kind"),
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
    ],
)
async def test_a_failed_entry_costs_its_own_alert_only_and_its_code_says_whether_to_try_again(
    code: str, sender_fault: bool, kind: type[Exception]
) -> None:
    def all_but_the_second(entries: list[Entry]) -> Answer:
        failed = {"Id": "1", "Code": code, "Message": "because", "SenderFault": sender_fault}
        return accept([entry for entry in entries if entry["Id"] != "1"]) | {"Failed": [failed]}

    results = await sink_over(StrictSns(all_but_the_second)).send([an_alert(number) for number in range(3)])
    assert [type(result) for result in results] == [type(None), kind, type(None)]
    assert str(results[1]) == f"{code}: because"


async def test_an_entry_that_the_answer_does_not_mention_is_for_a_later_try() -> None:
    results = await sink_over(StrictSns(lambda entries: accept(entries[:1]))).send([an_alert(1), an_alert(2)])
    assert [type(result) for result in results] == [type(None), SinkUnavailableError]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (EndpointConnectionError(endpoint_url="u"), SinkUnavailableError),
        (client_error("Throttling"), SinkUnavailableError),
        (client_error("AuthorizationError", 403), SinkUnavailableError),
        (client_error("KMSDisabled"), SinkUnavailableError),
        (client_error("NotFound", 404), SinkUnavailableError),
    ],
    ids=str,
)
async def test_a_failed_call_is_the_result_of_each_alert_that_it_carried(
    error: Exception, kind: type[Exception]
) -> None:
    def fail(_entries: list[Entry]) -> Answer:
        raise error

    sns = StrictSns(fail)
    results = await sink_over(sns).send([an_alert(number) for number in range(12)])
    assert [type(result) for result in results] == [kind] * 12
    assert len(sns.batches) == 2


async def test_an_alert_for_which_the_whole_call_is_refused_does_not_take_its_neighbours_with_it() -> None:
    def refuse_the_eighth(entries: list[Entry]) -> Answer:
        if any(entry["Id"] == "7" for entry in entries):
            raise client_error("InvalidParameter")
        return accept(entries)

    results = await sink_over(StrictSns(refuse_the_eighth)).send([an_alert(number) for number in range(10)])
    assert [position for position, result in enumerate(results) if result is not None] == [7]
    assert isinstance(results[7], AlertRefusedError)


async def test_a_bug_is_not_taken_for_a_failure_of_the_sink() -> None:
    def bug(_entries: list[Entry]) -> Answer:
        raise KeyError("bug")

    with pytest.raises(ExceptionGroup) as caught:
        await sink_over(StrictSns(bug)).send([an_alert()])
    assert caught.group_contains(KeyError)


async def test_a_cancelled_send_gives_its_places_back() -> None:
    blocked = asyncio.Event()

    class SlowSns(StrictSns):
        async def publish_batch(self, **request: Any) -> Answer:
            await blocked.wait()
            return await super().publish_batch(**request)

    sink = sink_over(SlowSns())
    sending = asyncio.create_task(sink.send([an_alert(number) for number in range(100)]))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    blocked.set()
    async with asyncio.timeout(5):
        assert await sink.send([an_alert(number) for number in range(100)]) == [None] * 100


async def test_a_fifo_topic_drops_repeats_by_the_alert_id_and_keeps_an_accounts_order() -> None:
    sns = StrictSns()
    await sink_over(sns, topic=f"{TOPIC}.fifo").send([an_alert(), an_alert(1, account=None)])
    first, second = sns.entries
    assert (first["MessageDeduplicationId"], first["MessageGroupId"]) == (an_alert().id, "123456789012")
    assert second["MessageGroupId"] == "sns-topic-created"


def titled(title: str, **changes: Any) -> Alert:
    return an_alert(rule=replace(RULE, title=title), **changes)


def test_a_subject_says_how_bad_what_and_where() -> None:
    assert subject_of(an_alert()) == "[high] SNS topic created (123456789012, eu-west-1)"
    assert subject_of(an_alert(account=None, region=None)) == "[high] SNS topic created"


@given(title=st.text(), account=st.none() | st.text(), region=st.none() | st.text())
def test_any_title_and_account_make_a_subject_that_sns_takes(
    title: str, account: str | None, region: str | None
) -> None:
    assert re.fullmatch(r"[!-~][ -~]{0,98}", subject_of(titled(title, account=account, region=region)))


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("Zugriff für Übeltäter", "[high] Zugriff fur Ubeltater"),
        ("one\r\nBcc: two", "[high] one\\r\\nBcc: two"),
        ("x" * 200, "[high] " + "x" * 92),
    ],
)
def test_a_subject_is_ascii_on_one_line_and_less_than_100_characters(title: str, subject: str) -> None:
    assert subject_of(titled(title, account=None, region=None)) == subject


def test_attributes_are_those_that_subscriptions_filter_by_and_none_is_empty() -> None:
    def values_of(alert: Alert) -> dict[str, str]:
        return {name: value["StringValue"] for name, value in attributes_of(alert).items()}

    whole = {"account": "123456789012", "region": "eu-west-1", "severity": "high", "rule": "sns-topic-created"}
    assert values_of(an_alert()) == whole
    assert values_of(an_alert(account=None, region="")) == {"severity": "high", "rule": "sns-topic-created"}


@pytest.mark.parametrize(
    ("arn", "region"), [(TOPIC, "eu-west-1"), ("arn:aws-cn:sns:cn-north-1:1:t", "cn-north-1"), ("t", None)]
)
def test_the_region_of_a_topic_is_read_from_its_arn(arn: str, region: str | None) -> None:
    assert topic_region(arn) == region
