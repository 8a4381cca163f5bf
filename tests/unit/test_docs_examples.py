"""The rules in the pages are loaded as a user's would be, and match what their pages say."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from endpoint import ROOT
from trailstream.config.settings import LogsSettings
from trailstream.decode.cloudtrail import batch_of_one
from trailstream.rules.loading import load
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Ruleset

PAGES = sorted((ROOT / "docs").glob("*.md"))
MIGRATIONS = [page for page in PAGES if page.name.startswith("migrate-")]

Record = dict[str, Any]

STS = {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/admin/ana", "accountId": "111122223333"}


def record(source: str, name: str, **fields: Any) -> Record:
    return {
        "eventVersion": "1.08",
        "userIdentity": STS,
        "eventTime": "2026-11-20T08:00:00Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.7",
        "eventID": f"{source}-{name}",
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        **fields,
    }


def root(**fields: Any) -> Record:
    return record("s3", "DeleteBucket", userIdentity={"type": "Root", "accountId": "111122223333"} | fields)


def sign_in(**additional: Any) -> Record:
    return record("signin", "ConsoleLogin", eventType="AwsConsoleSignIn", additionalEventData=additional)


def user_policy(document: str) -> Record:
    return record("iam", "PutUserPolicy", requestParameters={"policyDocument": document})


def shared_snapshot(*groups: str) -> Record:
    items = [{"group": group} for group in groups]
    return record(
        "ec2",
        "ModifySnapshotAttribute",
        requestParameters={"createVolumePermission": {"add": {"items": items}}},
    )


def access_key(user: str, address: str) -> Record:
    return record("iam", "CreateAccessKey", userIdentity={"type": "IAMUser", "userName": user}, sourceIPAddress=address)


CASES: dict[str, tuple[list[Record], list[Record]]] = {
    "sns-topic-created": ([record("sns", "CreateTopic", responseElements=None)], [record("sns", "GetTopicAttributes")]),
    "root-activity": (
        [root()],
        [root(invokedBy="support.amazonaws.com"), root() | {"eventType": "AwsServiceEvent"}, record("s3", "PutObject")],
    ),
    "cis-root-used": (
        [root()],
        [root(invokedBy="support.amazonaws.com"), root() | {"eventType": "AwsServiceEvent"}, record("s3", "PutObject")],
    ),
    "cis-unauthorized-calls": (
        [
            record("ec2", "RunInstances", errorCode="Client.UnauthorizedOperation"),
            record("s3", "GetObject", errorCode="AccessDenied"),
            record("kms", "Decrypt", errorCode="AccessDeniedException"),
        ],
        [record("s3", "GetObject"), record("s3", "GetObject", errorCode="NoSuchKey")],
    ),
    "cis-sign-in-without-mfa": (
        [sign_in(MFAUsed="No"), sign_in(), record("signin", "ConsoleLogin")],
        [sign_in(MFAUsed="Yes"), record("signin", "CheckMfa", additionalEventData={"MFAUsed": "No"})],
    ),
    "user-made-or-may-pass-roles": (
        [record("iam", "CreateUser"), user_policy('{"Action": "iam:PassRole"}')],
        [user_policy('{"Action": "s3:GetObject"}'), record("iam", "DeleteUser")],
    ),
    "python-trail-stopped": (
        [record("cloudtrail", "StopLogging"), record("cloudtrail", "DeleteTrail")],
        [record("cloudtrail", "StopLogging", errorCode="AccessDenied"), record("cloudtrail", "UpdateTrail")],
    ),
    "python-snapshot-made-public": (
        [shared_snapshot("all"), shared_snapshot("other", "all")],
        [shared_snapshot("other"), shared_snapshot(), record("ec2", "ModifySnapshotAttribute")],
    ),
    "5d2f0d43-9f3c-4b7e-9a51-3a4e5d7f6c21": (
        [access_key("ana", "192.0.2.7")],
        [access_key("Terraform-ci", "192.0.2.7"), access_key("ana", "10.1.2.3"), record("iam", "DeleteAccessKey")],
    ),
}
"""By rule: records that it matches, and records that it does not."""


def fences(page: Path, language: str) -> Iterator[str]:
    for indent, text in re.findall(
        rf"^( *)```{language}\n(.*?)^ *```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        yield re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)


def is_rule(text: str) -> bool:
    return re.search(r"^(pattern|filter_pattern|detection):", text, re.MULTILINE) is not None


RULES = [(page.name, text) for page in PAGES for text in fences(page, "yaml") if is_rule(text)]


def rule_of(text: str) -> Rule:
    loaded = load([("rule.yaml", text)])
    assert (loaded.problems, loaded.notes) == ([], [])
    (rule,) = loaded.rules
    return rule


@pytest.mark.parametrize(("page", "text"), RULES)
def test_every_rule_in_a_page_is_sound(page: str, text: str) -> None:
    assert rule_of(text).info.title, page


def test_every_rule_of_the_migration_pages_is_tried() -> None:
    shown = {rule_of(text).info.id for name, text in RULES if name in {page.name for page in MIGRATIONS}}
    assert shown == set(CASES)


@pytest.mark.parametrize("identity", CASES)
def test_a_rule_matches_what_its_page_says_and_nothing_else(identity: str) -> None:
    text = next(text for _, text in RULES if rule_of(text).info.id == identity)
    ruleset = Ruleset([rule_of(text)])

    def matches(each: Record) -> bool:
        return bool(ruleset.match(batch_of_one(each, ruleset.head_type)).matches)

    yes, no = CASES[identity]
    assert [each for each in yes if not matches(each)] == []
    assert [each for each in no if matches(each)] == []


@pytest.mark.parametrize(
    ("page", "text"), [(page.name, text) for page in PAGES for text in fences(page, "json")]
)  # fmt: skip
def test_every_json_in_a_page_is_json(page: str, text: str) -> None:
    assert json.loads(text), page


def test_the_example_of_many_buckets_names_the_same_buckets_accounts_and_roles_throughout() -> None:
    page = ROOT / "docs" / "many-buckets.md"
    stack = next(json.loads(text) for text in fences(page, "json") if "ParameterKey" in text)
    given = {each["ParameterKey"]: each["ParameterValue"] for each in stack}
    (toml,) = fences(page, "toml")
    logs = LogsSettings(buckets=json.loads(given["LogBuckets"]))
    assert logs == LogsSettings(**tomllib.loads(toml)["logs"])
    assert given["LogBucketArns"].split(",") == [f"arn:aws:s3:::{name}" for name in logs.buckets]
    assert given["LogBucketAccounts"].split(",") == [bucket.account for bucket in logs.buckets.values()]
    assert given["LogRoleArns"].split(",") == [bucket.role_arn for bucket in logs.buckets.values() if bucket.role_arn]


def test_a_pattern_for_the_bus_is_one_that_we_read_too() -> None:
    (text,) = fences(ROOT / "docs" / "migrate-from-eventbridge.md", "json")
    loaded = load([("rule.json", text)])
    assert (len(loaded.rules), loaded.problems, loaded.notes) == (1, [], [])


def test_the_answer_about_metric_filters_is_a_file_of_rules() -> None:
    filters = [
        {"filterName": "root", "filterPattern": '{$.userIdentity.type="Root"}', "logGroupName": "trail"},
        {"filterName": "denied", "filterPattern": '{$.errorCode = "AccessDenied*"}', "logGroupName": "trail"},
    ]
    loaded = load([("metric-filters.json", json.dumps({"metricFilters": filters}))])
    assert [rule.info.title for rule in loaded.rules] == ["root", "denied"]
    assert not loaded.problems


def test_the_rules_in_python_that_are_shown_hold_back_what_they_cannot_match() -> None:
    codes = [text for text in fences(ROOT / "docs" / "rules.md", "python") if "def rule(event)" in text]
    assert codes
    for code in codes:
        (rule,) = load([("rule.py", code)]).rules
        ruleset = Ruleset([rule])
        held_back = ruleset.match(batch_of_one(record("s3", "GetObject"), ruleset.head_type))
        passing = ruleset.match(batch_of_one(record("cloudtrail", "StopLogging"), ruleset.head_type))
        assert (held_back.matches, len(passing.matches)) == ([], 1)
