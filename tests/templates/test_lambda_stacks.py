"""The Lambda templates: their stacks, with the package that ``make lambda-zip`` makes, really run by the endpoint."""

from __future__ import annotations

import asyncio
import gzip
import platform
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lambda_package import build, build_zip
from samples import topic_record
from templates.account import (
    ALERT_QUEUE,
    BUCKET,
    COUNTED,
    KEY,
    READ_WITH_THEIR_ROLE,
    THEIR_BUCKET,
    THEIR_KEY,
    THEIR_ROLE,
    THEIRS,
    Account,
    LogAccount,
    names_of,
    queue_arn,
    rules_that_count,
)
from templates.permissions import (
    ALERT_QUEUE_INDIRECT,
    FUNCTION_BEHIND_A_QUEUE_INDIRECT,
    FUNCTION_OF_A_BUCKET_INDIRECT,
    granted,
    needed,
)
from templates.recorder import Call, Recorder, recorded
from templates.stacks import ACCOUNT, LAMBDA_FROM_BUCKET, LAMBDA_FROM_QUEUE, CreatedStack, client, create_stack

CODE_BUCKET, CODE_KEY = "code", "trailstream-lambda.zip"
CODE = {"CodeBucket": CODE_BUCKET, "CodeKey": CODE_KEY}
ZIPPED = {**CODE, "BatchWindowSeconds": "0"}
SETTINGS = "[alerts]\nbudget = 2\n"
"""In the package, for the stacks that are told of it."""


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For this interpreter, which is what the endpoint runs functions with, whatever their runtime says."""
    arch = next(name for name, machine in build_zip.MACHINES.items() if machine == platform.machine())
    target = build_zip.Target(arch, f"{sys.version_info.major}.{sys.version_info.minor}", sys.executable)
    directory = tmp_path_factory.mktemp("package")
    config = directory / "settings.toml"
    config.write_text(SETTINGS)
    return build(target, directory / CODE_KEY, rules=rules_that_count(directory), config=config)


async def upload(account: Account, package: Path) -> None:
    s3 = await account.aws.s3()
    await s3.create_bucket(Bucket=CODE_BUCKET)
    await s3.put_object(Bucket=CODE_BUCKET, Key=CODE_KEY, Body=await asyncio.to_thread(package.read_bytes))


@asynccontextmanager
async def function(account: Account, stack: CreatedStack, **changes: str) -> AsyncIterator[Recorder]:
    """Let the stack's function find the endpoint, behind a recorder."""
    await account.allow_batches(stack.outputs["FunctionRoleArn"], "function")
    async with recorded(account.endpoint) as recorder, client(account.endpoint, "lambda") as functions:
        name = stack.outputs["FunctionName"]
        environment = (await functions.get_function_configuration(FunctionName=name))["Environment"]["Variables"]
        more = {"TRAILSTREAM_AWS__ENDPOINT_URL": recorder.url} | changes
        await functions.update_function_configuration(FunctionName=name, Environment={"Variables": environment | more})
        yield recorder


async def let_it_poll(account: Account, stack: CreatedStack) -> None:
    """Number the concurrency: the endpoint keeps it as the template's text, and then cannot poll.

    And let a message show again soon, for on a busy machine the endpoint fails a call now and then.
    """
    sqs = await account.aws.sqs()
    await sqs.set_queue_attributes(QueueUrl=stack.outputs["QueueUrl"], Attributes={"VisibilityTimeout": "10"})
    async with client(account.endpoint, "lambda") as functions:
        mapping = await functions.get_event_source_mapping(UUID=stack.resources["Messages"])
        number = int(mapping["ScalingConfig"]["MaximumConcurrency"])
        await functions.update_event_source_mapping(
            UUID=stack.resources["Messages"], ScalingConfig={"MaximumConcurrency": number}
        )


async def until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what another process does is only to be asked
            await asyncio.sleep(0.05)


async def test_behind_a_queue_the_function_alerts_and_may_do_what_it_does_and_nothing_else(
    account: Account, package: Path
) -> None:
    await upload(account, package)
    await account.alert_queue()
    buckets = {"LogBucketArns": f"arn:aws:s3:::{BUCKET}"}
    parameters = {**ZIPPED, **ALERT_QUEUE, **buckets, "SettingsFile": "trailstream.toml"}
    stack = await create_stack(account.endpoint, "trailstream", LAMBDA_FROM_QUEUE, parameters)
    await let_it_poll(account, stack)
    stage = await account.with_inbox(stack)
    async with function(account, stack) as recorder:
        await account.tell_the_queue(stack)
        await account.put(KEY.format("plain"), topic_record(1))
        assert len(await stage.inbox(1, seconds=80)) == 1
        await (await account.aws.s3()).put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
        )
        await account.put(KEY.format("versioned"), *map(topic_record, range(2, 5)), topic_record(9, COUNTED))
        assert len(await stage.inbox(2, seconds=80)) >= 2  # each sandbox has a budget of its own
        await until(lambda: "dynamodb:TransactWriteItems" in recorder.operations)
        await stage.send("what nobody understands")
        await until(lambda: Call("sqs:SendMessageBatch", queue_arn(stack, "ReasonQueue")) in recorder.calls)
        await until(lambda: "dynamodb:DeleteItem" in recorder.operations)
        assert {call for call, answers in recorder.calls.items() if 403 in answers} == set()
        await account.put("somebody/else.json.gz", topic_record(5))
        await until(lambda: "s3:ListObjectsV2" in recorder.operations)
    names = names_of(stack)
    statements = await account.statements(stack.outputs["FunctionRoleArn"], "function")
    indirect = FUNCTION_BEHIND_A_QUEUE_INDIRECT.keys() | ALERT_QUEUE_INDIRECT.keys()
    assert granted(statements, names) == needed(recorder.calls, names) | indirect


async def test_the_bucket_of_another_account_is_read_with_the_role_that_its_owner_made_for_that(
    account: Account, package: Path
) -> None:
    await upload(account, package)
    buckets = {"LogBucketArns": f"arn:aws:s3:::{BUCKET},arn:aws:s3:::{THEIR_BUCKET}"}
    parameters = {**ZIPPED, **buckets, "LogBucketAccounts": f"{ACCOUNT},{THEIRS}", **READ_WITH_THEIR_ROLE}
    stack = await create_stack(account.endpoint, "trailstream", LAMBDA_FROM_QUEUE, parameters)
    await let_it_poll(account, stack)
    theirs = LogAccount(account.endpoint)
    await theirs.furnish(stack.outputs["FunctionRoleArn"])
    stage = await account.with_inbox(stack)
    async with function(account, stack) as recorder:
        await theirs.tell(stack.outputs["QueueArn"])
        await theirs.put(THEIR_KEY.format("plain"), topic_record(1))
        assert len(await stage.inbox(1, seconds=80)) == 1
        assert recorder.calls[Call("sts:AssumeRole", THEIR_ROLE)] == {200}


async def test_of_a_batch_only_what_failed_comes_again(account: Account, package: Path) -> None:
    await upload(account, package)
    parameters = {**ZIPPED, "LogBucketArns": f"arn:aws:s3:::{BUCKET}"}
    stack = await create_stack(account.endpoint, "trailstream", LAMBDA_FROM_QUEUE, parameters)
    await let_it_poll(account, stack)
    stage = await account.with_inbox(stack)
    async with function(account, stack):
        await stage.send("what nobody understands")
        await account.tell_the_queue(stack)
        await account.put(KEY.format("good"), topic_record(1))
        assert len(await stage.inbox(1, seconds=80)) == 1

        async with asyncio.timeout(20):
            while await stage.counts(stage.queue_url) != (0, 1):  # noqa: ASYNC110 - SQS is only to be asked
                await asyncio.sleep(0.1)


async def test_a_bucket_invokes_the_function_and_what_fails_for_good_is_kept(account: Account, package: Path) -> None:
    await upload(account, package)
    await account.alert_queue()
    bucket = {"LogBucketArn": f"arn:aws:s3:::{BUCKET}"}
    parameters = {**CODE, **ALERT_QUEUE, **bucket, "SettingsFile": "trailstream.toml"}
    stack = await create_stack(account.endpoint, "trailstream", LAMBDA_FROM_BUCKET, parameters)
    stage = await account.with_inbox(stack)
    async with function(account, stack) as recorder:
        invoked = {"LambdaFunctionArn": stack.outputs["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}
        await account.notify(LambdaFunctionConfigurations=[invoked])
        await account.put(KEY.format("plain"), topic_record(1))
        assert len(await stage.inbox(1, seconds=80)) == 1
        await (await account.aws.s3()).put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
        )
        await account.put(KEY.format("versioned"), *map(topic_record, range(2, 5)), topic_record(9, COUNTED))
        assert len(await stage.inbox(2, seconds=80)) >= 2  # each sandbox has a budget of its own
        assert {call for call, answers in recorder.calls.items() if 403 in answers} == set()
        await until(lambda: "dynamodb:TransactWriteItems" in recorder.operations)
        await account.put_bytes(KEY.format("cut"), gzip.compress(b"{}")[:-4])
        await until(lambda: Call("sqs:SendMessageBatch", queue_arn(stack, "ReasonQueue")) in recorder.calls)
        sqs = await account.aws.sqs()
        kept = await sqs.receive_message(QueueUrl=stage.dead_letter_url, WaitTimeSeconds=20)
        assert "cut.json.gz" in kept["Messages"][0]["Body"]
        await account.put("somebody/else.json.gz", topic_record(5))
        await until(lambda: "s3:ListObjectsV2" in recorder.operations)
    names = names_of(stack)
    statements = await account.statements(stack.outputs["FunctionRoleArn"], "function")
    indirect = FUNCTION_OF_A_BUCKET_INDIRECT.keys() | ALERT_QUEUE_INDIRECT.keys()
    assert granted(statements, names) == needed(recorder.calls, names) | indirect


async def test_a_function_that_cannot_start_rings_an_alarm(account: Account, package: Path) -> None:
    await upload(account, package)
    topic = (await (await account.aws.sns()).create_topic(Name="operations"))["TopicArn"]
    parameters = {**CODE, "LogBucketArn": f"arn:aws:s3:::{BUCKET}", "OperationsTopicArn": topic}
    stack = await create_stack(account.endpoint, "trailstream", LAMBDA_FROM_BUCKET, parameters)
    async with (
        function(account, stack, TRAILSTREAM_ALERTS__BUDGET="none"),
        client(account.endpoint, "lambda") as functions,
        client(account.endpoint, "cloudwatch") as cloudwatch,
    ):
        answer = await functions.invoke(FunctionName=stack.outputs["FunctionName"], Payload=b"{}")
        assert "alerts.budget" in (await answer["Payload"].read()).decode()
        # The endpoint looks at its alarms whenever somebody puts a value of whatever metric.
        await cloudwatch.put_metric_data(Namespace="any", MetricData=[{"MetricName": "any", "Value": 0}])
        alarms = {each["AlarmName"]: each for each in (await cloudwatch.describe_alarms())["MetricAlarms"]}
        for name in ("ErrorAlarm", "ThrottleAlarm", "SilenceAlarm"):
            alarm = alarms[stack.resources[name]]
            looked_at = {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}
            assert len((await cloudwatch.list_metrics(**looked_at))["Metrics"]) == 1
            assert alarm["AlarmActions"] == [topic]
            assert alarm["StateValue"] == ("ALARM" if name == "ErrorAlarm" else "OK")
