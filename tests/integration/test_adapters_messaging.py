"""What is read behind the alert topic and on the alert queue, and how SQS answers in parts, over the local endpoint."""

from __future__ import annotations

import json
from typing import Any

import pytest

from endpoint import REGION, free_port
from samples import CREATE_TOPIC, an_alert
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.sinks.sns import SnsSink
from trailstream.adapters.sinks.sqs import SqsSink
from trailstream.adapters.sqs import SqsQueue
from trailstream.model.errors import QueueUnavailableError, SinkUnavailableError

FILTERED_BY = {
    "account": "123456789012",
    "region": "eu-west-1",
    "severity": "high",
    "rule": "sns-topic-created",
}


async def inbox_of(aws: AwsClients, topic_arn: str) -> str:
    sns, sqs = await aws.sns(), await aws.sqs()
    url = (await sqs.create_queue(QueueName="inbox"))["QueueUrl"]
    arn = (await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]))["Attributes"]["QueueArn"]
    await sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
    return url


async def read_all(aws: AwsClients, queue_url: str) -> list[dict[str, Any]]:
    answer = await (await aws.sqs()).receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


async def test_a_subscriber_reads_the_topic_arn_the_whole_record_and_what_filters_need(aws: AwsClients) -> None:
    sns = await aws.sns()
    topic_arn = (await sns.create_topic(Name="alerts"))["TopicArn"]
    inbox = await inbox_of(aws, topic_arn)
    assert await SnsSink(client=sns, topic_arn=topic_arn).send([an_alert()]) == [None]
    (notification,) = await read_all(aws, inbox)
    assert notification["Subject"] == "[high] SNS topic created (123456789012, eu-west-1)"
    assert CREATE_TOPIC["responseElements"]["topicArn"] in notification["Message"]
    assert an_alert().record_json.decode() in notification["Message"]
    attributes = {name: value["Value"] for name, value in notification["MessageAttributes"].items()}
    assert attributes == FILTERED_BY


async def test_a_repeat_is_dropped_by_a_fifo_topic(aws: AwsClients) -> None:
    sns, sqs = await aws.sns(), await aws.sqs()
    topic_arn = (await sns.create_topic(Name="alerts.fifo", Attributes={"FifoTopic": "true"}))["TopicArn"]
    url = (await sqs.create_queue(QueueName="inbox.fifo", Attributes={"FifoQueue": "true"}))["QueueUrl"]
    arn = (await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]))["Attributes"]["QueueArn"]
    await sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
    sink = SnsSink(client=sns, topic_arn=topic_arn)
    for _ in range(2):
        assert await sink.send([an_alert(1), an_alert(2)]) == [None, None]
    assert len(await read_all(aws, url)) == 2


async def test_a_reader_of_the_queue_gets_the_whole_alert_and_what_it_filters_by(aws: AwsClients) -> None:
    sqs = await aws.sqs()
    url = (await sqs.create_queue(QueueName="alerts"))["QueueUrl"]
    assert await SqsSink(client=await aws.lean_sqs(), queue_url=url).send([an_alert()]) == [None]
    answer = await sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])
    (message,) = answer["Messages"]
    alert = json.loads(message["Body"])
    assert (alert["alert_id"], alert["record"]) == (an_alert().id, json.loads(an_alert().record_json))
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == FILTERED_BY


async def test_a_repeat_is_dropped_by_a_fifo_queue(aws: AwsClients) -> None:
    url = (await (await aws.sqs()).create_queue(QueueName="alerts.fifo", Attributes={"FifoQueue": "true"}))["QueueUrl"]
    sink = SqsSink(client=await aws.lean_sqs(), queue_url=url)
    for _ in range(2):
        assert await sink.send([an_alert(1), an_alert(2)]) == [None, None]
    assert len(await read_all(aws, url)) == 2


async def test_a_topic_that_is_gone_is_for_a_later_try_since_an_operator_can_mend_it(aws: AwsClients) -> None:
    sink = SnsSink(client=await aws.sns(), topic_arn=f"arn:aws:sns:{REGION}:000000000000:gone")
    (error,) = await sink.send([an_alert()])
    assert isinstance(error, SinkUnavailableError)


async def test_so_is_a_queue_that_is_gone(aws: AwsClients) -> None:
    url = (await (await aws.sqs()).create_queue(QueueName="alerts"))["QueueUrl"].replace("alerts", "gone")
    (error,) = await SqsSink(client=await aws.lean_sqs(), queue_url=url).send([an_alert()])
    assert isinstance(error, SinkUnavailableError)


async def test_what_is_down_is_for_a_later_try() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with AwsClients(region=REGION, endpoint_url=url, connections=1, attempts=1) as aws:
        sink = SnsSink(client=await aws.sns(), topic_arn=f"arn:aws:sns:{REGION}:000000000000:alerts")
        assert [type(error) for error in await sink.send([an_alert()])] == [SinkUnavailableError]
        with pytest.raises(QueueUnavailableError):
            await SqsQueue(client=await aws.lean_sqs(), queue_url=f"{url}/000000000000/logs").describe()


async def test_a_queue_that_does_not_exist_or_has_no_redrive_policy_says_so(aws: AwsClients) -> None:
    sqs = await aws.sqs()
    url = (await sqs.create_queue(QueueName="logs"))["QueueUrl"]
    assert (await SqsQueue(client=await aws.lean_sqs(), queue_url=url).describe()).max_receive_count is None
    with pytest.raises(QueueUnavailableError):
        await SqsQueue(client=await aws.lean_sqs(), queue_url=url.replace("logs", "other")).describe()
