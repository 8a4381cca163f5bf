"""A directory of rules as detection engineers write them for Panther: helpers, a data model, rules and their tests."""

from __future__ import annotations

from pathlib import Path

BASE_HELPERS = '''
from collections.abc import Mapping
from fnmatch import fnmatch
from functools import reduce


class UnexpectedAlert(Exception):
    """Raised by rules that find themselves in the wrong place."""


def deep_get(dictionary, *keys, default=None):
    found = reduce(lambda at, key: at.get(key, default) if isinstance(at, Mapping) else default, keys, dictionary)
    return default if found is None else found


def matches_one(text, patterns):
    return any(fnmatch(text, pattern) for pattern in patterns)
'''

CLOUD_HELPERS = """
import boto3
from base_helpers import deep_get
from panther_core import PantherEvent

TABLE = None


def succeeded(event):
    return not (event.get("errorCode") or event.get("errorMessage"))


def context_of(event):
    return {"name": event.get("eventName", "<none>"), "who": event.get("userIdentity", {})}


def account_name(account_id):
    return PantherEvent({}).lookup("account_names", account_id) or account_id


def resources() -> boto3.resource:
    global TABLE
    TABLE = TABLE or boto3.resource("dynamodb").Table("resources")
    return TABLE


def actor_of(event):
    if deep_get(event, "userIdentity", "type") == "Root":
        return "root"
    return deep_get(event, "userIdentity", "userName", default="<nobody>")
"""

ROOT_SIGN_IN = """
from cloud_helpers import account_name, context_of


def rule(event):
    return (
        event.get("eventName") == "ConsoleLogin"
        and event.deep_get("userIdentity", "type") == "Root"
        and event.deep_get("responseElements", "ConsoleLogin") == "Success"
    )


def title(event):
    return f"Root of [{account_name(event.get('recipientAccountId'))}] signed in from [{event.udm('source_ip')}]"


def dedup(event):
    return f"{event.get('recipientAccountId')}-{event.get('eventTime')}"


def severity(event):
    return "DEFAULT" if event.deep_get("additionalEventData", "MFAUsed") == "Yes" else "CRITICAL"


def alert_context(event):
    return context_of(event) | {"mfa": event.deep_get("additionalEventData", "MFAUsed")}
"""

ROOT_SIGN_IN_YAML = """
AnalysisType: rule
Filename: root_sign_in.py
RuleID: "Test.Root.SignIn"
DisplayName: "Root signed in"
Enabled: true
LogTypes:
  - AWS.CloudTrail
Tags:
  - AWS
  - Initial Access:Valid Accounts
Reports:
  CIS:
    - 1.1
  MITRE ATT&CK:
    - TA0001:T1078.004
Severity: High
Description: Nobody signs in as root.
Runbook: Ask who it was.
Reference: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html
DedupPeriodMinutes: 15
Threshold: 2
SummaryAttributes:
  - sourceIPAddress
Tests:
  - Name: root signs in
    ExpectedResult: true
    Mocks:
      - objectName: account_name
        returnValue: production
    Log:
      {
        "eventName": "ConsoleLogin",
        "userIdentity": { "type": "Root" },
        "responseElements": { "ConsoleLogin": "Success" },
        "sourceIPAddress": "198.51.100.7",
        "recipientAccountId": "111122223333",
        "eventTime": "2026-01-02T03:04:05Z",
        "p_log_type": "AWS.CloudTrail",
      }
  - Name: somebody else does
    ExpectedResult: false
    Log: { "eventName": "ConsoleLogin", "userIdentity": { "type": "IAMUser" }, "p_log_type": "AWS.CloudTrail" }
"""

SECRETS_READ = """
from base_helpers import deep_get
from cloud_helpers import succeeded
from panther_detection_helpers.caching import add_to_string_set

MOST_SECRETS = 2


def rule(event):
    if event.get("eventName") != "GetSecretValue" or not succeeded(event):
        return False
    key = deep_get(event, "userIdentity", "arn", default="<nobody>")
    return len(add_to_string_set(key, event.deep_get("requestParameters", "secretId"))) > MOST_SECRETS
"""

SECRETS_READ_YAML = """
AnalysisType: rule
Filename: secrets_read.py
RuleID: Test.Secrets.Read
Enabled: true
LogTypes: [AWS.CloudTrail]
Severity: Medium
Tests:
  - Name: the third one
    ExpectedResult: true
    Mocks:
      - objectName: add_to_string_set
        returnValue: [a, b, c]
    Log: { "eventName": "GetSecretValue" }
  - Name: the first one
    ExpectedResult: false
    Log: { "eventName": "GetSecretValue", "requestParameters": { "secretId": "a" } }
"""

SECURITY_GROUP_OPENED = """
from base_helpers import matches_one

EVENTS = {"AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"}
DEPLOYERS = ["*/deploy-*"]


def rule(event):
    if event.get("eventSource", "") != "ec2.amazonaws.com" or event.get("eventName") not in EVENTS:
        return False
    if matches_one(event.deep_get("userIdentity", "arn", default=""), DEPLOYERS):
        return False
    ranges = event.deep_walk("requestParameters", "ipPermissions", "items", "ipRanges", "items", "cidrIp", default=[])
    return "0.0.0.0/0" in ([ranges] if isinstance(ranges, str) else ranges)
"""

SECURITY_GROUP_OPENED_YAML = """
AnalysisType: rule
Filename: security_group_opened.py
RuleID: Test.SecurityGroup.Opened
Enabled: true
LogTypes: [AWS.CloudTrail]
Severity: Info
CreateAlert: true
Tests:
  - Name: to the world
    ExpectedResult: true
    Log:
      eventSource: ec2.amazonaws.com
      eventName: AuthorizeSecurityGroupIngress
      requestParameters:
        ipPermissions: { items: [{ ipRanges: { items: [{ cidrIp: 10.0.0.0/8 }, { cidrIp: 0.0.0.0/0 }] } }] }
  - Name: by a deployer
    ExpectedResult: false
    Log:
      eventSource: ec2.amazonaws.com
      eventName: AuthorizeSecurityGroupIngress
      userIdentity: { arn: "arn:aws:sts::111122223333:assumed-role/deploy-1/x" }
      requestParameters: { ipPermissions: { items: [{ ipRanges: { items: [{ cidrIp: 0.0.0.0/0 }] } }] } }
"""

FAILED_SIGN_IN = """
def rule(event):
    return event.udm("event_type") == "failed_login"
"""

FAILED_SIGN_IN_YAML = """
AnalysisType: rule
Filename: failed_sign_in.py
RuleID: Test.Failed.SignIn
Enabled: true
LogTypes: [AWS.CloudTrail, Okta.SystemLog]
Severity: Low
Tests:
  - Name: the wrong password
    ExpectedResult: true
    Log: { "eventName": "ConsoleLogin", "responseElements": { "ConsoleLogin": "Failure" } }
  - Name: the right one
    ExpectedResult: false
    Log: { "eventName": "ConsoleLogin", "responseElements": { "ConsoleLogin": "Success" } }
  - Name: the wrong password elsewhere
    ExpectedResult: true
    Log: { "outcome": { "result": "FAILURE" }, "p_log_type": "Okta.SystemLog" }
  - Name: nobody knows how these logs say it
    ExpectedResult: false
    Log: { "eventName": "ConsoleLogin", "responseElements": { "ConsoleLogin": "Failure" }, "p_log_type": "Box.Event" }
"""

DATA_MODEL = """
from cloud_helpers import actor_of


def event_type(event):
    if event.get("eventName") == "ConsoleLogin" and event.get("responseElements", {}).get("ConsoleLogin") == "Failure":
        return "failed_login"
    return None


def actor(event):
    return actor_of(event)
"""

DATA_MODEL_YAML = """
AnalysisType: datamodel
LogTypes: [AWS.CloudTrail]
DataModelID: Test.CloudTrail
Filename: cloudtrail_data_model.py
Enabled: true
Mappings:
  - Name: event_type
    Method: event_type
  - Name: actor_user
    Method: actor
  - Name: source_ip
    Path: sourceIPAddress
  - Name: first_resource
    Path: $.resources[0].ARN
"""

OTHER_DATA_MODEL = """
def event_type(event):
    return "failed_login" if event.get("outcome", {}).get("result") == "FAILURE" else None
"""

OTHER_DATA_MODEL_YAML = """
AnalysisType: datamodel
LogTypes: [Okta.SystemLog]
DataModelID: Test.Okta
Filename: okta_data_model.py
Enabled: true
Mappings:
  - Name: event_type
    Method: event_type
"""

FILES = {
    "global_helpers/__init__.py": "",
    "global_helpers/base_helpers.py": BASE_HELPERS,
    "global_helpers/base_helpers.yml": "AnalysisType: global\nFilename: base_helpers.py\nGlobalID: base_helpers\n",
    "global_helpers/cloud_helpers.py": CLOUD_HELPERS,
    "global_helpers/cloud_helpers.yml": "AnalysisType: global\nFilename: cloud_helpers.py\nGlobalID: cloud_helpers\n",
    "data_models/cloudtrail_data_model.py": DATA_MODEL,
    "data_models/cloudtrail_data_model.yml": DATA_MODEL_YAML,
    "data_models/okta_data_model.py": OTHER_DATA_MODEL,
    "data_models/okta_data_model.yml": OTHER_DATA_MODEL_YAML,
    "rules/cloudtrail/root_sign_in.py": ROOT_SIGN_IN,
    "rules/cloudtrail/root_sign_in.yml": ROOT_SIGN_IN_YAML,
    "rules/cloudtrail/secrets_read.py": SECRETS_READ,
    "rules/cloudtrail/secrets_read.yml": SECRETS_READ_YAML,
    "rules/cloudtrail/security_group_opened.py": SECURITY_GROUP_OPENED,
    "rules/cloudtrail/security_group_opened.yml": SECURITY_GROUP_OPENED_YAML,
    "rules/cloudtrail/failed_sign_in.py": FAILED_SIGN_IN,
    "rules/cloudtrail/failed_sign_in.yml": FAILED_SIGN_IN_YAML,
}
"""The text of each file, by its path. None of it is Panther's own."""


def write(directory: Path) -> Path:
    """Write the files below a directory, and return it."""
    for path, text in FILES.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return directory
