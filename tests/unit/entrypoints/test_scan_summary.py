"""What a scan came to: numbers for programs, tables for people."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from samples import RULE, an_alert
from trailstream.entrypoints.scan import summary as module
from trailstream.entrypoints.scan.summary import OTHERS, UNKNOWN, Summary
from trailstream.entrypoints.scan.tables import MOST_HOURS, MOST_ROWS, print_tables
from trailstream.model.alert import Alert, Severity
from trailstream.model.counting import SightingsDropped
from trailstream.model.judging import EvaluationsSkipped, RuleRaised


def counted(*alerts: Alert) -> Summary:
    summary = Summary()
    for alert in alerts:
        summary.count(alert)
    return summary


def tables(summary: Summary) -> str:
    stream = io.StringIO()
    print_tables(summary, stream)
    return stream.getvalue()


def of_rule(number: int, severity: Severity = Severity.LOW, title: str = "") -> Alert:
    return an_alert(number, rule=replace(RULE, id=f"rule-{number}", title=title or f"Rule {number}", severity=severity))


def test_alerts_are_counted_by_rule_severity_account_and_hour() -> None:
    summary = counted(
        an_alert(1, event_time="2026-11-22T18:59:59Z"),
        an_alert(2, event_time="2026-11-22T18:00:00Z", account="210987654321"),
        an_alert(3, event_time="2026-11-22T21:00:00+02:00", account=None),
        an_alert(4, event_time="noon"),
    )
    told = summary.document()
    assert told["by_rule"] == [
        {"rule_id": RULE.id, "rule_title": RULE.title, "severity": "high", "alerts": 4},
    ]
    assert told["by_severity"] == {"critical": 0, "high": 4, "medium": 0, "low": 0, "informational": 0}
    assert told["by_account"] == {"123456789012": 2, "210987654321": 1, UNKNOWN: 1}
    assert told["by_hour"] == {"2026-11-22T18:00:00Z": 2, "2026-11-22T19:00:00Z": 1, UNKNOWN: 1}


def test_what_logs_name_cannot_grow_without_end() -> None:
    summary = counted(*(an_alert(number, account=f"{number}") for number in range(module.MOST_DISTINCT + 5)))
    assert summary.by_account[OTHERS] == 5
    assert summary.alerts == module.MOST_DISTINCT + 5


def test_the_rules_are_told_the_most_severe_first_and_the_rest_as_a_number() -> None:
    rules = [of_rule(number) for number in range(MOST_ROWS + 2)]
    text = tables(counted(*rules, *rules[5:6], of_rule(99, Severity.CRITICAL)))
    order = [text.index(f"rule-{number} ") for number in (99, 5, 0)]
    assert order == sorted(order)
    assert "… and 3 more" in text


def test_hours_are_told_as_days_where_they_are_many() -> None:
    few = [an_alert(number, event_time=f"2026-11-22T{number:02}:30:00Z") for number in range(24)]
    assert "2026-11-22 07:00" in tables(counted(*few))
    many = [an_alert(n, event_time=f"2026-11-{n // 24 + 1:02}T{n % 24:02}:30:00Z") for n in range(MOST_HOURS + 1)]
    text = tables(counted(*many))
    assert "DAY (UTC)" in text
    assert "2026-11-03" in text
    assert "07:00" not in text


def test_nothing_in_a_log_or_a_rule_can_disturb_a_table() -> None:
    text = tables(counted(replace(of_rule(1, title="[red]x[/red]\x1b[2J\u202e"), account="[link=x]\n")))
    assert "[red]x[/red]\\x1b[2J\\u202e" in text
    assert "[link=x]\\n" in text
    assert "\x1b" not in text


def test_where_nothing_was_found_there_are_no_tables() -> None:
    assert tables(Summary()) == ""


def test_matches_that_could_not_be_counted_are_told_with_the_reason() -> None:
    summary = Summary()
    summary.hear(SightingsDropped("many", "untimed", 2))
    assert summary.document()["not_counted"] == {"untimed": 2}
    assert summary.closing_line().endswith("2 matches not counted")


def test_a_rule_of_code_that_says_nothing_of_a_record_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary()
    summary.hear(RuleRaised("theirs", "Traceback\nKeyError"))
    summary.hear(EvaluationsSkipped("theirs", "raised", "s3://logs/a", ("id-1", "id-2")))
    assert summary.failed == [
        {"object": "s3://logs/a", "code": "rule_failed", "detail": "rule theirs (raised) says nothing of id-1, id-2"}
    ]
    assert "KeyError" in capsys.readouterr().err


def test_an_interrupted_scan_says_so_first() -> None:
    assert Summary(interrupted=True).closing_line().startswith("interrupted: 0 objects")
