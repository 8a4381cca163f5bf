"""docs/alerts.md sends people to what is there: events of the log, metrics, codes, settings."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

from trailstream.bootstrap.core import log_start
from trailstream.model.facts import Fact
from trailstream.model.problems import Problem
from trailstream.rules.loading import LoadedRules
from trailstream.telemetry.catalogue import CATALOGUE, CODES, LAG_STAGES
from trailstream.telemetry.log_facts import LogFacts
from trailstream.telemetry.logs import configure_logs

DOCS = Path(__file__).parents[3] / "docs"
PROSE = re.sub(r"^ *```.*?^ *```$", "", (DOCS / "alerts.md").read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
QUOTED = {" ".join(words.split()) for words in re.findall(r"`([^`]+)`", PROSE)}
COMMANDS = ("trailstream ", "aws ")


def test_every_event_of_the_log_that_the_page_names_is_one(every_fact: Sequence[Fact]) -> None:
    stream = io.StringIO()
    log = configure_logs(stream, level="debug")
    facts = LogFacts(log)
    for fact in every_fact:
        facts.observe(fact)
    log_start(log, LoadedRules(problems=[Problem("a.yaml:1", "broken")]))
    events = {json.loads(line)["event"] for line in stream.getvalue().splitlines()}
    named = {words for words in QUOTED if re.fullmatch(r"[a-z-]+( [a-z-]+)+", words) and not words.startswith(COMMANDS)}
    assert len(named) > 10
    assert named <= events


def test_every_metric_code_and_stage_that_the_page_names_is_one() -> None:
    fields = {"object_store", "alert_id"}
    named = {word for word in QUOTED if re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", word)} - fields
    assert len(named) > 10
    assert named <= {*CODES, *LAG_STAGES, *(metric.name for metric in CATALOGUE)}


def test_every_setting_that_the_page_names_is_in_the_reference() -> None:
    reference = (DOCS / "configuration.md").read_text("utf-8")
    named = {found[0] for words in QUOTED if (found := re.match(r"[a-z]+(\.[a-z_]+)+", words))}
    settings = {name for name in named if not name.endswith(".yaml")}
    assert len(settings) > 10
    assert [name for name in settings if f"`{name}" not in reference] == []
