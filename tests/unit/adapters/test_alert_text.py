from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from samples import CREATE_TOPIC, RULE, an_alert
from trailstream.adapters.alert_text import (
    alert_json,
    alert_text,
    shortened_alert_json,
    shortened_alert_text,
)
from trailstream.model.alert import Alert
from trailstream.model.limits import KIB

CONTRACT_KEYS = {
    *("alert_id", "rule_id", "rule_title", "severity", "event_id", "event_time", "account", "region", "event_source"),
    *("event_name", "object", "record", "record_index", "record_id", "actor", "source_ip", "error_code", "tags"),
    *("shared_event_id", "references", "description", "language", "title", "runbook", "dedup", "window", "context"),
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_the_json_form_has_every_field_and_the_record_last() -> None:
    line = alert_json(an_alert(3))
    value = json.loads(line)
    assert set(value) == CONTRACT_KEYS
    assert list(value)[-1] == "record"
    assert value["record"]["responseElements"] == CREATE_TOPIC["responseElements"]
    assert (value["severity"], value["record_index"], value["tags"]) == ("high", 3, ["attack.persistence"])


def test_the_record_stands_in_both_forms_byte_for_byte() -> None:
    record = b'{"eventVersion":"1.08","a":1.50,"b":"\\u0043reate","a":12345678901234567890123}'
    alert = an_alert(record_json=record)
    assert alert_json(alert).endswith(b',"record":' + record + b"}")
    assert alert_text(alert).endswith("\n\n" + record.decode() + "\n")


@given(record=st.dictionaries(st.text(), json_values), indent=st.sampled_from([None, 2]), plain=st.booleans())
def test_any_record_in_any_layout_is_one_line_of_the_same_value(
    record: dict[str, Any], indent: int | None, *, plain: bool
) -> None:
    text = json.dumps(record, indent=indent, ensure_ascii=plain)
    alert = an_alert(record_json=text.replace("\n", "\r\n").encode("utf-8", "replace"))
    sent = json.loads(alert.record_json)
    line = alert_json(alert)
    assert b"\n" not in line
    assert b"\r" not in line
    assert json.loads(line)["record"] == sent
    assert json.loads(alert_text(alert).split("\n\n", 2)[2]) == sent


@given(
    text=st.text() | st.just(""),
    active=st.sampled_from(["\x7f", "\x00\x07\x1b\x9b\u061c\u200e\u2028\u202e\u2066\ufffe\uffff"]),
)
def test_no_form_holds_a_character_that_sqs_refuses_or_a_terminal_obeys(text: str, active: str) -> None:
    text += active
    values = dict.fromkeys(("account", "region", "event_name", "error_code", "actor", "source_ip", "object"), text)
    alert = an_alert(
        **values,
        rule=replace(RULE, title=text, description=text),
        record_json=json.dumps({"userAgent": text}, ensure_ascii=False).encode("utf-8", "replace"),
    )
    for form in (alert_text(alert), shortened_alert_text(alert), alert_json(alert).decode()):
        assert not [c for c in form.replace("\n", "") if unicodedata.category(c) == "Cc"]
        assert not set(form) & set("\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufffe\uffff")


def test_a_value_from_a_log_cannot_begin_a_line_of_the_letter() -> None:
    honest = alert_text(an_alert(actor="mallory"))
    forged = alert_text(an_alert(actor="mallory\nAccount:         999999999999\r\n\n{}"))
    assert len(forged.splitlines()) == len(honest.splitlines())
    assert "mallory\\nAccount:" in forged


def test_the_letter_says_first_what_happened_where_and_by_whom() -> None:
    text = alert_text(an_alert(error_code="AccessDenied", shared_event_id="s-1"))
    head, record = text.rstrip("\n").rsplit("\n\n", 1)
    assert head.startswith("[high] SNS topic created\n\n")
    for fact in ("CreateTopic", "AccessDenied", "123456789012", "eu-west-1", "user/alice", "192.0.2.7", "s-1", "s3://"):
        assert fact in head
    assert json.loads(record)["responseElements"]["topicArn"] == "arn:aws:sns:eu-west-1:123456789012:alarms"


def test_what_is_not_known_takes_no_line() -> None:
    assert "Error" not in alert_text(an_alert(error_code=None))
    assert "None" not in alert_text(an_alert(account=None, region=None, object=None, event_source=None))


def test_a_file_name_that_is_not_utf8_survives_as_it_came() -> None:
    name = b"logs/\xff.json.gz".decode("utf-8", "surrogateescape")
    assert json.loads(alert_json(an_alert(object=name)))["object"] == name


def largest_alert() -> Alert:
    huge = "\U0001f980\x00" * 200_000
    values = dict.fromkeys(
        ("account", "region", "event_id", "event_time", "event_source", "event_name", "error_code", "actor"), huge
    )
    rule = replace(RULE, id=huge, title=huge, description=huge, tags=(huge,) * 50, references=(huge,) * 50)
    return an_alert(
        **values, source_ip=huge, shared_event_id=huge, object=huge, record_id=huge, rule=rule, record_json=b"{}"
    )


def test_a_shortened_alert_fits_whatever_the_alert_holds() -> None:
    assert len(shortened_alert_json(largest_alert())) <= 150 * KIB
    assert len(shortened_alert_text(largest_alert()).encode()) <= 150 * KIB


def test_a_shortened_alert_says_so_and_where_the_record_is() -> None:
    alert = an_alert(17, record_json=b'{"a":"' + b"x" * 1000 + b'"}')
    value = orjson.loads(shortened_alert_json(alert))
    assert (value["shortened"], value["record"], value["record_bytes"]) == (True, None, 1008)
    assert (value["object"], value["record_index"]) == (alert.object, 17)
    text = shortened_alert_text(alert)
    assert "shortened" in text
    assert f"record 17 (counted from 0) of {alert.object}" in text
