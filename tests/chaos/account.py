"""What one experiment has at the endpoint, apart from all others: bucket, queues, alert topic, and a person's inbox."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trailstream.adapters.aws import AwsClients

from .plain import Place
from .trails import COUNTED, LogObject, Trail

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.literals import KeyTypeType

MANY_RECEIVES = "1000"
"""Every kill costs a receive: the dead-letter queue is for other tests."""
FOREVER_SECONDS = "3600"


@dataclass(frozen=True, slots=True)
class Letter:
    """An alert as it arrived."""

    alert_id: str
    storm_of: frozenset[Place]
    """The rule and the objects that it names, where it stands for more matches than the rule may tell one by one."""
    counted: int = 0
    """How many records it counts, where it is one that counts; then it is known by its rule and team."""


@dataclass(frozen=True, slots=True)
class Account:
    """The resources of one experiment. Its name stands in the name of each, and in no other's."""

    aws: AwsClients
    name: str
    queue_url: str
    inbox_url: str
    topic_arn: str

    async def deliver(self, trail: Trail) -> None:
        """Upload everything, of which the bucket tells the queue, and tell of some of it again."""
        for each in trail.objects:
            await self._upload(each)
        sqs = await self.aws.sqs()
        for keys in trail.repeated_notices:
            await sqs.send_message(QueueUrl=self.queue_url, MessageBody=self._notice(keys))

    async def is_worked_off(self) -> bool:
        """Say whether the queue holds nothing, visible or not."""
        sqs = await self.aws.sqs()
        answer = await sqs.get_queue_attributes(
            QueueUrl=self.queue_url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        return set(answer["Attributes"].values()) == {"0"}

    async def arrived(self) -> list[Letter]:
        """Return the alerts that have arrived since it was last asked, repeats included."""
        sqs = await self.aws.sqs()
        found: list[Letter] = []
        while True:
            answer = await sqs.receive_message(QueueUrl=self.inbox_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
            messages = answer.get("Messages", [])
            if not messages:
                return found
            found += [_letter(json.loads(json.loads(message["Body"])["Message"])) for message in messages]
            await sqs.delete_message_batch(
                QueueUrl=self.inbox_url,
                Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)],
            )

    async def _upload(self, log: LogObject) -> None:
        s3 = await self.aws.s3()
        await s3.put_object(
            Bucket=self.name, Key=log.key, Body=log.body, ContentEncoding="gzip", ContentType="application/json"
        )

    def _notice(self, keys: Iterable[str]) -> str:
        entries = [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": self.name}, "object": {"key": key}},
            }
            for key in keys
        ]
        return json.dumps({"Records": entries})


def _letter(alert: dict[str, Any]) -> Letter:
    storm = alert["record"].get("storm", {})
    if alert["rule_id"] == COUNTED and not storm:
        window = alert["window"]
        return Letter(f"{COUNTED} of {window['group']['requestParameters.team']}", frozenset(), window["matches"])
    keys = (uri.removeprefix("s3://").partition("/")[2] for uri in storm.get("objects", ()))
    return Letter(alert["alert_id"], frozenset((storm["rule_id"], key) for key in keys))


async def furnish(aws: AwsClients, name: str, *, fifo: bool = False, table: bool = False) -> Account:
    """Create everything, and connect it. A FIFO topic has a FIFO inbox; the tables are for a ledger and for windows."""
    if table:
        await _table(aws, name, {"id": "HASH"})
        await _table(aws, windows_table(name), {"pk": "HASH", "sk": "RANGE"})
    s3, sns = await aws.s3(), await aws.sns()
    _, dead_letters_arn = await _queue(aws, f"{name}-dead-letters")
    redrive = json.dumps({"deadLetterTargetArn": dead_letters_arn, "maxReceiveCount": MANY_RECEIVES})
    queue_url, queue_arn = await _queue(aws, f"{name}-notifications", RedrivePolicy=redrive)
    kind = {"FifoQueue": "true"} if fifo else {}
    suffix = ".fifo" if fifo else ""
    inbox_url, inbox_arn = await _queue(aws, f"{name}-inbox{suffix}", VisibilityTimeout=FOREVER_SECONDS, **kind)
    topic = await sns.create_topic(Name=f"{name}-alerts{suffix}", Attributes={"FifoTopic": "true"} if fifo else {})
    await sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=inbox_arn)
    await s3.create_bucket(Bucket=name)
    await s3.put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}]},
    )
    return Account(aws, name, queue_url, inbox_url, topic["TopicArn"])


async def _queue(aws: AwsClients, name: str, **attributes: str) -> tuple[str, str]:
    sqs = await aws.sqs()
    url = (await sqs.create_queue(QueueName=name, Attributes=attributes))["QueueUrl"]  # type: ignore[arg-type]  # names are a literal type
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


def windows_table(name: str) -> str:
    """Return the name of the table for windows of the account of this name."""
    return f"{name}-windows"


async def _table(aws: AwsClients, name: str, keys: Mapping[str, KeyTypeType]) -> None:
    dynamodb = await aws.dynamodb()
    await dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": role} for key, role in keys.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
