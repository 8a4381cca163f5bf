"""Records to measure rules on where nobody gives logs: the calls that accounts make most, in about their shares."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from trailstream.model.record import Record

CALLS: Sequence[tuple[int, str, str, bool]] = (
    (240, "sts", "AssumeRole", True),
    (120, "kms", "Decrypt", True),
    (60, "kms", "GenerateDataKey", True),
    (60, "s3", "GetBucketAcl", True),
    (40, "s3", "ListBuckets", True),
    (60, "ec2", "DescribeInstances", True),
    (40, "ec2", "DescribeNetworkInterfaces", True),
    (25, "ec2", "DescribeSecurityGroups", True),
    (20, "ec2", "DescribeVolumes", True),
    (40, "logs", "CreateLogStream", False),
    (25, "logs", "DescribeLogGroups", True),
    (30, "dynamodb", "DescribeTable", True),
    (30, "ssm", "GetParameter", True),
    (20, "ssm", "UpdateInstanceInformation", False),
    (20, "iam", "GetRole", True),
    (15, "iam", "ListRoles", True),
    (20, "lambda", "ListFunctions20150331", True),
    (20, "cloudformation", "DescribeStacks", True),
    (15, "secretsmanager", "GetSecretValue", True),
    (15, "ecr", "GetAuthorizationToken", True),
    (15, "sqs", "ReceiveMessage", True),
    (10, "sns", "Publish", False),
    (10, "autoscaling", "DescribeAutoScalingGroups", True),
    (10, "elasticloadbalancing", "DescribeTargetHealth", True),
    (8, "ec2", "RunInstances", False),
    (8, "ec2", "CreateTags", False),
    (5, "ec2", "AuthorizeSecurityGroupIngress", False),
    (5, "s3", "PutBucketPolicy", False),
    (4, "signin", "ConsoleLogin", False),
    (3, "iam", "CreateAccessKey", False),
    (3, "iam", "AttachRolePolicy", False),
    (2, "cloudtrail", "UpdateTrail", False),
    (2, "guardduty", "UpdateDetector", False),
)
"""(weight, service, call, whether it only reads)."""

REGIONS = ("us-east-1", "us-east-1", "eu-west-1", "eu-central-1", "us-west-2")
AGENTS = (
    "aws-sdk-java/2.25.60 Linux/5.10.216 OpenJDK_64-Bit_Server_VM/17.0.11",
    "Boto3/1.34.84 md/Botocore#1.34.84 ua/2.0 os/linux#5.10.215 md/arch#x86_64 lang/python#3.11.9",
    "APN/1.0 HashiCorp/1.0 Terraform/1.7.5 terraform-provider-aws/5.45.0 aws-sdk-go-v2/1.26.1",
    "aws-cli/2.15.38 Python/3.11.8 Linux/6.1.0 exe/x86_64.debian.12 prompt/off",
    "AWS Internal",
)


def sample(count: int, seed: int = 1) -> Iterator[Record]:
    """Yield records as CloudTrail would write them, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 -- nothing here is a secret
    weights = [weight for weight, *_ in CALLS]
    for number, (_, service, call, reads) in enumerate(chance.choices(CALLS, weights, k=count)):
        yield _record(number, service, call, reads=reads, chance=chance)


def _record(number: int, service: str, call: str, *, reads: bool, chance: random.Random) -> Record:
    account = f"{chance.randrange(5) + 1:01}" * 12
    role = f"role-{chance.randrange(40)}"
    denied: dict[str, Any] = {
        "errorCode": "AccessDenied",
        "errorMessage": f"not authorized to perform: {service}:{call}",
    }
    return {
        "eventVersion": "1.09",
        "userIdentity": _identity(account, role, chance),
        "eventTime": f"2024-05-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": call,
        "awsRegion": chance.choice(REGIONS),
        "sourceIPAddress": f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
        "userAgent": chance.choice(AGENTS),
        **(denied if chance.random() < 0.03 else {}),  # noqa: PLR2004 -- the share of calls that are denied
        "requestParameters": {"name": f"thing-{chance.randrange(1000)}", "maxResults": 100, "tags": [{"key": "team"}]},
        "responseElements": None if reads else {"requestId": f"{chance.getrandbits(64):016x}"},
        "requestID": f"{chance.getrandbits(128):032x}",
        "eventID": f"{number:08x}-0000-4000-8000-{chance.getrandbits(48):012x}",
        "readOnly": reads,
        "eventType": "AwsConsoleSignIn" if service == "signin" else "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": f"{service}.amazonaws.com"},
    }


def _identity(account: str, role: str, chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.05:  # noqa: PLR2004 -- users have become few
        user = f"user-{chance.randrange(20)}"
        return {"type": "IAMUser", "arn": f"arn:aws:iam::{account}:user/{user}", "accountId": account, "userName": user}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{role}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/session",
        "accountId": account,
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{account}:role/{role}", "userName": role},
            "attributes": {"creationDate": "2024-05-01T00:00:00Z", "mfaAuthenticated": "false"},
        },
    }
