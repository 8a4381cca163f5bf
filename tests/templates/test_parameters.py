"""A parameter that cannot work is refused before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from templates.account import ALERT_QUEUE, BUCKET, COLLECTOR, Account
from templates.stacks import (
    ECS,
    LAMBDA_FROM_BUCKET,
    LAMBDA_FROM_QUEUE,
    READER_ROLE,
    TRAIL,
    StackRefusedError,
    create_stack,
)

ARN = f"arn:aws:s3:::{BUCKET}"
DIGEST = f"sha256:{'0' * 64}"
REPOSITORY = "arn:aws:ecr:us-east-1:111122223333:repository/trailstream"
ROLE = "arn:aws:iam::444455556666:role/trailstream-reads-logs"
TOPIC = "arn:aws:sns:us-east-1:111122223333:new-objects"
ZIP = {"CodeBucket": "code", "CodeKey": "trailstream-lambda-arm64.zip"}
QUEUE_KEY = ALERT_QUEUE["AlertQueueKeyArn"]
IMAGE = {"Package": "image", "ImageRepositoryArn": REPOSITORY, "ImageDigest": DIGEST}

GOOD = {
    ECS: {
        "LogBucketArns": ARN,
        "ImageRepositoryArn": REPOSITORY,
        "ImageDigest": DIGEST,
        "VpcId": "vpc-0",
        "SubnetIds": "subnet-0",
    },
    LAMBDA_FROM_QUEUE: {"LogBucketArns": ARN, **ZIP},
    LAMBDA_FROM_BUCKET: {"LogBucketArn": ARN, **ZIP},
    TRAIL: {
        "BucketName": "another-bucket",
        "QueueArn": "arn:aws:sqs:us-east-1:111122223333:trailstream-log-objects",
        "ReaderRoleArn": "arn:aws:iam::111122223333:role/trailstream",
    },
    READER_ROLE: {
        "TrustedRoleArn": "arn:aws:iam::111122223333:role/trailstream",
        "ExternalId": "trailstream-1f6c",
        "LogBucketArns": ARN,
    },
}

REFUSED = [
    (ECS, {"LogBucketArns": f"{ARN}, arn:aws:s3:::Upper"}, "LogBucketArns"),
    (ECS, {"LogBucketArns": f"{ARN}/*"}, "LogBucketArns"),
    (ECS, {"LogBucketAccounts": "12345678901"}, "LogBucketAccounts"),
    (ECS, {"LogBucketAccounts": "own,111122223333"}, "LogBucketAccounts must be own, or account ids"),
    (ECS, {"LogKeyArns": "arn:aws:kms:eu-west-1:111122223333:alias/logs"}, "LogKeyArns"),
    *(
        (path, {"LogRoleArns": ROLE}, "so LogBuckets or a SettingsFile must say which buckets they read")
        for path in (ECS, LAMBDA_FROM_QUEUE, LAMBDA_FROM_BUCKET)
    ),
    (ECS, {"LogRoleArns": f"none,{ROLE}", "LogBuckets": "{...}"}, "LogRoleArns must be none, or ARNs"),
    (ECS, {"LogRoleArns": "arn:aws:iam::444455556666:user/reader", "LogBuckets": "{...}"}, "LogRoleArns"),
    (ECS, {"LogBuckets": "trail-of-a"}, "LogBuckets"),
    (ECS, {"NotificationsFrom": "email"}, "NotificationsFrom"),
    (ECS, {"NotificationsFrom": "sns"}, "so NotificationTopicArn must be given"),
    (ECS, {"NotificationTopicArn": TOPIC}, "so NotificationsFrom must be sns"),
    (ECS, {"NotificationsFrom": "sns", "NotificationTopicArn": f"{TOPIC}.fifo"}, "NotificationTopicArn"),
    (ECS, {"ImageRepositoryArn": "111122223333.dkr.ecr.us-east-1.amazonaws.com/a"}, "ImageRepositoryArn"),
    (ECS, {"ImageDigest": "latest"}, "ImageDigest"),
    (ECS, {"RulesBucket": "s3://rules"}, "RulesBucket"),
    (ECS, {"RulesBucket": "our-rules", "RulesPrefix": "rules"}, "RulesPrefix"),
    (ECS, {"CpuArchitecture": "arm64"}, "CpuArchitecture"),
    (ECS, {"TaskCpu": "2048"}, "TaskCpu"),
    (ECS, {"Slots": "1001"}, "Slots"),
    (ECS, {"SettingsFile": "trailstream.toml"}, "SettingsFile"),
    (ECS, {"SettingsFile": "/etc/trailstream/settings.json"}, "SettingsFile"),
    (ECS, {"StopTimeoutSeconds": "300"}, "StopTimeoutSeconds"),
    (ECS, {"VpcEndpoints": "yes"}, "so RouteTableIds must be given"),
    (ECS, {"RouteTableIds": "none,rtb-0"}, "RouteTableIds must be none, or ids"),
    (ECS, {"NamespaceId": "internal"}, "NamespaceId"),
    (ECS, {"MinTasks": "2", "MaxTasks": "1"}, "MaxTasks must not be less than MinTasks"),
    (ECS, {"MinTasks": "4", "MaxTasks": "3"}, "MaxTasks must not be less than MinTasks"),
    (ECS, {"MinTasks": "0"}, "MinTasks"),
    (ECS, {"BacklogPerTask": "0"}, "BacklogPerTask"),
    (ECS, {"Spot": "yes"}, "Spot"),
    (ECS, {"AlertEmail": "security at example.org"}, "AlertEmail"),
    (ECS, {"AlertQueueArn": "https://sqs.us-east-1.amazonaws.com/111122223333/siem"}, "AlertQueueArn"),
    (ECS, {"AlertQueueKeyArn": QUEUE_KEY}, "so AlertQueueArn must be given"),
    (ECS, {**COLLECTOR, "MetricsWorkspaceArn": "ws-0123abcd"}, "MetricsWorkspaceArn"),
    (ECS, {**COLLECTOR, "CollectorDigest": ""}, "so CollectorRepositoryArn and CollectorDigest must be given"),
    (ECS, {**COLLECTOR, "MetricsWorkspaceArn": ""}, "so MetricsWorkspaceArn must be given"),
    (ECS, {"ListedAccounts": "none,111122223333"}, "ListedAccounts must be none, or account ids"),
    (ECS, {"LogRetentionDays": "31"}, "LogRetentionDays"),
    (LAMBDA_FROM_QUEUE, {"AlertQueueKeyArn": QUEUE_KEY}, "so AlertQueueArn must be given"),
    (LAMBDA_FROM_BUCKET, {"AlertQueueKeyArn": QUEUE_KEY}, "so AlertQueueArn must be given"),
    (LAMBDA_FROM_QUEUE, {"CodeKey": ""}, "so CodeBucket and CodeKey must be given"),
    (LAMBDA_FROM_QUEUE, {"ImageDigest": DIGEST}, "so there must be no ImageRepositoryArn"),
    (LAMBDA_FROM_QUEUE, {"Package": "image"}, "so ImageRepositoryArn and ImageDigest must be given"),
    (LAMBDA_FROM_QUEUE, IMAGE, "so there must be no CodeBucket"),
    (LAMBDA_FROM_QUEUE, {"Runtime": "python3.11"}, "Runtime"),
    (LAMBDA_FROM_QUEUE, {"Architecture": "aarch64"}, "Architecture"),
    (LAMBDA_FROM_QUEUE, {"MemoryMegabytes": "128"}, "MemoryMegabytes"),
    (LAMBDA_FROM_QUEUE, {"TimeoutSeconds": "30"}, "TimeoutSeconds"),
    (LAMBDA_FROM_QUEUE, {"MaximumConcurrency": "1"}, "MaximumConcurrency"),
    (LAMBDA_FROM_QUEUE, {"SettingsFile": "/var/task/trailstream.toml"}, "SettingsFile"),
    (LAMBDA_FROM_QUEUE, {"OldestMessageSeconds": "0"}, "OldestMessageSeconds"),
    (LAMBDA_FROM_QUEUE, {"SilentHours": "25"}, "SilentHours"),
    (LAMBDA_FROM_BUCKET, {"LogBucketArn": f"{ARN},{ARN}"}, "LogBucketArn"),
    (LAMBDA_FROM_BUCKET, {"LogBucketAccount": "own,111122223333"}, "LogBucketAccount"),
    (TRAIL, {"BucketName": "with.dots"}, "BucketName"),
    (TRAIL, {"OrganizationId": "111122223333"}, "OrganizationId"),
    (TRAIL, {"QueueArn": "arn:aws:sqs:us-east-1:111122223333:queue.fifo"}, "QueueArn"),
    (READER_ROLE, {"TrustedRoleArn": "arn:aws:iam::111122223333:root"}, "TrustedRoleArn"),
    (READER_ROLE, {"ExternalId": "with a blank"}, "ExternalId"),
    (READER_ROLE, {"LogBucketArns": f"{ARN}/*"}, "LogBucketArns"),
    (READER_ROLE, {"RoleName": "path/name"}, "RoleName"),
    (TRAIL, {"DataEvents": "yes", "AlertTopicArn": TOPIC}, "so AlertTopicArn, LedgerArn and WindowsArn must be given"),
]


@pytest.mark.parametrize(("path", "changes", "reason"), REFUSED)
async def test_a_parameter_that_cannot_work_is_refused_with_its_name(
    path: Path, changes: dict[str, str], reason: str, account: Account
) -> None:
    with pytest.raises(StackRefusedError, match=reason):
        await create_stack(account.endpoint, "refused", path, GOOD[path] | changes)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        (ECS, {"LogBucketArns": f"{ARN},{ARN}-2", "LogBucketAccounts": "111122223333,444455556666"}),
        (ECS, {"AlertEmail": "a@example.org", "ListedAccounts": "111122223333"}),
        (ECS, {**ALERT_QUEUE, "AlertQueueKeyArn": "", **COLLECTOR}),
        (ECS, {"LogRoleArns": ROLE.replace("444455556666", "*"), "SettingsFile": "/etc/trailstream/trailstream.toml"}),
        (ECS, {"MinTasks": "4", "MaxTasks": "4", "Spot": "all", "MetricsReaderSecurityGroupId": "sg-0"}),
        (LAMBDA_FROM_QUEUE, {**IMAGE, "CodeBucket": "", "CodeKey": ""}),
        (LAMBDA_FROM_BUCKET, {**IMAGE, "CodeBucket": "", "CodeKey": "", "ReservedConcurrency": "5"}),
        (LAMBDA_FROM_BUCKET, {"LogRoleArns": ROLE, "SettingsFile": "trailstream.toml", "SilentHours": "0"}),
    ],
)
async def test_other_ways_of_the_templates_can_be_made(path: Path, changes: dict[str, str], account: Account) -> None:
    stack = await create_stack(account.endpoint, "accepted", path, GOOD[path] | changes)
    assert stack.outputs
