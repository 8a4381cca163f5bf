"""The fate of every sample envelope, fixed: ``delivery outcome`` for each delivery that Lambda's event holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trailstream.decode.invocation import read_invocation
from trailstream.decode.notices import read_notice
from trailstream.model.errors import NotUnderstoodError

ENVELOPES = Path(__file__).parents[4] / "shared" / "data" / "envelopes"

# fmt: off
FATES: dict[str, list[str]] = {
    "aws_lambda_developer_guide/apigateway-v1.json": ["not understood"],
    "aws_lambda_developer_guide/apigateway-v2.json": ["not understood"],
    "aws_lambda_developer_guide/cloudfront.json": ["not understood"],
    "aws_lambda_developer_guide/cloudwatch-logs.json": ["not understood"],
    "aws_lambda_developer_guide/cloudwatch-scheduled.json": ["not understood"],
    "aws_lambda_developer_guide/codecommit-push.json": ["not understood"],
    "aws_lambda_developer_guide/cognito-sync.json": ["not understood"],
    "aws_lambda_developer_guide/config-rule.json": ["not understood"],
    "aws_lambda_developer_guide/dynamodb-record.json": ["not understood"],
    "aws_lambda_developer_guide/firehose-record.json": ["not understood"],
    "aws_lambda_developer_guide/kinesis-record.json": ["not understood"],
    "aws_lambda_developer_guide/lex-flowers.json": ["not understood"],
    "aws_lambda_developer_guide/s3-notification.json": ["read BUCKET_NAME/inbound/sample-java-s3.png"],
    "aws_lambda_developer_guide/sns-notification.json": ["not understood"],
    "aws_lambda_developer_guide/sqs-record.json": ["not understood"],
    "cloudtrail_rs/eventbridge-object-annotation-created.json": ["skip not_created"],
    "cloudtrail_rs/eventbridge-object-created-plus-key.json": ["read ct-siem-sync/my+file.json.gz"],
    "cloudtrail_rs/eventbridge-object-created-unsupported-version.json": ["not understood"],
    "cloudtrail_rs/eventbridge-object-created.json": ["read amzn-s3-demo-bucket1/example-key"],
    "cloudtrail_rs/eventbridge-object-deleted.json": ["skip not_created"],
    "cloudtrail_rs/eventbridge-object-restore-completed.json": ["skip not_created"],
    "cloudtrail_rs/s3-event-object-created.json": ["read lambda-artifacts-deafc19498e3f2df/b21b84d653bb07b05b1e6b33684dc11b"],
    "cloudtrail_rs/s3-event-urlencoded-key.json": ["read ct-siem-sync/my file=a.json.gz"],
    "cloudtrail_rs/s3-test-event.json": ["skip test_event"],
    "cloudtrail_rs/sns-s3-event.json": ["read lambda-artifacts-deafc19498e3f2df/b21b84d653bb07b05b1e6b33684dc11b"],
    "cloudtrail_rs/sns-s3-test-event.json": ["skip test_event"],
    "cloudtrail_rs/sqs-batch-partial-garbage.json": ["read lambda-artifacts-deafc19498e3f2df/b21b84d653bb07b05b1e6b33684dc11b", "not understood", "read ct-siem-sync/second-sibling-object.json.gz"],
    "cloudtrail_rs/sqs-s3-event.json": ["read lambda-artifacts-deafc19498e3f2df/b21b84d653bb07b05b1e6b33684dc11b"],
    "cloudtrail_rs/sqs-sns-event.json": ["read lambda-artifacts-deafc19498e3f2df/b21b84d653bb07b05b1e6b33684dc11b"],
    "datadog_serverless_functions/sqs_s3.json": ["read my-bucket/my-key.log"],
    "datadog_serverless_functions/sqs_sns_s3.json": ["read my-bucket/my-key.log"],
    "lambda_promtail/cloudwatch-logs-event.json": ["not understood"],
    "lambda_promtail/kinesis-event.json": ["not understood"],
    "lambda_promtail/s3-event-generated-tags.json": ["read aws-landing-zone-logs-000000000000-eu-central-1/AWSLogs/000000000000/CloudTrail/us-east-1/2026/07/16/example_CloudTrail_us-east-1.json.gz"],
    "lambda_promtail/s3-event.json": ["read sourcebucket/Happy Face.jpg"],
    "lambda_promtail/s3-test-event.json": ["skip test_event"],
    "lambda_promtail/sns-event.json": ["not understood"],
    "lambda_promtail/sqs-event.json": ["not understood"],
    "powertools_lambda_python/eventBridgeEvent.json": ["not understood"],
    "powertools_lambda_python/kinesisFirehoseKinesisEvent.json": ["not understood"],
    "powertools_lambda_python/kinesisFirehosePutEvent.json": ["not understood"],
    "powertools_lambda_python/kinesisFirehoseSQSEvent.json": ["not understood"],
    "powertools_lambda_python/s3BatchOperationEventSchemaV1.json": ["not understood"],
    "powertools_lambda_python/s3BatchOperationEventSchemaV2.json": ["not understood"],
    "powertools_lambda_python/s3Event.json": ["read lambda-artifacts-deafc19498e3f2df/b21b84d653bb07b05b1e6b33684dc11b"],
    "powertools_lambda_python/s3EventBridgeNotificationObjectCreatedEvent.json": ["read example-bucket/IMG_m7fzo3.jpg"],
    "powertools_lambda_python/s3EventBridgeNotificationObjectDeletedEvent.json": ["skip not_created"],
    "powertools_lambda_python/s3EventBridgeNotificationObjectExpiredEvent.json": ["skip not_created"],
    "powertools_lambda_python/s3EventBridgeNotificationObjectRestoreCompletedEvent.json": ["skip not_created"],
    "powertools_lambda_python/s3EventDecodedKey.json": ["read sourcebucket/Happy Face.jpg"],
    "powertools_lambda_python/s3EventDeleteObject.json": ["skip not_created"],
    "powertools_lambda_python/s3EventGlacier.json": ["read lambda-artifacts-deafc19498e3f2df/b21b84d653bb07b05b1e6b33684dc11b"],
    "powertools_lambda_python/s3ObjectEventIAMUser.json": ["not understood"],
    "powertools_lambda_python/s3ObjectEventTempCredentials.json": ["not understood"],
    "powertools_lambda_python/s3SqsEvent.json": ["read xxx/test.pdf"],
    "powertools_lambda_python/snsEvent.json": ["not understood"],
    "powertools_lambda_python/snsSqsEvent.json": ["not understood"],
    "powertools_lambda_python/snsSqsFifoEvent.json": ["not understood"],
    "powertools_lambda_python/sqsDlqTriggerEvent.json": ["not understood"],
    "powertools_lambda_python/sqsEvent.json": ["not understood", "not understood"],
}
# fmt: on


def fate(body: str) -> str:
    try:
        notice = read_notice(body)
    except NotUnderstoodError:
        return "not understood"
    parts = [
        *(f"read {ref.bucket}/{ref.key}" for ref in notice.objects),
        *("record" for _ in notice.records),
        *(f"skip {skip.reason}" for skip in notice.skipped),
        *("refuse" for _ in notice.not_understood),
    ]
    return ", ".join(parts)


def fates(path: Path) -> list[str]:
    event = json.loads(path.read_text())
    return [fate(delivery.body) for delivery in read_invocation(event, request_id="r", received_at=0).deliveries]


@pytest.mark.parametrize(("name", "expected"), FATES.items())
def test_a_sample_envelope_has_the_fate_that_this_table_gives_it(name: str, expected: list[str]) -> None:
    if not ENVELOPES.is_dir():
        pytest.skip(f"the sample envelopes are not at {ENVELOPES}")
    assert fates(ENVELOPES / name) == expected


def test_no_sample_envelope_is_without_a_fate() -> None:
    if not ENVELOPES.is_dir():
        pytest.skip(f"the sample envelopes are not at {ENVELOPES}")
    present = {str(path.relative_to(ENVELOPES)) for path in ENVELOPES.rglob("*") if path.is_file()}
    assert present == set(FATES)
