"""Capacity and simulated days as tables in Markdown, which reads well in a terminal too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from .capacity import ORGANIZATIONS, Plan, plan, task_rate
from .day import Span, whole
from .inputs import MILLION, Inputs

SHARES = (0.5, 0.99, 1.0)


def capacity_tables(inputs: Inputs) -> str:
    """Return all tables of the capacity page."""
    plans = [plan(each, inputs) for each in ORGANIZATIONS]
    return "\n".join(
        [
            "### What one task takes\n",
            *_rate(inputs),
            "\n### What an organization needs\n",
            *_needs(plans),
            "\n### What that costs in a month\n",
            *_costs(plans, inputs),
            "\n### What else may come to it, for a million objects\n",
            *_extras(inputs),
            "\n### The inputs\n",
            *_inputs(inputs),
        ]
    )


def day_tables(hours: Sequence[Span], fixed: Sequence[tuple[str, Sequence[Span]]]) -> str:
    """Return the hours of an autoscaled day, and that day beside fleets that stay as they are."""
    columns = ("objects", "busiest second", "tasks", "most waiting", "lag p50 s", "lag p99 s", "longest s")
    days = [("autoscaled", hours), *fixed]
    return "\n".join(
        [
            *table(("hour", *columns), ((f"{number:02}", *_span(hour)) for number, hour in enumerate(hours))),
            "",
            *table(
                ("the whole day", *columns, "task hours"),
                ((name, *_span(day), f"{day.task_seconds / 3600:,.0f}") for name, day in _wholes(days)),
            ),
        ]
    )


def _wholes(days: Iterable[tuple[str, Sequence[Span]]]) -> Iterable[tuple[str, Span]]:
    return ((name, whole(hours)) for name, hours in days)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table as lines, its columns as wide as what is in them; all but the first are aligned right."""
    body = [list(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [_line(row, widths) for row in (header, rule, *body)]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
    return f"| {' | '.join([first.strip().ljust(widths[0]), *rest])} |"


def _span(span: Span) -> Sequence[str]:
    waits = [f"{span.wait_seconds(share):,}" for share in SHARES]
    tasks = f"{span.least_tasks}-{span.most_tasks}" if span.least_tasks != span.most_tasks else f"{span.most_tasks}"
    return (f"{span.arrived:,}", f"{span.busiest_second:,}", tasks, f"{span.most_waiting:,}", *waits)


def _rate(inputs: Inputs) -> list[str]:
    rate, records = task_rate(inputs), inputs.assumed.records_an_object
    bounds = {
        f"its CPU, {inputs.assumed.vcpus_a_task:g} vCPU": rate.by_cpu,
        f"{inputs.assumed.slots} slots": rate.by_slots,
        "one receive at a time": rate.by_receives,
        "**all of them**": rate.objects_a_second,
    }
    return table(
        ("bound by", "objects a second", "records a second"),
        ((name, f"{objects:,.0f}", f"{objects * records:,.0f}") for name, objects in bounds.items()),
    )


def _names(plans: Sequence[Plan]) -> Sequence[str]:
    return [f"{each.organization.accounts:,} accounts, {each.organization.regions} Regions" for each in plans]


def _needs(plans: Sequence[Plan]) -> list[str]:
    rows = {
        "objects an hour": [f"{each.objects_an_hour:,.0f}" for each in plans],
        "tasks, mean hour": [f"{each.tasks_at_the_mean}" for each in plans],
        "tasks, busiest hour": [f"{each.tasks_at_the_peak}" for each in plans],
        "objects a month": [f"{each.objects / MILLION:,.1f} million" for each in plans],
        "records a month": [f"{each.records / MILLION:,.0f} million" for each in plans],
        "alerts a month": [f"{each.alerts:,.0f}" for each in plans],
        "SQS requests a month": [f"{each.sqs_requests / MILLION:,.1f} million" for each in plans],
        "S3 requests a month": [f"{each.s3_requests / MILLION:,.1f} million" for each in plans],
        "SNS requests a month": [f"{each.sns_requests:,.0f}" for each in plans],
    }
    return table(("", *_names(plans)), ((name, *cells) for name, cells in rows.items()))


def _costs(plans: Sequence[Plan], inputs: Inputs) -> list[str]:
    prices = inputs.prices
    rows = [(name, *(_dollars(each.costs[name]) for each in plans)) for name in plans[0].costs]
    rows.append(("**together**", *(_dollars(each.cost) for each in plans)))
    rows.append(("a million records", *(f"{each.cost_a_million_records:.3f}" for each in plans)))
    return table((f"US dollars, {prices.region}, {prices.noted}", *_names(plans)), rows)


def _extras(inputs: Inputs) -> list[str]:
    prices = inputs.prices
    return table(
        ("where", "US dollars"),
        (
            ("SNS between S3 and the queue", f"{prices.sns_publish_million:.2f}"),
            ("EventBridge between S3 and the queue", f"{prices.eventbridge_million:.2f}"),
            ("logs encrypted with a KMS key of yours, one Decrypt each", f"{prices.kms_million:.2f}"),
        ),
    )


def _inputs(inputs: Inputs) -> list[str]:
    groups = (("measured, less a margin", inputs.measured), ("assumed", inputs.assumed), ("list price", inputs.prices))
    return table(
        ("input", "value", "is"),
        ((f"`{name}`", f"{value}", kind) for kind, group in groups for name, value in asdict(group).items()),
    )


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 10 else f"{amount:,.2f}"  # noqa: PLR2004 - cents of a large sum mislead
