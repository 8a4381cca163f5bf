"""The ECS template: its stack on an endpoint that enforces permissions, and the worker as its task definition says."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from endpoint import REGION, ROOT, Endpoint, free_port, running_endpoint
from samples import topic_record
from stage import Stage, WorkerProcess, running_worker
from templates.permissions import ACTION_OF, DEAD_LETTERS_INDIRECT, WORKER_INDIRECT, granted, needed
from templates.recorder import Recorder, recorded
from templates.stacks import ACCOUNT, ECS, CreatedStack, StackRefusedError, client, create_stack, read_template
from trailstream.adapters.aws import AwsClients

BUCKET = "trail-logs"
KEY = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/02/{}.json.gz"
REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/security/trailstream"
DIGEST = f"sha256:{'0' * 64}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is there before the stack."""

    endpoint: Endpoint
    aws: AwsClients
    parameters: Mapping[str, str]
    """Those that have no default."""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running_endpoint(tmp_path_factory.mktemp("strict"), variables={"AUTH": "true"}) as endpoint:
        yield endpoint


@pytest.fixture
async def account(strict: Endpoint) -> AsyncIterator[Surroundings]:
    strict.reset()
    async with strict.clients() as aws, client(strict, "ec2") as ec2:
        await (await aws.s3()).create_bucket(Bucket=BUCKET)
        vpc = (await ec2.create_vpc(CidrBlock="10.0.0.0/16"))["Vpc"]["VpcId"]
        subnet = (await ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24"))["Subnet"]["SubnetId"]
        required = {
            "LogBucketArns": f"arn:aws:s3:::{BUCKET}",
            "ImageRepositoryArn": REPOSITORY,
            "ImageDigest": DIGEST,
            "VpcId": vpc,
            "SubnetIds": subnet,
        }
        yield Surroundings(strict, aws, required)


async def created(account: Surroundings, **parameters: str) -> CreatedStack:
    return await create_stack(account.endpoint, "trailstream", ECS, {**account.parameters, **parameters})


async def tell_the_queue(account: Surroundings, stack: CreatedStack) -> None:
    """What a user does after the stack was made, where S3 is to notify it."""
    await (await account.aws.s3()).put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": stack.outputs["QueueArn"], "Events": ["s3:ObjectCreated:*"]}]
        },
    )


async def staged(account: Surroundings, stack: CreatedStack) -> Stage:
    """The stack with an inbox behind its topic."""
    sqs, sns = await account.aws.sqs(), await account.aws.sns()
    topic, arn = stack.outputs["AlertTopicArn"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox"
    sns_sends = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    attributes: Any = {"Policy": document(sns_sends)}
    inbox = (await sqs.create_queue(QueueName="inbox", Attributes=attributes))["QueueUrl"]
    await sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Stage(account.aws, stack.outputs["QueueUrl"], stack.outputs["DeadLetterQueueUrl"], inbox, topic)


async def put(account: Surroundings, key: str, *records: Any) -> None:
    body = gzip.compress(json.dumps({"Records": records}).encode())
    await (await account.aws.s3()).put_object(Bucket=BUCKET, Key=key, Body=body, ContentEncoding="gzip")


async def environment_of_the_task(endpoint: Endpoint, stack: CreatedStack) -> dict[str, str]:
    async with client(endpoint, "ecs") as ecs:
        answer = await ecs.describe_task_definition(taskDefinition=stack.resources["TaskDefinition"])
    (container,) = answer["taskDefinition"]["containerDefinitions"]
    assert container["command"] == ["worker"]
    return {each["name"]: each["value"] for each in container["environment"]}


async def credentials_of_the_task(endpoint: Endpoint, stack: CreatedStack) -> dict[str, str]:
    """What ECS gives to the task; here the account takes the role itself, so its trust is widened for that."""
    arn = stack.outputs["TaskRoleArn"]
    role = arn.rpartition("/")[2]
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    async with client(endpoint, "iam") as iam, client(endpoint, "sts") as sts:
        await iam.update_assume_role_policy(RoleName=role, PolicyDocument=document(trust))
        policy = (await iam.get_role_policy(RoleName=role, PolicyName="worker"))["PolicyDocument"]
        await iam.put_role_policy(
            RoleName=role, PolicyName="batches", PolicyDocument=document(*as_the_endpoint_names_it(policy["Statement"]))
        )
        given = (await sts.assume_role(RoleArn=arn, RoleSessionName="task"))["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def as_the_endpoint_names_it(statements: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same permissions for batches, which the endpoint, and not AWS, asks for by names of their own."""
    for statement in statements:
        actions = statement["Action"]
        batches = [f"{action}Batch" for action in ([actions] if isinstance(actions, str) else actions)]
        if known := [batch for batch in batches if batch in ACTION_OF]:
            yield {"Effect": "Allow", "Action": known, "Resource": statement["Resource"]}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@asynccontextmanager
async def task(
    account: Surroundings, stack: CreatedStack, directory: Path, **changes: str
) -> AsyncIterator[tuple[WorkerProcess, Recorder]]:
    """The worker with the task's environment and credentials and nothing else, behind a recorder."""
    port = free_port()
    async with recorded(account.endpoint) as recorder:
        variables = {
            **await environment_of_the_task(account.endpoint, stack),
            **await credentials_of_the_task(account.endpoint, stack),
            # Where this machine is not a container of AWS's: the endpoint, the rules, the port, and less patience.
            "TRAILSTREAM_AWS__ENDPOINT_URL": recorder.url,
            "TRAILSTREAM_RULES__DIRECTORY": str(ROOT / "deploy" / "rules"),
            "TRAILSTREAM_TELEMETRY__PORT": str(port),
            "TRAILSTREAM_QUEUE__POLL_WAIT_SECONDS": "1",
            **changes,
        }
        async with running_worker(directory, "", port=port, variables=variables) as worker:
            await worker.until_ready()
            yield worker, recorder


def names_of(stack: CreatedStack) -> dict[str, str]:
    """ARN -> logical name, of what policies speak of."""
    queues = {
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:{stack.resources[name].rpartition('/')[2]}": name
        for name in ("Queue", "DeadLetterQueue", "ReasonQueue")
    }
    return queues | {
        stack.outputs["AlertTopicArn"]: "AlertTopic",
        f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{stack.outputs['LedgerTable']}": "Ledger",
        f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{stack.outputs['ClusterName']}": "Cluster",
        f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{stack.resources['Key']}": "Key",
    }


@pytest.mark.parametrize("way", ["s3", "sns", "eventbridge"])
async def test_an_object_gives_an_alert_whoever_tells_of_it(way: str, account: Surroundings, tmp_path: Path) -> None:
    s3, sns = await account.aws.s3(), await account.aws.sns()
    topic = (await sns.create_topic(Name="new-objects"))["TopicArn"]
    stack = await created(account, NotificationsFrom=way, **({"NotificationTopicArn": topic} if way == "sns" else {}))
    if way == "s3":
        await tell_the_queue(account, stack)
    else:
        others: Mapping[str, Any] = {
            "sns": {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]},
            "eventbridge": {"EventBridgeConfiguration": {}},
        }
        await s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=others[way])
    stage = await staged(account, stack)
    async with task(account, stack, tmp_path) as (worker, _):
        await put(account, KEY.format("a"), topic_record(1), topic_record(2, "Publish"))
        (alert,) = await stage.inbox(1) or [{"Subject": worker.log}]
        assert "An SNS topic was created" in alert["Subject"]
        await stage.until_empty()
        assert await worker.stopped() == 0


async def test_the_worker_may_do_what_it_does_and_nothing_else(account: Surroundings, tmp_path: Path) -> None:
    stack = await created(account)
    await tell_the_queue(account, stack)
    stage = await staged(account, stack)
    async with task(account, stack, tmp_path, TRAILSTREAM_ALERTS__PATIENCE_SECONDS="0") as (worker, recorder):
        await put(account, KEY.format("plain"), topic_record(1))
        await (await account.aws.s3()).put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
        )
        await put(account, KEY.format("versioned"), topic_record(2))
        assert len(await stage.inbox(2)) == 2
        denied = {call for call, answers in recorder.calls.items() if 403 in answers}
        assert denied == set()
        await stage.send("what nobody understands")
        await put(account, "elsewhere/not-a-log", topic_record(3))
        await (await account.aws.sns()).delete_topic(TopicArn=stage.topic_arn)
        await put(account, KEY.format("nobody-takes-its-alert"), topic_record(4))
        await worker.until(lambda: _all_provoked(recorder))
    async with client(account.endpoint, "iam") as iam:
        role = stack.outputs["TaskRoleArn"].rpartition("/")[2]
        policy = (await iam.get_role_policy(RoleName=role, PolicyName="worker"))["PolicyDocument"]
    names = names_of(stack)
    assert granted(policy["Statement"], names) == needed(recorder.calls, names) | WORKER_INDIRECT.keys()


def _all_provoked(recorder: Recorder) -> bool:
    return {"s3:ListObjectsV2", "sqs:SendMessageBatch", "dynamodb:DeleteItem"} <= recorder.operations
