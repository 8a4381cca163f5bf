"""What a user of trailstream has in AWS, made at an endpoint that stands in for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from .generator import LogObject

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_sns import SNSClient
    from types_aiobotocore_sqs import SQSClient

REGION = "us-east-1"
BUCKET = "demo-organization-logs"
TWO_WEEKS_SECONDS = 14 * 24 * 3600
MAX_RECEIVES = 5

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}
"""With this, and no other ``AWS_`` variable, nothing here can reach a real account."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients of the services that a user has to do with."""

    s3: S3Client
    sqs: SQSClient
    sns: SNSClient


@dataclass(frozen=True, slots=True)
class Account:
    """What was made, by the names that a configuration and a reader need."""

    clients: Clients
    log_queue_url: str
    alert_topic_arn: str
    inbox_url: str

    async def upload(self, log: LogObject) -> None:
        """Put the object into the bucket as CloudTrail does, with the encoding that tempts clients to decode it."""
        await self.clients.s3.put_object(
            Bucket=BUCKET, Key=log.key, Body=log.body, ContentEncoding="gzip", ContentType="application/json"
        )


@asynccontextmanager
async def connected(endpoint_url: str) -> AsyncIterator[Clients]:
    """Give clients of that endpoint for as long as the block runs."""
    session = get_session()
    config = AioConfig(max_pool_connections=20, retries={"mode": "standard", "total_max_attempts": 3})

    def client(service: str) -> Any:
        return session.create_client(service, region_name=REGION, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload]  # one call for three services

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client(name)) for name in ("s3", "sqs", "sns")]
        yield Clients(*clients)


async def furnish(clients: Clients) -> Account:
    """Make the log bucket, its queue with a dead-letter queue, the alert topic, and a person's inbox."""
    s3, sqs, sns = clients.s3, clients.sqs, clients.sns
    dead_letters = await _queue(sqs, "demo-logs-dead-letters", MessageRetentionPeriod=str(TWO_WEEKS_SECONDS))
    redrive = {"deadLetterTargetArn": await _arn(sqs, dead_letters), "maxReceiveCount": MAX_RECEIVES}
    log_queue = await _queue(sqs, "demo-logs", VisibilityTimeout="60", RedrivePolicy=json.dumps(redrive))
    await s3.create_bucket(Bucket=BUCKET)
    await _allow(sqs, log_queue, "s3.amazonaws.com", f"arn:aws:s3:::{BUCKET}")
    await s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": await _arn(sqs, log_queue), "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    topic = (await sns.create_topic(Name="demo-alerts"))["TopicArn"]
    inbox = await _queue(sqs, "demo-inbox", VisibilityTimeout="60")
    await _allow(sqs, inbox, "sns.amazonaws.com", topic)
    await sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=await _arn(sqs, inbox))
    return Account(clients, log_queue, topic, inbox)


async def _queue(sqs: SQSClient, name: str, **attributes: str) -> str:
    answer = await sqs.create_queue(QueueName=name, Attributes=attributes)  # type: ignore[arg-type]  # names are a literal type
    return answer["QueueUrl"]


async def _arn(sqs: SQSClient, url: str) -> str:
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


async def _allow(sqs: SQSClient, url: str, service: str, source_arn: str) -> None:
    """Let that service send to the queue, on behalf of that one resource only."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": await _arn(sqs, url),
        "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    await sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
