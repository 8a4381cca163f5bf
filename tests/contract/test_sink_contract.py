"""What the core relies on in any sink: held by the fake and by every real one alike."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import Literal

import pytest

from endpoint import Endpoint
from fakes import FakeSink
from samples import RULE, an_alert
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.sinks.sns import SnsSink
from trailstream.adapters.sinks.sqs import SqsSink
from trailstream.adapters.sinks.stdout import StdoutSink
from trailstream.config.sinks import SinksSettings
from trailstream.pipeline.ports import Sink


@dataclass
class Kit:
    sink: Sink
    received: Callable[[], Awaitable[list[str]]]
    """The ids of the alerts that have arrived, as their receiver reads them."""


Clients = Callable[[], AwsClients]
"""Makes clients of a local AWS endpoint, for those kits that need one."""


@asynccontextmanager
async def fake_kit(_clients: Clients) -> AsyncIterator[Kit]:
    sink = FakeSink()

    async def received() -> list[str]:
        return [alert.id for alert in sink.accepted]

    yield Kit(sink, received)


@asynccontextmanager
async def stdout_kit(_clients: Clients) -> AsyncIterator[Kit]:
    stream = BytesIO()

    async def received() -> list[str]:
        return [json.loads(line)["alert_id"] for line in stream.getvalue().split(b"\n") if line]

    yield Kit(StdoutSink(stream=stream), received)


@asynccontextmanager
async def sns_kit(
    clients: Clients, *, body_format: Literal["text", "json"] = "json", suffix: str = ""
) -> AsyncIterator[Kit]:
    """A topic with a subscribed queue: what arrives there is what a person would get."""
    async with clients() as aws:
        sns, sqs = await aws.sns(), await aws.sqs()
        queue = await made_queue(aws, suffix)
        arn = (await sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"]))["Attributes"]["QueueArn"]
        made = await sns.create_topic(Name=f"alerts{suffix}", Attributes={"FifoTopic": "true"} if suffix else {})
        topic = made["TopicArn"]
        await sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        async def received() -> list[str]:
            return [alert_id_in(json.loads(body)["Message"]) for body in await bodies_in(aws, queue)]

        yield Kit(SnsSink(client=sns, topic_arn=topic, body_format=body_format), received)


@asynccontextmanager
async def sqs_kit(clients: Clients, *, suffix: str = "") -> AsyncIterator[Kit]:
    async with clients() as aws:
        queue = await made_queue(aws, suffix)

        async def received() -> list[str]:
            return [alert_id_in(body) for body in await bodies_in(aws, queue)]

        yield Kit(SqsSink(client=await aws.lean_sqs(), queue_url=queue), received)


KITS: Mapping[str, Callable[[Clients], AbstractAsyncContextManager[Kit]]] = {
    "fake": fake_kit,
    "stdout": stdout_kit,
    "sns text": partial(sns_kit, body_format="text"),
    "sns json": sns_kit,
    "sns fifo": partial(sns_kit, suffix=".fifo"),
    "sqs standard": sqs_kit,
    "sqs fifo": partial(sqs_kit, suffix=".fifo"),
}
"""The name of the sink, and what sort of it; a new one is a line here."""


@pytest.fixture(params=KITS)
async def kit(request: pytest.FixtureRequest) -> AsyncIterator[Kit]:
    def clients() -> AwsClients:
        endpoint: Endpoint = request.getfixturevalue("endpoint")
        return endpoint.clients()

    async with KITS[request.param](clients) as made:
        yield made


def test_every_sink_that_can_be_configured_is_held_to_this() -> None:
    assert {name.partition(" ")[0] for name in KITS} == {"fake", *SinksSettings.model_fields}


async def made_queue(aws: AwsClients, suffix: str) -> str:
    sqs = await aws.sqs()
    made = await sqs.create_queue(QueueName=f"inbox{suffix}", Attributes={"FifoQueue": "true"} if suffix else {})
    return made["QueueUrl"]


async def bodies_in(aws: AwsClients, queue_url: str) -> list[str]:
    sqs = await aws.sqs()
    bodies: list[str] = []
    while messages := (await sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)).get("Messages", []):
        for message in messages:
            bodies.append(message["Body"])
            await sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def alert_id_in(body: str) -> str:
    if body.startswith("{"):
        return str(json.loads(body)["alert_id"])
    (found,) = re.findall(r"(?m)^Alert id: +([0-9a-f]{32})$", body)
    return str(found)


async def test_every_alert_is_accepted_and_arrives_once(kit: Kit) -> None:
    alerts = [an_alert(number) for number in range(35)]
    assert list(await kit.sink.send(alerts)) == [None] * 35
    assert sorted(await kit.received()) == sorted(alert.id for alert in alerts)


async def test_sending_nothing_is_no_error(kit: Kit) -> None:
    assert list(await kit.sink.send([])) == []
    assert await kit.received() == []


async def test_an_alert_with_an_enormous_record_arrives(kit: Kit) -> None:
    alert = an_alert(record_json=json.dumps({"userAgent": "x" * 400_000}).encode())
    assert list(await kit.sink.send([an_alert(1), alert, an_alert(2)])) == [None] * 3
    assert alert.id in await kit.received()


HOSTILE = "\x00\x1b[2J\r\nAlert id: 0\u2028\u202e\ufffe\U0010ffff\x7f\x9b ключ"


async def test_text_from_a_log_cannot_make_an_alert_that_is_refused_or_misread(kit: Kit) -> None:
    record = json.dumps({"eventName": HOSTILE}, ensure_ascii=False, indent=2).encode()
    values = dict.fromkeys(
        ("account", "region", "event_id", "event_time", "event_source", "event_name", "error_code", "actor"), HOSTILE
    )
    hostile = an_alert(
        **values, source_ip=HOSTILE, shared_event_id=HOSTILE, object=f"s3://logs/{HOSTILE}", record_json=record
    )
    assert list(await kit.sink.send([hostile])) == [None]
    assert await kit.received() == [hostile.id]


async def test_an_alert_that_knows_next_to_nothing_arrives(kit: Kit) -> None:
    nothing = dict.fromkeys(("account", "region", "event_id", "event_time", "event_source", "event_name", "actor"))
    bare = an_alert(**nothing, object=None, source_ip=None, rule=replace(RULE, description="", tags=(), references=()))
    assert list(await kit.sink.send([bare])) == [None]
    assert await kit.received() == [bare.id]


def test_a_sink_is_named_by_a_word_that_can_be_a_metric_label(kit: Kit) -> None:
    assert re.fullmatch(r"[a-z_]+", kit.sink.name)
