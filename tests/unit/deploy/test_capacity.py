"""The capacity plan: never rosier than what was measured, and more of everything for a larger organization."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from deploy.simulate.__main__ import OBJECTS_AN_HOUR, SCALING, SEED
from deploy.simulate.capacity import ORGANIZATIONS, Organization, cpu_seconds_an_object, plan, task_rate
from deploy.simulate.day import run, whole
from deploy.simulate.inputs import HOURS_A_MONTH, Assumed, Inputs, Measured
from deploy.simulate.load import bursty_day

from endpoint import ROOT
from templates.stacks import ECS, read_template
from trailstream.config.settings import QueueSettings
from trailstream.model.delivery import Delivery, Done
from trailstream.model.facts import DeliverySettled
from trailstream.pipeline.custody import BATCH
from trailstream.telemetry.log_facts import LogFacts
from trailstream.telemetry.logs import configure_logs

RESULTS = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
INPUTS = Inputs()
NUMBERS = {7: "seven", 9: "nine", 10: "ten", 15: "fifteen"}


def number(pattern: str) -> float:
    found = re.search(pattern, RESULTS, re.MULTILINE)
    assert found is not None, f"docs/performance.md has no {pattern}"
    return float(found[1].replace(",", ""))


def measured_objects_a_cpu_second() -> float:
    return number(r"^\| trailstream worker \|(?:[^|]*\|){2} ([\d,.]+)")


def measured_records_a_cpu_second() -> float:
    records = number(r"% of ([\d,]+) records match a rule")
    seconds = number(r"^\| trailstream, 51 rules \| ([\d.]+)")
    return records / seconds


def test_the_plan_takes_no_object_for_cheaper_than_it_was_measured() -> None:
    measured = measured_objects_a_cpu_second()
    assert measured / 2 < INPUTS.measured.objects_a_cpu_second <= measured


def test_the_plan_takes_no_record_for_cheaper_than_it_was_measured() -> None:
    measured = measured_records_a_cpu_second()
    assert measured / 2 < INPUTS.measured.records_a_cpu_second <= measured


def test_the_objects_of_the_plan_hold_as_many_records_as_those_that_were_measured() -> None:
    assert INPUTS.measured.records_a_measured_object == number(r"^([\d.]+) records an object")


def test_the_plan_has_the_worker_s_own_defaults() -> None:
    assert INPUTS.assumed.slots == QueueSettings.model_fields["slots"].default
    assert INPUTS.assumed.messages_a_call == BATCH


def test_a_delivery_s_line_in_the_log_is_no_longer_than_the_plan_pays_for() -> None:
    stream = io.StringIO()
    delivery = Delivery(
        id="11111111-2222-3333-4444-555555555555",
        body="x" * 900,
        sent_at=1_700_000_000.123,
        received_at=1_700_000_001.456,
        receive_count=1,
    )
    log = LogFacts(configure_logs(stream, level="info", form="json"))
    log.observe(
        DeliverySettled(delivery, Done(), objects=1, records=30, matches=0, skipped=0, duration_seconds=0.123456)
    )
    assert 0.7 * INPUTS.assumed.log_bytes_an_object < len(stream.getvalue()) <= INPUTS.assumed.log_bytes_an_object


def test_further_records_cost_what_records_cost_and_fewer_save_nothing() -> None:
    base = replace(INPUTS, assumed=replace(INPUTS.assumed, records_an_object=INPUTS.measured.records_a_measured_object))
    assert cpu_seconds_an_object(base) == 1 / INPUTS.measured.objects_a_cpu_second
    more = replace(base, assumed=replace(base.assumed, records_an_object=150_009.1))
    assert cpu_seconds_an_object(more) - cpu_seconds_an_object(base) == pytest.approx(1.0)
    fewer = replace(base, assumed=replace(base.assumed, records_an_object=1))
    assert cpu_seconds_an_object(fewer) == cpu_seconds_an_object(base)


def test_a_task_takes_no_more_than_its_tightest_bound() -> None:
    rate = task_rate(INPUTS)
    assert rate.objects_a_second == min(rate.by_cpu, rate.by_slots, rate.by_receives)
    twice = task_rate(replace(INPUTS, assumed=replace(INPUTS.assumed, slots=64)))
    assert twice.by_slots == 2 * rate.by_slots
    assert twice.by_cpu == rate.by_cpu


def test_the_ecs_page_has_the_rate_and_the_pace_of_the_plan() -> None:
    page = " ".join((ROOT / "docs" / "deploy-ecs.md").read_text(encoding="utf-8").split())
    rate = task_rate(INPUTS).objects_a_second
    backlog = read_template(ECS)["Parameters"]["BacklogPerTask"]["Default"]
    assert f"some {rate:.0f} objects a second for a task of {1024 * INPUTS.assumed.vcpus_a_task:.0f}" in page
    assert f"the default of {backlog:,} is about {NUMBERS[round(backlog / rate)]} seconds" in page
    tenths, minutes, cooldown = (
        NUMBERS[round(10 * SCALING.scale_in_below)],
        NUMBERS[SCALING.minutes_to_scale_in],
        NUMBERS[SCALING.scale_in_cooldown_seconds // 60],
    )
    assert f"below {tenths} tenths of that for {minutes} minutes, and {cooldown} minutes after" in page


def test_a_second_vcpu_does_not_make_one_loop_faster() -> None:
    half, one, two = (
        task_rate(replace(INPUTS, assumed=replace(INPUTS.assumed, vcpus_a_task=vcpus))).by_cpu for vcpus in (0.5, 1, 2)
    )
    assert two == one == 2 * half


def test_the_largest_organization_is_a_million_objects_an_hour() -> None:
    assert [each.accounts for each in ORGANIZATIONS] == [100, 1000, 5000]
    assert ORGANIZATIONS[-1].objects_an_hour(INPUTS) == pytest.approx(1_000_000, rel=0.05)


def test_more_accounts_need_and_cost_at_least_as_much_of_everything() -> None:
    plans = [plan(Organization(accounts, 4), INPUTS) for accounts in (1, 10, 100, 1000, 10_000, 100_000)]
    for smaller, larger in pairwise(plans):
        assert larger.tasks_at_the_peak >= smaller.tasks_at_the_peak >= smaller.tasks_at_the_mean
        assert larger.sqs_requests > smaller.sqs_requests
        assert all(larger.costs[name] >= smaller.costs[name] for name in smaller.costs)
        assert larger.cost_a_million_records < smaller.cost_a_million_records


def test_the_tasks_of_the_peak_can_take_the_peak() -> None:
    for organization in ORGANIZATIONS:
        needed = organization.objects_an_hour(INPUTS) * INPUTS.assumed.peak_to_mean / 3600
        assert plan(organization, INPUTS).tasks_at_the_peak * task_rate(INPUTS).objects_a_second >= needed


def test_each_object_is_one_message_sent_one_get_and_at_most_two_more_calls_to_the_queue() -> None:
    few = plan(Organization(1, 1), INPUTS)
    assert few.s3_requests == few.objects == 12 * HOURS_A_MONTH
    assert 2.9 * few.objects < few.sqs_requests <= 3 * few.objects
    busy = replace(INPUTS, assumed=replace(INPUTS.assumed, call_seconds=1, peak_to_mean=1))
    assert plan(ORGANIZATIONS[-1], busy).sqs_requests == pytest.approx(1.2 * plan(ORGANIZATIONS[-1], busy).objects)


def test_a_month_s_cost_is_its_parts_by_hand() -> None:
    inputs = Inputs(Measured(), Assumed(records_an_object=10, alerts_a_million_records=100, call_seconds=1e-9))
    month = plan(Organization(1000, 5), inputs)
    objects = 60_000 * 730
    assert month.costs == pytest.approx(
        {
            "Fargate": 2 * 730 * (0.5 * 0.03238 + 0.00356),
            "SQS": 3 * objects * 0.40 / 1e6,
            "S3": objects * 0.40 / 1e6,
            "SNS": objects * 10 * 1e-4 * 0.50 / 1e6,
            "ledger": 2 * objects * 10 * 1e-4 * 0.625 / 1e6,
            "logs": objects * 450 / 1e9 * 0.50,
        }
    )


def test_from_a_thousand_accounts_on_requests_cost_more_than_computing() -> None:
    costs = [plan(each, INPUTS).costs for each in ORGANIZATIONS]
    assert [each["SQS"] + each["S3"] > each["Fargate"] for each in costs] == [False, True, True]


def test_the_plan_and_the_simulation_have_the_defaults_of_the_ecs_template() -> None:
    template = read_template(ROOT / "deploy" / "ecs" / "trailstream.yaml")
    default = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
    memory = template["Mappings"]["Task"][default["TaskCpu"]]["Memory"]
    policy = template["Resources"]["BacklogPolicy"]["Properties"]["TargetTrackingScalingPolicyConfiguration"]
    assert INPUTS.assumed.vcpus_a_task == int(default["TaskCpu"]) / 1024
    assert INPUTS.assumed.gb_a_task == int(memory) / 1024
    assert INPUTS.assumed.least_tasks == SCALING.least_tasks == default["MinTasks"]
    assert SCALING.most_tasks == default["MaxTasks"]
    assert SCALING.target_backlog == default["BacklogPerTask"]
    assert SCALING.scale_out_cooldown_seconds == policy["ScaleOutCooldown"]
    assert SCALING.scale_in_cooldown_seconds == policy["ScaleInCooldown"]


def test_on_the_day_of_the_page_nothing_waits_until_the_template_s_other_policy_acts() -> None:
    template = read_template(ROOT / "deploy" / "ecs" / "trailstream.yaml")
    seconds = template["Parameters"]["OldestMessageSeconds"]["Default"]
    page = " ".join((ROOT / "docs" / "capacity.md").read_text(encoding="utf-8").split())
    assert f"the oldest message is older than {seconds} seconds" in page
    arrivals = bursty_day(OBJECTS_AN_HOUR * 24, seed=SEED)
    rate = int(task_rate(INPUTS).objects_a_second)
    assert whole(run(arrivals, objects_a_task_second=rate, scaling=SCALING)).wait_seconds(1) < seconds
