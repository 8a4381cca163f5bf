"""The scripts of the how-to pages do what the pages say, with the real AWS CLI on the local endpoint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from endpoint import Endpoint, running_endpoint
from shell import Shell, steps
from trailstream.bootstrap.rules import load_rules
from trailstream.decode.notices import read_notice

pytestmark = [
    pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed"),
    pytest.mark.timeout(300),  # each call of the AWS CLI starts a process that takes a second
]

PREFIX = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running_endpoint(tmp_path_factory.mktemp("endpoint")) as running:
        yield running


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
async def test_telling_the_queue_again_names_every_object_once(tmp_path: Path, endpoint: Endpoint) -> None:
    keys = {f"{PREFIX}an object+{number}.json.gz" for number in range(23)}
    async with endpoint.clients() as aws:
        s3, sqs = await aws.s3(), await aws.sqs()
        await s3.create_bucket(Bucket="trail")
        for key in (*keys, "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/21/another-day.json.gz"):
            await s3.put_object(Bucket="trail", Key=key, Body=b"x")
        url = (await sqs.create_queue(QueueName="again"))["QueueUrl"]
        (script,) = steps("backfill.md")
        Shell(tmp_path, endpoint, BUCKET="trail", PREFIX=PREFIX, QUEUE_URL=url).run(script)
        answer = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    notices = [read_notice(message["Body"]) for message in answer["Messages"]]
    assert sorted(len(notice.objects) for notice in notices) == [3, 10, 10]
    assert {ref.key for notice in notices for ref in notice.objects} == keys
    assert {ref.bucket for notice in notices for ref in notice.objects} == {"trail"}


def test_the_patterns_of_eventbridge_rules_become_rules(tmp_path: Path, endpoint: Endpoint) -> None:
    shell = Shell(tmp_path, endpoint)
    pattern = {"source": ["aws.iam"], "detail": {"eventName": ["CreateAccessKey"]}}
    shell.run(f"aws events put-rule --region eu-west-1 --name keys --event-pattern '{json.dumps(pattern)}'")
    shell.run("aws events put-rule --region eu-west-1 --name hourly --schedule-expression 'rate(1 hour)'")
    shell.run(steps("migrate-from-eventbridge.md")[0])
    loaded = load_rules(tmp_path / "rules")
    assert [(rule.info.id, rule.info.language) for rule in loaded.rules] == [("eu-west-1.json#keys", "event-pattern")]
    assert not loaded.problems


def test_the_metric_filters_of_a_log_group_become_rules(tmp_path: Path, endpoint: Endpoint) -> None:
    shell = Shell(tmp_path, endpoint, LOG_GROUP="trail")
    shell.run("aws logs create-log-group --log-group-name trail")
    shell.run(
        "aws logs put-metric-filter --log-group-name trail --filter-name root --metric-transformations "
        "metricName=m,metricNamespace=n,metricValue=1 --filter-pattern '{ $.userIdentity.type = \"Root\" }'"
    )
    shell.run(steps("migrate-from-metric-filters.md")[0])
    loaded = load_rules(tmp_path / "rules")
    assert [(rule.info.title, rule.info.language) for rule in loaded.rules] == [("root", "filter-pattern")]
    assert not loaded.problems
