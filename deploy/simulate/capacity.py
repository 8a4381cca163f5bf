"""How many tasks an organization needs, what they ask of AWS, and what that costs in a month."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .inputs import HOURS_A_MONTH, MILLION, Inputs

SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Organization:
    """Whose logs are read."""

    accounts: int
    regions: int
    """In which something happens in each account, as a mean."""

    def objects_an_hour(self, inputs: Inputs) -> float:
        """Return how many log objects CloudTrail writes for it, as a mean."""
        return self.accounts * self.regions * 60 / inputs.assumed.minutes_between_objects


ORGANIZATIONS: Sequence[Organization] = (Organization(100, 4), Organization(1000, 6), Organization(5000, 17))


@dataclass(frozen=True, slots=True)
class TaskRate:
    """How many objects a second one task can take, by what bounds it."""

    by_cpu: float
    by_slots: float
    by_receives: float

    @property
    def objects_a_second(self) -> float:
        """The least of the three."""
        return min(self.by_cpu, self.by_slots, self.by_receives)


def cpu_seconds_an_object(inputs: Inputs) -> float:
    """Return what one object costs on a measured core: what was measured, and the records beyond the measured ones."""
    further = max(0.0, inputs.assumed.records_an_object - inputs.measured.records_a_measured_object)
    return 1 / inputs.measured.objects_a_cpu_second + further / inputs.measured.records_a_cpu_second


def task_rate(inputs: Inputs) -> TaskRate:
    """Return what one task can take."""
    assumed = inputs.assumed
    return TaskRate(
        by_cpu=assumed.usable_share_of_a_vcpu * min(1.0, assumed.vcpus_a_task) / cpu_seconds_an_object(inputs),
        by_slots=assumed.slots / assumed.held_seconds,
        by_receives=assumed.messages_a_call / assumed.call_seconds,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What one organization needs; counts and dollars are of a month, unless named otherwise."""

    organization: Organization
    objects_an_hour: float
    tasks_at_the_mean: int
    tasks_at_the_peak: int
    objects: float
    records: float
    alerts: float
    sqs_requests: float
    s3_requests: float
    sns_requests: float
    costs: dict[str, float]

    @property
    def cost(self) -> float:
        """Dollars a month."""
        return sum(self.costs.values())

    @property
    def cost_a_million_records(self) -> float:
        """Dollars."""
        return self.cost / self.records * MILLION


def plan(organization: Organization, inputs: Inputs) -> Plan:
    """Work it out. The tasks of the peak are paid for the whole month: autoscaling saves a part of that."""
    assumed, an_hour = inputs.assumed, organization.objects_an_hour(inputs)
    at_the_mean = _tasks(an_hour, inputs)
    at_the_peak = _tasks(an_hour * assumed.peak_to_mean, inputs)
    objects = an_hour * HOURS_A_MONTH
    records = objects * assumed.records_an_object
    alerts = records * assumed.alerts_a_million_records / MILLION
    calls_an_object = 1 / _messages_a_call(an_hour / SECONDS_AN_HOUR / at_the_peak, inputs)
    # S3 sends each message by itself; receives and deletes carry up to ten.
    sqs_requests = objects * (1 + 2 * calls_an_object)
    return Plan(
        organization=organization,
        objects_an_hour=an_hour,
        tasks_at_the_mean=at_the_mean,
        tasks_at_the_peak=at_the_peak,
        objects=objects,
        records=records,
        alerts=alerts,
        sqs_requests=sqs_requests,
        s3_requests=objects,
        sns_requests=alerts,
        costs=_costs(at_the_peak, objects, alerts, sqs_requests, inputs),
    )


def _tasks(objects_an_hour: float, inputs: Inputs) -> int:
    needed = objects_an_hour / SECONDS_AN_HOUR / task_rate(inputs).objects_a_second
    return max(inputs.assumed.least_tasks, math.ceil(needed))


def _messages_a_call(objects_a_second: float, inputs: Inputs) -> float:
    """Return how many messages one call carries at a task: the one that it waited for, and what came meanwhile."""
    return min(inputs.assumed.messages_a_call, 1 + objects_a_second * inputs.assumed.call_seconds)


def _costs(tasks: int, objects: float, alerts: float, sqs_requests: float, inputs: Inputs) -> dict[str, float]:
    assumed, prices = inputs.assumed, inputs.prices
    task_hour = assumed.vcpus_a_task * prices.vcpu_hour + assumed.gb_a_task * prices.gb_hour
    return {
        "Fargate": tasks * HOURS_A_MONTH * task_hour,
        "SQS": sqs_requests / MILLION * prices.sqs_million,
        "S3": objects / MILLION * prices.s3_get_million,
        "SNS": alerts / MILLION * prices.sns_publish_million,
        "ledger": 2 * alerts / MILLION * prices.dynamodb_write_million,
        "logs": objects * assumed.log_bytes_an_object / 1e9 * prices.logs_gb,
    }
