"""What the templates say, where no endpoint would notice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from endpoint import ROOT
from templates.stacks import ECS, LAMBDA_FROM_BUCKET, LAMBDA_FROM_QUEUE, READER_ROLE, TEMPLATES, TRAIL, read_template
from trailstream.adapters.assumed_role import SESSION_NAME
from trailstream.config.settings import QueueSettings

SHARED_WITH_ECS = [
    (LAMBDA_FROM_QUEUE, "Key"),
    (LAMBDA_FROM_QUEUE, "DeadLetterQueue"),
    (LAMBDA_FROM_QUEUE, "QueuePolicy"),
    (LAMBDA_FROM_QUEUE, "NotificationSubscription"),
    (LAMBDA_FROM_QUEUE, "ObjectRule"),
    (LAMBDA_FROM_QUEUE, "DeadLetterPolicy"),
    *((path, name) for path in (LAMBDA_FROM_QUEUE, LAMBDA_FROM_BUCKET) for name in ("ReasonQueue", "AlertTopic")),
    *((path, name) for path in (LAMBDA_FROM_QUEUE, LAMBDA_FROM_BUCKET) for name in ("AlertSubscription", "Ledger")),
    *((path, "Windows") for path in (LAMBDA_FROM_QUEUE, LAMBDA_FROM_BUCKET)),
]


@pytest.mark.parametrize(("path", "name"), SHARED_WITH_ECS)
def test_what_both_doors_need_is_the_same_in_their_templates(path: Path, name: str) -> None:
    assert read_template(path)["Resources"][name] == read_template(ECS)["Resources"][name]


def test_whoever_reads_logs_may_do_the_same_with_them() -> None:
    workers, readers = (
        {statement["Sid"]: statement for statement in statements_of_roles(path)} for path in (ECS, READER_ROLE)
    )
    for sid in ("ReadLogs", "TellMissingFromDenied"):
        assert readers[sid] == workers[sid]


def test_a_role_is_assumed_under_the_name_that_it_asks_for() -> None:
    (trust,) = read_template(READER_ROLE)["Resources"]["ReaderRole"]["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ]
    assert trust["Condition"]["StringEquals"]["sts:RoleSessionName"] == SESSION_NAME


def test_the_function_is_the_same_however_it_is_invoked() -> None:
    behind_queue, of_bucket = (read_template(path)["Resources"] for path in (LAMBDA_FROM_QUEUE, LAMBDA_FROM_BUCKET))
    del of_bucket["Function"]["Properties"]["ReservedConcurrentExecutions"]
    assert behind_queue["Function"] == of_bucket["Function"]
    assert behind_queue["LogGroup"] == of_bucket["LogGroup"]
    of_the_queue = {"DeadLetterAlarm", "OldestMessageAlarm"}
    assert alarms_of(LAMBDA_FROM_QUEUE).keys() - of_the_queue == alarms_of(LAMBDA_FROM_BUCKET).keys() - of_the_queue
    for name in alarms_of(LAMBDA_FROM_BUCKET).keys() - of_the_queue:
        assert behind_queue[name] == of_bucket[name]


@pytest.mark.parametrize("path", [ECS, LAMBDA_FROM_QUEUE, LAMBDA_FROM_BUCKET], ids=lambda path: path.stem)
def test_an_alarm_that_people_hear_says_where_it_stands_what_to_do(path: Path) -> None:
    for name, alarm in alarms_of(path).items():
        page, anchor = re.findall(r": (docs/[a-z-]+\.md)#([a-z-]+)$", alarm["AlarmDescription"])[0]
        headings = re.findall(r"^## (.*)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, name


def test_the_page_lists_every_alarm_of_a_function() -> None:
    _, _, section = (ROOT / "docs" / "deploy-lambda.md").read_text(encoding="utf-8").partition("\n## Alarms\n")
    listed = re.findall(r"^\| `(\w+)` \|", section.partition("\n## ")[0], re.MULTILINE)
    assert set(listed) == alarms_of(LAMBDA_FROM_QUEUE).keys()


def alarms_of(path: Path) -> dict[str, dict[str, Any]]:
    """The alarms that tell people, where they are to be told, by name."""
    resources = read_template(path)["Resources"]
    alarms = {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    told = {"Fn::If": ["HasOperationsTopic", [{"Ref": "OperationsTopicArn"}], {"Ref": "AWS::NoValue"}]}
    return {name: properties for name, properties in alarms.items() if properties["AlarmActions"] == told}


def test_the_grace_ends_before_ecs_kills_and_leaves_time_to_hand_back() -> None:
    template = read_template(ECS)
    allowed = template["Parameters"]["StopTimeoutSeconds"]["AllowedValues"]
    grace = {timeout: int(each["Grace"]) for timeout, each in template["Mappings"]["StopTimeout"].items()}
    assert set(allowed) == set(grace)
    assert all(10 <= int(timeout) - seconds <= 15 for timeout, seconds in grace.items())


def test_every_size_of_a_task_has_memory_and_slots_in_proportion() -> None:
    template = read_template(ECS)
    sizes = {int(cpu): each for cpu, each in template["Mappings"]["Task"].items()}
    assert {str(cpu) for cpu in sizes} == set(template["Parameters"]["TaskCpu"]["AllowedValues"])
    assert {int(each["Memory"]) / cpu for cpu, each in sizes.items()} == {2}
    default = int(template["Parameters"]["TaskCpu"]["Default"])
    slots = QueueSettings.model_fields["slots"].default
    assert {cpu: int(each["Slots"]) for cpu, each in sizes.items()} == {cpu: slots * cpu // default for cpu in sizes}


def test_a_message_of_the_function_is_hidden_for_six_times_its_timeout() -> None:
    template = read_template(LAMBDA_FROM_QUEUE)
    allowed = template["Parameters"]["TimeoutSeconds"]["AllowedValues"]
    assert {timeout: int(each["Visibility"]) for timeout, each in template["Mappings"]["Timeout"].items()} == {
        timeout: 6 * int(timeout) for timeout in allowed
    }


def test_ecs_asks_for_health_and_offers_metrics_where_the_image_serves_them() -> None:
    (port,) = re.findall(r"TRAILSTREAM_TELEMETRY__PORT=(\d+)", (ROOT / "Dockerfile").read_text())
    container, _ = read_template(ECS)["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert container["PortMappings"][0]["ContainerPort"] == int(port)
    assert f"127.0.0.1:{port}/healthz" in container["HealthCheck"]["Command"][-1]
    assert "TRAILSTREAM_TELEMETRY__PORT" not in {each.get("Name") for each in container["Environment"]}


def test_the_collector_is_watched_restarted_and_no_reason_to_stop_the_worker_which_it_outlives() -> None:
    worker, either = read_template(ECS)["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    collector = either["Fn::If"][1]
    assert collector["HealthCheck"]["Command"] == ["CMD", "/healthcheck"]
    assert (worker["Essential"], collector["Essential"]) == (True, False)
    assert collector["RestartPolicy"] == {"Enabled": True}
    assert worker["DependsOn"]["Fn::If"][1] == [{"ContainerName": collector["Name"], "Condition": "START"}]


def test_the_collector_of_a_task_scrapes_the_port_that_the_image_serves() -> None:
    (port,) = re.findall(r"TRAILSTREAM_TELEMETRY__PORT=(\d+)", (ROOT / "Dockerfile").read_text())
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "otel-collector.yaml").read_text())
    (job,) = config["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]
    assert set(config["service"]["extensions"]) == config["extensions"].keys()


@pytest.mark.parametrize(
    ("path", "page"),
    [(ECS, "deploy-ecs.md"), (LAMBDA_FROM_QUEUE, "deploy-lambda.md"), (LAMBDA_FROM_BUCKET, "deploy-lambda.md")],
    ids=lambda value: Path(value).stem,
)
def test_a_page_names_every_setting_that_its_stack_lets_nobody_else_make(path: Path, page: str) -> None:
    (named,) = re.findall(r"It always says (.*?)(?:;|\.\s)", (ROOT / "docs" / page).read_text("utf-8"), re.DOTALL)
    assert set(re.findall(r"`([a-z_.]+)`", named)) == set(always_set(path))


def always_set(path: Path) -> Iterator[str]:
    """The settings that the template gives a value, whatever its parameters are."""
    resources = read_template(path)["Resources"]
    if path == ECS:
        container, _ = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
        names = [each["Name"] for each in container["Environment"] if "Name" in each]
    else:
        variables = resources["Function"]["Properties"]["Environment"]["Variables"]
        names = [name for name, value in variables.items() if "AWS::NoValue" not in json.dumps(value)]
    for name in names:
        yield name.removeprefix("TRAILSTREAM_").lower().replace("__", ".")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_parameter_says_what_it_is_for_and_what_it_may_be(path: Path) -> None:
    bounds = {"AllowedPattern", "AllowedValues", "MaxLength", "MaxValue"}
    for name, parameter in read_template(path)["Parameters"].items():
        assert parameter["Description"], name
        assert "AWS::" in parameter["Type"] or parameter.keys() & bounds, name
        assert ("MinValue" in parameter) == ("MaxValue" in parameter), name


def test_the_example_of_data_events_leaves_out_what_the_trail_of_the_template_does() -> None:
    page = (ROOT / "docs" / "organization-trail.md").read_text()
    (example,) = re.findall(r"```json\n(\[.*?^\])", page, re.DOTALL | re.MULTILINE)
    selectors = read_template(TRAIL)["Resources"]["Trail"]["Properties"]["AdvancedEventSelectors"]
    of_the_template = [selector.get("Fn::If", [None, selector])[1] for selector in selectors]
    assert [left_out(selector) for selector in json.loads(example)] == [left_out(each) for each in of_the_template]


def left_out(selector: dict[str, Any]) -> tuple[list[str], dict[str, int]]:
    """Which resources an event selector is about, and how many of them it leaves out, by how they are told."""
    fields = {field.pop("Field"): field for field in selector["FieldSelectors"]}
    told = fields.get("resources.ARN", {})
    return fields.get("resources.type", {}).get("Equals", []), {how: len(arns) for how, arns in told.items()}


def test_the_backlog_of_each_task_is_what_waits_divided_by_what_runs() -> None:
    properties = read_template(ECS)["Resources"]["BacklogPolicy"]["Properties"]
    tracking = properties["TargetTrackingScalingPolicyConfiguration"]
    metrics = {each["Id"]: each for each in tracking["CustomizedMetricSpecification"]["Metrics"]}
    assert metrics["waiting"]["MetricStat"]["Metric"]["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert metrics["tasks"]["MetricStat"]["Metric"]["Namespace"] == "ECS/ContainerInsights"
    assert metrics["backlog_per_task"]["Expression"].startswith("waiting / ")
    assert [name for name, each in metrics.items() if each["ReturnData"]] == ["backlog_per_task"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_statement_of_a_role_has_a_reason_above_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    for statement in statements_of_roles(path):
        (number,) = (i for i, line in enumerate(lines) if line.strip() == f"- Sid: {statement['Sid']}")
        while lines[number - 1].strip().startswith("- "):  # the head of an !If
            number -= 1
        assert lines[number - 1].strip().startswith("# "), statement["Sid"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_no_role_may_do_anything_to_everything(path: Path) -> None:
    for statement in statements_of_roles(path):
        actions = statement["Action"]
        assert "*" not in "".join(actions)
        assert statement["Resource"] != "*" or actions == "ecr:GetAuthorizationToken"


def statements_of_roles(path: Path) -> Iterator[dict[str, Any]]:
    for resource in read_template(path)["Resources"].values():
        properties = resource.get("Properties", {})
        policies = [properties] if resource["Type"] == "AWS::IAM::ManagedPolicy" else properties.get("Policies", [])
        for policy in policies:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield statement["Fn::If"][1] if "Fn::If" in statement else statement
