"""How what a rule says of a match, and of itself, becomes the alert; and how the alert is written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from samples import CREATE_TOPIC, RULE, an_alert
from trailstream.adapters.alert_text import alert_json, alert_text, shortened_alert_json
from trailstream.adapters.sinks.sns import subject_of
from trailstream.model.alert import Alert, Match, Severity
from trailstream.model.finding import Finding, Remarks
from trailstream.model.shaping import Shaping
from trailstream.model.window import Told, Window
from trailstream.pipeline.telling import LARGEST_CONTEXT_BYTES, LONGEST_REMARK, alert_of_finding

SHAPING = Shaping(title="{eventName}", runbook="Ask why.", destinations=("sns",))


def told(remarks: Remarks, shaping: Shaping = SHAPING) -> Alert:
    match = Match(replace(RULE, shaping=shaping), CREATE_TOPIC, None, 0)
    return alert_of_finding(Finding(match, remarks), origin=None, key_account=None)


def test_what_a_rule_says_of_one_match_counts_before_what_it_says_of_itself() -> None:
    remarks = Remarks(
        title="Look!", severity=Severity.LOW, runbook="Call Ana.", destinations=(), description="d", reference="r"
    )
    alert = told(remarks)
    assert (alert.headline, alert.level, alert.runbook, alert.destinations) == ("Look!", Severity.LOW, "Call Ana.", ())
    plain = told(Remarks())
    assert (plain.headline, plain.level, plain.runbook) == ("CreateTopic", RULE.severity, "Ask why.")
    assert plain.destinations == ("sns",)


@pytest.mark.parametrize("field", ["title", "description", "reference", "runbook"])
def test_what_code_makes_of_a_match_is_bounded(field: str) -> None:
    said: dict[str, Any] = {field: "x" * 1_000_000}
    alert = told(Remarks(**said))
    assert len(getattr(alert, field)) <= LONGEST_REMARK
    assert len(shortened_alert_json(alert)) < 120_000


def test_a_context_that_is_too_large_is_told_by_its_size() -> None:
    small: dict[str, Any] = {"why": ["a", 1, None]}
    assert told(Remarks(context=small)).context == small
    assert told(Remarks(context={"x": "x" * LARGEST_CONTEXT_BYTES})).context == {"omitted": "32776 bytes"}


SHAPED = an_alert(
    title="3 failed logins",
    severity=Severity.CRITICAL,
    runbook="Ask why.",
    dedup="alice",
    context={"why": "because"},
    told=Told({"sourceIPAddress": "192.0.2.7"}, Window(0, 300, 20, "r", 3, 3, ("r", "s"))),
)


def test_the_json_form_keeps_the_rules_title_and_says_the_alerts_own() -> None:
    value = json.loads(alert_json(SHAPED))
    assert (value["rule_title"], value["title"], value["severity"]) == (RULE.title, "3 failed logins", "critical")
    assert (value["dedup"], value["context"], value["runbook"]) == ("alice", {"why": "because"}, "Ask why.")
    assert value["window"] == {
        "from": "1970-01-01T00:00:00Z",
        "to": "1970-01-01T00:05:00Z",
        "matches": 3,
        "number": 3,
        "group": {"sourceIPAddress": "192.0.2.7"},
        "record_ids": ["r", "s"],
    }


def test_the_letter_says_them_too() -> None:
    text = alert_text(SHAPED)
    assert text.startswith("[critical] 3 failed logins\n")
    assert "Matches:         3 from 1970-01-01T00:00:00Z to 1970-01-01T00:05:00Z\n" in text
    assert "In common:       sourceIPAddress=192.0.2.7\n" in text
    assert 'Context:         {"why": "because"}\n' in text
    assert "Runbook:         Ask why.\n" in text
    assert subject_of(SHAPED).startswith("[critical] 3 failed logins (")


def test_an_alert_without_any_of_that_says_what_its_rule_says() -> None:
    value = json.loads(alert_json(an_alert()))
    assert (value["title"], value["severity"]) == (RULE.title, RULE.severity.label)
    assert [value[name] for name in ("runbook", "dedup", "window", "context")] == [None] * 4
