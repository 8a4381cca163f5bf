"""Calls that somebody should hear of: for each example rule records that it matches, and beside them near misses."""

from __future__ import annotations

from collections.abc import Sequence

from .api_calls import JsonObject

ROOT: JsonObject = {
    "type": "Root",
    "principalId": "111122223333",
    "arn": "arn:aws:iam::111122223333:root",
    "accountId": "111122223333",
}
INSTANCE: JsonObject = {
    "type": "AssumedRole",
    "principalId": "AROA5F2D3C9B1EXAMPLE:i-0a1fae7e8b4c52148",
    "arn": "arn:aws:sts::111122223333:assumed-role/web-server/i-0a1fae7e8b4c52148",
    "accountId": "111122223333",
    "accessKeyId": "ASIA1B0F6C33AEXAMPLE",
}


def _call(service: str, name: str, parameters: JsonObject | None, **others: object) -> JsonObject:
    return {
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "requestParameters": parameters,
        "readOnly": False,
        **others,
    }


def _sign_in(answer: str, mfa: str, **others: object) -> JsonObject:
    return _call(
        "signin",
        "ConsoleLogin",
        None,
        responseElements={"ConsoleLogin": answer},
        additionalEventData={"LoginTo": "https://console.aws.amazon.com/console/home", "MFAUsed": mfa},
        eventType="AwsConsoleSignIn",
        **others,
    )


def _ingress(ports: tuple[int, int], ranges: JsonObject) -> JsonObject:
    permission = {"ipProtocol": "tcp", "fromPort": ports[0], "toPort": ports[1], "groups": {}, **ranges}
    group = {"groupId": "sg-0fc2e34e74650e145", "ipPermissions": {"items": [permission]}}
    return _call("ec2", "AuthorizeSecurityGroupIngress", group, responseElements={"_return": True})


def _user(name: str) -> JsonObject:
    arn = f"arn:aws:iam::111122223333:user/{name}"
    return {"type": "IAMUser", "principalId": "AIDA77F2C1EXAMPLE", "arn": arn, "userName": name}


DENIED = {"errorCode": "AccessDenied", "errorMessage": "User is not authorized to perform this action"}
TOPIC_ARN = "arn:aws:sns:us-east-1:111122223333:drop"

PLANTED: Sequence[JsonObject] = (
    _call("sns", "CreateTopic", {"name": "drop"}, responseElements={"topicArn": TOPIC_ARN}),
    _call("sns", "CreateTopic", {"name": "drop"}, responseElements=None, **DENIED),
    _call("s3", "DeleteBucketPublicAccessBlock", {"bucketName": "shop-invoices", "publicAccessBlock": ""}),
    _call("s3", "DeleteAccountPublicAccessBlock", {"Host": "111122223333.s3-control.us-east-1.amazonaws.com"}),
    _sign_in("Success", "Yes", userIdentity=ROOT),
    _sign_in("Success", "No", userIdentity=_user("ana")),
    _call("guardduty", "DeleteDetector", {"detectorId": "12abc34d567e8fa901bc2d34e56789f0"}),
    _call("guardduty", "UpdateDetector", {"detectorId": "12abc34d567e8fa901bc2d34e56789f0", "enable": False}),
    _call("iam", "CreateAccessKey", {"userName": "bilal"}, userIdentity=_user("bilal")),
    _call("iam", "UpdateLoginProfile", {"userName": "chen"}),
    _call(
        "kms", "ScheduleKeyDeletion", {"keyId": "arn:aws:kms:us-east-1:111122223333:key/7d1f", "pendingWindowInDays": 7}
    ),
    _call("kms", "DisableKey", {"keyId": "arn:aws:kms:us-east-1:111122223333:key/7d1f"}),
    _ingress((22, 22), {"ipRanges": {"items": [{"cidrIp": "10.0.0.0/8"}, {"cidrIp": "0.0.0.0/0"}]}}),
    _ingress((3389, 3389), {"ipRanges": {}, "ipv6Ranges": {"items": [{"cidrIpv6": "::/0"}]}}),
    _call("cloudtrail", "StopLogging", {"name": "arn:aws:cloudtrail:us-east-1:111122223333:trail/organization"}),
    _call("cloudtrail", "PutEventSelectors", {"trailName": "organization", "eventSelectors": []}),
    _call("iam", "ListUsers", None, responseElements=None, readOnly=True, userIdentity=INSTANCE, **DENIED),
    _call("iam", "ListRoles", None, responseElements=None, readOnly=True, userAgent="Boto3/1.34.69 Kali/6.6 Pacu/1.5"),
)
"""Every one of these matches a rule."""

NEAR_MISSES: Sequence[JsonObject] = (
    _call("sns", "DeleteTopic", {"topicArn": TOPIC_ARN}),
    _call("s3", "PutBucketPublicAccessBlock", {"bucketName": "shop-invoices"}),
    _sign_in("Failure", "No", userIdentity=ROOT, errorMessage="Failed authentication"),
    _sign_in("Success", "Yes", userIdentity=_user("ana")),
    _call("guardduty", "UpdateDetector", {"detectorId": "12abc34d567e8fa901bc2d34e56789f0", "enable": True}),
    _call("iam", "CreateAccessKey", {"userName": "bilal"}, responseElements=None, **DENIED),
    _call("kms", "CancelKeyDeletion", {"keyId": "arn:aws:kms:us-east-1:111122223333:key/7d1f"}),
    _ingress((443, 443), {"ipRanges": {"items": [{"cidrIp": "10.0.0.0/8"}]}}),
    _call("cloudtrail", "StopLogging", {"name": "organization"}, responseElements=None, **DENIED),
    _call("iam", "ListUsers", None, responseElements=None, readOnly=True, userIdentity=INSTANCE),
)
"""None of these matches any, though little is missing."""
