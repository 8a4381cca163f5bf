"""The Lambda handler in a process of its own, as the runtime calls it: one event after another, on one event loop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from endpoint import Endpoint
from lambda_sandbox import Sandbox, put, run_sandbox, s3_event, sqs_event
from samples import CREATE_TOPIC_RULE, topic_record
from stage import BUCKET, Stage, set_stage
from templates.stacks import LAMBDA_FROM_QUEUE, read_template
from trailstream.adapters.aws import AwsClients
from trailstream.model.errors import AlertRefusedError, LedgerUnavailableError, SinkUnavailableError

OWN_ALARMS = {
    "AlertRefusedAlarm": AlertRefusedError,
    "SinkAlarm": SinkUnavailableError,
    "LedgerAlarm": LedgerUnavailableError,
}
"""Of the templates, by what each of them looks for."""


async def invoke(stage: Stage, endpoint: Endpoint, directory: Path, events: Sequence[Any], **variables: str) -> Sandbox:
    (directory / "rules").mkdir()
    (directory / "rules" / "rule.yaml").write_text(CREATE_TOPIC_RULE)
    rules = {"TRAILSTREAM_RULES__DIRECTORY": str(directory / "rules")}
    return await run_sandbox(stage, endpoint, events, rules | variables)


async def test_one_sandbox_answers_one_event_after_another(aws: AwsClients, endpoint: Endpoint, tmp_path: Path) -> None:
    stage = await set_stage(aws)
    for number in range(4):
        await put(aws, f"log-{number}", topic_record(number), topic_record(number, "Publish"))
    sns = {"EventSource": "aws:sns", "Sns": {"Message": json.dumps(s3_event("log-2"))}}
    eventbridge = {
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {"bucket": {"name": BUCKET}, "object": {"key": "log-3"}},
    }
    events = [s3_event("log-0"), sqs_event(s3_event("log-1"), "junk"), {"Records": [sns]}, eventbridge]
    sandbox = await invoke(stage, endpoint, tmp_path, events)
    assert sandbox.answers == [
        {"answer": {}},
        {"answer": {"batchItemFailures": [{"itemIdentifier": "m1"}]}},
        {"answer": {}},
        {"answer": {}},
    ]
    alerts = [message["Message"] for message in await stage.inbox(5, seconds=3)]
    assert len(alerts) == len(set(alerts)) == 4
    assert [line["event"] for line in sandbox.log].count("started") == 1


async def test_a_failure_of_an_asynchronous_event_is_raised_and_the_sandbox_goes_on(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    await put(aws, "good", topic_record(1))
    sandbox = await invoke(stage, endpoint, tmp_path, [s3_event("good", "missing"), s3_event("good")])
    failed, succeeded = sandbox.answers
    assert failed["error"] == "DeliveriesFailedError"
    assert "object_missing" in failed["detail"]
    assert succeeded == {"answer": {}}
    assert len(await stage.inbox(3, seconds=2)) == 2


async def test_metrics_are_written_for_cloudwatch_after_each_event(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    await put(aws, "log", topic_record(1), topic_record(2))
    sandbox = await invoke(stage, endpoint, tmp_path, [s3_event("log")])
    sent = [
        line["trailstream_sent_alerts_total"] for line in sandbox.metrics if "trailstream_sent_alerts_total" in line
    ]
    assert sent == [2]
    for line in sandbox.metrics:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "trailstream"
        assert line["function"] == "trailstream"


async def test_the_alarms_of_the_templates_look_at_what_the_function_writes(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    resources = read_template(LAMBDA_FROM_QUEUE)["Resources"]
    variables = resources["Function"]["Properties"]["Environment"]["Variables"]
    given = {name: value for name, value in variables.items() if name.startswith("TRAILSTREAM_TELEMETRY__")}
    broken = {"TRAILSTREAM_LEDGER__DYNAMODB__TABLE": "not-there", "TRAILSTREAM_ALERTS__PATIENCE_SECONDS": "0"}
    stage = await set_stage(aws)
    await put(aws, "log", topic_record(1))
    sandbox = await invoke(stage, endpoint, tmp_path, [sqs_event(s3_event("log"))], **given, **broken)
    (line,) = (line for line in sandbox.metrics if line.get("code") == LedgerUnavailableError.code)
    (written,) = line["_aws"]["CloudWatchMetrics"]
    for name, error in OWN_ALARMS.items():
        alarm = resources[name]["Properties"]
        dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        assert dimensions == {"function": {"Ref": "Function"}, "stage": error.stage, "code": error.code}
        assert list(dimensions) in written["Dimensions"]
        assert alarm["Namespace"] == written["Namespace"]
        assert alarm["MetricName"] in {metric["Name"] for metric in written["Metrics"]}


@pytest.mark.parametrize(
    ("name", "value"), [("TRAILSTREAM_SINKS__SNS__TOPIC_ARN", "nope"), ("TRAILSTREAM_RULSE__X", "1")]
)
async def test_a_configuration_that_is_not_usable_fails_the_invocation_with_every_problem(
    name: str, value: str, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    sandbox = await invoke(stage, endpoint, tmp_path, [s3_event("log")], **{name: value})
    (answer,) = sandbox.answers
    assert answer["error"] == "ConfigurationError"
    assert "1 problem with the configuration" in answer["detail"]


async def test_a_function_reads_its_rules_from_a_prefix_in_s3(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    s3 = await aws.s3()
    await s3.create_bucket(Bucket="detections")
    rule = b"id: topic-deleted\ntitle: Deleted\nseverity: low\npattern: {eventName: [DeleteTopic]}\n"
    await s3.put_object(Bucket="detections", Key="rules/deleted.yaml", Body=rule)
    await put(aws, "log", topic_record(1), topic_record(2, "DeleteTopic"))
    prefix = {"TRAILSTREAM_RULES__DIRECTORY": "s3://detections/rules/"}
    await invoke(stage, endpoint, tmp_path, [s3_event("log")], **prefix)
    (message,) = await stage.inbox(2, seconds=2)
    assert message["MessageAttributes"]["rule"]["Value"] == "topic-deleted"
