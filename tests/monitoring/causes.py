"""What each alert is there for, done to a real worker: a drama for each deployment, most of which play together.

Each waits until its alerts fire, takes the cause away, and waits until they are quiet. No other alert may fire
meanwhile than those that it names.
"""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger_table import create_ledger_table
from stage import WorkerProcess

from .counting import COUNTING
from .deployment import deployed, log_of, straining_log
from .drama import Drama, repeatedly
from .prometheus import Prometheus
from .queues import QUEUES

HEARD = "111122223333"
SILENT = "444455556666"
SHALLOW_STACK = "import sys\n\nsys.setrecursionlimit(420)\n"
"""An interpreter with less room for recursion than Python's: what is deep for a rule then fits into a record."""

DEEP_RULE = """
id: deep
title: Two fields of one object
severity: low
pattern:
  eventSource: [sns.amazonaws.com]
  requestParameters:
    b: [x]
    c: [y]
"""
LATE = ("TrailstreamLagObjectiveBurnsFast", "TrailstreamLagObjectiveBurnsSlowly")

QUICK: Mapping[str, object] = {"retry_first_seconds": 1, "retry_longest_seconds": 2}
"""Settings of a queue on which what failed comes again at once, so that it goes on failing."""

HIGH_RULE = """
id: topic-created-too
title: The same as the rule of the others, and worse
severity: high
pattern:
  eventSource: [sns.amazonaws.com]
  eventName: [CreateTopic]
"""
TEST_EVENT = (
    '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-02T03:04:05.000Z", "Bucket": "trail-logs"}'
)
BROKEN_RULE = "id: broken\ntitle: A severity that there is not\nseverity: enormous\npattern: {eventName: [A]}\n"


async def ledger_down(directory: Path, prometheus: Prometheus) -> None:
    """Let DynamoDB fail while alerts wait for it, let them be sent late, and send the ledger what it knows."""
    job = LEDGER_DOWN.job
    extra = '[ledger.dynamodb]\ntable = "ledger"'
    async with deployed(job, directory, prometheus, extra=extra) as deployment:
        await create_ledger_table(deployment.stage.aws, "ledger")
        async with deployment.worker():
            await deployment.upload({})
            known = deployment.matching()
            with deployment.failing("DynamoDB_20120810.PutItem", 500, "InternalServerError"):
                for _ in range(8):
                    await deployment.upload(*deployment.matching())
                await prometheus.until_firing(
                    job, "TrailstreamLedgerUnavailable", "TrailstreamNoProgress", "TrailstreamBreakerOpen"
                )
            await prometheus.until_firing(job, "TrailstreamLagObjectiveBurnsFast", "TrailstreamLagObjectiveBurnsSlowly")
            for _ in range(2):
                await deployment.upload(*known)
            async with repeatedly(lambda: deployment.upload(*deployment.matching()), seconds=5):
                await prometheus.until_quiet(job)


async def sink_down(directory: Path, prometheus: Prometheus) -> None:
    """Let SNS fail, and then let it refuse an alert for good."""
    job = SINK_DOWN.job
    extra = "[alerts]\npatience_seconds = 1"
    async with deployed(job, directory, prometheus, QUICK, extra=extra) as deployment, deployment.worker():
        await deployment.upload({})
        with deployment.failing("SNS.PublishBatch", 500, "InternalFailure"):
            for _ in range(5):
                await deployment.upload(*deployment.matching())
            await prometheus.until_firing(job, "TrailstreamSinkFailing")
        async with repeatedly(lambda: deployment.upload(*deployment.matching()), seconds=5):
            await prometheus.until_quiet(job)
            with deployment.failing("SNS.PublishBatch", 400, "InvalidParameter"):
                await prometheus.until_firing(job, "TrailstreamAlertRefused")
            await prometheus.until_quiet(job)


async def bad_input(directory: Path, prometheus: Prometheus) -> None:
    """Send what cannot be read, what a rule raises on, and both while the quarantine fails; load a broken rule."""
    job = BAD_INPUT.job
    extra = '[rules]\nskip_broken = true\n[quarantine.s3]\nbucket = "quarantine"'
    variables = {"PYTHONPATH": str(directory / job)}
    async with deployed(job, directory, prometheus, QUICK, extra=extra, variables=variables) as deployment:
        (deployment.directory / "sitecustomize.py").write_text(SHALLOW_STACK)
        rules = deployment.directory / "rules"
        rules.mkdir()
        (rules / "deep.yaml").write_text(DEEP_RULE)
        (rules / "broken.yaml").write_text(BROKEN_RULE)
        s3 = await deployment.stage.aws.s3()
        await s3.create_bucket(Bucket="quarantine")
        async with deployment.worker():
            await deployment.upload(*deployment.matching(requestParameters=nested({"b": "x", "c": "y"}, 190)))
            async with repeatedly(lambda: deployment.upload_bytes(b"junk"), seconds=1):
                await prometheus.until_firing(
                    job, "TrailstreamDeadLetters", "TrailstreamRuleFailing", "TrailstreamRulesBroken"
                )
                await deployment.upload_bytes(log_of(["not a record"]))
                tests = repeatedly(lambda: deployment.stage.send(TEST_EVENT), seconds=4)
                with deployment.failing("S3.PUT", 503, "SlowDown"):
                    async with tests:
                        await prometheus.until_firing(job, "TrailstreamParseErrors", "TrailstreamQuarantineUnavailable")
            sqs = await deployment.stage.aws.sqs()
            await sqs.purge_queue(QueueUrl=deployment.stage.queue_url)
        (rules / "broken.yaml").write_text(HIGH_RULE)
        async with deployment.worker(), repeatedly(lambda: deployment.upload(*deployment.matching()), seconds=5):
            await prometheus.until_quiet(job, but=LATE)


async def noise(directory: Path, prometheus: Prometheus) -> None:
    """Match what the worker itself does, beyond a rule's budget; keep an account silent; break rules; use up files."""
    job = NOISE.job
    extra = f'accounts = ["{HEARD}", "{SILENT}"]\n[alerts]\nbudget = 1\nperiod_seconds = 5'
    async with deployed(job, directory, prometheus, extra=extra) as deployment, deployment.worker() as worker:
        sts = await deployment.stage.aws.sts()
        own = {"userIdentity": {"arn": (await sts.get_caller_identity())["Arn"]}}
        broken = deployment.directory / "rules" / "broken.yaml"
        broken.write_text(BROKEN_RULE)
        async with repeatedly(lambda: deployment.upload(*deployment.matching(3, **own)), seconds=2):
            await prometheus.until_firing(
                job,
                "TrailstreamStorm",
                "TrailstreamOwnRecordsMatched",
                "TrailstreamAccountSilent",
                "TrailstreamRulesRefused",
            )
            broken.unlink()
            with few_files(worker):
                await prometheus.until_firing(job, "TrailstreamFileDescriptorsRunOut")
        async with (
            repeatedly(lambda: deployment.upload({}), seconds=5),
            repeatedly(lambda: deployment.upload({}, account=SILENT), seconds=5),
        ):
            await prometheus.until_quiet(job)


async def strain(directory: Path, prometheus: Prometheus) -> None:
    """Give a worker with a single slot more than it can do."""
    job = STRAIN.job
    body = await asyncio.to_thread(straining_log)
    settings = {"slots": 1, "visibility_seconds": 300}
    async with deployed(job, directory, prometheus, settings) as deployment, deployment.worker() as worker:
        prefer(worker)
        await deployment.upload({})
        async with repeatedly(lambda: deployment.upload_bytes(body), seconds=1.5):
            await prometheus.until_firing(job, "TrailstreamSlotsTaken", "TrailstreamCpuSaturated", "TrailstreamBacklog")
        sqs = await deployment.stage.aws.sqs()
        await sqs.purge_queue(QueueUrl=deployment.stage.queue_url)
        async with repeatedly(lambda: deployment.upload({}), seconds=5):
            await prometheus.until_quiet(job, but=LATE)


async def gone(directory: Path, prometheus: Prometheus) -> None:
    """Cut a worker off from its queue, send it nothing, let it delete nothing, and kill it."""
    job = GONE.job
    async with deployed(job, directory, prometheus) as deployment:
        async with deployment.worker():
            with deployment.failing("AmazonSQS.ReceiveMessage", 500, "InternalError"):
                await prometheus.until_firing(job, "TrailstreamQueueUnreachable", "TrailstreamSilent")
            with (
                deployment.failing("AmazonSQS.DeleteMessageBatch", 500, "InternalError"),
                deployment.failing("AmazonSQS.ChangeMessageVisibilityBatch", 500, "InternalError"),
            ):
                await deployment.upload({})
                await prometheus.until_counted(f'trailstream_deleted_deliveries_total{{result="failed", job="{job}"}}')
                await prometheus.until_counted(
                    f'trailstream_visibility_extensions_total{{result="failed", job="{job}"}}'
                )
            async with repeatedly(lambda: deployment.upload({}), seconds=5):
                await prometheus.until_quiet(job)
        await prometheus.until_firing(job, "TrailstreamAbsent", "TrailstreamWorkerDown")
        async with deployment.worker(), repeatedly(lambda: deployment.upload({}), seconds=5):
            await prometheus.until_quiet(job)


LEDGER_DOWN = Drama(
    "trailstream-ledger-down",
    ledger_down,
    fires=(
        "TrailstreamLedgerUnavailable",
        "TrailstreamNoProgress",
        "TrailstreamBreakerOpen",
        "TrailstreamLagObjectiveBurnsFast",
        "TrailstreamLagObjectiveBurnsSlowly",
    ),
    entails=("TrailstreamSilent",),  # nothing is read while nothing is received
)
SINK_DOWN = Drama(
    "trailstream-sink-down",
    sink_down,
    fires=("TrailstreamSinkFailing", "TrailstreamAlertRefused"),
    entails=("TrailstreamBreakerOpen", "TrailstreamDeadLetters", "TrailstreamNoProgress", "TrailstreamSilent"),
)
BAD_INPUT = Drama(
    "trailstream-bad-input",
    bad_input,
    fires=(
        "TrailstreamDeadLetters",
        "TrailstreamParseErrors",
        "TrailstreamRuleFailing",
        "TrailstreamRulesBroken",
        "TrailstreamQuarantineUnavailable",
    ),
    entails=(
        "TrailstreamAbsent",
        "TrailstreamBacklog",
        *LATE,
    ),  # while it is started again; of what came again and again
)
NOISE = Drama(
    "trailstream-noise",
    noise,
    fires=(
        "TrailstreamStorm",
        "TrailstreamOwnRecordsMatched",
        "TrailstreamAccountSilent",
        "TrailstreamRulesRefused",
        "TrailstreamFileDescriptorsRunOut",
    ),
)
STRAIN = Drama(
    "trailstream-strain",
    strain,
    fires=("TrailstreamSlotsTaken", "TrailstreamCpuSaturated", "TrailstreamBacklog"),
    entails=(
        "TrailstreamNoProgress",
        "TrailstreamSilent",
        *LATE,
    ),  # what waits for long is late, and tells of old objects
)
GONE = Drama(
    "trailstream-gone",
    gone,
    fires=("TrailstreamQueueUnreachable", "TrailstreamSilent", "TrailstreamAbsent", "TrailstreamWorkerDown"),
)
ACTS = ((STRAIN,), (LEDGER_DOWN, SINK_DOWN, BAD_INPUT, NOISE, GONE, QUEUES, COUNTING))
"""What is played at the same time. Whoever takes all of a CPU plays alone, and leaves the others theirs."""

DRAMAS = tuple(drama for act in ACTS for drama in act)


def nested(value: object, levels: int) -> object:
    """Return the value inside so many arrays."""
    for _ in range(levels):
        value = [value]
    return value


def prefer(worker: WorkerProcess) -> None:
    """Give a worker the CPU before others where we may, so that a busy machine does not keep it from being busy."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, worker.process.pid, -10)


@contextmanager
def few_files(worker: WorkerProcess) -> Iterator[None]:
    """Let a worker have a fifth more file descriptors than it has, while the block runs."""
    pid = worker.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    held = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held * 6 // 5, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
