from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import RULE, an_alert
from trailstream.adapters.sinks.sns import subject_of, topic_region

if TYPE_CHECKING:
    from trailstream.model.alert import Alert


def titled(title: str, **changes: Any) -> Alert:
    return an_alert(rule=replace(RULE, title=title), **changes)


def test_a_subject_says_how_bad_what_and_where() -> None:
    assert subject_of(an_alert()) == "[high] SNS topic created (123456789012, eu-west-1)"
    assert subject_of(an_alert(account=None, region=None)) == "[high] SNS topic created"


@given(title=st.text(), account=st.none() | st.text(), region=st.none() | st.text())
def test_any_title_and_account_make_a_subject_that_sns_takes(
    title: str, account: str | None, region: str | None
) -> None:
    assert re.fullmatch(r"[!-~][ -~]{0,98}", subject_of(titled(title, account=account, region=region)))


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("Zugriff für Übeltäter", "[high] Zugriff fur Ubeltater"),
        ("one\r\nBcc: two", "[high] one\\r\\nBcc: two"),
        ("x" * 200, "[high] " + "x" * 92),
    ],
)
def test_a_subject_is_ascii_on_one_line_and_less_than_100_characters(title: str, subject: str) -> None:
    assert subject_of(titled(title, account=None, region=None)) == subject


@pytest.mark.parametrize(
    ("arn", "region"),
    [
        ("arn:aws:sns:eu-west-1:123456789012:alerts", "eu-west-1"),
        ("arn:aws-cn:sns:cn-north-1:1:t", "cn-north-1"),
        ("t", None),
    ],
)
def test_the_region_of_a_topic_is_read_from_its_arn(arn: str, region: str | None) -> None:
    assert topic_region(arn) == region
