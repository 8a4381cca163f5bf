"""The worker and the Lambda function side by side: what each costs, and from which load on the worker is the cheaper.

What one object takes is the same for both, since both run the same core; see :mod:`.capacity` for the worker's part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .capacity import SECONDS_AN_HOUR, Organization, cpu_seconds_an_object, plan
from .inputs import HOURS_A_MONTH, MILLION, Inputs
from .tables import table

MEGABYTES_OF_A_VCPU = 1769
"""Lambda's documentation: a function with so much memory has one vCPU."""
LARGEST_BATCH = 10
"""What the template lets Lambda take at a time."""
CROSSING_LIMIT = 1_000_000
"""Account-Regions: nobody has more."""


@dataclass(frozen=True, slots=True)
class Function:
    """What is true of the function and not of the worker."""

    event_cpu_seconds: float = 0.0055
    """Measured, and rounded up: a warm event of one log with one match, on one core of performance.md's machine."""
    memory_megabytes: int = 1024
    """The template's default."""
    waiting_seconds: float = 0.25
    """Assumed: for S3, the ledger and SNS in one invocation; those of a batch wait together."""
    window_seconds: float = 1.0
    """The template's default: for how long Lambda gathers messages."""
    pollers: int = 5
    """Lambda's documentation: so many poll a standard queue from the start, each for 20 seconds at a time."""
    poll_seconds: float = 20.0
    log_bytes_an_event: float = 5000.0
    """Measured, and rounded up: 4.4 KB of lines with metrics for an event, and Lambda's own three lines."""
    metrics: int = 28
    """Measured: series of the embedded metric format, in a run with two failures. Each rule that matches adds one."""
    gb_second: float = 0.0000133334
    """List price, arm64."""
    million_requests: float = 0.20
    metric_month: float = 0.30

    @property
    def vcpus(self) -> float:
        """Of use to one process with one loop."""
        return min(1.0, self.memory_megabytes / MEGABYTES_OF_A_VCPU)


INSIGHTS_METRICS = 25
"""Assumed: series of Container Insights, which the worker's template switches on to know how many tasks run."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Dollars a month."""

    objects: float
    records: float
    parts: dict[str, float]

    @property
    def total(self) -> float:
        """Of all parts."""
        return sum(self.parts.values())

    @property
    def a_million_records(self) -> float:
        """What a million records cost at this load."""
        return self.total / self.records * MILLION


def worker_costs(account_regions: int, inputs: Inputs, function: Function) -> Costs:
    """Return what the worker costs: its plan, and the metrics by which it is scaled."""
    worked_out = plan(Organization(account_regions, 1), inputs)
    costs = worked_out.costs | {"metrics": INSIGHTS_METRICS * function.metric_month}
    return Costs(worked_out.objects, worked_out.records, costs)


def function_costs(account_regions: int, inputs: Inputs, function: Function) -> Costs:
    """Return what the function costs behind a queue, which is never idle for nothing: its pollers ask all the time."""
    assumed, prices = inputs.assumed, inputs.prices
    an_hour = Organization(account_regions, 1).objects_an_hour(inputs)
    objects = an_hour * HOURS_A_MONTH
    records = objects * assumed.records_an_object
    alerts = records * assumed.alerts_a_million_records / MILLION
    batch = objects_an_event(an_hour / SECONDS_AN_HOUR, function)
    events = objects / batch
    empty_polls = max(0.0, HOURS_A_MONTH * SECONDS_AN_HOUR / function.poll_seconds * function.pollers - events)
    sqs_requests = objects + 2 * events + empty_polls
    gb_seconds = events * event_seconds(batch, inputs, function) * function.memory_megabytes / 1024
    log_bytes = objects * assumed.log_bytes_an_object + events * function.log_bytes_an_event
    return Costs(
        objects,
        records,
        {
            "computing": gb_seconds * function.gb_second + events / MILLION * function.million_requests,
            "SQS": sqs_requests / MILLION * prices.sqs_million,
            "S3": objects / MILLION * prices.s3_get_million,
            "SNS": alerts / MILLION * prices.sns_publish_million,
            "ledger": 2 * alerts / MILLION * prices.dynamodb_write_million,
            "logs": log_bytes / 1e9 * prices.logs_gb,
            "metrics": function.metrics * function.metric_month,
        },
    )


def objects_an_event(objects_a_second: float, function: Function) -> float:
    """Return how many messages an invocation brings: the first, and what its poller gathers in the window after it."""
    return min(LARGEST_BATCH, 1 + objects_a_second / function.pollers * function.window_seconds)


def event_seconds(objects: float, inputs: Inputs, function: Function) -> float:
    """Return how long an invocation takes, which is what Lambda charges for."""
    cpu = function.event_cpu_seconds + (objects - 1) * cpu_seconds_an_object(inputs)
    return function.waiting_seconds + cpu / (inputs.assumed.usable_share_of_a_vcpu * function.vcpus)


def crossing(inputs: Inputs, function: Function) -> int:
    """Return from how many account-Regions on the worker is the cheaper, but for loads at which they are the same."""
    cheapest, dearest = 1, CROSSING_LIMIT
    while cheapest < dearest:
        middle = (cheapest + dearest) // 2
        if worker_costs(middle, inputs, function).total < function_costs(middle, inputs, function).total:
            dearest = middle
        else:
            cheapest = middle + 1
    return cheapest


LOADS: Sequence[int] = (1, 10, 100, 400, 6000, 85_000)
"""Account-Regions; the last three are the organizations of the capacity page."""


def doors_tables(inputs: Inputs, function: Function) -> str:
    """Return all tables of the page."""
    return "\n".join(
        [
            *_loads(inputs, function),
            "",
            *_million(inputs, function),
            "",
            *_crossings(inputs, function),
            "",
            *_inputs(function),
        ]
    )


def _loads(inputs: Inputs, function: Function) -> Iterator[str]:
    header = ("account-Regions", "records a month", "worker", "function", "worker, a million", "function, a million")
    rows = []
    for load in LOADS:
        worker, lambda_ = worker_costs(load, inputs, function), function_costs(load, inputs, function)
        rows.append(
            (
                f"{load:,}",
                f"{worker.records / MILLION:,.2f} million",
                f"{worker.total:,.2f}",
                f"{lambda_.total:,.2f}",
                f"{worker.a_million_records:,.3f}",
                f"{lambda_.a_million_records:,.3f}",
            )
        )
    yield from table(header, rows)


def _million(inputs: Inputs, function: Function) -> Iterator[str]:
    load = LOADS[-2]
    worker, lambda_ = worker_costs(load, inputs, function), function_costs(load, inputs, function)
    parts = {"Fargate": "computing"}
    ours = {parts.get(name, name): cost / worker.records * MILLION for name, cost in worker.parts.items()}
    theirs = {name: cost / lambda_.records * MILLION for name, cost in lambda_.parts.items()}
    rows = [(name, f"{ours.get(name, 0.0):.4f}", f"{theirs[name]:.4f}") for name in theirs]
    rows.append(("**together**", f"{sum(ours.values()):.4f}", f"{sum(theirs.values()):.4f}"))
    yield from table((f"a million records of {load:,} account-Regions", "worker", "function"), rows)


def _crossings(inputs: Inputs, function: Function) -> Iterator[str]:
    rows = []
    for tasks in (1, 2):
        planned = replace(inputs, assumed=replace(inputs.assumed, least_tasks=tasks))
        found = crossing(planned, function)
        records = worker_costs(found, planned, function).records / MILLION
        rows.append((f"{tasks}", f"{found:,}", f"{records:,.0f} million"))
    yield from table(("tasks at the least", "cheaper from account-Regions", "records a month"), rows)


def _inputs(function: Function) -> Iterator[str]:
    rows = [
        ("CPU seconds of a warm event", f"{function.event_cpu_seconds}", "measured"),
        ("memory, MB", f"{function.memory_megabytes}", "template"),
        ("seconds that an event waits for AWS", f"{function.waiting_seconds}", "assumed"),
        ("seconds for which messages are gathered", f"{function.window_seconds:g}", "template"),
        ("bytes of log an event", f"{function.log_bytes_an_event:,.0f}", "measured"),
        ("metric series", f"{function.metrics}", "measured"),
        ("metric series of the worker's cluster", f"{INSIGHTS_METRICS}", "assumed"),
        ("a GB-second, arm64", f"{function.gb_second:.10f}", "list price"),
        ("a million requests", f"{function.million_requests:.2f}", "list price"),
        ("a metric series a month", f"{function.metric_month:.2f}", "list price"),
    ]
    yield from table(("input, beside those of the capacity page", "value", "is"), rows)
