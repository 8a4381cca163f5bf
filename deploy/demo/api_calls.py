"""Invented API calls, in the shapes and proportions in which CloudTrail records real ones.

Field order, optional fields and number formats are those of delivered logs of event versions 1.05 to 1.09.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

JsonObject = dict[str, Any]

EXPONENT_NUMBER = "@exponent"
"""Stands where CloudTrail writes a double as ``1.688560107857E9``, a spelling that no Python encoder gives."""

FILTERED, ROLES, DENIED, HALF = 0.3, 0.55, 0.02, 0.5
"""Shares: of lists that are filtered, of calls made in a role, of calls that are refused, and what the word says."""

USER_AGENTS = (
    "AWS Internal",
    "console.amazonaws.com",
    "aws-cli/2.15.30 Python/3.11.8 Linux/5.15.0-1056-aws exe/x86_64.ubuntu.22 prompt/off command/ec2.run-instances",
    "Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#6.1.79 md/arch#x86_64 lang/python#3.12.2 cfg/retry-mode#legacy",
    "APN/1.0 HashiCorp/1.0 Terraform/1.7.5 (+https://www.terraform.io) terraform-provider-aws/5.42.0 aws-sdk-go/1.26",
    "aws-sdk-java/1.12.681 Linux/5.10.210-201.852.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/17.0.10+7-LTS java/17.0.10",
    "kube-controller-manager/v1.29.1 (linux/amd64) kubernetes/3b1f2c4 aws-sdk-go/1.44.241 (go1.21.6; linux; amd64)",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a call is made."""

    account: str
    region: str
    time: datetime


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A kind of call. ``parameters`` and ``response`` draw what differs from call to call."""

    service: str
    name: str
    weight: int
    parameters: Callable[[random.Random], JsonObject | None]
    response: Callable[[random.Random], JsonObject] | None = None
    """None for read-only calls, whose answer CloudTrail leaves out."""
    service_made: bool = False
    """Made by a service of AWS on somebody's behalf."""

    @property
    def source(self) -> str:
        """The record's eventSource."""
        return f"{self.service}.amazonaws.com"


def hexadecimal(rng: random.Random, digits: int) -> str:
    """Return that many random hex digits."""
    return f"{rng.getrandbits(digits * 4):0{digits}x}"


def uuid(rng: random.Random) -> str:
    """Return a random UUID from this generator, so that a seed gives the same log every time."""
    digits = hexadecimal(rng, 32)
    return "-".join((digits[:8], digits[8:12], f"4{digits[13:16]}", f"a{digits[17:20]}", digits[20:]))


def _items(name: str, prefix: str, most: int) -> Callable[[random.Random], JsonObject]:
    """Return parameters in EC2's style: a set of items, and a set of filters that is often empty."""

    def draw(rng: random.Random) -> JsonObject:
        ids = [{f"{prefix}Id": f"{prefix}-0{hexadecimal(rng, 16)}"} for _ in range(rng.randint(1, most))]
        zone = {"name": "availability-zone", "valueSet": {"items": [{"value": "us-east-1a"}]}}
        return {f"{name}Set": {"items": ids}, "filterSet": {"items": [zone]} if rng.random() < FILTERED else {}}

    return draw


def _named(field: str, *choices: str) -> Callable[[random.Random], JsonObject]:
    return lambda rng: {field: rng.choice(choices)}


def _decrypt(rng: random.Random) -> JsonObject:
    return {
        "encryptionContext": {
            "PARAMETER_ARN": f"arn:aws:ssm:us-east-1:111122223333:parameter/shop/{rng.randint(1, 99)}"
        },
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }


def _query(rng: random.Random) -> JsonObject:
    return {
        "queryString": f'fields @timestamp | level="{rng.choice(("error", "warn"))}" & code>={rng.randint(400, 599)}'
    }


def _put_parameter(rng: random.Random) -> JsonObject:
    return {
        "name": f"/shop/{rng.choice(('dev', 'live'))}/{rng.randint(1, 99)}",
        "type": "SecureString",
        "overwrite": True,
    }


def _run_instances(rng: random.Random) -> JsonObject:
    image = {"imageId": f"ami-0{hexadecimal(rng, 16)}", "minCount": 1, "maxCount": rng.randint(1, 4)}
    tags = {"items": [{"resourceType": "instance", "tags": [{"key": "Name", "value": "batch"}]}]}
    return {"instancesSet": {"items": [image]}, "instanceType": "m6i.large", "tagSpecificationSet": tags}


def _started(rng: random.Random) -> JsonObject:
    state = {"code": 0, "name": "pending"}
    instance = {"instanceId": f"i-0{hexadecimal(rng, 16)}", "instanceState": state, "launchTime": EXPONENT_NUMBER}
    return {
        "requestId": uuid(rng),
        "reservationId": f"r-0{hexadecimal(rng, 16)}",
        "instancesSet": {"items": [instance]},
    }


def _assume_role(rng: random.Random) -> JsonObject:
    role = rng.choice(("lambda-orders", "ecs-checkout", "backup"))
    return {"roleArn": f"arn:aws:iam::111122223333:role/{role}", "roleSessionName": f"{role}-{hexadecimal(rng, 8)}"}


def _credentials(rng: random.Random) -> JsonObject:
    key = {"accessKeyId": f"ASIA{hexadecimal(rng, 8).upper()}EXAMPLE", "expiration": "Jul 3, 2026 1:32:49 PM"}
    return {"credentials": key | {"sessionToken": hexadecimal(rng, 120)}}


def _put_object(rng: random.Random) -> JsonObject:
    return {
        "bucketName": "shop-invoices",
        "key": f"2026/{rng.randint(1, 12):02}/{uuid(rng)}.pdf",
        "Host": "s3.amazonaws.com",
    }


CALLS: Sequence[ApiCall] = (
    ApiCall("ec2", "DescribeInstances", 90, _items("instances", "i", 4)),
    ApiCall("ec2", "DescribeVolumes", 55, _items("volume", "vol", 4)),
    ApiCall("ec2", "DescribeSubnets", 50, _items("subnet", "subnet", 3)),
    ApiCall("ec2", "DescribeSecurityGroups", 50, _items("securityGroup", "sg", 3)),
    ApiCall("ec2", "DescribeRouteTables", 60, _items("routeTable", "rtb", 3)),
    ApiCall("ec2", "DescribeAccountAttributes", 30, lambda _: None),
    ApiCall("kms", "Decrypt", 120, _decrypt),
    ApiCall("kms", "GenerateDataKey", 40, _named("keySpec", "AES_256"), service_made=True),
    ApiCall("ssm", "GetParameter", 60, _named("name", "/shop/live/db", "/shop/live/mail", "/shop/dev/db")),
    ApiCall("ssm", "DescribeInstanceInformation", 30, _named("maxResults", "50")),
    ApiCall("ssm", "PutParameter", 40, _put_parameter, lambda rng: {"version": rng.randint(1, 40), "tier": "Standard"}),
    ApiCall("secretsmanager", "GetSecretValue", 40, _named("secretId", "shop/db", "shop/mail", "shop/psp")),
    ApiCall("iam", "GetUser", 40, lambda _: None),
    ApiCall("iam", "ListAttachedRolePolicies", 30, _named("roleName", "lambda-orders", "ecs-checkout", "backup")),
    ApiCall("sts", "GetCallerIdentity", 30, lambda _: None),
    ApiCall("sts", "AssumeRole", 80, _assume_role, _credentials, service_made=True),
    ApiCall("s3", "GetBucketAcl", 30, _named("bucketName", "shop-invoices", "shop-assets")),
    ApiCall("s3", "PutObject", 30, _put_object, lambda rng: {"x-amz-version-id": hexadecimal(rng, 32)}),
    ApiCall("logs", "StartQuery", 30, _query, lambda rng: {"queryId": uuid(rng)}),
    ApiCall("rds", "DescribeDBInstances", 30, lambda rng: {"maxRecords": rng.randint(20, 100)}),
    ApiCall("elasticloadbalancing", "DescribeLoadBalancers", 25, _named("pageSize", "100", "300", "400")),
    ApiCall("dynamodb", "DescribeTable", 30, _named("tableName", "orders", "sessions", "carts")),
    ApiCall("ec2", "RunInstances", 12, _run_instances, _started),
    ApiCall(
        "ec2", "CreateTags", 15, _items("resources", "i", 2), lambda rng: {"requestId": uuid(rng), "_return": True}
    ),
)


def _stable(name: str, digits: int) -> str:
    """Return the same digits for the same name: who calls twice has the same key and address twice."""
    return hashlib.sha256(name.encode()).hexdigest()[:digits].upper()


def _user(rng: random.Random, account: str) -> JsonObject:
    name = rng.choice(("ana", "bilal", "chen", "dana", "emre", "ci-deploy", "terraform"))
    return {
        "type": "IAMUser",
        "principalId": f"AIDA{_stable(account + name, 9)}EXAMPLE",
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": f"AKIA{_stable(name + account, 9)}EXAMPLE",
        "userName": name,
    }


def _role(rng: random.Random, account: str) -> JsonObject:
    role = rng.choice(("lambda-orders", "ecs-checkout", "backup", "AWSReservedSSO_ReadOnly_5f2d3c", "eks-nodes"))
    principal, session = f"AROA{_stable(account + role, 9)}EXAMPLE", f"session-{rng.randint(1, 9)}"
    issuer = {
        "type": "Role",
        "principalId": principal,
        "arn": f"arn:aws:iam::{account}:role/{role}",
        "accountId": account,
        "userName": role,
    }
    attributes = {"creationDate": "2026-07-03T04:11:09Z", "mfaAuthenticated": "false"}
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        "accountId": account,
        "accessKeyId": f"ASIA{_stable(principal + session, 9)}EXAMPLE",
        "sessionContext": {"sessionIssuer": issuer, "webIdFederationData": {}, "attributes": attributes},
    }


def record_of(call: ApiCall, place: Place, rng: random.Random) -> JsonObject:
    """Return the record of one such call."""
    if call.service_made:
        service = rng.choice(("lambda", "ecs-tasks", "backup", "cloudtrail"))
        identity = {"type": "AWSService", "invokedBy": f"{service}.amazonaws.com"}
        origin = agent = identity["invokedBy"]
    else:
        identity = (_role if rng.random() < ROLES else _user)(rng, place.account)
        number = int(_stable(identity["arn"], 2), 16)
        origin, agent = f"203.0.113.{number}", USER_AGENTS[number % len(USER_AGENTS)]
    return _assemble(call, place, rng, identity, {"sourceIPAddress": origin, "userAgent": agent})


def _assemble(
    call: ApiCall, place: Place, rng: random.Random, identity: JsonObject, client: Mapping[str, str]
) -> JsonObject:
    denied = rng.random() < DENIED
    failure = {"errorCode": "AccessDenied", "errorMessage": f"not authorized to perform: {call.service}:{call.name}"}
    return {
        "eventVersion": rng.choice(("1.05", "1.08", "1.08", "1.09")),
        "userIdentity": identity,
        "eventTime": timestamp(place.time),
        "eventSource": call.source,
        "eventName": call.name,
        "awsRegion": place.region,
        **client,
        **(failure if denied else {}),
        "requestParameters": call.parameters(rng),
        "responseElements": call.response(rng) if call.response and not denied else None,
        **(
            {"additionalEventData": {"bytesTransferredIn": float(rng.randint(0, 9999))}} if call.service == "s3" else {}
        ),
        "requestID": uuid(rng),
        "eventID": uuid(rng),
        "readOnly": call.response is None,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": place.account,
        "eventCategory": "Management",
        **({} if call.service_made else {"tlsDetails": _tls(call, place)}),
    }


def _tls(call: ApiCall, place: Place) -> JsonObject:
    host = f"{call.service}.{place.region}.amazonaws.com"
    return {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}


def timestamp(moment: datetime) -> str:
    """Return the moment as records write it: seconds, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def earlier(moment: datetime, rng: random.Random) -> datetime:
    """Return when a call was made that is delivered at this moment: 3.2 minutes before at the median, 10 at most."""
    minutes = rng.triangular(0.2, 3.2, 3.2) if rng.random() < HALF else rng.triangular(3.2, 10, 3.2)
    return moment - timedelta(minutes=minutes)
