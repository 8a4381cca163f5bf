"""What is in the page of a report: nothing but what it may hold, and not more than it may."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from samples import RULE, an_alert
from trailstream.entrypoints.scan.report import Report
from trailstream.entrypoints.scan.report.rows import MOST_RECORD_BYTES
from trailstream.entrypoints.scan.summary import Summary
from trailstream.model.alert import Alert, Severity

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)><!--\u202e\u2028\ud800"
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def of(severity: Severity, number: int = 0) -> Alert:
    return an_alert(number, rule=replace(RULE, id=severity.label, title=severity.label, severity=severity))


def page(folder: Path, *alerts: Alert, **limits: int) -> str:
    report, summary = Report(**limits), Summary()
    for alert in alerts:
        summary.count(alert)
        report.add(alert)
    report.write(folder / "report.html", summary, ["s3://logs/"])
    return (folder / "report.html").read_text(encoding="utf-8")


def data(text: str) -> dict[str, Any]:
    found = DATA.search(text)
    assert found is not None
    loaded: dict[str, Any] = json.loads(found[1])
    return loaded


def test_every_alert_is_there_with_the_text_of_its_record_and_its_rule_is_there_once(tmp_path: Path) -> None:
    alerts = [an_alert(number) for number in range(3)]
    held = data(page(tmp_path, *alerts))
    assert [each["record"].encode() for each in held["alerts"]] == [alert.record_json for alert in alerts]
    assert [each["alert_id"] for each in held["alerts"]] == [alert.id for alert in alerts]
    assert [each["description"] for each in held["about"]] == [RULE.description]
    assert held["facts"]["alerts"] == 3
    assert held["facts"]["inputs"] == ["s3://logs/"]


def test_a_long_number_keeps_its_digits(tmp_path: Path) -> None:
    record = b'{"n":12345678901234567890123,"x":1.10}'
    assert data(page(tmp_path, an_alert(record_json=record)))["alerts"][0]["record"] == record.decode()


def test_nothing_from_a_log_or_a_rule_can_end_the_element_that_it_stands_in(tmp_path: Path) -> None:
    rule = replace(RULE, title=HOSTILE, description=HOSTILE, tags=(HOSTILE,))
    record = json.dumps({"userAgent": HOSTILE[:-1]}, ensure_ascii=False).encode()
    text = page(tmp_path, an_alert(rule=rule, actor=HOSTILE, object=HOSTILE, record_json=record))
    inside = DATA.search(text)
    assert inside is not None
    assert "<" not in inside[1]
    assert inside[1].isascii()
    assert text.count("<script") == text.count("</script>") == 2
    assert data(text)["alerts"][0]["record"] == record.decode()


def test_the_policy_lets_the_page_s_own_style_and_script_through_and_no_network(tmp_path: Path) -> None:
    text = page(tmp_path, an_alert())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = dict(each.split(" ", 1) for each in policy[1].split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for name, element in (("script-src", r"<script>(.*?)</script>"), ("style-src", r"<style>(.*?)</style>")):
        inline = re.search(element, text, re.DOTALL)
        assert inline is not None
        digest = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"


def test_of_too_many_alerts_the_most_severe_are_kept_and_the_first_of_those(tmp_path: Path) -> None:
    alerts = [
        *(of(Severity.LOW, number) for number in range(4)),
        of(Severity.CRITICAL, 10),
        of(Severity.INFORMATIONAL, 11),
        of(Severity.LOW, 12),
        of(Severity.HIGH, 13),
    ]
    held = data(page(tmp_path, *alerts, most_alerts=4))
    assert [each["record_index"] for each in held["alerts"]] == [0, 1, 10, 13]
    assert held["facts"]["left_out"] == [{"rule": "low", "alerts": 3}, {"rule": "informational", "alerts": 1}]
    assert held["facts"]["alerts"] == 8


def test_a_page_does_not_grow_beyond_its_bytes(tmp_path: Path) -> None:
    alerts = [an_alert(number, record_json=b'"%b"' % (b"x" * 1000)) for number in range(100)]
    text = page(tmp_path, *alerts, most_bytes=20_000)
    held = data(text)
    assert sum(len(json.dumps(each)) for each in held["alerts"]) < 21_000
    assert len(held["alerts"]) + held["facts"]["left_out"][0]["alerts"] == 100


def test_of_a_record_that_is_too_long_its_length_and_its_place_are_there(tmp_path: Path) -> None:
    (held,) = data(page(tmp_path, an_alert(7, record_json=b'"%b"' % (b"x" * MOST_RECORD_BYTES))))["alerts"]
    assert "record" not in held
    assert (held["record_bytes"], held["record_index"]) == (MOST_RECORD_BYTES + 2, 7)
