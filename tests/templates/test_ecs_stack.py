"""The ECS template: its stack on an endpoint that enforces permissions, and the worker as its task definition says."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from endpoint import REGION, ROOT, Endpoint, free_port, wiped_environment
from samples import CREATE_TOPIC_RULE, topic_record
from stage import WorkerProcess, running_worker
from templates.account import (
    ALERT_QUEUE,
    BUCKET,
    COLLECTOR,
    COUNTED,
    EXTERNAL_ID,
    KEY,
    READ_WITH_THEIR_ROLE,
    THEIR_BUCKET,
    THEIR_KEY,
    THEIR_ROLE,
    THEIRS,
    Account,
    LogAccount,
    as_the_endpoint_names_it,
    document,
    names_of,
    queue_arn,
    rules_that_count,
)
from templates.permissions import (
    ACTION_OF,
    ALERT_QUEUE_INDIRECT,
    COLLECTOR_INDIRECT,
    DEAD_LETTERS_INDIRECT,
    WORKER_INDIRECT,
    Permission,
    granted,
    needed,
)
from templates.recorder import Call, Recorder, recorded
from templates.stacks import ACCOUNT, ECS, TRAIL, CreatedStack, client, create_stack
from trailstream.adapters.aws import AwsClients

REQUIRED = {
    "LogBucketArns": f"arn:aws:s3:::{BUCKET}",
    "ImageRepositoryArn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/security/trailstream",
    "ImageDigest": f"sha256:{'0' * 64}",
}
IN_A_FILE = {"SettingsFile": "/etc/trailstream/trailstream.toml"}
THEIR_BUCKET_IN_A_FILE = f"""\
[logs.buckets.{THEIR_BUCKET}]
account = "{THEIRS}"
role_arn = "{THEIR_ROLE}"
external_id = "{EXTERNAL_ID}"
"""
COLLECTOR_CONFIG = ROOT / "deploy" / "prometheus" / "otel-collector.yaml"
PROGRAM = Path(sys.executable).parent / "trailstream"


async def created(account: Account, **parameters: str) -> CreatedStack:
    async with client(account.endpoint, "ec2") as ec2:
        vpc = (await ec2.create_vpc(CidrBlock="10.0.0.0/16"))["Vpc"]["VpcId"]
        subnet = (await ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24"))["Subnet"]["SubnetId"]
        table = (await ec2.create_route_table(VpcId=vpc))["RouteTable"]["RouteTableId"]
    async with client(account.endpoint, "servicediscovery") as discovery:
        await discovery.create_private_dns_namespace(Name="internal", Vpc=vpc)
        (namespace,) = (await discovery.list_namespaces())["Namespaces"]
    network = {"VpcId": vpc, "SubnetIds": subnet, "VpcEndpoints": "yes", "RouteTableIds": table}
    required = {**REQUIRED, **network, "NamespaceId": namespace["Id"]}
    return await create_stack(account.endpoint, "trailstream", ECS, required | parameters)


async def containers(account: Account, stack: CreatedStack) -> dict[str, Any]:
    async with client(account.endpoint, "ecs") as ecs:
        answer = await ecs.describe_task_definition(taskDefinition=stack.resources["TaskDefinition"])
    return {each["name"]: each for each in answer["taskDefinition"]["containerDefinitions"]}


def environment_of(container: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["environment"]}


async def environment_of_the_task(account: Account, stack: CreatedStack) -> dict[str, str]:
    return environment_of((await containers(account, stack))["worker"])


@asynccontextmanager
async def task(
    account: Account, stack: CreatedStack, directory: Path, settings: str = "", **changes: str
) -> AsyncIterator[tuple[WorkerProcess, Recorder]]:
    """The worker with the task's environment and credentials, a settings file and nothing else, behind a recorder."""
    role = stack.outputs["TaskRoleArn"]
    await account.allow_batches(role, "worker")
    port = free_port()
    async with recorded(account.endpoint) as recorder:
        variables = {
            **await environment_of_the_task(account, stack),
            **await account.credentials(role),
            # What this machine has in place of AWS's endpoint, the image's rules and a network of the task's own.
            "TRAILSTREAM_AWS__ENDPOINT_URL": recorder.url,
            "TRAILSTREAM_RULES__DIRECTORY": str(ROOT / "deploy" / "rules"),
            "TRAILSTREAM_TELEMETRY__PORT": str(port),
            "TRAILSTREAM_QUEUE__POLL_WAIT_SECONDS": "1",
            **changes,
        }
        async with running_worker(directory, settings, port=port, variables=variables) as worker:
            await worker.until_ready()
            yield worker, recorder


@pytest.mark.parametrize("way", ["s3", "sns", "eventbridge"])
async def test_an_object_gives_an_alert_whoever_tells_of_it(way: str, account: Account, tmp_path: Path) -> None:
    topic = (await (await account.aws.sns()).create_topic(Name="new-objects"))["TopicArn"]
    stack = await created(account, NotificationsFrom=way, **({"NotificationTopicArn": topic} if way == "sns" else {}))
    match way:
        case "s3":
            await account.tell_the_queue(stack)
        case "sns":
            await account.notify(TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}])
        case _:
            await account.notify(EventBridgeConfiguration={})
    stage = await account.with_inbox(stack)
    async with task(account, stack, tmp_path) as (worker, _):
        await account.put(KEY.format("a"), topic_record(1), topic_record(2, "Publish"))
        (alert,) = await stage.inbox(1) or [{"Subject": worker.log}]
        assert "An SNS topic was created" in alert["Subject"]
        await stage.until_empty()
        assert await worker.stopped() == 0


async def test_the_worker_may_do_what_it_does_and_nothing_else(account: Account, tmp_path: Path) -> None:
    await account.alert_queue()
    stack = await created(account, **ALERT_QUEUE, **COLLECTOR)
    await account.tell_the_queue(stack)
    stage = await account.with_inbox(stack)
    changes = {
        "TRAILSTREAM_ALERTS__BUDGET": "2",
        "TRAILSTREAM_RULES__DIRECTORY": str(await asyncio.to_thread(rules_that_count, tmp_path)),
    }
    async with task(account, stack, tmp_path, **changes) as (worker, recorder):
        await account.put(KEY.format("counted"), topic_record(9, COUNTED))
        await worker.until(lambda: "dynamodb:TransactWriteItems" in recorder.operations)
        await account.put(KEY.format("plain"), topic_record(1))
        s3 = await account.aws.s3()
        await s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        await account.put(KEY.format("versioned"), topic_record(2))
        assert len(await stage.inbox(2)) == 2
        await stage.send("what nobody understands")
        await worker.until(lambda: Call("sqs:SendMessageBatch", queue_arn(stack, "ReasonQueue")) in recorder.calls)
        await account.put(KEY.format("more-than-the-budget"), *map(topic_record, range(3, 5)))
        await worker.until(lambda: "dynamodb:DeleteItem" in recorder.operations)
        assert {call for call, answers in recorder.calls.items() if max(answers) >= 400} == set()
        await account.put("somebody/else.json.gz", topic_record(5))
        await worker.until(lambda: "s3:ListObjectsV2" in recorder.operations)
        assert "object_denied" in worker.log
    assert recorder.operations == ACTION_OF.keys() - {"sts:AssumeRole"}
    names = names_of(stack)
    statements = await account.statements(stack.outputs["TaskRoleArn"], "worker")
    indirect = WORKER_INDIRECT.keys() | ALERT_QUEUE_INDIRECT.keys() | COLLECTOR_INDIRECT.keys()
    assert granted(statements, names) == needed(recorder.calls, names) | indirect


async def test_a_queue_of_the_user_s_gets_the_alerts_too(account: Account, tmp_path: Path) -> None:
    queue = await account.alert_queue()
    stack = await created(account, **ALERT_QUEUE)
    await account.tell_the_queue(stack)
    stage = await account.with_inbox(stack)
    async with task(account, stack, tmp_path) as (worker, _):
        await account.put(KEY.format("a"), topic_record(1))
        (alert,) = await stage.inbox(1) or [{"Subject": worker.log}]
        sqs = await account.aws.sqs()
        (message,) = (await sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10))["Messages"]
    assert json.loads(message["Body"])["rule_title"] in alert["Subject"]


async def test_rules_are_read_from_a_prefix_of_a_bucket_where_one_is_named(account: Account, tmp_path: Path) -> None:
    s3 = await account.aws.s3()
    await s3.create_bucket(Bucket="our-rules")
    await s3.put_object(Bucket="our-rules", Key="live/rules/topic.yaml", Body=CREATE_TOPIC_RULE.encode())
    stack = await created(account, RulesBucket="our-rules", RulesPrefix="live/rules/")
    prefix = (await environment_of_the_task(account, stack))["TRAILSTREAM_RULES__DIRECTORY"]
    await account.tell_the_queue(stack)
    stage = await account.with_inbox(stack)
    async with task(account, stack, tmp_path, TRAILSTREAM_RULES__DIRECTORY=prefix) as (worker, recorder):
        await account.put(KEY.format("a"), topic_record(1))
        assert len(await stage.inbox(1)) == 1, worker.log
    read = {call for call in recorder.calls if call.resource.endswith("our-rules")}
    statements = await account.statements(stack.outputs["TaskRoleArn"], "worker")
    of_rules = [each for each in statements if each["Sid"].endswith("Rules")]
    bucket = {"arn:aws:s3:::our-rules/live/rules": "arn:aws:s3:::our-rules"}
    assert granted(of_rules, bucket) == needed(read, {})


async def test_what_is_not_asked_for_is_not_allowed(account: Account) -> None:
    stack = await created(account)
    of_the_task = await containers(account, stack)
    assert of_the_task.keys() == {"worker"}
    assert of_the_task["worker"]["command"] == ["worker"]
    statements = await account.statements(stack.outputs["TaskRoleArn"], "worker")
    resources = {permission.resource for permission in granted(statements, names_of(stack))}
    assert not resources & {"AlertQueue", "AlertQueueKey", "Workspace"}


async def test_a_file_of_the_image_says_what_the_stack_was_not_told(account: Account, tmp_path: Path) -> None:
    stack = await created(account, **IN_A_FILE, Slots="7")
    command = (await containers(account, stack))["worker"]["command"]
    assert command == ["worker", "--config", IN_A_FILE["SettingsFile"]]
    stage = await account.with_inbox(stack)
    settings = (
        f'[logs.buckets]\n{THEIR_BUCKET} = "{THEIRS}"\n[telemetry]\naccounts = ["{THEIRS}"]\n[queue]\nslots = 9\n'
    )
    async with task(account, stack, tmp_path, settings) as (worker, _):
        assert await worker.metric(f'trailstream_watched_account{{account="{THEIRS}"}}') == 1
        assert await worker.metric("trailstream_delivery_slots ") == 7, "what the stack sets wins"
        await account.tell_the_queue(stack)
        await account.put(KEY.format("a"), topic_record(1))
        await worker.until(lambda: "not_allowed" in worker.log)
    assert await stage.inbox(1, seconds=0) == []


async def test_a_collector_beside_the_worker_writes_its_metrics_to_the_workspace(account: Account) -> None:
    stack = await created(account, **COLLECTOR)
    both = await containers(account, stack)
    assert both.keys() == {"worker", "collector"}
    collector = both["collector"]
    environment = environment_of(collector)
    assert collector["image"].endswith(f"/aws-otel-collector@{COLLECTOR['CollectorDigest']}")
    assert environment["JOB"] == "trailstream/trailstream"
    assert environment["WORKSPACE_REGION"] == "eu-west-1"
    assert environment["REMOTE_WRITE_URL"] == (
        "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0123abcd/api/v1/remote_write"
    )
    assert yaml.safe_load(environment["AOT_CONFIG_CONTENT"]) == yaml.safe_load(COLLECTOR_CONFIG.read_text())


@pytest.mark.parametrize(
    ("parameters", "settings"),
    [
        (READ_WITH_THEIR_ROLE, ""),
        ({**IN_A_FILE, "LogRoleArns": THEIR_ROLE.replace(THEIRS, "*")}, THEIR_BUCKET_IN_A_FILE),
    ],
    ids=["parameters", "file"],
)
async def test_the_bucket_of_another_account_is_read_with_the_role_that_its_owner_made_for_that(
    parameters: Mapping[str, str], settings: str, account: Account, tmp_path: Path
) -> None:
    buckets = {"LogBucketArns": f"arn:aws:s3:::{BUCKET},arn:aws:s3:::{THEIR_BUCKET}"}
    stack = await created(account, **buckets, LogBucketAccounts=f"{ACCOUNT},{THEIRS}", **parameters)
    theirs = LogAccount(account.endpoint)
    assert (await theirs.furnish(stack.outputs["TaskRoleArn"])).outputs["RoleArn"] == THEIR_ROLE
    await theirs.tell(stack.outputs["QueueArn"])
    stage = await account.with_inbox(stack)
    async with task(account, stack, tmp_path, settings) as (worker, recorder):
        await theirs.put(THEIR_KEY.format("plain"), topic_record(1))
        assert len(await stage.inbox(1)) == 1, worker.log
        assert recorder.calls[Call("sts:AssumeRole", THEIR_ROLE)] == {200}
        await theirs.put("somebody/else.json.gz", topic_record(2))
        await worker.until(lambda: "s3:ListObjectsV2" in recorder.operations)
        assert "object_denied" in worker.log
    ours = granted(await account.statements(stack.outputs["TaskRoleArn"], "worker"), {})
    assert {each for each in ours if each.action.startswith("sts:")} == {
        Permission("sts:AssumeRole", parameters["LogRoleArns"])
    }
    read = {call for call in recorder.calls if call.resource.endswith(THEIR_BUCKET)}
    of_a_version = Permission("s3:GetObjectVersion", f"arn:aws:s3:::{THEIR_BUCKET}")
    assert granted(await theirs.statements(), {}) == needed(read, {}) | {of_a_version}


async def test_a_trail_with_its_bucket_notifies_and_is_read(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    """On an endpoint that enforces nothing: it has no TLS, without which the bucket lets nobody in."""
    account = Account(endpoint, aws)
    stack = await created(account, LogBucketArns="arn:aws:s3:::all-logs")
    trail = {
        "BucketName": "all-logs",
        "OrganizationId": "o-abcdefghij",
        "QueueArn": stack.outputs["QueueArn"],
        "ReaderRoleArn": stack.outputs["TaskRoleArn"],
    }
    await create_stack(endpoint, "trail", TRAIL, trail)
    stage = await account.with_inbox(stack)
    async with task(account, stack, tmp_path) as (worker, _):
        await account.put(f"AWSLogs/o-abcdefghij/{KEY.partition('/')[2]}", topic_record(1), bucket="all-logs")
        assert len(await stage.inbox(1)) == 1, worker.log


async def test_who_looks_after_dead_letters_may_do_that_and_nothing_else(account: Account) -> None:
    stack = await created(account)
    sqs = await account.aws.sqs()
    await sqs.send_message(QueueUrl=stack.outputs["DeadLetterQueueUrl"], MessageBody="given up")
    await sqs.send_message(QueueUrl=stack.outputs["ReasonQueueUrl"], MessageBody="of something else")
    async with client(account.endpoint, "iam") as iam:
        arn = stack.outputs["DeadLetterPolicyArn"]
        await iam.create_user(UserName="operator")
        await iam.attach_user_policy(UserName="operator", PolicyArn=arn)
        policy = (await iam.get_policy_version(PolicyArn=arn, VersionId="v1"))["PolicyVersion"]["Document"]
        batches = document(*as_the_endpoint_names_it(policy["Statement"]))
        await iam.put_user_policy(UserName="operator", PolicyName="batches", PolicyDocument=batches)
        key = (await iam.create_access_key(UserName="operator"))["AccessKey"]
    async with recorded(account.endpoint) as recorder:
        variables = {
            **await environment_of_the_task(account, stack),
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "TRAILSTREAM_AWS__ENDPOINT_URL": recorder.url,
        }
        assert len(json.loads(await dlq(variables, "list", "--format", "json"))["messages"]) == 1
        await dlq(variables, "redrive", "--all")
    moved = (await sqs.receive_message(QueueUrl=stack.outputs["QueueUrl"], WaitTimeSeconds=1))["Messages"]
    assert [message["Body"] for message in moved] == ["given up"]
    names = names_of(stack)
    assert granted(policy["Statement"], names) == needed(recorder.calls, names) | DEAD_LETTERS_INDIRECT.keys()


async def dlq(variables: dict[str, str], *arguments: str) -> bytes:
    done = await asyncio.to_thread(
        subprocess.run,
        [str(PROGRAM), "dlq", *arguments],
        env=wiped_environment() | variables,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
