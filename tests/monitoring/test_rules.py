from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped]  # its stubs are not installed for one call
import pytest
import yaml

from monitoring.causes import DRAMAS
from monitoring.hurry import PROMETHEUS, ROOT, hurried
from monitoring.prometheus import MISSING, PROMTOOL
from trailstream.telemetry.catalogue import CATALOGUE, LAG_BUCKETS

RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yaml"))
UNIT_TESTS = sorted((Path(__file__).parent / "rules").glob("*.test.yaml"))
PAGE = (ROOT / "docs" / "alerts.md").read_text("utf-8")

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason=MISSING)


def rules(kind: str) -> Iterator[Mapping[str, Any]]:
    for path in RULE_FILES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            yield from (rule for rule in group["rules"] if kind in rule)


ALERTS = {rule["alert"]: rule for rule in rules("alert")}


def promtool(*arguments: str | Path) -> str:
    assert PROMTOOL is not None
    run = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@needs_promtool
def test_the_rules_and_the_configuration_are_ones_that_prometheus_takes() -> None:
    promtool("check", "rules", *RULE_FILES)
    promtool("check", "config", PROMETHEUS / "prometheus.yaml")


def test_the_queues_of_the_ecs_stack_are_told_apart_whichever_exporter_names_them() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text("utf-8"))
    (exporter,) = (job for job in config["scrape_configs"] if job["job_name"] == "cloudwatch")
    stack = (ROOT / "deploy" / "ecs" / "trailstream.yaml").read_text("utf-8")
    names = [name.replace("${AWS::StackName}", "x") for name in re.findall(r'QueueName: !Sub "(.+)"', stack)]
    parts = {
        name: [
            relabel["replacement"]
            for relabel in exporter["metric_relabel_configs"]
            if re.fullmatch(relabel["regex"], name)
        ]
        for name in names
    }
    assert parts["x-log-objects"] == ["notifications"]
    assert parts["x-dead-letters"] == ["dead_letters"]
    assert all(
        relabel["source_labels"] == ["dimension_QueueName", "queue_name"]
        for relabel in exporter["metric_relabel_configs"]
    )


@needs_promtool
def test_the_collector_scrapes_with_a_configuration_that_prometheus_takes(tmp_path: Path) -> None:
    collector = yaml.safe_load((PROMETHEUS / "otel-collector.yaml").read_text("utf-8"))
    config = tmp_path / "prometheus.yaml"
    config.write_text(yaml.safe_dump(collector["receivers"]["prometheus"]["config"]))
    promtool("check", "config", config)


@needs_promtool
@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_the_alerts_fire_where_they_should_and_only_there(path: Path) -> None:
    promtool("test", "rules", path)


def test_each_alert_has_a_unit_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    checks = [
        (re.findall(r'alertname="(\w+)"', check["expr"])[0], bool(check["exp_samples"]))
        for path in UNIT_TESTS
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for check in test.get("promql_expr_test", ())
    ]
    assert set(checks) == {(alert, fires) for alert in ALERTS for fires in (True, False)}


def test_each_alert_has_a_section_in_its_page_that_says_who_is_told_and_no_other_has() -> None:
    told = dict(re.findall(r"^## (Trailstream\w+)\n\n\*(\w+)\.\*", PAGE, re.MULTILINE))
    assert told == {alert: rule["labels"]["severity"] for alert, rule in ALERTS.items()}


def test_each_section_says_what_to_look_at_and_what_to_do() -> None:
    for section in PAGE.split("\n## ")[1:]:
        assert "- **Look at**" in section, section
        assert "**do**" in section.lower(), section


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_links_to_its_runbook_and_says_what_it_means(alert: str) -> None:
    annotations = ALERTS[alert]["annotations"]
    assert annotations["runbook_url"] == f"{{{{ $externalLabels.runbooks }}}}/alerts.md#{alert.lower()}"
    assert annotations.keys() == {"summary", "description", "runbook_url"}


def test_the_rules_name_only_metrics_that_exist() -> None:
    recorded = {rule["record"] for rule in rules("record")}
    exported = {
        metric.name + suffix
        for metric in CATALOGUE
        for suffix in (("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",))
    }
    text = " ".join(rule["expr"] for kind in ("alert", "record") for rule in rules(kind))
    assert set(re.findall(r"\btrailstream_\w+(?=[{\[])", text)) <= exported
    assert set(re.findall(r"\w+:trailstream_\w+:\w+", text)) <= recorded


def test_the_objectives_are_buckets_of_the_histogram() -> None:
    bounds = {float(bound) for rule in rules("record") for bound in re.findall(r'le="([^"]+)"', rule["expr"])}
    assert bounds
    assert bounds <= set(map(float, LAG_BUCKETS))


def test_inhibitions_name_only_alerts_that_exist() -> None:
    named = re.findall(r"Trailstream\w+", (PROMETHEUS / "alertmanager.yaml").read_text("utf-8"))
    assert named
    assert set(named) <= ALERTS.keys()


def test_the_command_that_writes_targets_from_cloud_map_writes_what_prometheus_reads() -> None:
    (query,) = re.findall(r'--query "(.+)"', (PROMETHEUS / "README.md").read_text("utf-8"))
    answer = {
        "Instances": [
            {"InstanceId": "a", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.1.23", "ECS_CLUSTER_NAME": "c"}},
            {"InstanceId": "b", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.2.42", "ECS_CLUSTER_NAME": "c"}},
        ]
    }
    written = json.dumps(jmespath.search(query, answer))
    assert json.loads(written) == [{"labels": {"job": "trailstream"}, "targets": ["10.0.1.23:9464", "10.0.2.42:9464"]}]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("for: 5m # five minutes", "for: 5s # five minutes"),
        ("increase(a:increase1h[1h]) > 2", "increase(a:increase1h[60s]) > 2"),
        ("[1d]", "[1440s]"),
        ("> 15 * 60", "> 15 * 1"),
        ('{le="60.0"} > 0.01 * b', '{le="60.0"} > 0.01 * b'),
    ],
)
def test_in_a_hurry_a_minute_is_a_second_and_nothing_else_changes(written: str, expected: str) -> None:
    assert hurried(written) == expected


def test_the_cause_of_each_alert_is_provoked_in_a_real_worker() -> None:
    provoked = [alert for drama in DRAMAS for alert in drama.fires]
    assert len(provoked) == len(set(provoked)), "one is enough"
    assert set(provoked) == ALERTS.keys()
