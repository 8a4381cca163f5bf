"""The numbers that everything here is computed from: what was measured, what is assumed, and what AWS asks for it.

``tests/unit/deploy/test_capacity.py`` holds what was measured to the tables of ``docs/performance.md``: a plan may be
more careful than the measurement, and never rosier.
"""

from __future__ import annotations

from dataclasses import dataclass

HOURS_A_MONTH = 730
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """A good deal less than in ``docs/performance.md``, so that noise does not change the plan: one core, 51 rules."""

    objects_a_cpu_second: float = 800.0
    """The drizzle: objects of so many records through the worker, SQS and S3 calls included."""
    records_a_measured_object: float = 9.1
    records_a_cpu_second: float = 150_000.0
    """The bulk: what each further record costs."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What nobody measured here. Measure it on your account and put it in."""

    minutes_between_objects: float = 5.0
    """CloudTrail writes "about every 5 minutes" for each account and Region in which something happens."""
    records_an_object: float = 30.0
    """Of 3,927 real objects half held 5 records or fewer, and one in a hundred 33 or more; yours may be busier."""
    peak_to_mean: float = 3.0
    """The busiest hour against the mean."""
    alerts_a_million_records: float = 10.0
    usable_share_of_a_vcpu: float = 0.4
    """What of a measured core a Fargate vCPU is worth: the measurement had no TLS, and kept no reserve."""
    held_seconds: float = 0.2
    """From the receive of a message to its confirmed delete: S3 answers in 100 to 200 ms, as AWS says."""
    call_seconds: float = 0.02
    """One call to SQS; the worker has one receive call under way at a time."""
    slots: int = 32
    """``queue.slots``."""
    messages_a_call: int = 10
    """SQS's most."""
    least_tasks: int = 2
    vcpus_a_task: float = 0.5
    """As ``deploy/ecs`` has it. The worker is one process with one loop: a second vCPU would be of little use to it."""
    gb_a_task: float = 1.0
    log_bytes_an_object: float = 450.0
    """One line for each delivery, one object in it."""


@dataclass(frozen=True, slots=True)
class Prices:
    """List prices in US dollars, without free tiers, discounts and taxes. Check them before you rely on them."""

    region: str = "us-east-1"
    noted: str = "2026-11"
    vcpu_hour: float = 0.03238
    """Fargate, Linux on arm64; on x86_64 0.04048."""
    gb_hour: float = 0.00356
    """Fargate, Linux on arm64; on x86_64 0.004445."""
    sqs_million: float = 0.40
    s3_get_million: float = 0.40
    sns_publish_million: float = 0.50
    eventbridge_million: float = 1.00
    kms_million: float = 3.00
    dynamodb_write_million: float = 0.625
    logs_gb: float = 0.50
    """CloudWatch Logs, for taking them in; keeping them is extra."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All of them."""

    measured: Measured = Measured()
    assumed: Assumed = Assumed()
    prices: Prices = Prices()
