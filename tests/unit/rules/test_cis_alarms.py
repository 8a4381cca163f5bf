"""The CIS benchmark's alarms, from their authors' own files, fire on the records that they describe."""

from __future__ import annotations

from typing import Any

import pytest

from corpora import DATA, needs_corpora
from fake_batches import FakeBatch
from trailstream.adapters.rule_directory import read_rule_directory
from trailstream.rules.loading import LoadedRules, load
from trailstream.rules.ruleset import Ruleset

pytestmark = needs_corpora

CALL = {"eventVersion": "1.08", "eventType": "AwsApiCall", "userIdentity": {"type": "IAMUser"}}


def call(event_name: str, service: str = "ec2", **more: Any) -> dict[str, Any]:
    return CALL | {"eventSource": f"{service}.amazonaws.com", "eventName": event_name} | more


def by(kind: str, event_type: str = "AwsApiCall", **more: str) -> dict[str, Any]:
    return call("ListBuckets", "s3", eventType=event_type, userIdentity={"type": kind} | more)


def sign_in(**more: Any) -> dict[str, Any]:
    return call("ConsoleLogin", "signin", eventType="AwsConsoleSignIn", **more)


def run(instance_type: Any) -> dict[str, Any]:
    return call("RunInstances", requestParameters={"instanceType": instance_type})


CASES = {
    "use-of-root-account-count": (
        [by("Root")],
        [
            by("IAMUser"),
            by("root"),
            by("Root", invokedBy="x"),
            by("Root", "AwsServiceEvent"),
            call("X", userIdentity=None),
        ],
    ),
    "authorization-failure-count": (
        [call("X", errorCode="Client.UnauthorizedOperation"), call("X", errorCode="AccessDeniedException")],
        [
            call("X"),
            call("X", errorCode="Throttling"),
            call("X", errorCode="UnauthorizedOperations"),
            call("X", errorCode=None),
        ],
    ),
    "console-signin-without-mfa-count": (
        [sign_in(additionalEventData={"MFAUsed": "No"})],
        [
            sign_in(additionalEventData={"MFAUsed": "Yes"}),
            sign_in(additionalEventData={}),
            sign_in(additionalEventData=None),
            call("X", additionalEventData={"MFAUsed": "No"}),
        ],
    ),
    "iam-policy-event-count": (
        [call("DeleteGroupPolicy", "iam"), call("DetachGroupPolicy", "iam"), call("CreatePolicyVersion", "iam")],
        [call("GetPolicy", "iam"), call("createpolicy", "iam"), call("SetDefaultPolicyVersion", "iam")],
    ),
    "cloud-trail-event-count": (
        [
            call(name, "cloudtrail")
            for name in ("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging")
        ],
        [call("DescribeTrails", "cloudtrail")],
    ),
    "console-sign-in-failure-count": (
        [sign_in(errorMessage="Failed authentication")],
        [sign_in(), sign_in(errorMessage="failed authentication"), call("X", errorMessage="Failed authentication")],
    ),
    "kms-key-pending-deletion-error-count": (
        [call("DisableKey", "kms"), call("ScheduleKeyDeletion", "kms")],
        [call("DisableKey", "iam"), call("EnableKey", "kms")],
    ),
    "s3-bucket-policy-event-count": (
        [call("PutBucketAcl", "s3"), call("DeleteBucketReplication", "s3")],
        [call("PutBucketAcl", "ec2"), call("GetBucketAcl", "s3")],
    ),
    "aws-config-change-count": (
        [call("StopConfigurationRecorder", "config"), call("PutConfigurationRecorder", "config")],
        [call("StopConfigurationRecorder"), call("DescribeDeliveryChannels", "config")],
    ),
    "security-group-event-count": (
        [call("AuthorizeSecurityGroupIngress"), call("DeleteSecurityGroup")],
        [call("DescribeSecurityGroups")],
    ),
    "network-acl-event-count": (
        [call("CreateNetworkAcl"), call("ReplaceNetworkAclAssociation")],
        [call("DescribeNetworkAcls")],
    ),
    "gateway-event-count": (
        [call("CreateCustomerGateway"), call("DetachInternetGateway")],
        [call("CreateNatGateway")],
    ),
    "route-table-changes-count": (
        [call("CreateRoute"), call("ReplaceRouteTableAssociation"), call("DisassociateRouteTable")],
        [call("AssociateRouteTable")],
    ),
    "vpc-event-count": (
        [call("CreateVpc"), call("AcceptVpcPeeringConnection"), call("EnableVpcClassicLink")],
        [call("DescribeVpcs")],
    ),
    "ec2-instance-event-count": (
        [call("RunInstances"), call("TerminateInstances")],
        [call("DescribeInstances")],
    ),
    "ec2-large-instance-event-count": (
        [run("m5.8xlarge"), run("c5.24xlarge")],
        [
            run("m5.large"),
            run("8xlarge"),
            run(["m5.8xlarge"]),
            call("X", requestParameters={"instanceType": "m5.8xlarge"}),
        ],
    ),
}


@pytest.fixture(scope="module")
def loaded() -> LoadedRules:
    return load(read_rule_directory(DATA / "rules" / "filter_patterns").files)


def test_every_alarm_is_loaded_and_tried(loaded: LoadedRules) -> None:
    assert not loaded.problems
    assert not loaded.notes
    assert {rule.info.id.partition("#")[2] for rule in loaded.rules} == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_an_alarm_fires_on_what_it_describes_and_on_nothing_else(loaded: LoadedRules, name: str) -> None:
    ruleset = Ruleset(loaded.rules)
    described, others = CASES[name]
    matched = ruleset.match(FakeBatch.of([*described, *others], ruleset.head_type)).matches
    fired = [match.record_index for match in matched if match.rule.id.endswith(f"#{name}")]
    assert fired == list(range(len(described)))
