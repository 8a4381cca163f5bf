"""A running worker and rules that change under it: at a signal, in a directory, in S3; usable ones and broken ones."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from endpoint import Endpoint, free_port
from logs import document, gzipped, slow_log_of
from samples import CREATE_TOPIC_RULE, topic_record
from stage import BUCKET, Stage, WorkerProcess, configuration, running_worker, set_stage
from trailstream.adapters.aws import AwsClients

DELETE_TOPIC_RULE = "id: topic-deleted\ntitle: Deleted\nseverity: low\npattern: {eventName: [DeleteTopic]}\n"
BROKEN_RULE = DELETE_TOPIC_RULE.replace("severity: low", "severity: enormous")
KEY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/111122223333_CloudTrail_us-east-1_20260102T0305Z_{}.json.gz"


def rules_of(inbox: list[dict[str, Any]]) -> set[str]:
    return {message["MessageAttributes"]["rule"]["Value"] for message in inbox}


async def alerts_for(stage: Stage, number: int, count: int) -> set[str]:
    """Upload a log of a topic made and a topic deleted, and return the rules that alerted."""
    records = (topic_record(number), topic_record(number, "DeleteTopic"))
    await stage.upload(KEY.format(number), gzipped(document(records)))
    await stage.until_empty()
    return rules_of(await stage.inbox(count + 1, seconds=2))


@asynccontextmanager
async def worker_with(
    stage: Stage, endpoint: Endpoint, folder: Path, *, rules: str = "reload_seconds = 0.2"
) -> AsyncIterator[WorkerProcess]:
    """A worker with these lines under [rules], which is ready, and is stopped with grace at the end of the block."""
    port = free_port()
    config = configuration(stage, endpoint, port, extra=f"[rules]\n{rules}")
    async with running_worker(folder, config, port=port) as worker:
        await worker.until_ready()
        yield worker
        assert await worker.stopped() == 0


async def until_logged(worker: WorkerProcess, event: str, *, times: int = 1) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [line for line in worker.lines if line["event"] == event]

    await worker.until(lambda: len(found()) >= times)
    return found()[-1]


async def test_at_sighup_the_rules_are_read_again_and_what_comes_then_is_matched_with_the_new_ones(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    async with worker_with(stage, endpoint, tmp_path, rules="reload_seconds = 0") as worker:
        assert await alerts_for(stage, 1, 1) == {"sns-topic-created"}
        before = await until_logged(worker, "started")
        (tmp_path / "rules" / "rule.yaml").write_text(DELETE_TOPIC_RULE)
        worker.process.send_signal(signal.SIGHUP)
        exchanged = await until_logged(worker, "rules exchanged")
        assert exchanged["rules"] == 1
        assert exchanged["digest"] != before["rules_digest"]
        assert await worker.metric(f'trailstream_rules_info{{digest="{exchanged["digest"]}"}}') == 1
        assert await alerts_for(stage, 2, 1) == {"topic-deleted"}
        assert await worker.metric('trailstream_matched_records_total{rule="topic-deleted"') == 1
        worker.process.send_signal(signal.SIGHUP)
        await until_logged(worker, "rules unchanged")


async def test_a_directory_that_changes_is_noticed_without_a_signal(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    async with worker_with(stage, endpoint, tmp_path) as worker:
        written = tmp_path / "elsewhere.yaml"
        written.write_text(DELETE_TOPIC_RULE)
        written.rename(tmp_path / "rules" / "deleted.yaml")
        await until_logged(worker, "rules exchanged")
        assert await alerts_for(stage, 1, 2) == {"sns-topic-created", "topic-deleted"}
        (tmp_path / "rules" / "rule.yaml").unlink()
        await until_logged(worker, "rules exchanged", times=2)
        assert await alerts_for(stage, 2, 1) == {"topic-deleted"}


async def test_broken_rules_are_refused_visibly_and_the_worker_goes_on_with_those_before_them(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    async with worker_with(stage, endpoint, tmp_path) as worker:
        in_force = (await until_logged(worker, "started"))["rules_digest"]
        (tmp_path / "rules" / "deleted.yaml").write_text(BROKEN_RULE)
        (tmp_path / "rules" / "worse.yaml").write_text("colour: red\n")
        refused = await until_logged(worker, "rules refused")
        assert refused["level"] == "error"
        assert refused["in_force"] == in_force
        assert {problem.partition(": ")[0] for problem in refused["problems"]} == {"deleted.yaml:3", "worse.yaml:1"}
        assert await worker.metric("trailstream_rules_refused") == 1
        assert (await worker.get("/healthz"))[0] == 200
        assert (await worker.get("/readyz"))[0] == 200
        assert await alerts_for(stage, 1, 1) == {"sns-topic-created"}
        (tmp_path / "rules" / "worse.yaml").unlink()
        (tmp_path / "rules" / "deleted.yaml").write_text(DELETE_TOPIC_RULE)
        await until_logged(worker, "rules exchanged")
        assert await worker.metric("trailstream_rules_refused") == 0
        assert await alerts_for(stage, 2, 2) == {"sns-topic-created", "topic-deleted"}


async def test_a_delivery_is_handled_to_its_end_with_the_rules_that_it_began_with(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    async with worker_with(stage, endpoint, tmp_path, rules="reload_seconds = 0") as worker:
        await stage.upload(KEY.format("slow"), await asyncio.to_thread(slow_log_of, 60))
        await worker.until(lambda: worker.metric("trailstream_in_flight_deliveries "))
        (tmp_path / "rules" / "rule.yaml").write_text(DELETE_TOPIC_RULE)
        worker.process.send_signal(signal.SIGHUP)
        await until_logged(worker, "rules exchanged")
        assert await worker.metric("trailstream_in_flight_deliveries ") == 1, "it was too fast to show anything"
        await stage.until_empty(seconds=60)
        assert rules_of(await stage.inbox(2, seconds=2)) == {"sns-topic-created"}
        assert await alerts_for(stage, 2, 1) == {"topic-deleted"}


async def test_rules_are_read_from_a_prefix_in_s3_and_again_when_it_changes(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    s3 = await aws.s3()
    await s3.create_bucket(Bucket="detections")
    await s3.put_object(Bucket="detections", Key="team/sns/rule.yaml", Body=CREATE_TOPIC_RULE.encode())
    await s3.put_object(Bucket="detections", Key="team/README.md", Body=b"# Ours")
    await s3.put_object(Bucket="detections", Key="team/.git/x.yaml", Body=b"colour: red\n")
    await s3.put_object(Bucket="detections", Key="team-b/broken.yaml", Body=BROKEN_RULE.encode())
    rules = 'directory = "s3://detections/team"\nreload_seconds = 0.2'
    async with worker_with(stage, endpoint, tmp_path, rules=rules) as worker:
        assert await alerts_for(stage, 1, 1) == {"sns-topic-created"}
        await s3.put_object(Bucket="detections", Key="team/deleted.yaml", Body=DELETE_TOPIC_RULE.encode())
        await until_logged(worker, "rules exchanged")
        assert await alerts_for(stage, 2, 2) == {"sns-topic-created", "topic-deleted"}
        await s3.put_object(Bucket="detections", Key="team/deleted.yaml", Body=BROKEN_RULE.encode())
        refused = await until_logged(worker, "rules refused")
        assert refused["problems"][0].startswith("deleted.yaml:3: ")
        await s3.delete_object(Bucket="detections", Key="team/deleted.yaml")
        await until_logged(worker, "rules exchanged", times=2)
        assert await alerts_for(stage, 3, 1) == {"sns-topic-created"}


async def test_a_prefix_that_cannot_be_read_keeps_the_worker_from_starting_and_says_why(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    port = free_port()
    for name, said in (("nowhere", "s3://nowhere/rules: cannot be read: "), (BUCKET, "holds no rule file")):
        extra = f'[rules]\ndirectory = "s3://{name}/rules"'
        async with running_worker(tmp_path, configuration(stage, endpoint, port, extra=extra), port=port) as worker:
            assert await asyncio.to_thread(worker.process.wait, 30) == 2
            assert said in worker.log
            assert "Traceback" not in worker.log
