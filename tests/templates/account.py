"""An account that enforces permissions: what is there before a stack, and what its user does after it."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endpoint import REGION, Endpoint
from lambda_package import EXAMPLE_RULES
from stage import Stage
from templates.stacks import ACCOUNT, READER_ROLE, CreatedStack, client, create_stack
from trailstream.adapters.aws import AwsClients

BUCKET = "trail-logs"
KEY = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/02/{}.json.gz"

THEIRS = "444455556666"
"""Another account, which the endpoint knows by its id as the access key."""

THEIR_BUCKET = "trail-of-theirs"
THEIR_ROLE = f"arn:aws:iam::{THEIRS}:role/trailstream-reads-logs"
THEIR_KEY = KEY.replace("123456789012", THEIRS)
EXTERNAL_ID = "trailstream-1f6c"

READ_WITH_THEIR_ROLE: Mapping[str, str] = {
    "LogBuckets": json.dumps(
        {BUCKET: ACCOUNT, THEIR_BUCKET: {"account": THEIRS, "role_arn": THEIR_ROLE, "external_id": EXTERNAL_ID}}
    ),
    "LogRoleArns": THEIR_ROLE,
}
"""Parameters of each door's stack."""

ALERT_QUEUE = {
    "AlertQueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:siem.fifo",
    "AlertQueueKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/of-the-siem",
}
"""Parameters for a queue of the user's that gets the alerts too."""

COLLECTOR = {
    "MetricsWorkspaceArn": f"arn:aws:aps:eu-west-1:{ACCOUNT}:workspace/ws-0123abcd",
    "CollectorRepositoryArn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/aws-otel-collector",
    "CollectorDigest": f"sha256:{'1' * 64}",
}
"""Parameters for a collector of metrics beside each worker."""

BATCHES = ("sns:PublishBatch", "sqs:ChangeMessageVisibilityBatch", "sqs:DeleteMessageBatch", "sqs:SendMessageBatch")
"""Actions that this endpoint asks for, and AWS does not: there, a batch needs the permission of the single call."""
COUNTED = "Counted"
"""The name of an event that a rule counts and nobody is told of: what a task or a function then asks of its table."""
COUNTING_RULE = f"""\
id: counted
title: counted
severity: low
dedup: "{{awsRegion}}"
destinations: []
pattern: {{eventName: [{COUNTED}]}}
"""
CHECK, TRANSACTION = "dynamodb:ConditionCheckItem", "dynamodb:TransactWriteItems"
"""So does a transaction, which this endpoint asks for as one action on everything."""


@dataclass(frozen=True, slots=True)
class Account:
    """The endpoint with a bucket of logs."""

    endpoint: Endpoint
    aws: AwsClients

    async def put(self, key: str, *records: Any, bucket: str = BUCKET) -> None:
        """Store an object as CloudTrail writes it."""
        await self.put_bytes(key, gzip.compress(json.dumps({"Records": records}).encode()), bucket=bucket)

    async def put_bytes(self, key: str, body: bytes, *, bucket: str = BUCKET) -> None:
        """Store what is perhaps no log object."""
        await (await self.aws.s3()).put_object(Bucket=bucket, Key=key, Body=body, ContentEncoding="gzip")

    async def notify(self, **configuration: Any) -> None:
        """Let the bucket tell somebody of new objects."""
        s3: Any = await self.aws.s3()
        await s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)

    async def tell_the_queue(self, stack: CreatedStack) -> None:
        """Let the bucket tell the stack's queue."""
        queue = {"QueueArn": stack.outputs["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
        await self.notify(QueueConfigurations=[queue])

    async def alert_queue(self) -> str:
        """Make the queue of :data:`ALERT_QUEUE` and return its URL."""
        sqs = await self.aws.sqs()
        return (await sqs.create_queue(QueueName="siem.fifo", Attributes={"FifoQueue": "true"}))["QueueUrl"]

    async def with_inbox(self, stack: CreatedStack) -> Stage:
        """Put an inbox behind the stack's topic."""
        sqs, sns = await self.aws.sqs(), await self.aws.sns()
        topic, arn = stack.outputs["AlertTopicArn"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox"
        sns_sends = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        inbox = (await sqs.create_queue(QueueName="inbox", Attributes={"Policy": document(sns_sends)}))["QueueUrl"]
        await sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        queue_url = stack.outputs.get("QueueUrl", "")
        return Stage(self.aws, queue_url, stack.outputs["DeadLetterQueueUrl"], inbox, topic)

    async def statements(self, role_arn: str, policy: str) -> Sequence[Mapping[str, Any]]:
        """Return what a role's own policy says."""
        async with client(self.endpoint, "iam") as iam:
            answer = await iam.get_role_policy(RoleName=role_arn.rpartition("/")[2], PolicyName=policy)
        statements: Sequence[Mapping[str, Any]] = answer["PolicyDocument"]["Statement"]
        return statements

    async def allow_batches(self, role_arn: str, policy: str) -> None:
        """Allow the role the batches of what its policy allows one by one."""
        batches = as_the_endpoint_names_it(await self.statements(role_arn, policy))
        async with client(self.endpoint, "iam") as iam:
            await iam.put_role_policy(
                RoleName=role_arn.rpartition("/")[2], PolicyName="batches", PolicyDocument=document(*batches)
            )

    async def credentials(self, role_arn: str) -> dict[str, str]:
        """Take a role, whose trust is widened for that: here no service of AWS's hands its credentials out."""
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        async with client(self.endpoint, "iam") as iam, client(self.endpoint, "sts") as sts:
            await iam.update_assume_role_policy(RoleName=role_arn.rpartition("/")[2], PolicyDocument=document(trust))
            given = (await sts.assume_role(RoleArn=role_arn, RoleSessionName="task"))["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }


@dataclass(frozen=True, slots=True)
class LogAccount:
    """Another account, with a bucket of logs and the role that lets us read it."""

    endpoint: Endpoint

    async def furnish(self, reader_arn: str) -> CreatedStack:
        """Make the bucket, and the stack of the role that trusts this reader."""
        async with self._client("s3") as s3:
            await s3.create_bucket(Bucket=THEIR_BUCKET)
        parameters = {
            "TrustedRoleArn": reader_arn,
            "ExternalId": EXTERNAL_ID,
            "LogBucketArns": f"arn:aws:s3:::{THEIR_BUCKET}",
        }
        return await create_stack(self.endpoint, "reader", READER_ROLE, parameters, **self._root)

    async def put(self, key: str, *records: Any) -> None:
        """Store an object as CloudTrail writes it."""
        body = gzip.compress(json.dumps({"Records": records}).encode())
        async with self._client("s3") as s3:
            await s3.put_object(Bucket=THEIR_BUCKET, Key=key, Body=body)

    async def tell(self, queue_arn: str) -> None:
        """Let the bucket tell a queue of new objects."""
        queue = {"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}
        async with self._client("s3") as s3:
            await s3.put_bucket_notification_configuration(
                Bucket=THEIR_BUCKET, NotificationConfiguration={"QueueConfigurations": [queue]}
            )

    async def statements(self) -> Sequence[Mapping[str, Any]]:
        """Return what the role's own policy says."""
        async with self._client("iam") as iam:
            answer = await iam.get_role_policy(RoleName=THEIR_ROLE.rpartition("/")[2], PolicyName="read-logs")
        statements: Sequence[Mapping[str, Any]] = answer["PolicyDocument"]["Statement"]
        return statements

    @property
    def _root(self) -> dict[str, str]:
        return {"aws_access_key_id": THEIRS, "aws_secret_access_key": "test"}

    def _client(self, service: str) -> AbstractAsyncContextManager[Any]:
        return client(self.endpoint, service, **self._root)


def rules_that_count(directory: Path) -> Path:
    """Put the example rules into the directory, and one that counts beside them; return their place."""
    rules = shutil.copytree(EXAMPLE_RULES, directory / "rules-that-count")
    (rules / "counted.yaml").write_text(COUNTING_RULE)
    return rules


def document(*statements: Mapping[str, Any]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def as_the_endpoint_names_it(statements: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same permissions for batches; see :data:`BATCHES`."""
    for statement in statements:
        actions = statement["Action"]
        batches = [f"{action}Batch" for action in ([actions] if isinstance(actions, str) else actions)]
        if known := [batch for batch in batches if batch in BATCHES]:
            yield {"Effect": "Allow", "Action": known, "Resource": statement["Resource"]}
        if CHECK in actions:
            yield {"Effect": "Allow", "Action": TRANSACTION, "Resource": "*"}


def queue_arn(stack: CreatedStack, name: str) -> str:
    """The ARN of a queue of the stack, by its logical name."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{stack.resources[name].rpartition('/')[2]}"


def names_of(stack: CreatedStack) -> dict[str, str]:
    """ARN -> logical name, of what policies speak of: what is in the stack, and what it is told of."""
    queues = {
        queue_arn(stack, name): name for name in ("Queue", "DeadLetterQueue", "ReasonQueue") if name in stack.resources
    }
    return queues | {
        stack.outputs["AlertTopicArn"]: "AlertTopic",
        f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{stack.outputs['LedgerTable']}": "Ledger",
        f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{stack.outputs['WindowsTable']}": "Windows",
        f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{stack.resources.get('Cluster')}": "Cluster",
        f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{stack.resources['Key']}": "Key",
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{stack.resources['LogGroup']}": "LogGroup",
        ALERT_QUEUE["AlertQueueArn"]: "AlertQueue",
        ALERT_QUEUE["AlertQueueKeyArn"]: "AlertQueueKey",
        COLLECTOR["MetricsWorkspaceArn"]: "Workspace",
    }
