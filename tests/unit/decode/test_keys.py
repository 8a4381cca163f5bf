from __future__ import annotations

import pytest

from trailstream.decode.keys import FOLDER, OTHER_KINDS, account_in_key, skip_by_key
from trailstream.model.delivery import ObjectRef

ACCOUNT = "111122223333"


def reason(key: str, size: int | None = 100) -> str | None:
    skip = skip_by_key(ObjectRef("logs", key, size=size))
    return skip.reason if skip else None


@pytest.mark.parametrize("prefix", ["", "prefix/", "a/b/", "AWSLogs/"])
@pytest.mark.parametrize("organization", ["", "o-abcdef1234/"])
@pytest.mark.parametrize(("kind", "expected"), sorted(OTHER_KINDS.items()))
def test_a_key_known_to_be_another_service_s_is_skipped_for_its_reason(
    kind: str, expected: str, organization: str, prefix: str
) -> None:
    assert reason(f"{prefix}AWSLogs/{organization}{ACCOUNT}/{kind}/eu-west-1/2026/01/01/x.gz") == expected


@pytest.mark.parametrize(
    "key",
    [
        f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/01/01/{ACCOUNT}_CloudTrail_x.json.gz",
        f"AWSLogs/o-abcdef1234/{ACCOUNT}/CloudTrail/eu-west-1/2026/01/01/x.json.gz",
        f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/eu-west-1/2026/01/01/x.json.gz",
        f"AWSLogs/{ACCOUNT}/CloudTrail-NetworkActivity/eu-west-1/x.json.gz",
        f"AWSLogs/{ACCOUNT}/SomethingNew/x.json.gz",
        f"Config/vpcflowlogs/AWSLogs/{ACCOUNT}/CloudTrail/x.json.gz",
        f"AWSLogs/{ACCOUNT}/Config/AWSLogs/{ACCOUNT}/CloudTrail/x.json.gz",
        f"AWSLogs/{ACCOUNT}/configuration/x.json.gz",
        "CloudTrail-Digest/x.json.gz",
        "Config/x",
        "anything at all",
    ],
)
def test_every_other_key_is_read(key: str) -> None:
    assert reason(key) is None


def test_an_empty_object_that_stands_for_a_folder_is_skipped() -> None:
    assert reason("AWSLogs/", size=0) == FOLDER


@pytest.mark.parametrize("size", [1, None])
def test_a_key_that_ends_like_a_folder_is_read_unless_it_is_known_to_be_empty(size: int | None) -> None:
    assert reason("AWSLogs/", size=size) is None


def test_an_empty_object_with_a_name_is_read_so_that_it_is_refused_for_what_it_is() -> None:
    assert reason(f"AWSLogs/{ACCOUNT}/CloudTrail/x.json.gz", size=0) is None


@pytest.mark.parametrize(
    ("key", "account"),
    [
        (f"AWSLogs/{ACCOUNT}/CloudTrail/x", ACCOUNT),
        (f"p/AWSLogs/o-abcdef1234/{ACCOUNT}/CloudTrail/x", ACCOUNT),
        ("AWSLogs/12345/CloudTrail/x", None),
        ("AWSLogs/\N{ARABIC-INDIC DIGIT ONE}11122223333/CloudTrail/x", None),
        ("x", None),
    ],
)
def test_the_account_of_an_object_is_read_from_its_key(key: str, account: str | None) -> None:
    assert account_in_key(key) == account
