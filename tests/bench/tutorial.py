"""The tutorial's rule, for baselines that know no other."""

from __future__ import annotations

from typing import Any

from trailstream.model.alert import alert_id


def matches_tutorial(record: dict[str, Any]) -> bool:
    return record.get("eventSource") == "sns.amazonaws.com" and record.get("eventName") == "CreateTopic"


def tutorial_alert_id(record: dict[str, Any]) -> str:
    return alert_id("sns-topic-created", record["eventID"])
