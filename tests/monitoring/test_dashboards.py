from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.hurry import PROMETHEUS, ROOT
from monitoring.panels import DASHBOARDS, NAMES, answerable, dashboard, panels, queries
from monitoring.prometheus import MISSING, PROMTOOL
from trailstream.telemetry.catalogue import CATALOGUE

PYTHON = Path(os.environ.get("DASHBOARDS_PYTHON") or ROOT / ".venv-dashboards" / "bin" / "python")

needs_the_program = pytest.mark.skipif(
    not PYTHON.is_file(), reason="the library that writes dashboards is not installed here: `make test` installs it"
)

READ_BACK = """
import json, sys
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

register_default_plugins()
json.dump(Dashboard.from_json(json.load(sys.stdin)), sys.stdout, cls=JSONEncoder)
"""


def all_panels() -> list[Any]:
    return [pytest.param(panel, id=f"{name} / {panel['title']}") for name in NAMES for panel in panels(name)]


def program(*arguments: str, stdin: str | None = None) -> str:
    run = subprocess.run([PYTHON, *arguments], cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@needs_the_program
def test_the_program_writes_the_committed_files_byte_for_byte(tmp_path: Path) -> None:
    program("-m", "deploy.grafana", str(tmp_path))
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in DASHBOARDS.iterdir()}


@needs_the_program
@pytest.mark.parametrize("name", NAMES)
def test_grafana_s_own_model_knows_every_field_of_a_dashboard(name: str) -> None:
    # It drops what it does not know, so what comes back unchanged holds nothing else.
    text = (DASHBOARDS / f"{name}.json").read_text("utf-8")
    assert yaml.safe_load(program("-c", READ_BACK, stdin=text)) == dashboard(name)


@pytest.mark.skipif(PROMTOOL is None, reason=MISSING)
def test_every_query_is_promql(tmp_path: Path) -> None:
    assert PROMTOOL is not None
    rules = [
        {"record": f"query:{number}", "expr": answerable(query, rate_interval="1m", whole_range="6h")}
        for number, query in enumerate(queries())
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    run = subprocess.run([PROMTOOL, "check", "rules", path], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_query_names_only_metrics_that_exist() -> None:
    recorded = set(re.findall(r"record: (\S+)", (PROMETHEUS / "rules" / "recording.yaml").read_text("utf-8")))
    exported = {
        metric.name + suffix
        for metric in CATALOGUE
        for suffix in (("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",))
    }
    text = " ".join(query.expression for query in queries())
    assert set(re.findall(r"\btrailstream_\w+(?=\{)", text)) <= exported
    assert set(re.findall(r"\w+:trailstream_\w+:\w+", text)) <= recorded


def test_every_metric_is_on_some_dashboard_or_left_out_on_purpose() -> None:
    text = " ".join(query.expression for query in queries())
    unseen = {metric.name for metric in CATALOGUE if metric.name not in text}
    assert unseen == {"trailstream_scale_in_protected"}


@pytest.mark.parametrize("panel", all_panels())
def test_a_panel_has_a_unit_thresholds_and_the_data_source_that_is_chosen(panel: Mapping[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["thresholds"]["steps"][0]["value"] is None
    assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


def test_every_alert_is_linked_from_the_panel_that_shows_its_subject() -> None:
    alerts = {
        rule["alert"].lower()
        for path in (PROMETHEUS / "rules").glob("*.yaml")
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    linked = {link["url"] for name in NAMES for panel in panels(name) for link in panel.get("links", [])}
    assert linked == {f"${{runbooks}}#{alert}" for alert in alerts}


@pytest.mark.parametrize("name", NAMES)
def test_no_panel_covers_another_and_each_has_a_number_of_its_own(name: str) -> None:
    every = dashboard(name)["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    taken: set[tuple[int, int]] = set()
    for panel in every:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_that_a_query_uses_is_one_that_the_dashboard_has(name: str) -> None:
    board = dashboard(name)
    known = {variable["name"] for variable in board["templating"]["list"]} | {"__rate_interval", "__range"}
    used = set(
        re.findall(r"\$\{?(\w+)", " ".join(target["expr"] for panel in panels(name) for target in panel["targets"]))
    )
    assert used <= known


def test_grafana_is_told_where_the_dashboards_are() -> None:
    (provider,) = yaml.safe_load(
        (ROOT / "deploy" / "grafana" / "provisioning" / "dashboards" / "trailstream.yaml").read_text("utf-8")
    )["providers"]
    assert f"`{provider['options']['path']}`" in (ROOT / "deploy" / "grafana" / "README.md").read_text("utf-8")
