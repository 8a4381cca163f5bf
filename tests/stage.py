"""What a user of the worker has, on the local endpoint: bucket, queues, topic, inbox; and the worker as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp

from endpoint import REGION, Endpoint, wiped_environment
from samples import CREATE_TOPIC_RULE
from trailstream.adapters.aws import AwsClients

BUCKET = "trail-logs"
START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that AWS would hold."""

    aws: AwsClients
    queue_url: str
    dead_letter_url: str
    inbox_url: str
    topic_arn: str

    async def upload(self, key: str, body: bytes) -> None:
        """Put an object as CloudTrail does; the bucket tells the queue."""
        s3 = await self.aws.s3()
        await s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentEncoding="gzip", ContentType="application/json")

    async def send(self, body: str) -> None:
        """Put a message on the queue."""
        sqs = await self.aws.sqs()
        await sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)

    async def inbox(self, count: int, *, seconds: float = 30) -> list[dict[str, Any]]:
        """Read and forget notifications until there are ``count`` of them, or the time is over."""
        found: list[dict[str, Any]] = []
        sqs = await self.aws.sqs()
        deadline = asyncio.get_running_loop().time() + seconds
        while len(found) < count and asyncio.get_running_loop().time() < deadline:
            answer = await sqs.receive_message(QueueUrl=self.inbox_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                found.append(json.loads(message["Body"]))
                await sqs.delete_message(QueueUrl=self.inbox_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    async def counts(self, queue_url: str) -> tuple[int, int]:
        """Return how many messages of a queue are visible, and how many are in flight."""
        sqs = await self.aws.sqs()
        answer = await sqs.get_queue_attributes(
            QueueUrl=queue_url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        attributes = answer["Attributes"]
        return (
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )

    async def until_empty(self, *, seconds: float = 30) -> None:
        """Wait until the queue holds nothing, visible or not."""
        async with asyncio.timeout(seconds):
            while await self.counts(self.queue_url) != (0, 0):  # noqa: ASYNC110 - SQS is only to be asked
                await asyncio.sleep(0.05)


async def set_stage(aws: AwsClients, *, redrive: bool = True, max_receive_count: int = 3) -> Stage:
    """Create everything, and connect it."""
    s3, sqs, sns = await aws.s3(), await aws.sqs(), await aws.sns()
    dead_letter_url, dead_letter_arn = await _queue(aws, "dead-letters", {"MessageRetentionPeriod": "1209600"})
    policy = json.dumps({"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": max_receive_count})
    queue_url, queue_arn = await _queue(aws, "notifications", {"RedrivePolicy": policy} if redrive else {})
    inbox_url, inbox_arn = await _queue(aws, "inbox", {})
    topic_arn = (await sns.create_topic(Name="alerts"))["TopicArn"]
    await sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=inbox_arn)
    await s3.create_bucket(Bucket=BUCKET)
    await s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}],
        },
    )
    await sqs.purge_queue(QueueUrl=queue_url)  # the test event: a test sends its own
    return Stage(aws, queue_url, dead_letter_url, inbox_url, topic_arn)


async def _queue(aws: AwsClients, name: str, attributes: dict[str, str]) -> tuple[str, str]:
    sqs = await aws.sqs()
    url = (await sqs.create_queue(QueueName=name, Attributes=attributes))["QueueUrl"]  # type: ignore[arg-type]
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


@dataclass(slots=True)
class WorkerProcess:
    """A real worker, seen from outside."""

    process: subprocess.Popen[bytes]
    port: int
    log_path: Path

    async def get(self, path: str, *, seconds: float = 5) -> tuple[int, str]:
        """GET from its telemetry server; status 0 where it does not answer."""
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://127.0.0.1:{self.port}{path}") as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    async def metric(self, name: str) -> float:
        """Return the sum of a metric's series whose line begins with this."""
        _, text = await self.get("/metrics")
        values = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name)]
        return sum(map(float, values))

    async def until(self, condition: Callable[[], Any], *, seconds: float = 30) -> None:
        """Wait for a condition, which may be a coroutine function."""
        async with asyncio.timeout(seconds):
            while True:
                value = condition()
                if await value if asyncio.iscoroutine(value) else value:
                    return
                assert self.process.poll() is None, self.log
                await asyncio.sleep(0.05)

    async def until_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Wait until it says that it is ready."""

        async def ready() -> bool:
            return (await self.get("/readyz"))[0] == 200

        await self.until(ready, seconds=seconds)

    async def stopped(self, number: int = signal.SIGTERM, *, seconds: float = 30) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, seconds)

    @property
    def log(self) -> str:
        """Everything it logged."""
        return self.log_path.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log lines, parsed."""
        return [json.loads(line) for line in self.log.splitlines()]


def configuration(
    stage_or_urls: Stage | tuple[str, str], endpoint: Endpoint, port: int, *, extra: str = "", **queue: object
) -> str:
    """Return a configuration file for the worker."""
    if isinstance(stage_or_urls, Stage):
        queue_url, topic_arn = stage_or_urls.queue_url, stage_or_urls.topic_arn
    else:
        queue_url, topic_arn = stage_or_urls
    settings = {
        "url": queue_url,
        "poll_wait_seconds": 1,
        "visibility_seconds": 10,
        "reject_visibility_seconds": 0,
    } | queue
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    return "\n".join(
        [
            f'[aws]\nregion = "{REGION}"\nendpoint_url = "{endpoint.url}"',
            "[queue]",
            *lines,
            f'[sinks.sns]\ntopic_arn = "{topic_arn}"',
            f"[telemetry]\nport = {port}",
            extra,
        ]
    )


@asynccontextmanager
async def running_worker(
    directory: Path,
    config: str,
    *,
    port: int,
    rules: str = CREATE_TOPIC_RULE,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[WorkerProcess]:
    """Start ``trailstream worker`` as its own process; end it, by force if need be, when the block ends.

    ``variables`` are set in its environment, and unset where they are empty.
    """
    (directory / "rules").mkdir(exist_ok=True)
    (directory / "rules" / "rule.yaml").write_text(rules)
    path = directory / "trailstream.toml"
    path.write_text(config)
    log_path = directory / "worker.log"
    program = Path(sys.executable).parent / "trailstream"
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - forking takes no time worth a thread
            [program, "worker", "--config", path],
            env={name: value for name, value in (wiped_environment() | dict(variables)).items() if value},
            stderr=log,
        )
    try:
        yield WorkerProcess(process, port, log_path)
    finally:
        if process.poll() is None:
            process.kill()
        await asyncio.to_thread(process.wait)
